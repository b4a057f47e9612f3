//! The header of a frame (RFC 6455, section 5.2), as a client sends it.

use bridge_core::limits;

use crate::actors::Violation;

const FINAL: u8 = 0x80;
/// They belong to extensions, and none was agreed on.
const RESERVED_BITS: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const MASK_BYTES: usize = 4;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
/// Bytes of a frame that is no message.
const CONTROL_BYTES_MAX: u64 = 125;

/// What a frame says of itself before its payload comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    first: u8,
    is_masked: bool,
    /// Bytes before the mask.
    bytes: usize,
    /// Bytes of the payload, as announced.
    announced: u64,
}

impl Header {
    /// The header at the beginning of a buffer, when as much of it is there as says the size.
    pub(super) fn read(buffer: &[u8]) -> Option<Self> {
        let &[first, second] = buffer.first_chunk()?;
        let (bytes, announced) = match second & !MASKED {
            126 => {
                let len = buffer.get(2..4)?.try_into().ok()?;
                (4, u64::from(u16::from_be_bytes(len)))
            }
            127 => {
                let len = buffer.get(2..10)?.try_into().ok()?;
                (10, u64::from_be_bytes(len))
            }
            short => (2, u64::from(short)),
        };
        Some(Self {
            first,
            is_masked: second & MASKED != 0,
            bytes,
            announced,
        })
    }

    /// Whether such a frame may come now: in the middle of a message in parts or not, and with so
    /// many bytes of it already there. Nothing of its payload is waited for before that.
    ///
    /// # Errors
    /// How it breaks the protocol.
    pub(super) fn check(&self, is_in_parts: bool, parts_bytes: usize) -> Result<(), Violation> {
        let is_final = self.first & FINAL != 0;
        let is_ours = match self.first & OPCODE {
            CONTINUATION => is_in_parts,
            TEXT => !is_in_parts,
            CLOSE | PING | PONG => is_final && self.announced <= CONTROL_BYTES_MAX,
            _ => false,
        };
        if !is_ours || !self.is_masked || self.first & RESERVED_BITS != 0 {
            return Err(Violation::NotText);
        }
        // What is no message does not add to one; it is small.
        let before = if self.is_control() { 0 } else { parts_bytes };
        if self.announced > limits::FRAME_BYTES_MAX.saturating_sub(before) as u64 {
            return Err(Violation::TooLarge);
        }
        Ok(())
    }

    const fn is_control(&self) -> bool {
        self.first & OPCODE >= CLOSE
    }

    /// Bytes of the whole frame. It must have been checked.
    pub(super) fn frame_bytes(&self) -> usize {
        let announced = usize::try_from(self.announced).unwrap_or(usize::MAX);
        announced.saturating_add(self.bytes + MASK_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Header {
        Header::read(bytes).expect("a header")
    }

    #[test]
    fn a_frame_announces_its_size_in_its_header() {
        let announced = |bytes: &[u8]| Header::read(bytes).map(|header| header.announced);
        assert_eq!(announced(&[]), None);
        assert_eq!(announced(&[0x81]), None);
        assert_eq!(announced(&[0x81, 0x85]), Some(5));
        assert_eq!(announced(&[0x81, 0xfe, 0x01]), None);
        assert_eq!(announced(&[0x81, 0xfe, 0x01, 0x02]), Some(258));
        let mut long = vec![0x81, 0xff];
        long.extend_from_slice(&(1_u64 << 40).to_be_bytes());
        assert_eq!(announced(&long), Some(1 << 40));
        assert_eq!(announced(&long[..9]), None);
        assert_eq!(read(&[0x81, 0x85]).frame_bytes(), 2 + 4 + 5);
        let medium = read(&[0x81, 0xfe, 0x01, 0x02]);
        assert_eq!(medium.frame_bytes(), 4 + 4 + 258);
    }

    #[test]
    fn what_may_not_come_is_known_by_its_header() {
        let good: [(&[u8], bool); 6] = [
            (&[0x81, 0x80], false),
            (&[0x01, 0x80], false),
            (&[0x00, 0x80], true),
            (&[0x80, 0x80], true),
            (&[0x89, 0xfd], true),
            (&[0x88, 0x80], false),
        ];
        for (bytes, is_in_parts) in good {
            assert_eq!(read(bytes).check(is_in_parts, 0), Ok(()), "{bytes:x?}");
        }
        let bad: [(&[u8], bool); 11] = [
            // No mask, reserved bits, opcodes that there are not, and binary.
            (&[0x81, 0x02], false),
            (&[0xc1, 0x80], false),
            (&[0x91, 0x80], false),
            (&[0x83, 0x80], false),
            (&[0x8b, 0x80], false),
            (&[0x82, 0x80], false),
            // A part of nothing, and a message in the middle of another.
            (&[0x80, 0x80], false),
            (&[0x81, 0x80], true),
            (&[0x01, 0x80], true),
            // A ping in parts, and a long one.
            (&[0x09, 0x80], false),
            (&[0x89, 0xfe, 0x00, 0x7e], false),
        ];
        for (bytes, is_in_parts) in bad {
            let checked = read(bytes).check(is_in_parts, 0);
            assert_eq!(checked, Err(Violation::NotText), "{bytes:x?}");
        }
    }

    #[test]
    fn a_message_in_parts_is_not_larger_than_one_frame() {
        let max = limits::FRAME_BYTES_MAX;
        let part = |announced: usize| {
            let mut bytes = vec![0x00, 0xff];
            bytes.extend_from_slice(&(announced as u64).to_be_bytes());
            read(&bytes)
        };
        assert_eq!(part(max).check(true, 0), Ok(()));
        assert_eq!(part(max - 10).check(true, 10), Ok(()));
        assert_eq!(part(max).check(true, 1), Err(Violation::TooLarge));
        assert_eq!(part(usize::MAX).check(true, 0), Err(Violation::TooLarge));
        assert_eq!(part(1).check(true, max), Err(Violation::TooLarge));
        let ping = read(&[0x89, 0xfd]);
        assert_eq!(ping.check(true, max), Ok(()), "a ping is no part of it");
    }
}
