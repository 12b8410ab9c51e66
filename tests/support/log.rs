//! The log, as a developer reads it.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use ::log::{Level, LevelFilter, Log, Metadata, Record};

static LINES: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());
/// A process has one log: the tests that read it take turns.
static TURN: Mutex<()> = Mutex::new(());

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

/// A test's turn at the log.
pub struct LogTurn(#[allow(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl LogTurn {
    /// Takes the turn, with an empty log.
    pub fn begin() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            ::log::set_logger(&Kept).unwrap();
            ::log::set_max_level(LevelFilter::Trace);
        });
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        lines().clear();
        Self(turn)
    }

    /// The lines since the last call, at every level.
    #[allow(clippy::unused_self, reason = "whoever has the turn may read")]
    pub fn take(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut lines())
    }

    /// The warnings and errors since the last call.
    pub fn warnings(&self) -> Vec<String> {
        let grave = self.take().into_iter().filter(|(level, _)| *level <= Level::Warn);
        grave.map(|(_, line)| line).collect()
    }
}
