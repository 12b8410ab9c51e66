//! The data that goes into the storage and comes out of it. Only shapes: the trait is in the parent,
//! the queries are in the files beside.

use std::collections::BTreeMap;

use jalon_desk::view::Scope;

use crate::attribution::{Person, Place};
use crate::secret::Hash;
use crate::wire::Lease;

/// The row of a call, which a desk link names. Never reused. Not the contact centre's own `call_id`.
pub type ContextId = i64;

/// What an app uploads: events, calls, and the state of its queue.
#[derive(Debug)]
pub struct Upload {
    /// The app of the key.
    pub app: String,
    /// SHA-256 of the installation.
    pub installation: Hash,
    /// The installation's store that the seqs belong to.
    pub epoch: u64,
    /// The lowest seq still queued.
    pub oldest: u64,
    /// The next seq the phone will give.
    pub next: u64,
    /// How many events it dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// How many codes it holds. `None` if it did not say; then it gets none.
    pub codes_left: Option<u32>,
    /// The version of the codes it holds, if it said.
    pub codes_version: Option<u32>,
    /// The locators it holds, if it asks for codes.
    pub codes: Option<Vec<u32>>,
    /// Who used the phone before the oldest event that waits.
    pub owner: Option<NewOwner>,
    /// When it arrived.
    pub arrived_at: i64,
    /// The events to store.
    pub events: Vec<NewEvent>,
    /// The calls among them.
    pub calls: Vec<NewCall>,
    /// The events refused by name.
    pub refused: Vec<u64>,
    /// The nonce of proofs for this installation.
    pub nonce: String,
}

impl Upload {
    /// All identifications in it, that of the owner first, then those of events.
    pub fn identifications(&mut self) -> impl Iterator<Item = &mut Identification> {
        let in_events = self.events.iter_mut().filter_map(|event| event.customer.as_mut());
        let in_calls = self.calls.iter_mut().filter_map(|call| call.statement.as_mut());
        let in_owner = self.owner.as_mut().map(|owner| &mut owner.identification);
        let in_calls = in_calls.map(|statement| &mut statement.identification);
        in_owner.into_iter().chain(in_events).chain(in_calls)
    }
}

/// An event to store.
#[derive(Debug)]
pub struct NewEvent {
    /// Its seq.
    pub seq: u64,
    /// When it happened, by the collector's clock.
    pub at: i64,
    /// Its type.
    pub kind: &'static str,
    /// Its screen, which is numbered.
    pub screen: Option<String>,
    /// The other fields, as JSON.
    pub body: String,
    /// Who uses the phone from this event on, if it says so.
    pub customer: Option<Identification>,
}

/// The newest change of customer up to the oldest event that waits on the phone.
#[derive(Debug)]
pub struct NewOwner {
    /// Its seq.
    pub seq: u64,
    /// The seq at which this person's use of the phone began, if the phone says so.
    pub since: Option<u64>,
    /// Records were lost there, so that nobody can say who used the phone.
    pub unknown: bool,
    /// Who it is.
    pub identification: Identification,
}

/// The customer that an app named.
#[derive(Clone, PartialEq, Eq)]
pub struct Identification {
    /// The app's id of them; `None` after a sign-out.
    pub id: Option<String>,
    /// The proof of identity that came with it.
    pub proof: Option<String>,
    /// When the app named them, by the collector's clock.
    pub at: i64,
    /// Whether this repeats an earlier event of its own.
    pub repeated: bool,
    /// Whether the proof was accepted; `None` without a proof, or when it was judged before.
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
    /// Its seq.
    pub seq: u64,
    /// The token's bits.
    pub token: [u8; 16],
    /// The dialled code: locator and screen number.
    pub code: Option<(u32, u16)>,
    /// When the customer tapped, by the collector's clock.
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
    /// The seq at which their use of the phone began, if the phone says so.
    pub since: Option<u64>,
}

/// What the phone gets back for an upload.
#[derive(Debug, Default)]
pub struct Appended {
    /// Fresh leases.
    pub codes: Vec<Lease>,
    /// The version of these codes, if there are any.
    pub codes_version: Option<u32>,
    /// The phone holds codes that are not honoured.
    pub codes_doubted: bool,
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
    /// Another phone has given the same seqs to other events: one is a copy of the other.
    #[error("another phone uses this installation")]
    Conflict,
}

/// The thing by which a call is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Handle {
    /// The token's bits.
    Token([u8; 16]),
    /// The code's locator and screen number.
    Code(u32, u16),
    /// Neither: the call that the same call id claimed already.
    Claimed,
}

/// A look-up.
pub struct Claim {
    /// The app of the key.
    pub app: String,
    /// The thing it is looked up by.
    pub handle: Handle,
    /// The contact centre's id of the call, which claims it.
    pub call_id: String,
    /// The agent who takes the call.
    pub agent: Option<String>,
    /// When it was made.
    pub at: i64,
}

/// A view of a context through its desk link.
#[derive(Debug)]
pub struct View {
    /// The app.
    pub app: String,
    /// `desk` for the page, `live` for its stream.
    pub act: &'static str,
    /// The call that was viewed.
    pub context: ContextId,
    /// The agent who views it.
    pub agent: Option<String>,
    /// When it was opened.
    pub at: i64,
}

/// A screen with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedScreen {
    /// The app.
    pub app: String,
    /// The number that call codes carry.
    pub number: u16,
    /// The app's name for it.
    pub name: String,
    /// Whether the screens file listed it.
    pub listed: bool,
}

/// What is stored of a customer: on every phone they used, whoever else used it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CustomerData {
    /// The installations.
    pub installations: u64,
    /// Their events.
    pub events: u64,
    /// Their calls.
    pub calls: u64,
}

/// Everything that a call's view is built from.
#[derive(Debug)]
pub struct Context {
    /// The installation's number, to follow it.
    pub installation: i64,
    /// The number of the newest commit in it.
    pub change: u64,
    /// The call.
    pub call: StoredCall,
    /// Who calls, as far as it is known.
    pub person: Person,
    /// The newest events of that person, oldest first.
    pub events: Vec<StoredEvent>,
    /// The screen named by the code's digits.
    pub code_screen: Option<String>,
    /// The installation's newest epoch.
    pub epoch: EpochState,
    /// When the phone was last heard.
    pub synced_at: i64,
}

/// A stored call.
#[derive(Debug)]
pub struct StoredCall {
    /// The token's bits, once the call's record is here.
    pub token: Option<[u8; 16]>,
    /// Its place in the order; without a record, the place where its lease was given.
    pub place: Place,
    /// When the customer tapped, once its record is here.
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
    /// When it happened, by the collector's clock.
    pub at: i64,
    /// Its type.
    pub kind: String,
    /// The other fields, as JSON.
    pub body: String,
}

/// How complete one epoch is.
#[derive(Debug, Default)]
pub struct EpochState {
    /// The epoch.
    pub epoch: u64,
    /// The lowest seq still queued on the phone.
    pub oldest: u64,
    /// The next seq the phone will give.
    pub next: u64,
    /// Events ever stored.
    pub stored: u64,
    /// Events ever refused by name.
    pub refused: u64,
    /// How many events the phone dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// The highest seq stored.
    pub at_seq: u64,
    /// How many seqs from `oldest` up to `next` are not here.
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
