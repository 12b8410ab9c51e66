//! The call: its snapshot overtakes the backlog, the desk shows it first, and the rest follows.
//!
//! The real core and the real collector, over a link of 256 kbit/s whose time the test drives.

use jalon::CallRequest;

use crate::scene::{STEP_MS, Scene};

#[test]
fn the_snapshot_overtakes_ten_thousand_events_on_a_slow_link_and_the_rest_follows() {
    let scene = Scene::open();
    assert!(scene.journey().status().codes >= 3, "codes were leased while online");
    scene.journey().identify("c-42", None);
    for number in 0..10_000 {
        scene.view(&format!("product/{number}"));
        if number % 500 == 499 {
            // The worker keeps up; the link does not.
            scene.pass(STEP_MS);
        }
    }
    scene.view("payment");
    scene.pass(1_000);
    let behind = scene.journey().status().queued;
    assert!(behind > 9_000, "{behind} events queued");

    let call = scene.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    let code = call.code.unwrap().to_string();
    let confirmed = || {
        let context = scene.link.collector.resolve(&code);
        context["call"]["confirmed"] == true
    };
    let shown_ms = scene.pass_until(10_000, confirmed);
    assert!(shown_ms < 2_000, "the desk showed the call after {shown_ms} ms");

    let context = scene.link.collector.resolve(&code);
    assert_eq!(context["last_screen"]["name"], "payment");
    assert_eq!(context["customer"]["id"], "c-42");
    assert_eq!(context["freshness"]["state"], "pending");
    let pending = context["freshness"]["pending"].as_u64().unwrap();
    assert!(pending > 9_000, "{pending} steps pending while the desk shows the last one");
    let desk = scene.link.collector.desk(&context);
    assert!(desk.contains("Paying") && desk.contains("c-42") && desk.contains("pending"));

    let follow_ms = scene.pass_until(600_000, || scene.journey().status().queued == 0);
    assert!(follow_ms > 5 * shown_ms, "the backlog took {follow_ms} ms, the call {shown_ms} ms");
    let context = scene.link.collector.resolve(&code);
    assert_eq!(context["freshness"]["pending"], 0);
    assert_eq!(context["freshness"]["missing"], 0);
    assert_eq!(context["steps"].as_array().unwrap().len(), 200);
}
