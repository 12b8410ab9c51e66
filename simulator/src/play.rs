//! Plays the steps of a run, and checks after each what must hold at any time.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use jalon::{CallRequest, CallScope, Consent, Event, Product, Status, Value};
use serde_json::{Value as Json, json};

use crate::later::Later;
use crate::network::Network;
use crate::plan::{Act, Step};
use crate::random::Random;
use crate::world::World;

const HOUR: u64 = 3_600_000;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The same for the same run.
    pub trace: u64,
    /// Calls that were tapped.
    pub calls: u64,
    /// Calls of which an agent saw a context.
    pub seen: u64,
}

/// Plays a run from its beginning to its end.
///
/// # Errors
/// The first invariant that does not hold, with the step at which it was found.
pub fn play(seed: u64, steps: &[Step]) -> Result<Outcome> {
    let mut world = World::new(seed)?;
    for (at, step) in steps.iter().enumerate() {
        world.random = Random::new(step.seed);
        for (index, phone) in world.phones.iter_mut().enumerate() {
            phone.may_lose_power = steps[at..].iter().any(|step| step.act.cuts(index as u8));
        }
        world
            .play(step.act)
            .and_then(|()| world.settle())
            .and_then(|()| world.check_always())
            .with_context(|| format!("step {at}, {:?}", step.act))?;
        let status: Vec<_> = world.phones.iter().map(|phone| phone.requests).collect();
        world.note(status.iter().sum());
    }
    world.end().context("at the end")?;
    Ok(Outcome { trace: world.trace, calls: world.tapped.len() as u64, seen: world.seen })
}

impl World {
    fn play(&mut self, act: Act) -> Result<()> {
        if let Some(phone) = act.opens() {
            self.start(phone)?;
        }
        match act {
            Act::Pass(ms) => return self.pass_time(ms),
            Act::Start(_) => {}
            Act::Close(phone) => self.phone(phone).close(),
            Act::Kill(phone) => return self.phone(phone).kill(),
            Act::PowerCut(phone) => {
                let mut random = self.random.clone();
                return self.phone(phone).cut_power(&mut random);
            }
            Act::Browse(phone, count) => self.browse(phone, count),
            Act::Flood(phone) => return self.flood(phone),
            Act::SignIn(phone, person) => return self.sign_in(phone, Some(person)),
            Act::SignOut(phone) => return self.sign_in(phone, None),
            Act::Grant(phone) => self.consent(phone, Consent::Granted),
            Act::Refuse(phone) => self.consent(phone, Consent::Denied),
            Act::Erase(phone) => self.erase(phone),
            Act::Call(phone, dialling) => return self.call(phone, dialling),
            Act::Preview(phone) => return self.preview(phone),
            Act::UploadNow(phone) => {
                if let Some(journey) = &self.phone(phone).journey {
                    journey.upload_now();
                }
            }
            Act::Network(phone, network) => {
                let phone = self.phone(phone);
                phone.network = network;
                phone.stale = [network == Network::HalfOpen; 2];
            }
            Act::Clock(phone, error_ms) => self.phone(phone).clock.set_error(error_ms),
            Act::Clone(from, to) => return self.clone_phone(from, to),
            Act::Downgrade(phone) => return self.downgrade(phone),
            Act::CallTwice(phone, other) => return self.call_twice(phone, other),
            Act::CallIdAgain(phone, dialling) => return self.call_id_again(phone, dialling),
            Act::LookAgain => return self.look_again(),
            Act::Transfer => return self.transfer(),
            Act::Idle(hours) => return self.idle(hours),
            Act::RestartCollector => return self.site.restart(),
            Act::BackUp => return self.back_up(),
            Act::Restore => return self.restore(),
            Act::CollectorClock(error_ms) => self.site.clock.set_error(error_ms),
        }
        Ok(())
    }

    fn phone(&mut self, phone: u8) -> &mut crate::phone::Phone {
        &mut self.phones[usize::from(phone)]
    }

    /// Long gaps find most apps killed by the system, and the rest asleep.
    fn pass_time(&mut self, ms: u64) -> Result<()> {
        if ms <= 2 * HOUR {
            return self.pass(ms, false);
        }
        self.pass(60_000, false)?;
        for phone in 0..self.phones.len() {
            match self.random.below(10) {
                0..6 => self.phones[phone].kill()?,
                6..8 => self.phones[phone].close(),
                _ => {}
            }
        }
        self.pass(ms - 60_000, true)?;
        self.site.expire()
    }

    fn start(&mut self, index: u8) -> Result<()> {
        let phone = self.phone(index);
        if phone.journey.is_some() {
            return Ok(());
        }
        phone.start()?;
        let (signed_in, was_cut) = (phone.signed_in, phone.was_cut);
        if phone.consent != Consent::Granted {
            // Without a grant nothing was kept, not even who it was.
            self.oracle.forget(index);
        }
        // Apps tell the SDK who is signed in at each start, or only at sign-in. After a power cut the
        // SDK may have forgotten, and only the app knows.
        if was_cut || self.random.percent(60) {
            self.identify(index, signed_in);
        }
        Ok(())
    }

    /// Records steps of 4 KiB, slowly enough for the journal.
    fn flood(&mut self, index: u8) -> Result<()> {
        let granted = self.phone(index).consent == Consent::Granted;
        for round in 0..10 {
            for _ in 0..15 {
                let name = format!("step-{}", self.oracle.step(index, self.now_ms(), granted));
                let value = |at: u32| (format!("{round}-{at}"), Value::Text("x".repeat(240)));
                let values = (0..16).map(value).collect();
                if let Some(journey) = &self.phone(index).journey {
                    journey.record(Event::Custom { name, values });
                }
            }
            self.settle()?;
        }
        Ok(())
    }

    fn browse(&mut self, index: u8, count: u16) {
        let granted = self.phone(index).consent == Consent::Granted;
        let now_ms = self.now_ms();
        for _ in 0..count {
            let event = if self.random.percent(40) {
                let which = self.random.below(3);
                Event::ScreenView { screen: self.oracle.screen(index, which) }
            } else {
                let name = format!("step-{}", self.oracle.step(index, now_ms, granted));
                Event::ProductView {
                    product: Product { id: name.clone(), name: Some(name), ..Product::default() },
                }
            };
            if let Some(journey) = &self.phone(index).journey {
                journey.record(event);
            }
        }
    }

    fn sign_in(&mut self, index: u8, person: Option<u8>) -> Result<()> {
        self.phone(index).signed_in = person;
        self.identify(index, person);
        // The worker syncs a change of customer at once.
        self.settle()?;
        self.phone(index).note_synced();
        Ok(())
    }

    fn identify(&mut self, index: u8, person: Option<u8>) {
        let phone = &self.phones[usize::from(index)];
        let Some(journey) = &phone.journey else { return };
        match person {
            Some(person) => journey.identify(format!("customer-{person}"), None),
            None => journey.clear_customer(),
        }
        // After a refusal nothing is kept about who it is.
        if phone.consent != Consent::Denied {
            match person {
                Some(person) => self.oracle.sign_in(index, person),
                None => self.oracle.sign_out(index),
            }
        }
    }

    fn consent(&mut self, index: u8, consent: Consent) {
        let phone = self.phone(index);
        let Some(journey) = &phone.journey else { return };
        let before = std::mem::replace(&mut phone.consent, consent);
        journey.set_consent(consent);
        let signed_in = phone.signed_in;
        if consent == Consent::Denied && before != Consent::Denied {
            self.oracle.refuse(index);
        }
        if consent == Consent::Granted && before != Consent::Granted && self.random.percent(50) {
            self.identify(index, signed_in);
        }
    }

    fn erase(&mut self, index: u8) {
        let phone = self.phone(index);
        let Some(journey) = &phone.journey else { return };
        journey.erase();
        let before = std::mem::replace(&mut phone.consent, Consent::Unknown);
        let signed_in = phone.signed_in;
        self.oracle.erase(index, before == Consent::Denied);
        if self.random.percent(50) {
            self.identify(index, signed_in);
        }
    }

    fn preview(&mut self, index: u8) -> Result<()> {
        let Some(journey) = self.phone(index).journey.clone() else { return Ok(()) };
        let preview = journey.preview(CallScope::Everything);
        let mut shown: Vec<Json> =
            preview.steps.iter().map(|step| json!([step.about, step.screen])).collect();
        shown.push(json!(preview.customer));
        let who = self.oracle.now(index);
        self.oracle.check(&Json::Array(shown), who).map_err(|shown| {
            anyhow!("the preview of phone {index}, {}, shows {shown}", self.oracle.describe(who))
        })
    }

    /// Somebody else's phone is set up from this one's files.
    fn clone_phone(&mut self, from: u8, to: u8) -> Result<()> {
        if from == to || self.phone(from).requests == 0 {
            return Ok(());
        }
        let disk = self.phone(from).disk();
        let consent = self.phone(from).consent;
        let copy = self.phone(to);
        copy.become_copy_of(&disk)?;
        copy.consent = consent;
        copy.signed_in = None;
        self.oracle.replace_files(from, to);
        Ok(())
    }

    /// The app is updated, runs once, and is rolled back.
    fn downgrade(&mut self, index: u8) -> Result<()> {
        self.settle()?;
        let phone = self.phone(index);
        if phone.consent != Consent::Granted {
            return Ok(());
        }
        let Some(journey) = phone.journey.clone() else { return Ok(()) };
        let mut random = self.random.clone();
        let later = Later::draw(&mut random);
        let phone = self.phone(index);
        phone.use_later_version(later, &mut random)?;
        if later.store || later.identity {
            // Counts begin anew with a store, and so with an installation.
            phone.dropped_before += journey.status().dropped.total();
        }
        if later.identity {
            self.oracle.lose_installation(index);
        }
        self.start(index)?;
        self.settle()?;
        self.phone(index).date_what_was_set_aside()
    }

    fn back_up(&mut self) -> Result<()> {
        let folder = self.backup_folder();
        self.backup = Some(self.now_ms());
        self.site.back_up(&folder)
    }

    fn restore(&mut self) -> Result<()> {
        if self.backup.is_none() {
            return Ok(());
        }
        self.lost_ms = Some(self.now_ms());
        let folder = self.backup_folder();
        self.site.restore(&folder)
    }

    /// What must hold after each step.
    fn check_always(&mut self) -> Result<()> {
        for (index, phone) in self.phones.iter().enumerate() {
            let Some(journey) = &phone.journey else { continue };
            let bytes = phone.disk_bytes();
            ensure!(
                bytes <= phone.quota_bytes(),
                "phone {index}: {bytes} bytes on disk, past its quota"
            );
            let status = journey.status();
            let Status { recorded, delivered, queued, dropped, .. } = status;
            ensure!(
                recorded == delivered + queued + dropped.total(),
                "phone {index} does not add up: {recorded} = {delivered} + {queued} + {}",
                dropped.total()
            );
            ensure!(
                status.consent == phone.consent,
                "phone {index}: the customer answered {:?}, and the journey says {:?}",
                phone.consent,
                status.consent
            );
            if phone.consent != Consent::Granted && phone.disk().holds("step-") {
                bail!("phone {index}: steps are on the disk without a grant");
            }
            if let Some(trouble) = status.storage_trouble {
                bail!("phone {index}: {trouble}");
            }
        }
        Ok(())
    }

    /// The scope and the topic do not matter here.
    pub(crate) fn request() -> CallRequest {
        CallRequest::to("+33123456789")
    }
}
