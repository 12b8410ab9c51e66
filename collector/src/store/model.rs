//! The data that goes into the storage and comes out of it.
//!
//! Only shapes: what is asked of a storage is in the trait beside this file, how SQLite keeps it in
//! the files around.

use std::collections::BTreeMap;

use jalon_desk::view::Scope;

use crate::attribution::{Person, Place};
use crate::secret::Hash;
use crate::wire::Lease;

/// The number of a call in this storage.
pub type ContextId = i64;

/// What an app uploads: events, calls, and the state of its queue.
#[derive(Debug)]
pub struct Upload {
    /// The app of the key.
    pub app: String,
    /// SHA-256 of the installation.
    pub installation: Hash,
    /// Which of its stores.
    pub epoch: u64,
    /// The lowest seq still queued.
    pub oldest: u64,
    /// The next seq to be given.
    pub next: u64,
    /// What it dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// How many codes it holds; `None` if it did not say, and gets none.
    pub codes_left: Option<u32>,
    /// When it arrived.
    pub arrived_at: i64,
    /// The events to store.
    pub events: Vec<NewEvent>,
    /// The calls among them.
    pub calls: Vec<NewCall>,
    /// The events refused by name.
    pub refused: Vec<u64>,
    /// What a proof of this installation has as its nonce.
    pub nonce: String,
}

impl Upload {
    /// Whom it names, wherever it does.
    pub fn identifications(&mut self) -> impl Iterator<Item = &mut Identification> {
        let in_events = self.events.iter_mut().filter_map(|event| event.customer.as_mut());
        let in_calls = self.calls.iter_mut().filter_map(|call| call.statement.as_mut());
        in_events.chain(in_calls.map(|statement| &mut statement.identification))
    }
}

/// An event to store.
#[derive(Debug)]
pub struct NewEvent {
    /// Its place.
    pub seq: u64,
    /// When, by the collector's clock.
    pub at: i64,
    /// Its type.
    pub kind: &'static str,
    /// Its screen, which gets a number.
    pub screen: Option<String>,
    /// The other fields, as JSON.
    pub body: String,
    /// Who uses the phone from here on, if this says so.
    pub customer: Option<Identification>,
}

/// Whom an app named as its customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Identification {
    /// The app's id of them; `None` for nobody.
    pub id: Option<String>,
    /// The proof of it.
    pub proof: Option<String>,
    /// When, by the collector's clock.
    pub at: i64,
    /// Whether this repeats what an event of its own said before.
    pub repeated: bool,
    /// What came of the proof; `None` without one, or without news of it.
    pub verified: Option<bool>,
}

impl std::fmt::Debug for Identification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identification(..)")
    }
}

/// A call to store.
#[derive(Debug)]
pub struct NewCall {
    /// Its place.
    pub seq: u64,
    /// The token's bits.
    pub token: [u8; 16],
    /// The code dialled: locator and screen number.
    pub code: Option<(u32, u16)>,
    /// When, by the collector's clock.
    pub tapped_at: i64,
    /// What it may show.
    pub scope: Scope,
    /// What it is about.
    pub topic: Option<String>,
    /// Who calls, if the record says so.
    pub statement: Option<NewStatement>,
}

/// Who calls, as the call's own record says.
#[derive(Debug)]
pub struct NewStatement {
    /// Whom the app named.
    pub identification: Identification,
    /// The lowest seq of the snapshot: the phone was theirs from there on at the latest.
    pub from: u64,
}

/// What an upload brought back.
#[derive(Debug, Default)]
pub struct Appended {
    /// Fresh leases.
    pub codes: Vec<Lease>,
    /// The numbers of the screens named in it.
    pub screens: BTreeMap<String, u16>,
}

/// Why an installation cannot be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstallationError {
    /// It was erased.
    #[error("the installation was erased")]
    Erased,
    /// It belongs to another app.
    #[error("the installation belongs to another app")]
    OtherApp,
}

/// What a contact centre holds of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Handle {
    /// The token's bits.
    Token([u8; 16]),
    /// The code's locator and screen number.
    Code(u32, u16),
    /// Nothing: the call that its call id claimed already.
    Claimed,
}

/// A look-up.
pub struct Claim {
    /// The app of the key.
    pub app: String,
    /// What is looked up.
    pub handle: Handle,
    /// Who asks: the contact centre's id of the call.
    pub call_id: String,
    /// Who picks up.
    pub agent: Option<String>,
    /// When.
    pub at: i64,
}

/// A view of a context through its desk link.
#[derive(Debug)]
pub struct View {
    /// The app.
    pub app: String,
    /// What was opened: `desk`, the page, or `live`, its stream.
    pub act: &'static str,
    /// Which call.
    pub context: ContextId,
    /// Who looks.
    pub agent: Option<String>,
    /// When.
    pub at: i64,
}

/// All that a call's view is made from.
#[derive(Debug)]
pub struct Context {
    /// The installation's number, to follow it.
    pub installation: i64,
    /// The commit number of this picture.
    pub change: u64,
    /// The call.
    pub call: StoredCall,
    /// Who calls, as far as is known.
    pub person: Person,
    /// The newest events of that person, oldest first.
    pub events: Vec<StoredEvent>,
    /// The screen in the code's digits.
    pub code_screen: Option<String>,
    /// The installation's newest epoch.
    pub epoch: EpochState,
    /// When the phone was last heard.
    pub synced_at: i64,
}

/// A stored call.
#[derive(Debug)]
pub struct StoredCall {
    /// The token's bits, once its record is here.
    pub token: Option<[u8; 16]>,
    /// Where in the order it stands, or its lease was given.
    pub place: Place,
    /// When, once its record is here.
    pub tapped_at: Option<i64>,
    /// What it may show.
    pub scope: Scope,
    /// What it is about.
    pub topic: Option<String>,
}

/// A stored event.
#[derive(Debug)]
pub struct StoredEvent {
    /// Epoch and seq.
    pub place: Place,
    /// When, by the collector's clock.
    pub at: i64,
    /// Its type.
    pub kind: String,
    /// The other fields, as JSON.
    pub body: String,
}

/// The account of one epoch.
#[derive(Debug, Default)]
pub struct EpochState {
    /// Which.
    pub epoch: u64,
    /// The lowest seq still queued on the phone.
    pub oldest: u64,
    /// The next to be given.
    pub next: u64,
    /// Events ever stored.
    pub stored: u64,
    /// Events ever refused by name.
    pub refused: u64,
    /// What the phone dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// The highest seq stored.
    pub at_seq: u64,
    /// From `oldest` up to `next`: how many are not here.
    pub pending: u64,
    /// The lowest of those.
    pub first_pending: Option<u64>,
}

impl EpochState {
    /// Whether something that was recorded before this place is still on the phone.
    pub fn awaited_before(&self, (epoch, seq): Place) -> bool {
        epoch == self.epoch && self.first_pending.is_some_and(|pending| pending <= seq)
    }
}
