//! smoke
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod support;
use support::Phone;

#[test]
fn smoke() {
    let mut phone = Phone::running();
    phone.views(["home", "list", "product/{id}"]);
    let s = phone.accounted(3);
    assert_eq!(s.queued, 3);
    phone.upload_all();
    assert_eq!(phone.collector(|c| c.screens_seen()), ["home", "list", "product/{id}"]);
    phone.accounted(3);
    phone.restart();
    phone.views(["cart"]);
    phone.upload_all();
    assert_eq!(phone.collector(|c| c.screens_seen()).len(), 4);
    let s = phone.accounted(4);
    assert_eq!(s.session, 1);
    println!("{s:?}");
}
