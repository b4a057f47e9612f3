//! Bytes on a WebSocket: requests that are odd, in frames that are odd.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::json::{junk, mutate, one_of, text};

const FINAL: u8 = 0x80;
const TEXT: u8 = 0x1;
const CONTINUATION: u8 = 0x0;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
/// Frames of one flood.
const FLOOD: usize = 200;

/// One thing to send.
pub(super) fn next(random: &mut StdRng) -> Vec<u8> {
    let mut request = request(random);
    for _ in 0..random.random_range(0..4) {
        mutate(random, &mut request);
    }
    let payload = text(random, &request);
    let mut out = Vec::new();
    match random.random_range(0_u32..80) {
        10..70 => frame(&mut out, random, FINAL | TEXT, &payload),
        70.. => in_parts(&mut out, random, &payload),
        0 => {
            for _ in 0..FLOOD {
                let len = random.random_range(0..=125);
                frame(&mut out, random, FINAL | PING, &vec![b'p'; len]);
            }
        }
        1 => frame(&mut out, random, FINAL | TEXT | 0x40, &payload),
        2 => unmasked(&mut out, &payload),
        3 => {
            let opcode = random.random_range(0..16);
            let fin = if random.random_bool(0.5) { FINAL } else { 0 };
            frame(&mut out, random, fin | opcode, &payload);
        }
        4 => frame(&mut out, random, FINAL | PING, &[b'p'; 126]),
        5 => frame(&mut out, random, PING, b"in parts"),
        6 => close(&mut out, random),
        7 => {
            // A length that says less, or more, than there is.
            frame(&mut out, random, FINAL | TEXT, &payload);
            let wrong = random.random_range(2..out.len().max(3));
            out.truncate(wrong);
        }
        8 => {
            // A length in more bytes than it needs, or with its highest bit.
            let high = if random.random_bool(0.5) { 0x80 } else { 0 };
            out.extend_from_slice(&[FINAL | TEXT, 0xff, high, 0, 0, 0, 0, 0, 0, 2]);
            out.extend_from_slice(&[0, 0, 0, 0, b'{', b'}']);
        }
        9 => out.extend((0..random.random_range(1..64)).map(|_| random.random::<u8>())),
    }
    out
}

/// A good request, more or less.
fn request(random: &mut StdRng) -> Value {
    let room = one_of(random, &["den", "den", "hole", "fuzz"]);
    let other = one_of(random, &["fuzz-0", "fuzz-1", "well", "nobody"]);
    let id = "msg_0192f0c1d2e37000a1b2c3d4e5f60718";
    let key = format!("k{}", random.random_range(0..50));
    match random.random_range(0..16) {
        0 => json!({"type": "hello", "messages": true, "resume": cursors(random)}),
        1 => json!({"type": "ping", "ref": "r"}),
        2 => json!({"type": "send", "to": other, "text": "hi", "keep": true, "key": key}),
        3 => json!({
            "type": "send", "to": [other, "fuzz-2"], "payload": junk(random), "priority": 2,
            "ttl_seconds": 60, "expects_reply": true, "deadline_seconds": 30, "ref": "s",
        }),
        4 => json!({
            "type": "send", "to": "all", "text": "x", "metadata": {"a": 1}, "kind": "command",
            "trace": "tr_1:0", "reply_to": id,
        }),
        5 => json!({"type": "ack", "id": id, "stage": "done", "reason": "so", "ref": "a"}),
        6 => json!({
            "type": "create_room", "room": format!("fuzz-{}", random.random_range(0..30)),
            "topic": "t", "key": key,
            "policy": {"visibility": "open", "roles": "open", "weights": {"reviewer": 1.5}},
        }),
        7 => json!({"type": "join", "room": room, "role": "coder", "since": 0, "password": "p"}),
        8 => json!({"type": "leave", "room": room}),
        9 => json!({"type": "grant", "room": room, "client": other, "role": "reviewer"}),
        10 => json!({"type": "remove", "room": room, "client": other, "reason": "because"}),
        11 => json!({"type": "create_channel", "room": room, "name": "side", "topic": "t"}),
        12 => junk(random),
        _ => json!({
            "type": "post", "room": room, "text": "hello @fuzz-1", "channel": "main",
            "reply_to": id, "metadata": {"n": junk(random)}, "key": key, "ref": "p",
        }),
    }
}

/// What a client claims to have read.
pub(super) fn cursors(random: &mut StdRng) -> Value {
    let epoch = "ep_0192f0c1d2e37000a1b2c3d4e5f60718";
    let mut cursors = json!({
        "epoch": epoch, "rooms": {"den": random.random_range(0..99), "no": 5}, "broadcast": 3,
    });
    for _ in 0..random.random_range(0..3) {
        mutate(random, &mut cursors);
    }
    cursors
}

/// A frame as a client must send it, whatever is in it.
pub(super) fn frame(out: &mut Vec<u8>, random: &mut StdRng, first: u8, payload: &[u8]) {
    let mask: [u8; 4] = random.random();
    header(out, first, 0x80, payload.len() as u64);
    out.extend_from_slice(&mask);
    let masked = payload.iter().zip(mask.iter().cycle());
    out.extend(masked.map(|(byte, mask)| byte ^ mask));
}

fn unmasked(out: &mut Vec<u8>, payload: &[u8]) {
    header(out, FINAL | TEXT, 0, payload.len() as u64);
    out.extend_from_slice(payload);
}

/// The beginning of a frame, up to its length.
pub(super) fn header(out: &mut Vec<u8>, first: u8, masked: u8, len: u64) {
    out.push(first);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len <= 125 => out.push(masked | len),
        (_, Ok(len)) => {
            out.push(masked | 126);
            out.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
}

/// A message in some frames, with pings, and now and then something forbidden, between them.
fn in_parts(out: &mut Vec<u8>, random: &mut StdRng, payload: &[u8]) {
    let mut rest = payload;
    let mut opcode = TEXT;
    loop {
        let len = random.random_range(0..=rest.len());
        let (part, after) = rest.split_at(len);
        rest = after;
        let is_last = rest.is_empty() || random.random_bool(0.1);
        let fin = if is_last { FINAL } else { 0 };
        frame(out, random, fin | opcode, part);
        opcode = CONTINUATION;
        if is_last {
            return;
        }
        match random.random_range(0..20) {
            0 => frame(out, random, FINAL | TEXT, b"{\"type\":\"ping\"}"),
            1 => opcode = TEXT,
            2..6 => frame(out, random, FINAL | PING, b"between"),
            _ => {}
        }
    }
}

fn close(out: &mut Vec<u8>, random: &mut StdRng) {
    let reasons: &[&[u8]] = &[
        b"",
        b"\x03",
        b"\x03\xe8",
        b"\x03\xe7bad number",
        b"\xff\xff",
        b"\x03\xe8\xff\xfe not text",
        b"\x0f\xa1I am the server",
    ];
    let reason = one_of(random, reasons);
    frame(out, random, FINAL | CLOSE, reason);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn what_is_sent_depends_on_the_seed_only() {
        let all = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            (0..300).map(|_| next(&mut random)).collect::<Vec<_>>()
        };
        assert_eq!(all(7), all(7));
        assert_ne!(all(7), all(8));
        assert!(all(9).iter().all(|bytes| !bytes.is_empty()));
    }

    #[test]
    fn a_frame_has_its_length_and_its_mask() {
        let mut random = StdRng::seed_from_u64(1);
        for (len, header) in [(5, 2), (126, 4), (70_000, 10)] {
            let mut out = Vec::new();
            frame(&mut out, &mut random, 0x81, &vec![0; len]);
            assert_eq!(out.len(), header + 4 + len);
            let mask = &out[header..header + 4];
            assert_eq!(&out[header + 4..header + 8], mask, "zeros show the mask");
        }
    }
}
