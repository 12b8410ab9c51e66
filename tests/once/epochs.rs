//! An answer speaks of the store that it was sent for: in another one, the same numbers are other events.

use crate::support::{Fault, Phone};

#[test]
fn an_answer_to_an_old_epoch_changes_nothing_in_the_new_one() {
    let phone = Phone::running();
    phone.views(["first"]);
    phone.upload_all();
    phone.collector(|collector| collector.leases = (1..=20).map(|at| at * 2).collect());
    // A batch is under way while the store is damaged, and replaced.
    phone.network.next_faults([Fault::Held]);
    phone.views((0..30).map(|at| format!("old-{at}")));
    phone.clock.advance(1_000);
    assert_eq!(phone.network.held(), 1);
    let other = rusqlite::Connection::open(phone.folder().join("journey.db")).unwrap();
    other
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = 99999 WHERE name IN ('events', 'state');
             PRAGMA schema_version = 77;",
        )
        .unwrap();
    drop(other);
    phone.views((0..30).map(|at| format!("new-{at}")));
    for _ in 0..20 {
        phone.clock.advance(30_000);
    }
    assert!(phone.folder().join("set-aside.db").exists(), "a new epoch began");
    let before = phone.status();
    phone.network.release();
    phone.run_until_idle();
    let after = phone.status();
    assert_eq!((after.delivered, after.queued), (before.delivered, before.queued));
    assert_eq!(after.codes, 0, "its codes were leased to whoever used the phone in the old epoch");
    phone.upload_all();
    let seen = phone.collector(|collector| {
        let of_new = collector.journey(2).len();
        assert_eq!(collector.conflicts, []);
        of_new
    });
    assert!(seen >= 30, "{seen}");
}
