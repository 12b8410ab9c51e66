//! The journey as an agent reads it: newest first, repeats as one row, visit by visit.
//!
//! Takes the steps as stored, oldest first. Leaves out only screen views that the next step says
//! better.

use crate::view::Step;
use crate::words::{self, Moment};

/// A pause this long begins another visit: the SDK's own inactivity timeout.
const VISIT_GAP_MS: i64 = 30 * 60 * 1000;

/// Rows shown at the first click; older rows take a second one.
const RECENT_ROWS: usize = 25;

/// The journey, split into the rows of the first click and those of the second.
#[derive(Debug, Default)]
pub(crate) struct Journey {
    pub(crate) recent: Vec<Visit>,
    pub(crate) earlier: Vec<Visit>,
    /// Rows in all.
    pub(crate) rows: usize,
    /// Rows in `earlier`.
    pub(crate) earlier_rows: usize,
}

/// Rows without a long pause between them, newest first.
#[derive(Debug)]
pub(crate) struct Visit {
    /// The visit's identity for the script. It stays the same while the visit grows.
    pub(crate) key: String,
    /// Whether the call was made from it.
    pub(crate) this: bool,
    /// When its newest row was.
    pub(crate) ended: Moment,
    pub(crate) rows: Vec<Row>,
}

/// One step, or the same step several times in a row.
#[derive(Debug)]
pub(crate) struct Row {
    /// The row's identity for the script. It stays the same while the step is repeated.
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) times: usize,
    /// When it last happened.
    pub(crate) at: Moment,
}

impl Row {
    /// The row as one spoken sentence.
    pub(crate) fn sentence(&self) -> String {
        match self.times {
            1 => self.text.clone(),
            times => format!("{}, {times} times", self.text),
        }
    }
}

/// A row before it is put into words for the page.
struct Run<'a> {
    first: &'a Step,
    last: &'a Step,
    text: String,
    times: usize,
}

impl Journey {
    /// `call_ms` is when the customer tapped, or now while that is unknown.
    pub(crate) fn new(steps: &[Step], call_ms: i64, now_ms: i64) -> Self {
        let mut visits: Vec<Visit> = Vec::new();
        let runs = collapse(steps);
        let rows = runs.len();
        let mut newer_at: Option<i64> = None;
        for run in runs.iter().rev() {
            let begins =
                newer_at.is_none_or(|newer| newer.saturating_sub(run.last.at) > VISIT_GAP_MS);
            newer_at = Some(run.first.at);
            if begins {
                visits.push(Visit {
                    key: String::new(),
                    this: visits.is_empty() && call_ms.saturating_sub(run.last.at) <= VISIT_GAP_MS,
                    ended: Moment::new(run.last.at, now_ms),
                    rows: Vec::new(),
                });
            }
            if let Some(visit) = visits.last_mut() {
                visit.rows.push(run.row(now_ms));
                visit.key = format!("v{}-{}", run.first.seq, run.first.at);
            }
        }
        let (recent, earlier) = split(visits);
        let earlier_rows = earlier.iter().map(|visit| visit.rows.len()).sum();
        Self { recent, earlier, rows, earlier_rows }
    }

    /// The newest row.
    pub(crate) fn newest(&self) -> Option<&Row> {
        self.recent.first()?.rows.first()
    }
}

impl Run<'_> {
    fn row(&self, now_ms: i64) -> Row {
        Row {
            key: format!("s{}-{}", self.first.seq, self.first.at),
            kind: self.last.kind.clone(),
            text: self.text.clone(),
            times: self.times,
            at: Moment::new(self.last.at, now_ms),
        }
    }
}

/// Joins equal steps that follow each other within a visit.
fn collapse(steps: &[Step]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        if steps.get(place + 1).is_some_and(|next| says_it_better(step, next)) {
            continue;
        }
        let text = text(step);
        if let Some(run) = runs.last_mut()
            && run.last.kind == step.kind
            && run.text == text
            && step.at.saturating_sub(run.last.at) <= VISIT_GAP_MS
        {
            run.last = step;
            run.times += 1;
        } else {
            runs.push(Run { first: step, last: step, text, times: 1 });
        }
    }
    runs
}

/// Whether `next` is the product on the screen that `step` opened: one action of the customer, which an
/// app records as two events.
fn says_it_better(step: &Step, next: &Step) -> bool {
    step.kind == "screen_view"
        && next.kind == "product_view"
        && step.screen == next.screen
        && next.at.saturating_sub(step.at) <= VISIT_GAP_MS
}

fn text(step: &Step) -> String {
    words::non_blank(Some(&step.text)).map_or_else(|| words::plain(&step.kind), str::to_owned)
}

/// Splits after [`RECENT_ROWS`] rows. A visit across the split is in both halves.
fn split(visits: Vec<Visit>) -> (Vec<Visit>, Vec<Visit>) {
    let (mut recent, mut earlier) = (Vec::new(), Vec::new());
    let mut room = RECENT_ROWS;
    for mut visit in visits {
        if room == 0 {
            earlier.push(visit);
            continue;
        }
        if visit.rows.len() > room {
            let rest = visit.rows.split_off(room);
            let ended = rest.first().map_or_else(|| visit.ended.clone(), |row| row.at.clone());
            earlier.push(Visit { key: visit.key.clone(), this: visit.this, ended, rows: rest });
        }
        room -= visit.rows.len();
        recent.push(visit);
    }
    (recent, earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn step(minute: i64, kind: &str, text: &str) -> Step {
        Step {
            seq: minute as u64,
            at: minute * MINUTE_MS,
            kind: kind.to_owned(),
            screen: Some("product/{id}".to_owned()),
            text: text.to_owned(),
            product: None,
        }
    }

    fn view(minute: i64, name: &str) -> Step {
        step(minute, "product_view", &format!("I looked at {name}"))
    }

    /// Each visit as its rows, newest first, "×n" after a row that stands for n.
    fn read(visits: &[Visit]) -> Vec<Vec<String>> {
        let row = |row: &Row| match row.times {
            1 => row.text.clone(),
            times => format!("{} ×{times}", row.text),
        };
        visits.iter().map(|visit| visit.rows.iter().map(row).collect()).collect()
    }

    #[test]
    fn repeats_are_one_row() {
        let steps = [view(1, "a phone"), view(2, "a phone"), view(3, "a phone"), view(4, "a case")];
        let journey = Journey::new(&steps, 0, 0);
        assert_eq!(read(&journey.recent), [["I looked at a case", "I looked at a phone ×3"]]);
        assert_eq!(journey.rows, 2);
        assert_eq!(journey.newest().map(Row::sentence).as_deref(), Some("I looked at a case"));
    }

    #[test]
    fn what_is_repeated_later_is_a_row_of_its_own() {
        let steps = [view(1, "a phone"), view(2, "a case"), view(3, "a phone")];
        let journey = Journey::new(&steps, 0, 0);
        assert_eq!(journey.rows, 3);
    }

    #[test]
    fn a_screen_and_its_product_are_one_act() {
        let open = |minute| step(minute, "screen_view", "I opened Product page");
        let steps = [open(1), view(1, "a phone"), open(2), view(2, "a phone"), open(3)];
        let journey = Journey::new(&steps, 0, 0);
        assert_eq!(read(&journey.recent), [["I opened Product page", "I looked at a phone ×2"]]);
    }

    #[test]
    fn a_long_pause_begins_another_visit() {
        let steps = [view(1, "a phone"), view(40, "a phone"), view(41, "a case")];
        let journey = Journey::new(&steps, 42 * MINUTE_MS, 42 * MINUTE_MS);
        assert_eq!(
            read(&journey.recent),
            [vec!["I looked at a case", "I looked at a phone"], vec!["I looked at a phone"]]
        );
        assert!(journey.recent[0].this && !journey.recent[1].this);
    }

    #[test]
    fn a_call_long_after_the_last_step_is_another_visit() {
        let journey = Journey::new(&[view(1, "a phone")], 100 * MINUTE_MS, 100 * MINUTE_MS);
        assert!(!journey.recent[0].this);
    }

    #[test]
    fn rows_keep_their_key_while_they_are_repeated_and_joined_by_newer_ones() {
        let before = Journey::new(&[view(1, "a phone")], 0, 0);
        let steps = [view(1, "a phone"), view(2, "a phone"), view(3, "a case")];
        let after = Journey::new(&steps, 0, 0);
        assert_eq!(before.recent[0].rows[0].key, after.recent[0].rows[1].key);
        assert_eq!(before.recent[0].key, after.recent[0].key);
    }

    #[test]
    fn old_rows_wait_behind_a_second_click() {
        let steps: Vec<Step> = (0..200).map(|n| view(n, &n.to_string())).collect();
        let journey = Journey::new(&steps, 0, 0);
        assert_eq!((journey.rows, journey.earlier_rows), (200, 200 - RECENT_ROWS));
        assert_eq!(journey.recent[0].rows.len(), RECENT_ROWS);
        assert_eq!(journey.earlier[0].rows[0].text, "I looked at 174");
    }

    #[test]
    fn a_step_without_words_is_named_by_its_kind() {
        let journey = Journey::new(&[step(1, "cart_change", " ")], 0, 0);
        assert_eq!(read(&journey.recent), [["Cart change"]]);
    }
}
