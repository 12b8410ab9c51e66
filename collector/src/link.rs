//! Desk links: everything a desk page needs to know, signed, so that no session is stored anywhere.
//!
//! Pure: the secret and the time come in as arguments.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::limits::DESK_LINK_MS;
use crate::secret::{Hash, Secret};
use crate::store::ContextId;

/// A desk link: what it opens, for whom and until when.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskLink {
    /// The app the call belongs to.
    #[serde(rename = "a")]
    pub app: String,
    /// What the link opens.
    #[serde(flatten)]
    pub opens: Opens,
    /// The agent who takes the call, if the look-up named one.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it expires, in ms since the Unix epoch.
    #[serde(rename = "e")]
    pub expires_at: i64,
}

/// What a desk link opens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Opens {
    /// The context of a call.
    #[serde(rename = "c")]
    Context(ContextId),
    /// A page without a context, which takes the call's code from the agent.
    #[serde(rename = "n")]
    CodeEntry(Requester),
}

/// Who looked a call up without success, so that a code typed later counts as theirs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// The contact centre's id of the call.
    #[serde(rename = "i")]
    pub call_id: String,
    /// Whose misses a wrong code counts towards.
    #[serde(rename = "m")]
    pub misses_of: MissesOf,
}

/// Whose misses a look-up counts towards. Holds hashes alone: links pass through logs and histories.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MissesOf {
    /// The caller's, by a keyed hash of app and caller.
    #[serde(rename = "c")]
    Caller(#[serde(with = "base64url")] Hash),
    /// The key's, by its hash.
    #[serde(rename = "k")]
    Key(#[serde(with = "base64url")] Hash),
}

const PURPOSE: &str = "desk-link";
/// Twice as many as a link with the longest names and call id has.
const CHARS_MAX: usize = 8_192;

impl DeskLink {
    /// A fresh link, which works for two hours from now on.
    pub fn new(app: String, opens: Opens, agent: Option<String>, now_ms: i64) -> Self {
        Self { app, opens, agent, expires_at: now_ms + DESK_LINK_MS }
    }

    /// Signs the link; the answer is the last part of `/desk/{signed}`.
    pub fn sign(&self, secret: &Secret) -> String {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        let signature = URL_SAFE_NO_PAD.encode(secret.hash(PURPOSE, payload.as_bytes()));
        format!("{payload}.{signature}")
    }

    /// Reads a signed link; `None` when this collector did not sign it. It may have expired.
    pub fn read(signed: &str, secret: &Secret) -> Option<Self> {
        if signed.len() > CHARS_MAX {
            return None;
        }
        let (payload, signature) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !secret.verify(PURPOSE, payload.as_bytes(), &signature) {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }
}

/// A hash in a link: base64url.
mod base64url {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use crate::secret::Hash;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(String::deserialize(from)?).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("not 32 bytes"))
    }
}
