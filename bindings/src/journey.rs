//! The journey as both languages see it: one that always opens, and whose calls never fail an app.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jalon::CallRequest;

use crate::config::Config;
use crate::logging;
use crate::registry::OpenOnce;
use crate::types::{CallContext, CallScope, Consent, Event, JourneyError, Preview, Status};

/// The journeys that are open in this process.
static JOURNEYS: OpenOnce<Journey> = OpenOnce::new();

/// As the core says it where the system tells.
const LOCKED: &str =
    "the device was not unlocked since it started: events wait in memory until it is";

/// A customer's journey through an app: the ordered events, kept on the device and brought to the
/// collector.
///
/// Every method may be called from any thread, also after `close`. Recording never fails and never
/// blocks on disk or network beyond one append to the journal; what could not be kept is counted
/// in the status. What `record` took survives a kill of the process at any later instant.
#[derive(uniffi::Object)]
pub struct Journey {
    folder: PathBuf,
    /// The core's; else why there is none.
    inner: Result<jalon::Journey, String>,
    /// The device was not unlocked when the journey was opened, and its storage not reached since.
    locked: AtomicBool,
}

#[uniffi::export]
impl Journey {
    /// Opens the journey in `config.folder`; the same one if this process has it open already.
    ///
    /// Never fails: a journey that cannot be opened records nothing, its status says why, and so
    /// does one line in the log. Reads a few small files, opens no database, and touches no network.
    #[uniffi::constructor]
    pub fn open(config: Config) -> Arc<Self> {
        logging::start(config.log_level);
        let folder = PathBuf::from(&config.folder);
        let locked = AtomicBool::new(config.locked);
        let open = || {
            let opened = catch_unwind(AssertUnwindSafe(|| jalon::Journey::open(config.into())));
            let inner = match opened {
                Ok(Ok(journey)) => Ok(journey),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("opening panicked: please report it".to_owned()),
            };
            if let Err(problem) = &inner {
                log::error!("nothing is recorded: {problem}");
            }
            Self { folder: folder.clone(), inner, locked }
        };
        JOURNEYS.get_or_open(&folder, open, |journey| journey.inner.is_ok())
    }

    /// Records what the customer did or saw.
    pub fn record(&self, event: Event) {
        self.with((), |journey| journey.record(event));
    }

    /// Says who the customer is from here on. `proof` is a short JWT from the app's backend: only a
    /// customer who has one shows as verified on the desk. Best with `proof_nonce` in it, since one
    /// without is accepted from any phone. The same again changes nothing.
    pub fn identify(&self, customer: String, proof: Option<String>) {
        self.with((), |journey| journey.identify(customer, proof));
    }

    /// What the app's backend puts into a proof as its `nonce`, so that the proof is of no use on any
    /// other phone: 22 characters, the same for as long as this installation lives. `None` without
    /// the customer's consent. Reads memory; may wait while a small file is synced.
    pub fn proof_nonce(&self) -> Option<String> {
        self.with(None, jalon::Journey::proof_nonce)
    }

    /// Says that nobody is known from here on, such as after a logout.
    pub fn clear_customer(&self) {
        self.with((), jalon::Journey::clear_customer);
    }

    /// Takes the customer's answer. `Granted` keeps what waited in memory; `Denied` deletes
    /// everything on the device. A grant and a refusal are remembered over a restart.
    pub fn set_consent(&self, consent: Consent) {
        self.with((), |journey| journey.set_consent(consent));
    }

    /// Takes the customer's answer about the location, which nobody has given at first.
    pub fn allow_location(&self, allowed: bool) {
        self.with((), |journey| journey.allow_location(allowed));
    }

    /// Records where the customer is, in degrees, rounded to 0.01 (about a kilometre). Dropped
    /// unless the location was allowed.
    pub fn set_location(&self, latitude: f64, longitude: f64) {
        self.with((), |journey| journey.set_location(latitude, longitude));
    }

    /// Deletes everything on the device, and has the collector delete what it has as soon as it can
    /// be reached. A new installation begins, and nobody has consented to it yet. Where a customer
    /// also refuses, erase first.
    pub fn erase(&self) {
        self.with((), jalon::Journey::erase);
    }

    /// Opens the connection that a call's snapshot will take: when a "call us" button comes on
    /// screen. Returns at once.
    pub fn prepare_call(&self) {
        self.with((), jalon::Journey::prepare_call);
    }

    /// Gives a call its context, at the tap. Waits for neither network nor database. Without
    /// `number`, for a call that no dialer places: SIP, chat, callback. `topic` says what it is
    /// about, in the app's words; at most 256 bytes. `scope` says what the customer lets it carry.
    ///
    /// # Errors
    /// [`JourneyError::PhoneNumber`] when the number is none; no code is used up then.
    pub fn call_context(
        &self,
        number: Option<String>,
        topic: Option<String>,
        scope: CallScope,
    ) -> Result<CallContext, JourneyError> {
        let mut request = number
            .clone()
            .map_or_else(CallRequest::without_number, CallRequest::to)
            .sharing(scope.into());
        if let Some(topic) = topic {
            request = request.about(topic);
        }
        match &self.inner {
            // The customer gets through all the same.
            Err(_) => jalon::call::dial_string(&number.unwrap_or_default(), None)
                .map(|dial| CallContext { dial_string: Some(dial), ..CallContext::nothing() })
                .ok_or(JourneyError::PhoneNumber),
            Ok(_) => self.with(Ok(CallContext::nothing()), |journey| {
                match journey.call_context(&request) {
                    Ok(context) => Ok(context.into()),
                    Err(_) => Err(JourneyError::PhoneNumber),
                }
            }),
        }
    }

    /// What a call of this scope would carry now, from this device alone. Blocks for a few
    /// milliseconds as a rule and two seconds at most: not for the main thread.
    pub fn preview(&self, scope: CallScope) -> Preview {
        let nothing = Preview { customer: None, steps: Vec::new(), uploaded_before: false };
        self.with(nothing, |journey| journey.preview(scope.into()))
    }

    /// Uploads what waits, now. Returns at once.
    pub fn upload_now(&self) {
        self.with((), jalon::Journey::upload_now);
    }

    /// Uploads what waits, and blocks until nothing waits any more, an upload failed, or
    /// `timeout_ms` have passed; true when nothing waits. Not for the main thread.
    pub fn upload_and_wait(&self, timeout_ms: u64) -> bool {
        self.with(true, |journey| journey.upload_and_wait(Duration::from_millis(timeout_ms)))
    }

    /// How the journey stands. Reads memory alone; up to a second behind.
    pub fn status(&self) -> Status {
        match &self.inner {
            Err(problem) => Status::idle(problem),
            Ok(_) => self.with(Status::idle("the status panicked: please report it"), |journey| {
                self.said_of_the_lock(journey.status().into())
            }),
        }
    }

    /// Brings what was recorded into the store and ends the journey's thread; waits for that, not
    /// for any upload. An app needs it only to open the folder anew.
    pub fn close(&self) {
        JOURNEYS.close(&self.folder, self, || self.with((), jalon::Journey::close));
    }
}

impl Journey {
    /// Says why storage is out of reach, where the platform knows better than the system's answer:
    /// files that cannot be decrypted yet look as if they were not there.
    fn said_of_the_lock(&self, mut status: Status) -> Status {
        match &mut status.storage_trouble {
            None => self.locked.store(false, Ordering::Relaxed),
            Some(trouble) if self.locked.load(Ordering::Relaxed) => {
                LOCKED.clone_into(trouble);
            }
            Some(_) => {}
        }
        status
    }

    /// Does something with the journey, if there is one. A panic (there is none we know of) must
    /// not take the app with it.
    fn with<T>(&self, otherwise: T, what: impl FnOnce(&jalon::Journey) -> T) -> T {
        let Ok(journey) = &self.inner else { return otherwise };
        catch_unwind(AssertUnwindSafe(|| what(journey))).unwrap_or_else(|_| {
            log::error!("a call panicked and did nothing: please report it");
            otherwise
        })
    }
}
