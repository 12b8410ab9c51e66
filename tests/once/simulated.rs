//! **Once, in order** and **accounted**, with all faults together: a long life of a phone, with a
//! bad network, kills, power cuts, late arrivals and clocks that jump, drawn from a seed.
//! `JALON_SEED` and `JALON_STEPS` choose another one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jalon::{CallRequest, DropReason, Event, Response, SendError};
use serde_json::Value;

use crate::support::collector::{inflate, problem};
use crate::support::{Disk, Fault, Phone, Random};

/// How many earlier journals a power cut may bring back: the kernel writes files within 30 s.
const JOURNALS_KEPT: usize = 6;

struct Life {
    phone: Phone,
    random: Random,
    seed: u64,
    with_power_cuts: bool,
    /// The numbers recorded, in their order.
    recorded: Vec<u64>,
    /// What the phone says it recorded since the epoch began.
    counted: u64,
    next: u64,
    before: Vec<Disk>,
    left: Arc<Mutex<Left>>,
    /// Numbers that a power cut may have taken.
    at_risk: BTreeSet<u64>,
    cuts: u64,
}

/// What is known from the requests that left the device.
#[derive(Default)]
struct Left {
    /// The disk when the last one left: all of it is durable.
    durable: Option<Disk>,
    /// The numbers of all events in them.
    sent: BTreeSet<u64>,
    /// How many of the recorded numbers the store has drained.
    drained: usize,
    /// The same when the last request left.
    safe: usize,
}

/// The number an event carries.
fn number_of(event: &Value) -> u64 {
    let text = match event["type"].as_str().unwrap() {
        "call" => &event["call"]["topic"],
        "customer" => &event["customer"]["id"],
        _ => &event["screen"],
    };
    text.as_str().unwrap().parse().unwrap()
}

fn is_rejected(event: &Value) -> bool {
    event["type"] == "screen_view" && number_of(event).is_multiple_of(41)
}

fn is_poison(event: &Value) -> bool {
    event["type"] == "screen_view" && number_of(event).is_multiple_of(211)
}

impl Life {
    fn new(seed: u64, with_power_cuts: bool) -> Self {
        let mut phone = Phone::new();
        let left = Arc::new(Mutex::new(Left::default()));
        let (noted, folder) = (Arc::clone(&left), phone.folder());
        phone.network.watch(move |request| {
            let mut left = noted.lock().unwrap();
            left.durable = Some(Disk::of(&folder));
            left.safe = left.drained;
            if request.body.is_some() {
                let body = inflate(request);
                left.sent.extend(body["events"].as_array().unwrap().iter().map(number_of));
            }
        });
        phone.collector(|collector| {
            collector.leases = (1..100_000).map(|at| at * 2).collect();
            collector.reject = Some(|event| is_rejected(event).then_some("unknown_type"));
            collector.refuse = Some(|event| is_poison(event).then_some(422));
        });
        phone.open();
        Self {
            phone,
            random: Random::new(seed),
            seed,
            with_power_cuts,
            recorded: Vec::new(),
            counted: 0,
            next: 1,
            before: Vec::new(),
            left,
            at_risk: BTreeSet::new(),
            cuts: 0,
        }
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..35 => self.record(),
            35..40 => {
                let n = self.number();
                self.phone.journey().identify(n.to_string(), None);
                // The worker syncs a change of customer at once.
                self.phone.run_until_idle();
                let folder = self.phone.folder();
                self.left.lock().unwrap().durable = Some(Disk::of(&folder));
            }
            40..45 => {
                let about = self.number().to_string();
                let request = CallRequest::to("+33123456789").about(about);
                self.phone.journey().call_context(&request).unwrap();
            }
            45..65 => self.pass_time(),
            65..80 => {
                let fault = self.fault();
                self.phone.network.next_faults([fault]);
            }
            80..88 => self.phone.journey().upload_now(),
            88..92 => self.phone.network.release(),
            92..95 => drop(self.phone.restart()),
            95..98 => self.kill(),
            _ if self.with_power_cuts => self.cut_power(),
            _ => self.kill(),
        }
        self.phone.accounted(self.counted);
    }

    fn number(&mut self) -> u64 {
        let n = self.next;
        self.next += 1;
        self.recorded.push(n);
        self.counted += 1;
        n
    }

    fn record(&mut self) {
        for _ in 0..=self.random.below(40) {
            let screen = self.number().to_string();
            self.phone.journey().record(Event::ScreenView { screen });
        }
    }

    fn pass_time(&mut self) {
        if self.random.below(4) == 0 {
            // By years, forward or back: neither expiry nor sessions may rely on it.
            let years = self.random.below(9) as i64 + 1;
            let forward = self.random.below(2) == 0;
            let jump_ms = if forward { years } else { -years } * 31_536_000_000;
            self.phone.clock.change(|now| now.wall_ms += jump_ms);
        }
        let spans = [1, 400, 1_000, 5_000, 31_000, 600_000];
        let span_ms = spans[self.random.below(6) as usize];
        self.phone.clock.advance(span_ms);
        if span_ms >= 1_000 {
            self.left.lock().unwrap().drained = self.recorded.len();
        }
    }

    fn fault(&mut self) -> Fault {
        let answered = |status, retry_after_ms, body: &str| {
            Fault::Answered(Response { status, retry_after_ms, body: body.into() })
        };
        match self.random.below(14) {
            0 | 1 => Fault::LostRequest(SendError::Connect),
            2 | 3 => Fault::LostReply(SendError::Timeout),
            4 | 5 => Fault::Repeated,
            6 => Fault::Delayed,
            7 => Fault::Forgotten,
            8 => answered(429, Some(3_000), ""),
            9 => Fault::Answered(Response { retry_after_ms: Some(20_000), ..problem(503) }),
            10 => answered(302, None, ""),
            11 => answered(200, None, "<html>Welcome</html>"),
            12 => answered(500, None, ""),
            _ => Fault::Held,
        }
    }

    fn kill(&mut self) {
        self.phone.run_until_idle();
        let now = Disk::of(&self.phone.folder());
        self.phone.close();
        now.restore(&self.phone.folder());
        self.phone.open();
    }

    fn cut_power(&mut self) {
        self.phone.run_until_idle();
        let now = Disk::of(&self.phone.folder());
        self.phone.close();
        let mut left = self.left.lock().unwrap();
        let durable = left.durable.clone().unwrap();
        let survived = now.after_power_cut(&durable, &self.before, &mut self.random);
        survived.restore(&self.phone.folder());
        // What a restart has read is on the disk: nothing older comes back.
        self.before.clear();
        left.durable = Some(survived);
        let unsafe_from = self.recorded.iter().skip(left.safe);
        self.at_risk.extend(unsafe_from.filter(|n| !left.sent.contains(n)));
        drop(left);
        self.cuts += 1;
        self.phone.open();
        self.phone.run_until_idle();
        self.counted = self.phone.status().recorded;
    }

    fn live(&mut self, steps: u64) {
        for _ in 0..steps {
            self.before.push(Disk::of(&self.phone.folder()));
            if self.before.len() > JOURNALS_KEPT {
                self.before.remove(0);
            }
            self.step();
        }
    }

    /// Restores the network, lets everything arrive, and checks what did.
    fn end(&mut self) {
        self.phone.network.online();
        self.phone.network.release();
        self.phone.upload_all();
        let status = self.phone.accounted(self.counted);
        let seed = self.seed;
        let (arrived, collected) = self.phone.collector(|collector| {
            let journey: Vec<u64> = collector.journey(1).into_iter().map(number_of).collect();
            (journey, collector.events.len() as u64)
        });
        let wrong: Vec<_> = arrived.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
        assert!(wrong.is_empty(), "seed {seed}: twice or out of order: {wrong:?}");
        let arrived: BTreeSet<u64> = arrived.into_iter().collect();
        let missing: BTreeSet<u64> =
            self.recorded.iter().copied().filter(|n| !arrived.contains(n)).collect();
        let refused = |n: &u64| n.is_multiple_of(41) || n.is_multiple_of(211);
        let lost: Vec<&u64> =
            missing.iter().filter(|n| !self.at_risk.contains(n) && !refused(n)).collect();
        assert!(lost.is_empty(), "seed {seed}: lost {} from {:?} on", lost.len(), lost.first());
        assert_eq!(status.delivered, collected, "seed {seed}");
        if self.cuts == 0 {
            assert_eq!(status.dropped.get(DropReason::Rejected), missing.len() as u64);
            assert_eq!(status.dropped.total(), missing.len() as u64, "seed {seed}");
        }
        println!(
            "seed {seed}: {} recorded, {} delivered, {} refused or lost, {} power cuts, {} requests",
            self.recorded.len(),
            arrived.len(),
            missing.len(),
            self.cuts,
            self.phone.network.sent().len(),
        );
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn a_life_of_faults_and_kills_loses_nothing_and_duplicates_nothing() {
    for seed in number("JALON_SEED", 1)..number("JALON_SEED", 1) + 3 {
        let mut life = Life::new(seed, false);
        life.live(number("JALON_STEPS", 600));
        life.end();
    }
}

#[test]
fn a_life_with_power_cuts_loses_only_what_never_left_and_gives_no_seq_twice() {
    for seed in number("JALON_SEED", 1)..number("JALON_SEED", 1) + 6 {
        let mut life = Life::new(seed, true);
        life.live(number("JALON_STEPS", 600));
        life.end();
    }
}
