//! WebSocket framing (RFC 6455, section 5.2) of what a server sends: unmasked and unfragmented.

use bytes::{BufMut, Bytes, BytesMut};

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
/// Bytes that a control frame may carry.
const CONTROL_BYTES_MAX: usize = 125;

/// A text frame around a JSON text.
#[must_use]
pub fn text_frame(text: &[u8]) -> Bytes {
    frame(TEXT, text)
}

/// A ping; the client's library answers it.
#[must_use]
pub fn ping_frame() -> Bytes {
    frame(PING, b"")
}

/// The answer to a ping, with its payload.
#[must_use]
pub fn pong_frame(payload: &[u8]) -> Bytes {
    frame(PONG, &payload[..payload.len().min(CONTROL_BYTES_MAX)])
}

/// A close frame. The reason is for people and is cut to what fits.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    let room = CONTROL_BYTES_MAX - 2;
    let end = reason.floor_char_boundary(room);
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    frame(CLOSE, &payload)
}

fn frame(kind: u8, payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(payload.len() + 10);
    bytes.put_u8(kind);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(len), _) if len <= 125 => bytes.put_u8(len),
        (_, Ok(len)) => {
            bytes.put_u8(126);
            bytes.put_u16(len);
        }
        _ => {
            bytes.put_u8(127);
            bytes.put_u64(payload.len() as u64);
        }
    }
    bytes.put_slice(payload);
    bytes.freeze()
}
