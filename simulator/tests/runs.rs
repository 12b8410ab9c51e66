//! The simulator itself: a seed repeats its run, and a run that fails is made short.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use jalon_simulator::{Act, Dialling, Step, as_test, draw, play, shrink};

/// The variants of `Act`.
const ACTS: usize = 28;

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
fn two_calls_at_once_a_transfer_and_an_id_given_again_each_show_their_caller() {
    let call = [
        Act::Grant(0),
        Act::SignIn(0, 0),
        Act::Browse(0, 3),
        Act::Grant(1),
        Act::SignIn(1, 1),
        Act::Browse(1, 3),
        Act::Pass(60_000),
        Act::CallTwice(0, 0),
        Act::CallTwice(0, 1),
        Act::Transfer,
        Act::CallIdAgain(1, Dialling::Right),
        Act::Transfer,
    ];
    for seed in 1..10 {
        let steps = call.map(|act| Step { act, seed });
        let outcome = play(seed, &steps).unwrap();
        assert_eq!((outcome.calls, outcome.seen), (5, 5), "seed {seed}");
    }
}

#[test]
fn a_phone_goes_on_after_a_later_version_has_used_its_folder() {
    let acts = [
        Act::Grant(0),
        Act::SignIn(0, 0),
        Act::Browse(0, 3),
        Act::Downgrade(0),
        Act::SignIn(0, 1),
        Act::Browse(0, 3),
        Act::Pass(60_000),
        Act::Call(0, Dialling::Right),
        Act::Idle(3),
    ];
    for seed in 1..20 {
        let outcome = play(seed, &acts.map(|act| Step { act, seed })).unwrap();
        assert_eq!((outcome.calls, outcome.seen), (1, 1), "seed {seed}");
    }
}

#[test]
fn every_kind_of_step_is_drawn() {
    let kind = |step: &Step| format!("{:?}", step.act).split('(').next().map(str::to_owned);
    let drawn: BTreeSet<_> =
        (1..200).flat_map(|seed| draw(seed, 8)).filter_map(|step| kind(&step)).collect();
    assert_eq!(drawn.len(), ACTS, "{drawn:?}");
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
