//! Sessions, as a pure state machine: when one ends and the next begins.
//!
//! Within a process the elapsed clock decides: nobody can set it, and it counts sleep. Across
//! processes there is only the wall clock, and a step of it is believed only if it is forward and
//! at most a day. Storing the session is `journal`'s.

use crate::clock::Now;
use crate::config::{SESSION_TIMEOUT_MS, WALL_STEP_MAX_MS};

/// The time of a session's last event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Never,
    /// In this process, by the elapsed clock.
    Here(u64),
    /// In an earlier process, by the wall clock.
    Before(i64),
}

/// The session that the next event may continue; none by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Session {
    id: u32,
    last: Last,
}

impl Session {
    /// Returns the last session of an earlier process, given the wall clock of its last event.
    pub(crate) fn left(id: u32, last_wall_ms: i64) -> Self {
        Self { id, last: if id == 0 { Last::Never } else { Last::Before(last_wall_ms) } }
    }

    /// Returns the same session with its number counted on from `earlier`, the last number of
    /// sessions that could not be read when it began.
    pub(crate) fn after(self, earlier: u32) -> Self {
        Self { id: self.id.wrapping_add(earlier).max(1), ..self }
    }

    /// Returns its number, from 1 on; 0 before the first event.
    pub(crate) fn id(self) -> u32 {
        self.id
    }

    /// Returns the session that an event at `now` belongs to.
    pub(crate) fn on_event(self, now: Now) -> Self {
        let goes_on = match self.last {
            Last::Never => false,
            Last::Here(last_ms) => now.elapsed_ms.saturating_sub(last_ms) < SESSION_TIMEOUT_MS,
            Last::Before(last_ms) => {
                wall_step(last_ms, now.wall_ms).is_some_and(|step_ms| step_ms < SESSION_TIMEOUT_MS)
            }
        };
        let id = if goes_on { self.id } else { self.id.wrapping_add(1).max(1) };
        Self { id, last: Last::Here(now.elapsed_ms) }
    }
}

/// Returns the time between two readings of the wall clock in two processes, in ms; `None` if the
/// clock went back or jumped by more than a day, since then it says nothing about the time that
/// passed.
pub(crate) fn wall_step(before_ms: i64, now_ms: i64) -> Option<u64> {
    let step_ms = now_ms.checked_sub(before_ms)?;
    (0..=WALL_STEP_MAX_MS).contains(&step_ms).then_some(step_ms as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn at(wall_ms: i64, elapsed_ms: u64) -> Now {
        Now { wall_ms, elapsed_ms }
    }

    #[test]
    fn begins_with_the_first_event_and_rotates_after_half_an_hour_without_one() {
        let first = Session::default().on_event(at(0, 0));
        assert_eq!(first.id(), 1);
        let same = first.on_event(at(0, 30 * MINUTE - 1));
        assert_eq!(same.id(), 1);
        let next = same.on_event(at(0, 60 * MINUTE - 1));
        assert_eq!(next.id(), 2);
    }

    #[test]
    fn ignores_the_wall_clock_while_the_process_lives() {
        let first = Session::default().on_event(at(0, 0));
        for wall_ms in [i64::MIN, -1, i64::MAX] {
            assert_eq!(first.on_event(at(wall_ms, MINUTE)).id(), first.id());
        }
    }

    #[test]
    fn resumes_the_session_after_a_restart_within_the_timeout() {
        let left = Session::left(7, 1_000_000);
        assert_eq!(left.on_event(at(1_000_000 + 29 * 60_000, 5)).id(), 7);
        assert_eq!(left.on_event(at(1_000_000 + 30 * 60_000, 5)).id(), 8);
    }

    #[test]
    fn a_clock_that_went_back_or_jumped_across_a_restart_begins_a_new_session() {
        let left = Session::left(7, 1_000_000);
        for wall_ms in [999_999, i64::MIN, i64::MAX, 1_000_000 + WALL_STEP_MAX_MS + 1] {
            assert_eq!(left.on_event(at(wall_ms, 5)).id(), 8, "{wall_ms}");
        }
    }

    #[test]
    fn numbers_never_return_to_zero() {
        assert_eq!(Session::left(u32::MAX, 0).on_event(at(i64::MAX, 0)).id(), 1);
    }
}
