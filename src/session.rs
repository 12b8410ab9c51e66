//! Sessions, as a pure state machine: when one ends and the next begins.
//!
//! Within a process the elapsed clock decides: nobody can set it, and it counts sleep. Across
//! processes there is only the wall clock. Storing the session is `journal`'s.

use crate::clock::Now;
use crate::config::{SESSION_LENGTH_MAX_MS, SESSION_TIMEOUT_MS, WALL_STEP_MAX_MS};

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
    /// When it began, or was first heard of in this process, by the elapsed clock.
    since_ms: Option<u64>,
}

impl Session {
    /// Returns the last session of an earlier process, given the wall clock of its last event.
    pub(crate) fn left(id: u32, last_wall_ms: i64) -> Self {
        let last = if id == 0 { Last::Never } else { Last::Before(last_wall_ms) };
        Self { id, last, since_ms: None }
    }

    /// Returns the same session with its number counted on from `earlier`, the last number of
    /// sessions that could not be read when it began.
    pub(crate) fn after(self, earlier: u32) -> Self {
        Self { id: self.id.wrapping_add(earlier).max(1), ..self }
    }

    /// Returns the same session, ended: the next event begins another.
    pub(crate) fn ended(self) -> Self {
        Self { last: Last::Never, ..self }
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
                (0..SESSION_TIMEOUT_MS as i64).contains(&now.wall_ms.saturating_sub(last_ms))
            }
        };
        let since_ms = self.since_ms.filter(|_| goes_on).unwrap_or(now.elapsed_ms);
        let last = Last::Here(now.elapsed_ms);
        if goes_on && now.elapsed_ms.saturating_sub(since_ms) < SESSION_LENGTH_MAX_MS {
            Self { last, since_ms: Some(since_ms), ..self }
        } else {
            let id = self.id.wrapping_add(1).max(1);
            Self { id, last, since_ms: Some(now.elapsed_ms) }
        }
    }
}

/// Returns the time that passed between two readings of the wall clock in two processes, in ms, as far
/// as they can say. A clock that went back says nothing. People leave an app for weeks, and clocks
/// that are wrong are wrong by years: a step of more than sixty days says nothing either.
pub(crate) fn wall_step(before_ms: i64, now_ms: i64) -> u64 {
    let step_ms = now_ms.saturating_sub(before_ms);
    if (0..=WALL_STEP_MAX_MS).contains(&step_ms) { step_ms as u64 } else { 0 }
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
    fn a_visit_ends_after_a_day_however_busy_it_is() {
        let first = Session::default().on_event(at(0, 0));
        let mut session = first;
        for minutes in (0..24 * 60).step_by(20) {
            session = session.on_event(at(0, minutes * MINUTE));
            assert_eq!(session.id(), first.id());
        }
        assert_eq!(session.on_event(at(0, 24 * 60 * MINUTE)).id(), 2);
    }

    #[test]
    fn an_ended_session_goes_on_with_nothing() {
        let first = Session::default().on_event(at(0, 0)).ended();
        assert_eq!(first.on_event(at(0, 1)).id(), 2);
    }

    #[test]
    fn weeks_between_two_processes_are_time_that_passed_and_years_say_nothing() {
        const DAY: i64 = 86_400_000;
        assert_eq!(wall_step(5, 5 + 10 * DAY), 10 * DAY as u64);
        assert_eq!(wall_step(5, 4), 0);
        assert_eq!(wall_step(0, 365 * DAY), 0);
        assert_eq!(wall_step(i64::MIN, i64::MAX), 0);
        assert_eq!(wall_step(i64::MAX, i64::MIN), 0);
    }

    #[test]
    fn numbers_never_return_to_zero() {
        assert_eq!(Session::left(u32::MAX, 0).on_event(at(i64::MAX, 0)).id(), 1);
    }
}
