//! The journey as both languages see it: it always opens, and its calls never fail an app.

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

/// A customer's journey through an app: the ordered events, kept on the device and uploaded to the
/// collector.
///
/// Every method may be called from any thread, also after `close`. Recording never fails and never
/// blocks on disk or network beyond one append to the journal; what could not be kept is counted in
/// the status. An event that `record` accepted survives a kill of the process at any later moment.
#[derive(uniffi::Object)]
pub struct Journey {
    folder: PathBuf,
    /// The core's journey, or why it could not be opened.
    inner: Result<jalon::Journey, String>,
    /// The device was locked when the journey was opened, and its storage has not been reached
    /// since.
    locked: AtomicBool,
}

/// Hears that consent is needed again. Swift's alone: into Kotlin, JNI calls by itself.
#[uniffi::export(callback_interface)]
pub trait ConsentListener: Send + Sync {
    /// Everything here was erased, and there is no answer since. Called on the journey's thread; must
    /// not block.
    fn consent_needed(&self);
}

#[uniffi::export]
impl Journey {
    /// Opens the journey in `config.folder`; the same one if this process has it open already.
    ///
    /// Never fails: a journey that cannot be opened records nothing, its status says why, and so
    /// does one line in the log. Reads a few small files, opens no database, and touches no
    /// network.
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

    /// Says who the customer is from now on. `proof` is a short JWT from the app's backend: only a
    /// customer with a proof is shown as verified on the desk. Put `proof_nonce` into it: a proof
    /// without it is accepted from any phone. Identifying the same customer again changes nothing.
    pub fn identify(&self, customer: String, proof: Option<String>) {
        self.with((), |journey| journey.identify(customer, proof));
    }

    /// The `nonce` that the app's backend puts into a proof, so that the proof is useless on any
    /// other phone: 22 characters, the same for the life of this installation. `None` without the
    /// customer's consent. Reads memory; may wait while a small file is written.
    pub fn proof_nonce(&self) -> Option<String> {
        self.with(None, jalon::Journey::proof_nonce)
    }

    /// Says that the customer is unknown from now on, such as after a logout.
    pub fn clear_customer(&self) {
        self.with((), jalon::Journey::clear_customer);
    }

    /// Sets the customer's consent. `Granted` keeps the events that waited in memory; `Denied`
    /// deletes everything on the device, but keeps the installation's id for a later `erase`. Both
    /// are remembered across a restart.
    pub fn set_consent(&self, consent: Consent) {
        self.with((), |journey| journey.set_consent(consent));
    }

    /// Sets whether the customer allows the location to be recorded; not allowed at first.
    pub fn allow_location(&self, allowed: bool) {
        self.with((), |journey| journey.allow_location(allowed));
    }

    /// Records where the customer is, in degrees, rounded to 0.01 (about a kilometre). Dropped
    /// unless the location was allowed.
    pub fn set_location(&self, latitude: f64, longitude: f64) {
        self.with((), |journey| journey.set_location(latitude, longitude));
    }

    /// Deletes everything on the device, and asks the collector to delete its data as soon as it
    /// can be reached, also after a refusal. A new installation begins, without consent.
    pub fn erase(&self) {
        self.with((), jalon::Journey::erase);
    }

    /// Has `listener` hear when consent is needed again, after an erasure that `erase` or the
    /// collector began.
    pub fn on_consent_needed(&self, listener: Box<dyn ConsentListener>) {
        self.when_consent_is_needed(move || listener.consent_needed());
    }

    /// Opens the connection that a call's snapshot will use. Call it when a "call us" button
    /// appears. Returns immediately.
    pub fn prepare_call(&self) {
        self.with((), jalon::Journey::prepare_call);
    }

    /// Creates the context of a call, at the tap. Does not wait for the network or the database.
    /// Leave `number` out for a call that no dialer places: SIP, chat, callback. `topic` says what
    /// the call is about, in at most 256 bytes. `scope` says what the customer lets it carry.
    ///
    /// # Errors
    /// [`JourneyError::PhoneNumber`] when `number` is not a phone number; no code is used then.
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
            // The call itself still works.
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

    /// What a call of this scope would carry now, from this device alone. Usually blocks for a few
    /// milliseconds, at most for two seconds: do not call it on the main thread.
    pub fn preview(&self, scope: CallScope) -> Preview {
        let nothing = Preview { customer: None, steps: Vec::new(), uploaded_before: false };
        self.with(nothing, |journey| journey.preview(scope.into()))
    }

    /// Starts uploading everything that is queued. Returns immediately.
    pub fn upload_now(&self) {
        self.with((), jalon::Journey::upload_now);
    }

    /// Tells whether the app is in front. On return, the screen that was shown is recorded again.
    /// True until told otherwise. Returns immediately.
    pub fn set_foreground(&self, foreground: bool) {
        self.with((), |journey| journey.set_foreground(foreground));
    }

    /// Tells whether the phone has a network. While it has none, nothing is tried; once it is back,
    /// what is due is tried at once. True until told otherwise. Returns immediately.
    pub fn set_online(&self, online: bool) {
        self.with((), |journey| journey.set_online(online));
    }

    /// Uploads everything that is queued, and blocks until the queue is empty, an upload failed, or
    /// `timeout_ms` have passed; true when the queue is empty. Do not call it on the main thread.
    pub fn upload_and_wait(&self, timeout_ms: u64) -> bool {
        self.with(true, |journey| journey.upload_and_wait(Duration::from_millis(timeout_ms)))
    }

    /// The state of the journey. Reads only memory; up to a second old.
    pub fn status(&self) -> Status {
        match &self.inner {
            Err(problem) => Status::idle(problem),
            Ok(_) => self.with(Status::idle("the status panicked: please report it"), |journey| {
                self.explain_lock(journey.status().into())
            }),
        }
    }

    /// Moves what was recorded into the store and ends the journey's thread; waits for that, but
    /// not for an upload. An app needs it only to open the folder again.
    pub fn close(&self) {
        JOURNEYS.close(&self.folder, self, || self.with((), jalon::Journey::close));
    }
}

impl Journey {
    /// Has `hook` called on the journey's thread when consent is needed again.
    pub(crate) fn when_consent_is_needed(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.with((), |journey| journey.on_consent_needed(hook));
    }

    /// Replaces the reason why storage cannot be reached where the platform knows better than the
    /// system's error: files that cannot be decrypted yet look as if they did not exist.
    fn explain_lock(&self, mut status: Status) -> Status {
        match &mut status.storage_trouble {
            None => self.locked.store(false, Ordering::Relaxed),
            Some(trouble) if self.locked.load(Ordering::Relaxed) => {
                jalon::NOT_UNLOCKED.clone_into(trouble);
            }
            Some(_) => {}
        }
        status
    }

    /// Calls the core's journey, if it is open. A panic (none is known) must not crash the app.
    fn with<T>(&self, otherwise: T, what: impl FnOnce(&jalon::Journey) -> T) -> T {
        let Ok(journey) = &self.inner else { return otherwise };
        catch_unwind(AssertUnwindSafe(|| what(journey))).unwrap_or_else(|_| {
            log::error!("a call panicked and did nothing: please report it");
            otherwise
        })
    }
}
