//! Time, waiting and randomness: the one place that asks the system for them.
//!
//! Everything else takes a [`Clock`], so that a test or a simulation can drive it. What a time
//! means (a session's end, an event's age) is not decided here, but where it matters.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A moment, by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The wall clock, in ms since the Unix epoch. People and networks set it: it jumps.
    pub wall_ms: i64,
    /// Time since the device started, in ms, including sleep. It never goes back while the process
    /// lives, and cannot be compared with another process's.
    pub elapsed_ms: u64,
}

/// A source of time and randomness, and a way to wait.
pub trait Clock: Send + Sync {
    /// Returns the current time. Cheap: no system call where the kernel maps its clock into the
    /// process.
    fn now(&self) -> Now;

    /// Returns the elapsed time alone, as in [`Now::elapsed_ms`]. Cheaper than [`now`](Self::now)
    /// where each clock is read on its own.
    fn elapsed_ms(&self) -> u64 {
        self.now().elapsed_ms
    }

    /// Fills `bits` with randomness fit for secrets.
    fn random(&self, bits: &mut [u8]);

    /// Blocks the calling thread until `bell` is rung or the elapsed clock reaches `until_ms`, if
    /// there is one. May return early.
    fn wait(&self, bell: &Bell, until_ms: Option<u64>);
}

/// Wakes one waiting thread from any other, without blocking the thread that rings.
///
/// A ring before the wait is kept, and several rings count as one. Clones are the same bell.
#[derive(Debug, Default, Clone)]
pub struct Bell(Arc<BellState>);

#[derive(Debug, Default)]
struct BellState {
    rung: AtomicBool,
    waiter: OnceLock<Thread>,
}

impl Bell {
    /// Makes a bell that nobody waits for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rings the bell. Costs at most one futex wake, and only if a thread sleeps.
    pub fn ring(&self) {
        if !self.0.rung.swap(true, Ordering::SeqCst)
            && let Some(waiter) = self.0.waiter.get()
        {
            waiter.unpark();
        }
    }

    /// Returns whether it was rung since the last [`take`](Self::take).
    pub fn is_rung(&self) -> bool {
        self.0.rung.load(Ordering::SeqCst)
    }

    /// Registers the calling thread as the one to wake (only the first caller ever is), and clears
    /// the ring. Returns whether there was one.
    pub fn take(&self) -> bool {
        self.0.waiter.get_or_init(thread::current);
        self.0.rung.swap(false, Ordering::SeqCst)
    }
}

/// The system's own clocks and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = clock_gettime(ClockId::Realtime);
        Now {
            wall_ms: wall.tv_sec * 1_000 + i64::from(wall.tv_nsec as i32) / 1_000_000,
            elapsed_ms: self.elapsed_ms(),
        }
    }

    fn elapsed_ms(&self) -> u64 {
        // CLOCK_BOOTTIME on Linux and Android, CLOCK_MONOTONIC on Apple: both count sleep.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let elapsed = clock_gettime(ClockId::Boottime);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let elapsed = clock_gettime(ClockId::Monotonic);
        elapsed.tv_sec as u64 * 1_000 + elapsed.tv_nsec as u64 / 1_000_000
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that draws randomness")]
    fn random(&self, bits: &mut [u8]) {
        if getrandom::fill(bits).is_err() {
            // No phone or server we know can fail here once it has started. If one does, the
            // collector refuses a token and an installation of zeros.
            bits.fill(0);
        }
    }

    fn wait(&self, bell: &Bell, until_ms: Option<u64>) {
        while !bell.take() {
            match until_ms {
                None => thread::park(),
                Some(until_ms) => {
                    let now_ms = self.now().elapsed_ms;
                    if now_ms >= until_ms {
                        return;
                    }
                    thread::park_timeout(Duration::from_millis(until_ms - now_ms));
                }
            }
        }
    }
}
