//! A clock that stands still until a test moves it, and knows when the worker is idle and which
//! callers wait.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex};
use std::thread::{self, Thread, ThreadId};

use jalon::clock::{Bell, Clock, Now};

/// The wall clock that every test starts at: 2026-11-22T12:00:00Z.
pub const START_WALL_MS: i64 = 1_795_348_800_000;

pub struct TestClock {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    now: Now,
    random: u64,
    /// Workers that a test has started and not closed.
    workers: usize,
    waiting: HashMap<ThreadId, (Bell, Option<u64>, Thread)>,
    /// How often a worker slept and was woken.
    wakes: u64,
}

impl TestClock {
    pub fn new() -> Self {
        let now = Now { wall_ms: START_WALL_MS, elapsed_ms: 1_000_000 };
        let state = State {
            now,
            random: 0x9E37_79B9_7F4A_7C15,
            workers: 0,
            waiting: HashMap::new(),
            wakes: 0,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Moves both clocks forward, and waits until the worker has done what became due.
    pub fn advance(&self, ms: u64) {
        self.change(|now| {
            now.elapsed_ms += ms;
            now.wall_ms += ms as i64;
        });
        self.run_until_idle();
    }

    /// Changes the clocks in any way, as a phone's can.
    pub fn change(&self, change: impl FnOnce(&mut Now)) {
        let mut state = self.state.lock().unwrap();
        change(&mut state.now);
        for (_, _, thread) in state.waiting.values() {
            thread.unpark();
        }
    }

    /// The time by the elapsed clock.
    pub fn elapsed_ms(&self) -> u64 {
        self.state.lock().unwrap().now.elapsed_ms
    }

    pub fn worker_started(&self) {
        self.state.lock().unwrap().workers += 1;
    }

    pub fn worker_ended(&self) {
        self.state.lock().unwrap().workers -= 1;
    }

    /// Waits until every worker has done all that is due at this moment.
    pub fn run_until_idle(&self) {
        let mut state = self.state.lock().unwrap();
        while !state.is_idle() {
            state = self.changed.wait(state).unwrap();
        }
    }

    /// Waits until that many of the app's own threads wait for the worker.
    pub fn callers_wait(&self, count: usize) {
        let mut state = self.state.lock().unwrap();
        while state.waiting.values().filter(|(_, _, thread)| !is_worker(thread)).count() < count {
            state = self.changed.wait(state).unwrap();
        }
    }

    /// Moves both clocks forward by `ms`, with a stop at each moment at which a worker wants to wake.
    pub fn pass(&self, ms: u64) {
        let end_ms = self.elapsed_ms() + ms;
        self.run_until_idle();
        while let Some(next_ms) = self.next_wake_ms().filter(|next_ms| *next_ms < end_ms) {
            self.advance(next_ms.saturating_sub(self.elapsed_ms()));
        }
        self.advance(end_ms - self.elapsed_ms());
    }

    /// How often a worker has slept and was woken.
    pub fn wakes(&self) -> u64 {
        self.state.lock().unwrap().wakes
    }

    /// The earliest moment at which a worker wants to wake, by the elapsed clock.
    pub fn next_wake_ms(&self) -> Option<u64> {
        let state = self.state.lock().unwrap();
        let workers = state.waiting.values().filter(|(_, _, thread)| is_worker(thread));
        workers.filter_map(|(_, until, _)| *until).min()
    }
}

impl State {
    fn is_idle(&self) -> bool {
        let now_ms = self.now.elapsed_ms;
        self.waiting.values().filter(|(_, _, thread)| is_worker(thread)).count() >= self.workers
            && self
                .waiting
                .values()
                .all(|(bell, until, _)| !bell.is_rung() && until.is_none_or(|at| at > now_ms))
    }
}

fn is_worker(thread: &Thread) -> bool {
    thread.name() == Some("jalon")
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        self.state.lock().unwrap().now
    }

    /// SplitMix64: the same sequence in every run of a test.
    fn random(&self, bits: &mut [u8]) {
        let mut state = self.state.lock().unwrap();
        for chunk in bits.chunks_mut(8) {
            state.random = state.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state.random;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let bytes = (z ^ (z >> 31)).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn wait(&self, bell: &Bell, until_ms: Option<u64>) {
        let me = thread::current();
        loop {
            {
                let mut state = self.state.lock().unwrap();
                let due = until_ms.is_some_and(|at| state.now.elapsed_ms >= at);
                if bell.take() || due {
                    let slept = state.waiting.remove(&me.id()).is_some();
                    state.wakes += u64::from(slept && is_worker(&me));
                    self.changed.notify_all();
                    return;
                }
                state.waiting.insert(me.id(), (bell.clone(), until_ms, me.clone()));
                self.changed.notify_all();
            }
            thread::park();
        }
    }
}
