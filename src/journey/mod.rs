//! The journey: the public object. Composes the recorder, the installation and the worker, and has
//! no policy of its own.

mod call;
mod running;
mod status;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use call::{CallContext, CallRequest, NamedValue};
use running::Running;
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

/// A customer's journey through an app: its events in order, kept on the device and uploaded to the
/// collector.
///
/// Make one and share it by reference: every method takes `&self`, on any thread. Recording never
/// fails, never panics, and blocks on nothing but one append to the journal; what could not be kept
/// is counted in [`Status`]. After a grant, an event that [`record`](Self::record) kept survives a
/// kill of the process at any later instant.
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
    worker: Mutex<Running>,
}

impl Journey {
    /// Opens the journey in `config.folder`, with the default transport.
    ///
    /// On the calling thread it makes and locks the folder, reads four small files and the beginning
    /// of the journal, and starts a thread; it does not open SQLite or use the network. Storage that is
    /// out of reach (a locked device, a full disk) is not an error: events wait in memory, `status`
    /// says why, and the worker tries again.
    ///
    /// # Errors
    /// [`JourneyError::Config`] for an option that can never work; [`JourneyError::InUse`] if the
    /// folder is open already.
    #[cfg(feature = "reqwest")]
    pub fn open(config: Config) -> Result<Self, JourneyError> {
        let transport = Arc::new(crate::transport::http::HttpTransport::new(&config));
        Self::open_with(config, transport, Arc::new(crate::clock::SystemClock))
    }

    /// Opens the journey like `open`, with the app's own transport and clock.
    ///
    /// # Errors
    /// The same as `open`.
    pub fn open_with(
        config: Config,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JourneyError> {
        Self::open_running(config, transport, clock, Running::start)
    }

    /// Opens the journey without a thread: [`step`](Self::step) does the worker's part. For a
    /// simulation, in which one thread runs many journeys.
    ///
    /// # Errors
    /// The same as `open`.
    #[cfg(feature = "stepped")]
    pub fn open_stepped(
        config: Config,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JourneyError> {
        Self::open_running(config, transport, clock, Running::stepped)
    }

    fn open_running(
        mut config: Config,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        run: impl FnOnce(Worker, &Handle) -> Running,
    ) -> Result<Self, JourneyError> {
        config.check().map_err(JourneyError::Config)?;
        config.bound();
        let handle = Arc::new(Handle::new(&config, clock));
        match handle.installation.reconcile(&handle.recorder) {
            Err(Error::InUse) => return Err(JourneyError::InUse),
            Err(error) => log::warn!("storage is out of reach, events wait in memory: {error}"),
            Ok(()) => {}
        }
        let worker = run(Worker::new(Arc::clone(&handle), config, transport), &handle);
        handle.recorder.wake_worker();
        Ok(Self { handle, worker: Mutex::new(worker) })
    }

    /// Runs one step of the worker on the calling thread, if one is due: the worker was woken, or
    /// its time has come. Returns whether one was. Only for a journey of
    /// [`open_stepped`](Self::open_stepped).
    #[cfg(feature = "stepped")]
    pub fn step(&self) -> bool {
        self.running().step(&self.handle)
    }

    /// Returns when the next step is due if nothing wakes the worker, in ms of the elapsed clock.
    #[cfg(feature = "stepped")]
    pub fn next_step_ms(&self) -> Option<u64> {
        self.running().next_step_ms()
    }

    /// Records what the customer did or saw.
    ///
    /// With a grant: one copy into the journal, a file mapped into memory, on the calling thread; no
    /// system call but the wake of the worker if it sleeps. After that the event survives a kill of
    /// the process. (For a moment after `open`, and where the system cannot map the file, the copy is
    /// a `write(2)`.) Without an answer about consent, the newest 200 events wait
    /// in memory. After a refusal, the event is dropped and counted.
    pub fn record(&self, event: Event) {
        self.handle.recorder.record(event);
    }

    /// Sets the customer from now on. `proof` is a short-lived JWT from the app's backend; only a
    /// customer with a valid proof is shown as verified to the agent. The same id again, without a
    /// proof or with the same one, changes nothing, also after a restart: call this at every start,
    /// since a power cut may have taken what the journey knew. An id that is blank or longer than 128
    /// bytes is counted as invalid, and nobody is known from then on; a proof longer than 4 KiB is
    /// counted as invalid, and left out.
    ///
    /// The proof is signed with ES256 or HS256 by a key that the collector was given. Its claims
    /// are `sub`, this customer's id; `aud`, the app as the collector knows it; `iat` and `exp`, at
    /// most an hour apart; and ideally `nonce`, from [`proof_nonce`](Self::proof_nonce): a proof
    /// without it is accepted from any phone. The collector judges the proof as of this call, so a
    /// phone may be offline for up to 24 hours before it uploads it.
    pub fn identify(&self, customer: impl Into<String>, proof: Option<String>) {
        self.handle.recorder.identify(Some(customer.into()), proof);
    }

    /// Returns the `nonce` that the app's backend puts into a proof, so that the proof cannot be
    /// used on another phone: 22 characters, the same for the life of this installation. `None`
    /// while there is no installation: before a grant, after a refusal or an erasure, and until the
    /// folder can be written. Reads only memory, but may wait while a small file is written; never
    /// for a sync.
    pub fn proof_nonce(&self) -> Option<String> {
        self.handle.installation.id_bits().map(|installation| proof::nonce(&installation))
    }

    /// Forgets the customer: from now on nobody is known, such as after a sign-out.
    pub fn clear_customer(&self) {
        self.handle.recorder.identify(None, None);
    }

    /// Records the customer's position in degrees, rounded to 0.01 (about a kilometre). Dropped
    /// unless [`allow_location`](Self::allow_location) was called with `true`.
    pub fn set_location(&self, latitude: f64, longitude: f64) {
        self.handle.recorder.locate(latitude, longitude);
    }

    /// Takes the customer's answer about consent.
    ///
    /// `Granted` keeps what waited in memory. `Denied` deletes everything on the device: at once as
    /// far as the app can see, and within moments on disk; what the collector has stays there until
    /// [`erase`](Self::erase), for which the refusal keeps the installation's id, and nothing else,
    /// until a grant. After `Unknown`, new events wait in memory. A grant or a refusal is remembered over a restart, `Unknown` is not. Writes small
    /// files on the calling thread (after a grant, those that `open` writes and the events that
    /// waited), and never waits for a sync.
    pub fn set_consent(&self, consent: Consent) {
        self.handle.installation.set_consent(consent, &self.handle.recorder);
    }

    /// Takes the customer's answer about a coarse location. Without an answer, no location is
    /// recorded. Writes a small file on the calling thread.
    pub fn allow_location(&self, allowed: bool) {
        self.handle.installation.allow_location(allowed, &self.handle.recorder);
    }

    /// Deletes everything on the device, and has the collector delete what it has as soon as it can
    /// be reached, even after a restart. A new installation begins, without an answer about consent:
    /// it is `Unknown`, over restarts too, until [`set_consent`](Self::set_consent). Writes a small
    /// file on the calling thread.
    ///
    /// A customer who wants both may refuse before or after it: a refusal keeps the installation's
    /// id for a later erasure.
    pub fn erase(&self) {
        self.handle.erase(false);
    }

    /// Has `hook` called when consent is needed again: once [`erase`](Self::erase), or an erasure at
    /// the collector, has deleted everything here, unless the app has answered since. Replaces the
    /// hook before. As an app starts, [`status`](Self::status) says whether consent is unknown.
    ///
    /// Called on the worker's thread: it must not block, and may call
    /// [`set_consent`](Self::set_consent), but not [`close`](Self::close), which waits for the worker.
    pub fn on_consent_needed(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.handle.on_consent_needed(Arc::new(hook));
    }

    /// Opens the connection for a call's snapshot ahead of time. Call it when a "call us" button
    /// appears. Returns at once.
    pub fn prepare_call(&self) {
        if self.handle.recorder.is_granted() {
            self.handle.ask_warm();
        }
    }

    /// Returns a call's context, at the tap. Waits for neither network nor SQLite: the code was
    /// leased before, and the call is recorded like an event. Without a grant, or if the customer
    /// shares only the number, the context holds only the number.
    ///
    /// # Errors
    /// [`JourneyError::PhoneNumber`] if the number is not a valid phone number; the call is then
    /// counted as dropped (`invalid`).
    pub fn call_context(&self, request: &CallRequest) -> Result<CallContext, JourneyError> {
        let dial = |code| request.number().map(|number| dial_string(number, code));
        // Check the number first, so that an invalid one uses up no code.
        if dial(None) == Some(None) {
            self.handle.recorder.refuse_number();
            return Err(JourneyError::PhoneNumber);
        }
        let tap = self.handle.recorder.tap(request.topic(), request.scope());
        let code = tap.as_ref().and_then(|tap| tap.code);
        let token = tap.as_ref().map(|tap| tap.token);
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

    /// Starts to upload what waits, now. Call it when the app goes to the background or comes back
    /// online. Ends the SDK's own waits, including the one for storage that was out of reach, but
    /// not a wait that the collector asked for. If nothing waits, it makes no request and leaves no
    /// wake-up. Returns at once.
    pub fn upload_now(&self) {
        self.handle.ask_upload();
    }

    /// Tells the journey whether the app is in front. Default true.
    ///
    /// Time in the background counts as no screen's. When the app comes back to the front, the screen
    /// that was shown is recorded again: that is where the customer is. Returns at once.
    pub fn set_foreground(&self, foreground: bool) {
        self.handle.recorder.set_foreground(foreground);
    }

    /// Tells the journey whether the phone has a network, as far as the system knows. Default true:
    /// an app that never calls this misses nothing but the moment when the network is back.
    ///
    /// While told offline, nothing is tried, not even [`upload_now`](Self::upload_now) or a call's
    /// snapshot, and no wake-up is left for uploads and erasures; recording and calls go on as ever.
    /// Once told online again, what is due is tried at once: the waits after failures end, and so do
    /// those that something between phone and collector asked for, but not one that the collector
    /// asked for. A network without a way to the collector, such as a hotel's before the login,
    /// counts as online. Says nothing to [`status`](Self::status). Returns at once.
    pub fn set_online(&self, online: bool) {
        self.handle.note_online(online);
    }

    /// Uploads what waits, as [`upload_now`](Self::upload_now) does, and waits for it. Returns true
    /// once nothing is left to upload: no event, no snapshot of a call, no erasure.
    ///
    /// Blocks the calling thread. Meant for a job scheduler or a background assertion, on a thread
    /// of its own; never call it on the UI thread. Returns false after `timeout`, or earlier if an
    /// upload since the call has failed, the disk has failed, the write key is not accepted, the
    /// collector asked to wait, or [`set_online`](Self::set_online) said that there is no network. These are not retried during the call, and nothing is lost: the
    /// journey continues by its own rules, and so does an upload that is under way at the timeout.
    /// What is recorded during the call is uploaded too.
    ///
    /// Without a grant only an erasure can be waiting. Any number of threads may wait at once.
    /// [`close`](Self::close) ends the wait. After `close`, returns at once: true only if nothing
    /// was left.
    pub fn upload_and_wait(&self, timeout: Duration) -> bool {
        self.handle.upload_and_wait(timeout)
    }

    /// Returns what a call would carry now, for a customer who wants to see it before tapping.
    ///
    /// These are exactly the steps in the snapshot of a call tapped now with this scope, oldest
    /// first, at most 20 steps and 16 KiB. They come from this device alone, and nothing is sent.
    /// The agent may also see steps that were uploaded earlier: [`Preview::uploaded_before`] says
    /// so. Empty without a grant, and after [`close`](Self::close).
    ///
    /// Blocks the calling thread until the worker has drained what was recorded and
    /// [`status`](Self::status) includes it: usually a few ms, and at most 2 s, after which it
    /// returns what was known before. Never call it on the UI thread.
    pub fn preview(&self, scope: CallScope) -> Preview {
        self.handle.preview(scope)
    }

    /// Returns the state of the journey. Reads only memory, and may be up to a second old.
    pub fn status(&self) -> Status {
        // Under the report's lock, so that an event that is being drained is counted exactly once.
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

    /// Drains what was recorded into the store, and ends the worker. Waits for that, but not for
    /// any upload. After it the folder can be opened again, and recording does nothing. Dropping
    /// the journey does the same.
    pub fn close(&self) {
        self.handle.recorder.close();
        self.handle.ask_close();
        // Locked until the worker has ended: a second `close` waits for it too.
        self.running().end(&self.handle);
        self.handle.recorder.close_journal();
        self.handle.installation.close();
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
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
