//! The compact form in which the caller's thread writes an entry, and how the worker turns it into
//! JSON. It never leaves the device, and is read by the version that wrote it or a later one: a new
//! variant or field goes to the end of its type, and nothing is removed.

use serde::{Deserialize, Serialize};

use super::body::{Stamp, body_bytes, write_body};
use crate::config::EVENT_BYTES_MAX;
use crate::event::{Entry, Record};

/// Bytes in the compact form that fit [`EVENT_BYTES_MAX`] as JSON whatever they are: there a byte of
/// a text takes six at most, and everything else 2 KiB.
const SURELY_FITS: usize = (EVENT_BYTES_MAX - 2048) / 6;

/// What a record's own fields do not say. One definition for both directions.
#[derive(Serialize, Deserialize)]
struct Compact<E, S> {
    entry: E,
    screen: Option<S>,
    /// For a screen view: the previous screen, and how long it was shown, in ms.
    previous: Option<(S, u64)>,
}

/// Writes an entry to the start of `out`, and returns how many bytes it takes; `None` if they are
/// too many, in this form or as JSON.
pub(crate) fn write_compact(out: &mut [u8], entry: &Entry, stamp: &Stamp<'_>) -> Option<usize> {
    let Stamp { screen, previous, .. } = *stamp;
    let bytes = postcard::to_slice(&Compact { entry, screen, previous }, out).ok()?.len();
    if bytes > SURELY_FITS {
        return (body_bytes(entry, stamp) <= EVENT_BYTES_MAX).then_some(bytes);
    }
    Some(bytes)
}

/// Returns the JSON of a record in the compact form; `None` if it cannot be read.
pub(crate) fn to_json(record: &Record) -> Option<Vec<u8>> {
    let Compact { entry, screen, previous } =
        postcard::from_bytes::<Compact<Entry, &str>>(&record.body).ok()?;
    let Record { at_ms, session, .. } = *record;
    let mut json = Vec::with_capacity(2 * record.body.len() + 64);
    write_body(&mut json, &entry, &Stamp { at_ms, session, screen, previous });
    Some(json)
}
