//! A device's clocks: true time as the world knows it, shown by a wall clock that may be wrong and an
//! elapsed clock that begins anew with each start of the device.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jalon::clock::{Bell, Clock, Now};

use crate::random::Random;

/// The clock of one device.
pub(crate) struct SimClock {
    state: Mutex<State>,
    on_wait: Mutex<Option<OnWait>>,
}

type OnWait = Box<dyn Fn() + Send>;

struct State {
    true_ms: i64,
    wall_error_ms: i64,
    booted_ms: i64,
    random: Random,
}

impl SimClock {
    /// Makes a clock that is right.
    pub(crate) fn new(true_ms: i64, seed: u64) -> Self {
        let random = Random::new(seed);
        let state = State { true_ms, wall_error_ms: 0, booted_ms: true_ms - 1_000, random };
        Self { state: Mutex::new(state), on_wait: Mutex::default() }
    }

    /// Moves true time.
    pub(crate) fn set(&self, true_ms: i64) {
        self.state().true_ms = true_ms;
    }

    /// Sets how wrong the wall clock is.
    pub(crate) fn set_error(&self, wall_error_ms: i64) {
        self.state().wall_error_ms = wall_error_ms;
    }

    /// Starts the device anew.
    pub(crate) fn boot(&self) {
        let mut state = self.state();
        state.booted_ms = state.true_ms - 1_000;
    }

    /// Has `act` run while somebody waits on this clock: it must do what they wait for.
    pub(crate) fn while_waiting(&self, act: impl Fn() + Send + 'static) {
        *self.on_wait.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(act));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Now {
        let state = self.state();
        Now {
            wall_ms: state.true_ms + state.wall_error_ms,
            elapsed_ms: (state.true_ms - state.booted_ms) as u64,
        }
    }

    fn random(&self, bits: &mut [u8]) {
        self.state().random.fill(bits);
    }

    fn wait(&self, bell: &Bell, _until_ms: Option<u64>) {
        let act = self.on_wait.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(act) = act {
            act();
            *self.on_wait.lock().unwrap_or_else(PoisonError::into_inner) = Some(act);
        }
        bell.take();
    }
}
