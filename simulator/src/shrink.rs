//! Makes a failing run short: takes steps away for as long as it still fails.

use std::fmt::Write as _;

use crate::plan::Step;

/// Returns the fewest steps found that still fail, given that `steps` do.
pub fn shrink(steps: &[Step], fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut left = steps.to_vec();
    // Whatever comes after the step that fails does not matter.
    let mut chunk = left.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < left.len() {
            let mut fewer = left.clone();
            fewer.drain(at..(at + chunk).min(left.len()));
            if fails(&fewer) {
                left = fewer;
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    left
}

/// Prints steps as a test.
pub fn as_test(seed: u64, steps: &[Step]) -> String {
    let mut text =
        String::from("#[test]\nfn a_name_that_says_what_must_hold() {\n    let steps = [\n");
    for Step { act, seed } in steps {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "        Step {{ act: Act::{act:?}, seed: {seed} }},");
    }
    text + &format!("    ];\n    play({seed}, &steps).unwrap();\n}}\n")
}
