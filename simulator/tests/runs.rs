//! The simulator itself: a seed repeats its run, and a run that fails is made short.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jalon_simulator::{Act, Dialling, Step, as_test, draw, play, shrink};

#[test]
fn the_same_seed_comes_to_the_same() {
    for seed in 1..20 {
        let steps = draw(seed, 8);
        assert_eq!(steps, draw(seed, 8));
        assert_eq!(play(seed, &steps).unwrap(), play(seed, &steps).unwrap(), "seed {seed}");
    }
}

#[test]
fn calls_are_tapped_and_agents_see_them() {
    let call = [
        Act::Grant(0),
        Act::Browse(0, 3),
        Act::Pass(60_000),
        Act::Call(0, Dialling::Right),
        Act::LookAgain,
        Act::Call(0, Dialling::Sip),
    ];
    let steps = call.map(|act| Step { act, seed: 1 });
    let outcome = play(1, &steps).unwrap();
    assert_eq!((outcome.calls, outcome.seen), (2, 2));
}

#[test]
fn a_failing_run_is_made_as_short_as_it_can_be() {
    let steps = draw(3, 8);
    let needed = [steps[4], steps[steps.len() - 2]];
    let short = shrink(&steps, |fewer| needed.iter().all(|step| fewer.contains(step)));
    assert_eq!(short, needed);
    let printed = as_test(3, &short);
    assert!(printed.contains("#[test]") && printed.contains(&short[0].seed.to_string()));
}
