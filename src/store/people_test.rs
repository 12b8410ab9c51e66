//! Whose the events and the codes are, whatever is deleted meanwhile.

use super::*;

#[test]
fn whoever_deletes_a_change_of_customer_leaves_behind_who_it_was() {
    let customer = |id: &str| {
        let mut body = Vec::new();
        let entry = Entry::Customer { id: Some(id.to_owned()), proof: None };
        write_body(&mut body, &entry, &Stamp::default());
        String::from_utf8(body).unwrap()
    };
    let week = LIMITS.time_to_live_ms;
    let expire = |store: &mut Store| {
        store.expire(at(week + 2)).unwrap();
    };
    let refuse = |store: &mut Store| {
        for seq in 1..=2 {
            assert_eq!(batch(store, 1, usize::MAX), [seq]);
            store.drop_refused(at(0)).unwrap();
        }
    };
    let reject = |store: &mut Store| {
        assert_eq!(batch(store, 2, usize::MAX), [1, 2]);
        let said = r#"{"stored":0,"rejected":[{"seq":1},{"seq":2}]}"#;
        store.acknowledge_batch(&answer(said), &told(0), at(0)).unwrap();
    };
    let ways: [&dyn Fn(&mut Store); 3] = [&expire, &refuse, &reject];
    for delete in ways {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        drain(
            &mut store,
            vec![record(1, 1, Kind::Event, "{}"), record(1, 2, Kind::Customer, &customer("ben"))],
        );
        delete(&mut store);
        let later = vec![record(1, 3, Kind::Event, "{}")];
        store.drain(later, 0, &Dropped::default(), RUN, at(week + 2)).unwrap();
        let oldest = store.counts().unwrap().oldest_seq;
        assert_eq!(oldest, 3);
        let owner = store.change_before(oldest).unwrap().unwrap();
        assert_eq!((owner.seq, owner.told), (2, false));
        assert_eq!(owner.customer.identified().unwrap().id, "ben");
        drop(store);
        let store = open(dir.path());
        assert_eq!(store.change_before(oldest).unwrap(), Some(owner));
    }
}

#[test]
fn who_it_is_never_takes_the_number_of_a_later_change_in_the_next_installation() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut body = Vec::new();
    let ana = Entry::Customer { id: Some("ana".to_owned()), proof: None };
    write_body(&mut body, &ana, &Stamp::default());
    let ana = String::from_utf8(body).unwrap();
    drain(&mut store, vec![record(1, 1, Kind::Customer, &ana)]);
    batch(&mut store, 1, usize::MAX);
    store.acknowledge_batch(&answer(r#"{"stored":1}"#), &told(1), at(0)).unwrap();
    drop(store);
    let path = dir.path().join(FILE);
    let store = Store::open(&path, &[8; 16], 1, LIMITS, at(0)).unwrap();
    let owner = store.change_at(store.counts().unwrap().oldest_seq).unwrap().unwrap();
    assert_eq!((owner.seq, owner.customer.identified().unwrap().id.as_str()), (0, "ana"));
}

#[test]
fn where_records_are_missing_nobody_can_say_who_the_customer_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    drain(&mut store, events(1, 1..=3));
    assert_eq!(*store.customer(), Who::Nobody);
    drain(&mut store, events(1, 5..=6));
    assert_eq!(*store.customer(), Who::Unknown);
    assert_eq!(store.change_before(9).unwrap().unwrap().seq, 4);
    drop(store);
    assert_eq!(*open(dir.path()).customer(), Who::Unknown);
}

#[test]
fn a_change_that_no_event_tells_is_told_by_an_envelope_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    drain(&mut store, events(1, 1..=3));
    // Record 4 is lost: from event 4 on nobody can say who it is.
    drain(&mut store, events(1, 5..=6));
    assert_eq!(store.change_at(1).unwrap(), None);
    assert_eq!(batch(&mut store, 100, usize::MAX), [1, 2, 3], "and no further");
    let leased = r#"{"stored":3,"codes":[{"locator":"412907384","expires_in_s":600}]}"#;
    assert!(!store.acknowledge_batch(&answer(leased), &told(3), at(0)).unwrap());
    let owner = store.change_at(store.counts().unwrap().oldest_seq).unwrap().unwrap();
    assert_eq!((owner.seq, owner.customer), (4, Who::Unknown));
    assert_eq!(store.since(4).unwrap(), 4, "also for a call of that very number");
    assert_eq!(batch(&mut store, 100, usize::MAX), [4, 5]);
    assert!(store.acknowledge_batch(&answer(leased), &told(5), at(0)).unwrap());
}

#[test]
fn a_torn_or_damaged_journal_leaves_nobody_known() {
    for damages in [0, 1] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let mut note = record(2, 1, Kind::Dropped, "");
        note.body = vec![DropReason::Corrupt as u8];
        let records = if damages == 0 { vec![note] } else { events(2, 1..=1) };
        store.drain(records, damages, &Dropped::default(), RUN, at(0)).unwrap();
        assert_eq!(*store.customer(), Who::Unknown);
    }
}

#[test]
fn a_lease_dies_when_either_clock_says_so() {
    const DAY: u64 = 86_400_000;
    let leased = r#"{"stored":1,"codes":[{"locator":"412907384","expires_in_s":604800}]}"#;
    let given = Now { wall_ms: 1_000 * DAY as i64, elapsed_ms: 0 };
    let days = |by_age: u64, by_wall: i64| Now {
        wall_ms: given.wall_ms + by_wall * DAY as i64,
        elapsed_ms: by_age * DAY,
    };
    for (later, lives) in [
        (days(6, 6), true),
        (days(7, 0), false),
        (days(0, 7), false),
        (days(0, 4_000), false),
        (days(0, -1), true),
        (days(0, -2), false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let mut store = Store::open(&path, &OWNER, 1, LIMITS, given).unwrap();
        store.acknowledge_batch(&answer(leased), &told(0), given).unwrap();
        assert_eq!(store.leases(later).unwrap().len(), usize::from(lives), "{later:?}");
    }
}

#[test]
fn codes_are_renewed_daily_and_those_that_are_not_honoured_go() {
    const DAY: u64 = 86_400_000;
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let lease = |locator: &str| format!(r#"{{"locator":"{locator}","expires_in_s":604800}}"#);
    let leased = |codes: &[&str]| {
        let codes: Vec<String> = codes.iter().map(|code| lease(code)).collect();
        answer(&format!(r#"{{"stored":0,"codes":[{}]}}"#, codes.join(",")))
    };
    store.acknowledge_batch(&leased(&["000000002", "000000004"]), &told(0), at(0)).unwrap();
    assert!(!store.codes_are_stale(at(DAY)).unwrap());
    assert!(store.codes_are_stale(at(DAY + 1)).unwrap());
    // One is renewed, one is not honoured, one was used meanwhile, one is new.
    let asked = Told { codes: Some(vec![2, 4, 6]), ..told(0) };
    let renewed = leased(&["000000002", "000000006", "000000008"]);
    store.acknowledge_batch(&renewed, &asked, at(DAY + 1)).unwrap();
    let held: Vec<u32> =
        store.leases(at(7 * DAY + 1)).unwrap().iter().map(|lease| lease.locator).collect();
    assert_eq!(held, [2, 8]);
    // The collector doubts what it was told, until the next request names the codes.
    let doubts = answer(r#"{"stored":0,"codes_doubted":true}"#);
    store.acknowledge_batch(&doubts, &told(0), at(DAY + 2)).unwrap();
    assert!(store.codes_are_stale(at(DAY + 2)).unwrap());
    let asked = Told { codes: Some(vec![2, 8]), ..told(0) };
    store.acknowledge_batch(&leased(&["000000008"]), &asked, at(DAY + 3)).unwrap();
    assert!(!store.codes_are_stale(at(DAY + 3)).unwrap());
    assert_eq!(store.leases(at(DAY + 3)).unwrap().len(), 1);
}

#[test]
fn a_power_cut_brings_no_code_back_that_the_collector_has_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut syncs_by = |json: &str, named: Option<Vec<u32>>| {
        let syncs = |store: &Store| -> i64 {
            let query = "SELECT syncs FROM state";
            store.connection.query_row(query, [], |row| row.get(0)).unwrap()
        };
        let before = syncs(&store);
        let told = Told { codes: named, ..told(0) };
        store.acknowledge_batch(&answer(json), &told, at(0)).unwrap();
        syncs(&store) - before
    };
    let codes = |locators: &[u32]| {
        let code = |locator| format!(r#"{{"locator":"{locator:09}","expires_in_s":600}}"#);
        let codes: Vec<String> = locators.iter().map(code).collect();
        format!(r#"{{"stored":0,"codes":[{}]}}"#, codes.join(","))
    };
    assert_eq!(syncs_by(&codes(&[2, 4]), None), 0);
    assert_eq!(syncs_by(&codes(&[2, 4, 6]), Some(vec![2, 4])), 0);
    assert_eq!(syncs_by(&codes(&[2, 8]), Some(vec![2, 4, 6])), 1);
    assert_eq!(syncs_by(r#"{"stored":0,"codes_doubted":true}"#, None), 1);
}

#[test]
fn a_screen_has_the_number_that_the_collector_gave_it_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut told = |json: &str| {
        store.acknowledge_batch(&answer(json), &told(0), at(0)).unwrap();
        let mut screens = store.screens().unwrap();
        screens.sort();
        screens
    };
    let screens = |of: &[(&str, u16)]| -> Vec<(String, u16)> {
        of.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect()
    };
    let all = told(r#"{"stored":0,"screens":{"cart":6,"home":1,"pay":7}}"#);
    assert_eq!(all, screens(&[("cart", 6), ("home", 1), ("pay", 7)]));
    // A backup was restored. Numbers were given anew, of the other screens too.
    let anew = told(r#"{"stored":0,"screens":{"cart":2,"search":7}}"#);
    assert_eq!(anew, screens(&[("cart", 2), ("home", 1), ("search", 7)]));
    let doubted = told(r#"{"stored":0,"codes_doubted":true,"screens":{"cart":2}}"#);
    assert_eq!(doubted, screens(&[("cart", 2)]));
}

#[test]
fn leases_stay_from_nobody_to_somebody_and_go_with_any_other_change() {
    let customer = |id: Option<&str>| {
        let mut body = Vec::new();
        let entry = Entry::Customer { id: id.map(str::to_owned), proof: None };
        write_body(&mut body, &entry, &Stamp::default());
        String::from_utf8(body).unwrap()
    };
    let leased = r#"{"stored":1,"codes":[{"locator":"412907384","expires_in_s":600}]}"#;
    let changes = [
        (None, Some("a"), 1),
        (Some("a"), Some("a"), 1),
        (Some("a"), Some("b"), 0),
        (Some("a"), None, 0),
    ];
    for (before, after, left) in changes {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        drain(&mut store, vec![record(1, 1, Kind::Customer, &customer(before))]);
        batch(&mut store, 1, usize::MAX);
        assert!(store.acknowledge_batch(&answer(leased), &told(1), at(0)).unwrap());
        let added = drain(&mut store, vec![record(1, 2, Kind::Customer, &customer(after))]);
        assert_eq!(added.is_empty(), before == after, "the same again is no event");
        assert_eq!(store.leases(at(0)).unwrap().len(), left, "{before:?} to {after:?}");
        assert_eq!(store.customer().identified().map(|known| known.id.as_str()), after);
        // Codes leased before the collector knew of the change are not this customer's.
        let kept = store.acknowledge_call(&answer(leased), 2, &told(0), at(0)).unwrap();
        assert_eq!(kept, before == after);
        assert_eq!(store.leases(at(0)).unwrap().len(), left);
    }
}
