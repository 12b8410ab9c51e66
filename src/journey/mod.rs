//! The journey: the public object. Composes the parts, and has no policy of its own.

mod call;
mod status;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use call::{CallContext, CallRequest, NamedValue};
pub use status::{LastUpload, Status};

use crate::call::{
    CONTEXT_HEADER, CONTEXT_PARAMETER, CallScope, ContextToken, USER_TO_USER, dial_string,
};
use crate::clock::Clock;
use crate::config::{Config, Consent, TOKEN_LIFE_MS};
use crate::error::{Error, JourneyError};
use crate::event::Event;
use crate::preview::Preview;
use crate::proof;
use crate::transport::Transport;
use crate::worker::{Handle, Worker};

/// A customer's journey through an app: the ordered events, kept on the device and brought to the
/// collector.
///
/// Made once, and shared by reference: every method takes `&self`, from any thread. Recording
/// never fails, never blocks on disk or network beyond one append to the journal, and never
/// panics; what could not be kept is counted in [`Status`]. What [`record`](Self::record) took
/// survives a kill of the process at any later instant.
///
/// ```no_run
/// use jalon::{CallRequest, Config, Consent, Event, Journey};
///
/// # fn main() -> Result<(), jalon::JourneyError> {
/// let mut config = Config::new("/data/app/jalon", "https://calls.example.com", "jalon_write_…");
/// config.consent = Some(Consent::Granted);
/// let journey = Journey::open(config)?;
/// journey.record(Event::ScreenView { screen: "product/{id}".into() });
/// let context = journey.call_context(&CallRequest::to("+33 1 23 45 67 89"))?;
/// assert!(context.dial_string.is_some_and(|dial| dial.starts_with("tel:+33123456789")));
/// # Ok(())
/// # }
/// ```
pub struct Journey {
    handle: Arc<Handle>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Journey {
    /// Opens the journey in `config.folder`, with the default transport.
    ///
    /// On the calling thread it makes and locks the folder, reads three small files and the
    /// journal, and starts a thread; it opens no SQLite and touches no network. Storage that is
    /// out of reach (a locked device, a full disk) is no error: events wait in memory, `status`
    /// says why, and the worker tries again.
    ///
    /// # Errors
    /// [`JourneyError::Config`] for an option that can never work, [`JourneyError::InUse`] when
    /// the folder is open already.
    #[cfg(feature = "reqwest")]
    pub fn open(config: Config) -> Result<Self, JourneyError> {
        let transport = Arc::new(crate::transport::http::HttpTransport::new(&config));
        Self::open_with(config, transport, Arc::new(crate::clock::SystemClock))
    }

    /// Opens the journey over a transport and a clock of the app's own; else as `open`.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(
        mut config: Config,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JourneyError> {
        config.check().map_err(JourneyError::Config)?;
        config.bound();
        let handle = Arc::new(Handle::new(&config, clock));
        match handle.installation.reconcile(&handle.recorder) {
            Err(Error::InUse) => return Err(JourneyError::InUse),
            Err(error) => log::warn!("storage is out of reach, events wait in memory: {error}"),
            Ok(()) => {}
        }
        let worker = Worker::start(Arc::clone(&handle), config, transport);
        if let Err(error) = &worker {
            log::error!("the worker could not be started, nothing is uploaded: {error}");
        }
        handle.recorder.wake_worker();
        Ok(Self { handle, worker: Mutex::new(worker.ok()) })
    }

    /// Records what the customer did or saw.
    ///
    /// One `write(2)` to the journal on the calling thread; kept from then on, whatever happens
    /// to the process. Without an answer about consent the newest 200 wait in memory.
    pub fn record(&self, event: Event) {
        self.handle.recorder.record(event);
    }

    /// Says who the customer is from here on. `proof` is a short JWT from the app's backend, and
    /// only a customer so proven shows as verified on the desk. The same again changes nothing.
    /// An id that is blank or longer than 128 bytes, or a proof longer than 4 KiB, counts as invalid.
    ///
    /// The proof is signed with ES256 or HS256 by a key that the collector was given. It says `sub`,
    /// this customer's id; `aud`, the app as the collector knows it; `iat` and `exp`, at most an
    /// hour apart; and, better, the `nonce` of [`proof_nonce`](Self::proof_nonce): a proof without
    /// one is accepted from any phone. It is judged as of this moment, so that a phone may be offline
    /// for up to 24 hours before it is uploaded.
    pub fn identify(&self, customer: impl Into<String>, proof: Option<String>) {
        self.handle.recorder.identify(Some(customer.into()), proof);
    }

    /// What the app's backend puts into a proof as its `nonce`, so that the proof is of no use on any
    /// other phone: 22 characters, the same for as long as this installation lives. `None` without a
    /// grant: then there is no installation yet. Reads memory alone; may wait while the worker
    /// syncs a small file.
    pub fn proof_nonce(&self) -> Option<String> {
        self.handle.installation.id_bits().map(|installation| proof::nonce(&installation))
    }

    /// Says that nobody is known from here on, such as after a logout.
    pub fn clear_customer(&self) {
        self.handle.recorder.identify(None, None);
    }

    /// Records where the customer is, in degrees, rounded to 0.01 (about a kilometre). Dropped
    /// unless [`allow_location`](Self::allow_location) was called.
    pub fn set_location(&self, latitude: f64, longitude: f64) {
        self.handle.recorder.locate(latitude, longitude);
    }

    /// Takes the customer's answer. `Granted` keeps what waited in memory; `Denied` deletes
    /// everything on the device, at once for the app and within moments on disk. After `Unknown`
    /// what comes waits in memory; that is not remembered over a restart, a grant or a refusal
    /// is. Writes small files on the calling thread (a grant: those that `open` writes, and what
    /// waited), and may wait while the worker syncs them.
    pub fn set_consent(&self, consent: Consent) {
        self.handle.installation.set_consent(consent, &self.handle.recorder);
    }

    /// Takes the customer's answer about the location, which nobody has given at first. Writes a
    /// small file on the calling thread.
    pub fn allow_location(&self, allowed: bool) {
        self.handle.installation.allow_location(allowed, &self.handle.recorder);
    }

    /// Deletes everything on the device and has the collector delete what it has, as soon as it
    /// can be reached, also after a restart. A new installation begins, and nobody has consented
    /// to it yet. Writes a small file on the calling thread.
    ///
    /// A refusal deletes the installation's id with everything else; so where a customer wants
    /// both, erase first, then refuse.
    pub fn erase(&self) {
        self.handle.installation.erase(false, &self.handle.recorder);
    }

    /// Opens the connection that a call's snapshot will take. Call it when a "call us" button
    /// comes on screen. Returns at once.
    pub fn prepare_call(&self) {
        if self.handle.recorder.is_granted() {
            self.handle.ask_warm();
        }
    }

    /// Gives a call its context, at the tap. Waits for neither network nor SQLite: the code was
    /// leased before, and the call is recorded like an event. Without a grant it gives the number
    /// alone, and so it does where the customer shares nothing but the number.
    ///
    /// # Errors
    /// [`JourneyError::PhoneNumber`] when the number is none; it counts as dropped (`invalid`).
    pub fn call_context(&self, request: &CallRequest) -> Result<CallContext, JourneyError> {
        let dial = |code| request.number().map(|number| dial_string(number, code));
        // The number first: a code is not used up for nothing.
        if dial(None) == Some(None) {
            self.handle.recorder.refuse_number();
            return Err(JourneyError::PhoneNumber);
        }
        let tap = self.handle.recorder.tap(request.topic(), request.scope());
        let code = tap.as_ref().and_then(|tap| tap.code);
        let token = tap.map(|tap| tap.token);
        let named = |name: &str, value| NamedValue { name: name.to_owned(), value };
        let headers = |token: ContextToken| {
            let bare = named(CONTEXT_HEADER, token.to_string());
            vec![named(USER_TO_USER, token.user_to_user()), bare]
        };
        Ok(CallContext {
            dial_string: dial(code).flatten(),
            token,
            code,
            spoken_code: code.map(|code| code.grouped()),
            sip_headers: token.map(headers).unwrap_or_default(),
            link_parameter: token.map(|token| named(CONTEXT_PARAMETER, token.to_string())),
            expires_in: token.map_or(Duration::ZERO, |_| Duration::from_millis(TOKEN_LIFE_MS)),
        })
    }

    /// Uploads what waits, now: when the app goes to the background, or comes back online. Cuts
    /// the SDK's own waits short, also the one for storage that was out of reach. With nothing
    /// waiting it makes no request and leaves no wake-up. Returns at once.
    pub fn upload_now(&self) {
        self.handle.ask_upload();
    }

    /// Uploads what waits, as [`upload_now`](Self::upload_now) does, and waits for it: true once
    /// nothing waits any more, neither events nor the snapshot of a call nor an erasure.
    ///
    /// Blocks the calling thread; for a job scheduler or a background assertion, on a thread of
    /// its own, and never the UI's. False at the latest after `timeout`, and as soon as waiting on
    /// is of no use: when an upload made since has failed, the disk has failed, the write key is
    /// not accepted, or the collector asked to wait. Those are not tried again meanwhile, and
    /// nothing is lost: the journey goes on by its own rules, and so does an upload that is under
    /// way at the timeout. What is recorded meanwhile is uploaded too.
    ///
    /// Without a grant only an erasure can wait. Any number of threads may wait at once.
    /// [`close`](Self::close) ends the wait, and after it there is none: then it is true only if
    /// nothing was left.
    pub fn upload_and_wait(&self, timeout: Duration) -> bool {
        self.handle.upload_and_wait(timeout)
    }

    /// What a call would carry now: for a customer who wants to see it before tapping.
    ///
    /// Exactly the steps of the snapshot that a call tapped now with this scope would carry, oldest
    /// first, at most 20 and 16 KiB of them; from this device alone, and nothing is sent for it.
    /// What the agent may see beside them was uploaded earlier: [`Preview::uploaded_before`] says
    /// whether there is such. Empty without a grant, and after [`close`](Self::close).
    ///
    /// Blocks the calling thread until the worker has taken over what was recorded, and
    /// [`status`](Self::status) tells of it: a few ms as a rule, and 2 s at most, after which it is
    /// what was known before. Never call it on the UI thread.
    pub fn preview(&self, scope: CallScope) -> Preview {
        self.handle.preview(scope)
    }

    /// How the journey stands. Reads memory alone; up to a second behind the worker.
    pub fn status(&self) -> Status {
        // Under the report's lock: an event that moves on meanwhile is counted in one place.
        let (report, state) = {
            let report = self.handle.report();
            (report.clone(), self.handle.recorder.counts())
        };
        let counts = report.counts;
        let mut dropped = counts.dropped;
        dropped.merge(&state.dropped);
        let given = counts.next_seq.saturating_sub(1);
        Status {
            consent: state.consent,
            session: state.session,
            recorded: given + state.waiting + dropped.before_a_seq(),
            delivered: counts.delivered,
            queued: counts.unsent + state.waiting,
            dropped,
            codes: state.codes,
            last_upload: report
                .last_upload
                .map(|(at_ms, outcome)| LastUpload { at_ms, problem: outcome.err() }),
            storage_trouble: report.trouble.or_else(|| self.handle.installation.trouble()),
        }
    }

    /// Brings what was recorded into the store and ends the worker; waits for that, not for any
    /// upload. The folder can be opened again. Whatever is called on the journey after that does
    /// nothing. Dropping it does the same.
    pub fn close(&self) {
        self.handle.recorder.close();
        self.handle.ask_close();
        // Held until the worker has ended: a second `close` waits for it too.
        let mut running = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = running.take();
        if worker.is_some_and(|worker| worker.join().is_err()) {
            log::error!("the worker had stopped");
        }
        self.handle.installation.close();
    }
}

impl Drop for Journey {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Journey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journey(..)")
    }
}
