//! The library's log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ::log::{Level, LevelFilter, Log, Metadata, Record};

use super::child;

static LINES: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

struct Kept;

impl Log for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if record.target().starts_with("jalon") {
            lines().push((record.level(), record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

fn lines() -> MutexGuard<'static, Vec<(Level, String)>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the library logs in this process.
pub struct TestLog(());

impl TestLog {
    /// Runs `body` with an empty log, in a process of its own: a process has one log, and other
    /// tests would write to it.
    pub fn read_alone(test: impl Fn() + Copy, body: impl FnOnce(&Self)) {
        child::alone(test, || {
            ::log::set_logger(&Kept).unwrap();
            ::log::set_max_level(LevelFilter::Trace);
            body(&Self(()));
        });
    }

    /// The lines since the last call, at every level.
    #[allow(clippy::unused_self, reason = "only a test that is alone may read")]
    pub fn take(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut lines())
    }

    /// The warnings and errors since the last call.
    pub fn warnings(&self) -> Vec<String> {
        let grave = self.take().into_iter().filter(|(level, _)| *level <= Level::Warn);
        grave.map(|(_, line)| line).collect()
    }
}
