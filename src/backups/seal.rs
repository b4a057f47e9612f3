//! The end of a backup: a line with the SHA-256 of everything in front of it.
//!
//! SQLite looks at nothing behind its last page, so a sealed file is still a database. A seal that
//! was touched is no seal, and a file without one is no backup: so whatever changes in a backup is
//! noticed, even where nothing is kept.

use std::fmt;

use sha2::{Digest, Sha256};

const BEFORE: &str = "\nagent-bridge backup 1 sha256 ";
const AFTER: &str = "\n";
const DIGITS: usize = 64;

/// Bytes of a seal.
pub const SEAL_BYTES: usize = BEFORE.len() + DIGITS + AFTER.len();

/// What is at the end of a backup.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seal([u8; 32]);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits())
    }
}

/// A file that is no backup, or not the one that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongSeal {
    /// Its end is another.
    #[error(
        "it is no backup that `agent-bridge backup` has made, or it was cut off or changed at its \
         end"
    )]
    None,
    /// Its bytes are others.
    #[error("it is damaged: its SHA-256 is not the one that it was sealed with")]
    Broken,
}

/// Looks at every byte in front of a seal.
#[derive(Debug, Clone, Default)]
pub struct Sealing(Sha256);

impl Sealing {
    /// The next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The seal of all of them.
    #[must_use]
    pub fn end(self) -> Seal {
        Seal(self.0.finalize().into())
    }
}

impl Seal {
    /// Its bytes in a file.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{BEFORE}{}{AFTER}", self.digits())
    }

    fn digits(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether these last bytes of a file are this seal.
    ///
    /// # Errors
    /// When they are none, or another.
    pub fn check(self, end: &[u8]) -> Result<(), WrongSeal> {
        let digits = std::str::from_utf8(end)
            .ok()
            .and_then(|text| text.strip_prefix(BEFORE)?.strip_suffix(AFTER))
            .filter(|digits| digits.len() == DIGITS);
        match digits {
            None => Err(WrongSeal::None),
            Some(digits) if digits == self.digits() => Ok(()),
            Some(_) => Err(WrongSeal::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(bytes: &[u8]) -> Seal {
        let mut sealing = Sealing::default();
        sealing.add(bytes);
        sealing.end()
    }

    #[test]
    fn a_seal_is_good_for_its_bytes_only() {
        let text = seal(b"abc").to_text();
        assert_eq!(text.len(), SEAL_BYTES);
        assert!(text.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        assert_eq!(seal(b"abc").check(text.as_bytes()), Ok(()));
        assert_eq!(seal(b"abd").check(text.as_bytes()), Err(WrongSeal::Broken));
        assert_eq!(seal(b"abc").check(b"abc"), Err(WrongSeal::None));
    }

    #[test]
    fn every_bit_of_a_seal_matters() {
        let text = seal(b"abc").to_text().into_bytes();
        for at in 0..text.len() * 8 {
            let mut flipped = text.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(seal(b"abc").check(&flipped).is_err(), "bit {at}");
        }
    }
}
