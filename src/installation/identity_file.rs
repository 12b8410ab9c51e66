//! The file `identity`: which installation this is. Draws it, and owns the format of its bytes;
//! reading and writing the file is `folder`'s.

use std::fmt;

use crate::clock::Clock;

const MAGIC: &[u8; 8] = b"JALONID1";
const IDENTITY_BYTES: usize = 8 + 16 + 4 + 1 + 4;

/// An installation's id: 128 random bits, and a secret. Anyone who has it and a write key can
/// upload as this phone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstallationId([u8; 16]);

impl InstallationId {
    pub(crate) const fn from_bytes(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns its 32 hexadecimal digits, as the wire carries it.
    pub(crate) fn hex(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let number = u128::from_str_radix(text, 16).ok()?;
        (text.len() == 32).then_some(Self(number.to_be_bytes()))
    }
}

impl fmt::Debug for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationId(..)")
    }
}

/// The content of `identity`. That the file exists means that consent was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub installation: InstallationId,
    /// Rises whenever the store is replaced, so that no `seq` ever means two events.
    pub epoch: u32,
    /// The customer agreed to a coarse location.
    pub location: bool,
    /// A store was made in this epoch: if there is none now, it was lost.
    pub has_store: bool,
    /// It follows another installation in this folder: who uses the app may have used that one, and
    /// this one does not know who it is.
    pub follows: bool,
}

impl Identity {
    /// Draws a new installation.
    pub(super) fn draw(clock: &dyn Clock, location: bool) -> Self {
        let mut bits = [0; 16];
        clock.random(&mut bits);
        Self {
            installation: InstallationId::from_bytes(bits),
            epoch: 1,
            location,
            has_store: false,
            follows: false,
        }
    }

    /// Returns its bytes: magic, installation, epoch, flags, CRC-32.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(IDENTITY_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(self.installation.as_bytes());
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.push(
            u8::from(self.location) | u8::from(self.has_store) << 1 | u8::from(self.follows) << 2,
        );
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the bytes of [`encode`](Self::encode); `None` if a single one is wrong.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if bytes.len() != IDENTITY_BYTES || crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let rest = body.strip_prefix(MAGIC)?;
        let (installation, rest) = rest.split_first_chunk::<16>()?;
        let (epoch, rest) = rest.split_first_chunk::<4>()?;
        let flags = rest.first()?;
        Some(Self {
            installation: InstallationId(*installation),
            epoch: u32::from_le_bytes(*epoch),
            location: flags & 1 != 0,
            has_store: flags & 2 != 0,
            follows: flags & 4 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity {
        installation: InstallationId([0xab; 16]),
        epoch: 3,
        location: true,
        has_store: true,
        follows: true,
    };

    #[test]
    fn any_wrong_byte_or_length_makes_an_identity_unreadable() {
        let good = IDENTITY.encode();
        assert_eq!(Identity::decode(&good), Some(IDENTITY));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(Identity::decode(&bad), None, "byte {at}");
            assert_eq!(Identity::decode(&good[..at]), None, "length {at}");
        }
    }
}
