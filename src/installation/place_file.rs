//! The file `place`: which folder the installation was made in. A copy of the folder, on another
//! phone or in another place, carries it along, and is known by it. Owns the format of its bytes.

/// What `place` says about the folder that it is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing: there is no mark, as in older folders, or a damaged one.
    #[default]
    Unmarked,
    /// The installation was made here.
    Here,
    /// The folder is a copy: the installation was made elsewhere, and lives on there.
    Elsewhere,
}

/// Returns the bytes of a place, the folder's inode number: the number, CRC-32.
pub(super) fn encode(inode: u64) -> Vec<u8> {
    let mut bytes = inode.to_le_bytes().to_vec();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Reads the bytes of [`encode`]; `None` if a single one is wrong.
pub(super) fn decode(bytes: &[u8]) -> Option<u64> {
    let (inode, crc) = bytes.split_last_chunk::<4>()?;
    let whole = crc32fast::hash(inode) == u32::from_le_bytes(*crc);
    inode.try_into().ok().filter(|_| whole).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_wrong_byte_or_length_makes_a_place_unreadable() {
        let good = encode(0x0123_4567_89ab_cdef);
        assert_eq!(decode(&good), Some(0x0123_4567_89ab_cdef));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(decode(&bad), None, "byte {at}");
            assert_eq!(decode(&good[..at]), None, "length {at}");
        }
    }
}
