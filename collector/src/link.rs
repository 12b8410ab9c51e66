//! Desk links: all that a page needs to know, signed, so that no session is kept anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::store::CallId;

/// What a desk link holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskLink {
    /// The app the call belongs to.
    #[serde(rename = "a")]
    pub app: String,
    /// Which call.
    #[serde(rename = "c")]
    pub call: CallId,
    /// Who picked up, if the resolve said so.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it ends, in ms since the Unix epoch.
    #[serde(rename = "e")]
    pub expires_at: i64,
}

const PURPOSE: &str = "desk-link";
/// Twice what the longest agent and app name make.
const CHARS_MAX: usize = 4_096;

impl DeskLink {
    /// Signs it: the last part of `/desk/{signed}`.
    pub fn sign(&self, secret: &Secret) -> String {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        let signature = URL_SAFE_NO_PAD.encode(secret.hash(PURPOSE, payload.as_bytes()));
        format!("{payload}.{signature}")
    }

    /// Reads a signed link; `None` when it is not one of ours. It may have expired.
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
