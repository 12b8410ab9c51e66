//! The nonce that ties a proof of identity to one installation.
//!
//! Neither makes nor checks a proof: the app's backend signs it, the collector verifies it, and the
//! phone only carries it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Keeps this hash different from the collector's, which identifies an installation by its plain
/// SHA-256.
const DOMAIN: &[u8] = b"jalon proof nonce\0";
/// Bytes of the hash that are used: 128 bits, 22 characters.
const BYTES: usize = 16;

/// Returns the nonce of a proof for this installation. It does not reveal the installation's id,
/// and only a phone that has that id can upload a proof with this nonce.
pub fn nonce(installation: &[u8; 16]) -> String {
    let hash = Sha256::new().chain_update(DOMAIN).chain_update(installation).finalize();
    URL_SAFE_NO_PAD.encode(&hash[..BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_22_characters_and_another_for_each_installation() {
        let one = nonce(&[7; 16]);
        assert_eq!(one, "rH2_YhHQlYFz2PI28KcFoA");
        assert_ne!(nonce(&[8; 16]), one);
    }
}
