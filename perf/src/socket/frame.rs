//! WebSocket framing (RFC 6455, section 5.2) as a client needs it: what it sends is masked, what
//! it reads is not.

use std::ops::Range;

/// Bytes of a frame of the server. The largest is the state of a full room.
const PAYLOAD_BYTES_MAX: usize = 4 * 1024 * 1024;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Text = 0x1,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

/// A frame in a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) opcode: Opcode,
    /// Where its payload is; the next frame begins behind it.
    pub(super) payload: Range<usize>,
}

/// Appends a masked frame.
pub(super) fn put(out: &mut Vec<u8>, opcode: Opcode, mask: [u8; 4], payload: &[u8]) {
    out.reserve(payload.len() + 14);
    out.push(FINAL | opcode as u8);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(len), _) if len <= 125 => out.push(MASKED | len),
        (_, Ok(len)) => {
            out.push(MASKED | 126);
            out.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    let begin = out.len();
    out.extend_from_slice(payload);
    apply(&mut out[begin..], mask);
}

/// Masks, or unmasks: eight bytes at a time.
fn apply(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// The frame that begins here, if all of it is there.
pub(super) fn parse(buffer: &[u8], begin: usize) -> Result<Option<Parsed>, String> {
    let Some((&[first, second], rest)) = buffer.get(begin..).and_then(|b| b.split_first_chunk())
    else {
        return Ok(None);
    };
    let opcode = opcode(first)?;
    if second & MASKED != 0 {
        return Err("the server masked a frame".to_owned());
    }
    let Some((len_bytes, len)) = length(second, rest) else {
        return Ok(None);
    };
    let len = usize::try_from(len)
        .ok()
        .filter(|n| *n <= PAYLOAD_BYTES_MAX);
    let len = len.ok_or("the server sent a frame of an absurd size")?;
    let payload = begin + 2 + len_bytes;
    let payload = payload..payload + len;
    let is_whole = payload.end <= buffer.len();
    Ok(is_whole.then_some(Parsed { opcode, payload }))
}

fn opcode(first: u8) -> Result<Opcode, String> {
    match first {
        0x81 => Ok(Opcode::Text),
        0x88 => Ok(Opcode::Close),
        0x89 => Ok(Opcode::Ping),
        0x8a => Ok(Opcode::Pong),
        _ => Err(format!(
            "the server sent a frame that begins with {first:#04x}"
        )),
    }
}

/// How many bytes more the length takes, and the length.
fn length(second: u8, rest: &[u8]) -> Option<(usize, u64)> {
    match second {
        126 => {
            let bytes = rest.first_chunk()?;
            Some((2, u64::from(u16::from_be_bytes(*bytes))))
        }
        127 => {
            let bytes = rest.first_chunk()?;
            Some((8, u64::from_be_bytes(*bytes)))
        }
        len => Some((0, u64::from(len))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6455, section 5.7.
    #[test]
    fn frames_are_those_of_the_standard() {
        let mut out = Vec::new();
        put(&mut out, Opcode::Text, [0x37, 0xfa, 0x21, 0x3d], b"Hello");
        let masked = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(out, masked);
        let unmasked = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        let parsed = parse(&unmasked, 0).unwrap().unwrap();
        assert_eq!(
            parsed,
            Parsed {
                opcode: Opcode::Text,
                payload: 2..7
            }
        );
        assert_eq!(&unmasked[parsed.payload], b"Hello");
    }

    /// Of every length around the two borders, and masked as the standard says, byte by byte.
    #[test]
    fn lengths_and_masks_fit() {
        let mask = [1, 2, 3, 250];
        for len in [0, 1, 7, 8, 9, 125, 126, 127, 300, 65_535, 65_536, 70_001] {
            let payload: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            let mut out = vec![9, 9];
            put(&mut out, Opcode::Ping, mask, &payload);
            let header = out.len() - 2 - payload.len() - 4;
            assert_eq!(out[2], 0x89);
            let (more, found) = length(out[3] & 0x7f, &out[4..]).unwrap();
            assert_eq!((2 + more, found), (header, len as u64));
            let body = &out[2 + header + 4..];
            for (place, byte) in body.iter().enumerate() {
                assert_eq!(*byte, payload[place] ^ mask[place % 4], "{len}: {place}");
            }
        }
    }

    #[test]
    fn a_frame_is_read_when_all_of_it_is_there() {
        for len in [0_usize, 3, 126, 65_536] {
            let mut whole = vec![0x81];
            match len {
                0..=125 => whole.push(len as u8),
                126..=65_535 => {
                    whole.push(126);
                    whole.extend_from_slice(&(len as u16).to_be_bytes());
                }
                _ => {
                    whole.push(127);
                    whole.extend_from_slice(&(len as u64).to_be_bytes());
                }
            }
            whole.resize(whole.len() + len, b'x');
            let end = whole.len();
            for cut in [0, 1, 2, 3, end - 1] {
                assert_eq!(
                    parse(&whole[..cut.min(end - 1)], 0),
                    Ok(None),
                    "{len}: {cut}"
                );
            }
            whole.extend_from_slice(&[0x8a, 0x00]);
            let parsed = parse(&whole, 0).unwrap().unwrap();
            assert_eq!(parsed.payload, end - len..end);
            let next = parse(&whole, end).unwrap().unwrap();
            assert_eq!(
                next,
                Parsed {
                    opcode: Opcode::Pong,
                    payload: end + 2..end + 2
                }
            );
            assert_eq!(parse(&whole, next.payload.end), Ok(None));
        }
    }

    #[test]
    fn what_our_server_never_sends_is_an_error() {
        assert!(parse(&[0x01, 0x00], 0).is_err(), "a fragment");
        assert!(parse(&[0x82, 0x00], 0).is_err(), "binary");
        assert!(parse(&[0x81, 0x80, 0, 0, 0, 0], 0).is_err(), "masked");
        let mut absurd = vec![0x81, 127];
        absurd.extend_from_slice(&u64::MAX.to_be_bytes());
        assert!(parse(&absurd, 0).is_err(), "absurd");
    }
}
