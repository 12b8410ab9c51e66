//! Every bound of the collector, with its reason.

/// Bytes of a request body, both inflated and as sent: ten times the SDK's largest.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Events in a batch: five times the SDK's largest.
pub const BATCH_EVENTS_MAX: usize = 500;
/// Events in a call's snapshot.
pub const SNAPSHOT_EVENTS_MAX: usize = 20;
/// Bytes of a call's snapshot events together: 16 KiB, counted as for a single event.
pub const SNAPSHOT_BYTES_MAX: usize = 16 * 1024 + SNAPSHOT_EVENTS_MAX * SEQ_BYTES_MAX;
/// Bytes of one encoded event: 16 KiB, counted as the SDK does, without its `seq`.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 + SEQ_BYTES_MAX;
/// Bytes of `"seq":` with the longest number and its comma.
const SEQ_BYTES_MAX: usize = 32;
/// How long a client may take to send a request's head, and to send the next request on an open
/// connection.
pub const HEAD_TIMEOUT_S: u64 = 75;
/// Bytes of a request's head; past that, 431.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Connections open at the same time, where the process may have as many descriptors: each takes some 20
/// kB, and with a head half sent up to 36.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Connections open at the same time, however few descriptors there are.
pub const CONNECTIONS_MIN: usize = 16;
/// Descriptors kept for all but connections: the storage's writer and readers, the listener, the runtime
/// and the log.
pub const DESCRIPTORS_RESERVED: u64 = 64;
/// How long requests under way may take once the program is asked to end: half as long as
/// `docker stop` waits.
pub const END_GRACE_S: u64 = 5;
/// How long a client may take to send its body: 1 MiB at about 35 KB/s.
pub const BODY_TIMEOUT_S: u64 = 30;
/// Bytes of bodies still arriving, of all requests together; past that, 503. A slow body takes only
/// the bytes it has sent so far, so that a crowd of them shuts nobody out.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Uploads that are read and stored at the same time. With their bodies, sent and inflated, they take
/// at most 512 MiB.
pub const UPLOADS_MAX: usize = 256;
/// Requests that wait for the writer in each of its two lanes; past that, 503.
pub const WRITER_QUEUE_MAX: usize = 1_024;
/// Requests that share one commit. Bounds how long the first of them waits.
pub const GROUP_REQUESTS_MAX: usize = 256;
/// Uploads that join a commit for which a look-up waits: half a millisecond of work.
pub const GROUP_BEHIND_LOOKUP_MAX: usize = 2;
/// Database connections that read, beside the one that writes.
pub const READERS_MAX: usize = 4;
/// Live streams open at the same time; past that, 503.
pub const STREAMS_MAX: usize = 2_000;
/// Live streams of one call open at the same time: an agent, a supervisor and a few reloads. One
/// leaked link cannot take the room of the others.
pub const STREAMS_PER_CALL_MAX: usize = 16;
/// The shortest time between two updates on one live stream: changes that arrive faster share one
/// update.
pub const STREAM_PAUSE_MS: u64 = 100;
/// How often a live stream reads the store without being told of a change: to see what another process
/// wrote, and to keep "synced n min ago" current.
pub const STREAM_LOOK_S: u64 = 15;
/// Events read for one view, newest first: ten times as many as it shows.
pub const VIEW_EVENTS_MAX: usize = 2_000;
/// Steps in a view.
pub const VIEW_STEPS_MAX: usize = 200;
/// Distinct products in a view.
pub const VIEW_PRODUCTS_MAX: usize = 20;
/// Orders in a view.
pub const VIEW_ORDERS_MAX: usize = 10;
/// Events counted between `oldest` and `next` for one view: the part of a phone's queue that is here,
/// mostly the snapshots of its calls. Past that, the pending steps are overstated.
pub const VIEW_QUEUE_MAX: usize = 10_000;
/// Changes of customer read for one view, newest first: a shared phone changes hands ten times a day.
pub const VIEW_CUSTOMERS_MAX: usize = 1_000;
/// The phone counts as live this long after it was last heard.
pub const LIVE_MS: i64 = 2 * MINUTE_MS;

/// Characters of a call id: more than contact-centre platforms use.
pub const CALL_ID_CHARS_MAX: usize = 256;
/// Characters of an agent's name or a caller's number.
pub const NAME_CHARS_MAX: usize = 256;
/// Characters of a `User-to-User` header: RFC 7434 allows 128 octets; several values by comma.
pub const UUI_CHARS_MAX: usize = 2_048;
/// Reasons of `dropped` kept for one epoch.
pub const REASONS_MAX: usize = 16;
/// Characters of one reason of `dropped`.
pub const REASON_CHARS_MAX: usize = 32;
/// Bytes of one text that an agent may be shown: four times the SDK's longest.
pub const TEXT_BYTES_MAX: usize = 1_024;
/// Bytes of a screen name that gets a number.
pub const SCREEN_BYTES_MAX: usize = 256;

/// Locators that a phone may name to have them renewed: more than the SDK keeps.
pub const CODES_NAMED_MAX: usize = 16;
/// Leased codes an installation holds after a top-up.
pub const LEASES_HELD: u32 = 5;
/// An installation that holds fewer codes than this is topped up.
pub const LEASES_LOW: u32 = 3;
/// Unclaimed codes leased to one installation, whatever it says it holds.
pub const LEASES_UNCLAIMED_MAX: u32 = 20;
/// The same for a phone that names the codes it holds: whoever signs in and out all day leaves many
/// behind.
pub const LEASES_UNCLAIMED_NAMED_MAX: u32 = 100;
/// Codes given to one installation a day, claimed or not: far more than somebody who calls and signs out
/// all day uses, and so few that those of the last days are counted at each top-up in no time.
pub const LEASES_A_DAY_MAX: u32 = 150;
/// Numbers given to screens of an app that its screens file does not list: the other half is kept for
/// those that it lists, since the names come with a public key.
pub const SCREENS_UNLISTED_MAX: usize = 499;
/// Configured screens whose numbers are sent with fresh codes: about 8 KB of the 64 KB that the SDK
/// reads.
pub const LEASE_SCREENS_MAX: usize = 200;
/// How long the phone may use a code.
pub const LEASE_MS: i64 = 7 * DAY_MS;
/// How long the collector honours it: one day longer, for a phone whose clock is slow.
pub const LEASE_HONOURED_MS: i64 = LEASE_MS + DAY_MS;
/// A locator is not leased again until this long after its lease ended.
pub const LOCATOR_REST_MS: i64 = 30 * DAY_MS;
/// A code whose call record has arrived can be claimed this long after the tap.
pub const CODE_CLAIMABLE_MS: i64 = 10 * MINUTE_MS;
/// A claim may seem this much older than its own tap, because of the phone's clock and the delay of the
/// network.
pub const TAP_SKEW_MS: i64 = MINUTE_MS;
/// A token can be claimed this long after the tap.
pub const TOKEN_CLAIMABLE_MS: i64 = DAY_MS;
/// A claim binds a call to a call id this long.
pub const CLAIM_MS: i64 = DAY_MS;
/// A desk link is valid this long.
pub const DESK_LINK_MS: i64 = 2 * 60 * MINUTE_MS;
/// A wall clock that goes on by more than this between two rounds of removing what has expired may be
/// wrong, and nothing is removed by it.
pub const CLOCK_JUMP_MS: i64 = DAY_MS;
/// Events are kept this long after they arrived.
pub const RETENTION_MS: i64 = 30 * DAY_MS;
/// An event that was older than this when it was sent is shown as this old: the phone's clock was
/// wrong.
pub const AGE_MAX_MS: i64 = 30 * DAY_MS;

/// Bytes of a proof of identity: the SDK's own bound.
pub const PROOF_BYTES_MAX: usize = 4 * 1024;
/// Proofs judged in one upload, newest first: customers sign in a few times between two uploads.
pub const PROOFS_JUDGED_MAX: usize = 16;
/// A proof that took longer to arrive than this is judged as of this long before.
pub const PROOF_AGE_MAX_MS: i64 = DAY_MS;
/// Seconds from a proof's `iat` to its `exp`: short, so that a stolen proof is useless a day later (with
/// a nonce, at once).
pub const PROOF_LIFE_MAX_S: f64 = 3_600.0;
/// Seconds by which the clock of an app's backend may differ from ours.
pub const PROOF_SKEW_S: f64 = 60.0;
/// Identity keys of one app: the current one, the next, and some to spare.
pub const IDENTITY_KEYS_MAX: usize = 8;
/// Bytes of an HS256 secret: as many as its hash has (RFC 7518, 3.2).
pub const IDENTITY_SECRET_BYTES_MIN: usize = 32;

/// Characters of an app's id.
pub const APP_CHARS_MAX: usize = 256;
/// For how long keys that were read count as they were: so soon a revoked one is refused.
pub const KEYS_FRESH_MS: u64 = 2_000;
/// How often keys are read for one that is not known: at once, and from then on a second.
pub const UNKNOWN_KEYS_BURST: u32 = 20;
/// The same, a second.
pub const UNKNOWN_KEYS_PER_S: u32 = 2;

/// Look-ups per hour that may miss for one `caller`.
pub const MISSES_PER_CALLER: u32 = 5;
/// Look-ups per hour that may miss for one key that names no caller.
pub const MISSES_PER_KEY: u32 = 600;
/// Callers and keys that a throttle remembers; past that it forgets those that have recovered, and in
/// a storm all of them.
pub const THROTTLE_KEYS_MAX: usize = 100_000;
/// Events per second that one write key may upload, unless configured: more than one machine stores
/// (415 thousand measured on 2 cores, 2026-11-26), so that only a bound set by the operator limits.
pub const EVENTS_PER_S: u32 = 1_000_000;
/// The cost of a request beside its events, in events.
pub const REQUEST_COST: u32 = 10;

/// Entries of the audit log read at once when it is printed: a short read does not keep erased data in
/// SQLite's write-ahead log.
pub const AUDIT_ENTRIES_READ: usize = 1_000;

/// Pages of 4 KiB that are moved from the write-ahead log into the database at once: half a MiB. More
/// would delay the commits beside it, which wait for the same disk: a look-up's p99 while phones
/// upload was 4.1 ms with 128 pages, 7.8 with 512 and 15.8 with 2,048 (2 cores, 2026-11-26). Storing
/// is at most 7 % slower for it.
pub const CHECKPOINT_PAGES: usize = 128;
/// Pages in the log from which on the writer helps to restart it: 32 MiB, one second of heavy uploads.
pub const LOG_PAGES: usize = 8_192;
/// Rows removed in one slice of the retention job, so that uploads never wait long behind it.
pub const EXPIRE_ROWS: usize = 2_000;
/// A slice of the retention job ends after this long, however few rows it has removed.
pub const EXPIRE_SLICE_MS: u64 = 20;
/// Installations removed in one slice: a few rows each.
pub const EXPIRE_INSTALLATIONS: usize = 100;
/// The pause between two slices of the retention job.
pub const EXPIRE_PAUSE_MS: u64 = 20;
/// The pause between two rounds of the retention job.
pub const EXPIRE_EVERY_S: u64 = 300;

const MINUTE_MS: i64 = 60 * 1_000;
pub(crate) const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
