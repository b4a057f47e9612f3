//! Requests over REST: odd paths, queries, cursors, tokens, heads and bodies.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::frames::cursors;
use super::json::{junk, mutate, one_of, text};

const ROUTES: &[(&str, &str)] = &[
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/status"),
    ("POST", "/v1/rooms"),
    ("GET", "/v1/rooms"),
    ("GET", "/v1/rooms/{room}"),
    ("DELETE", "/v1/rooms/{room}"),
    ("PUT", "/v1/rooms/{room}/members/me"),
    ("DELETE", "/v1/rooms/{room}/members/me"),
    ("PUT", "/v1/rooms/{room}/members/{client}"),
    ("DELETE", "/v1/rooms/{room}/members/{client}"),
    ("POST", "/v1/rooms/{room}/channels"),
    ("GET", "/v1/rooms/{room}/channels"),
    ("POST", "/v1/rooms/{room}/messages"),
    ("GET", "/v1/rooms/{room}/messages"),
    ("GET", "/v1/rooms/{room}/events"),
    ("POST", "/v1/tickets"),
    ("POST", "/v1/messages"),
    ("GET", "/v1/messages/{id}"),
    ("POST", "/v1/messages/{id}/ack"),
    ("GET", "/v1/mailbox"),
    ("GET", "/v1/dead-letters"),
    ("GET", "/v1/admin/dead-letters"),
    ("GET", "/v1/admin/stats"),
    ("GET", "/ws/{client}"),
    ("GET", "/nowhere"),
];

/// What stands in a path or a query, percent-encoded or not.
const WORDS: &[&str] = &[
    "den",
    "hole",
    "fuzz-1",
    "well",
    "me",
    "all",
    "",
    ".",
    "..",
    "%2e%2e",
    "%00",
    "%",
    "%zz",
    "%F0%9F%98%80",
    "%ff%fe",
    "a%2Fb",
    "0",
    "1",
    "-1",
    "7",
    "18446744073709551615",
    "9223372036854775808",
    "1e3",
    "null",
    "true",
    "ep_0192f0c1d2e37000a1b2c3d4e5f60718",
    "ep_0192f0c1d2e37000a1b2c3d4e5f60718:0-0:0:0",
    "ep_0192f0c1d2e37000a1b2c3d4e5f60718:1-2:3:4",
    "ep_0192f0c1d2e37000a1b2c3d4e5f60718:9223372036854775807",
    "ep_x:1-9223372036854775807:0:0",
    "msg_0192f0c1d2e37000a1b2c3d4e5f60718",
    "msg_zz",
];

/// `wait` is not among them: what is asked to wait, waits.
const FIELDS: &[&str] = &[
    "after", "before", "limit", "epoch", "channel", "peek", "ticket", "x",
];

const HEADERS: &[&str] = &[
    "Last-Event-ID",
    "Idempotency-Key",
    "x-request-id",
    "Accept",
    "Content-Type",
    "Connection",
    "Expect",
    "Transfer-Encoding",
    "Content-Length",
    "Upgrade",
    "Sec-WebSocket-Protocol",
    "Host",
    "X-Forwarded-For",
];

const HEADER_VALUES: &[&[u8]] = &[
    b"",
    b"\xff\xfe",
    b"text/event-stream",
    b"*/*;q=x",
    b"chunked",
    b"chunked, gzip",
    b"-1",
    b"99999999999999999999",
    b"0",
    b"5",
    b"100-continue",
    b"upgrade",
    b"websocket",
    b"agent-bridge.v1",
    b"agent-bridge.v1, bearer.x.y.z",
    b"ep_0192f0c1d2e37000a1b2c3d4e5f60718:3",
    b"ep_0192f0c1d2e37000a1b2c3d4e5f60718:-3",
    b"ep_:",
    b"a\tb",
    b"close",
];

/// The bytes of one request.
pub(super) fn next(random: &mut StdRng, token: &str) -> Vec<u8> {
    let (method, path) = ROUTES[random.random_range(0..ROUTES.len())];
    let method = match random.random_range(0..20) {
        0 => one_of(
            random,
            &[
                "PATCH",
                "HEAD",
                "OPTIONS",
                "TRACE",
                "get",
                "\u{0}",
                "POST POST",
            ],
        ),
        _ => method,
    };
    let mut head = format!("{method} {} HTTP/1.1\r\n", target(random, path));
    if random.random_bool(0.98) {
        head.push_str("Host: localhost\r\n");
    }
    if random.random_bool(0.95) {
        let token = bearer(random, token);
        head.push_str(&format!("Authorization: {token}\r\n"));
    }
    if path.ends_with("/events") && random.random_bool(0.5) {
        head.push_str("Accept: text/event-stream\r\n");
    }
    let mut out = head.into_bytes();
    for _ in 0..random.random_range(0..3) {
        let name = one_of(random, HEADERS);
        let value = one_of(random, HEADER_VALUES);
        out.extend_from_slice(format!("{name}: ").as_bytes());
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    body(random, method, &mut out);
    if random.random_bool(0.03) {
        let place = random.random_range(0..out.len());
        out[place] = random.random();
    }
    out
}

fn target(random: &mut StdRng, path: &str) -> String {
    let mut target = String::new();
    for part in path.split_inclusive('/') {
        let is_open = part.starts_with('{');
        let end = if part.ends_with('/') { "/" } else { "" };
        if !is_open {
            target.push_str(part);
        } else if random.random_bool(0.6) {
            let good = if part.starts_with("{client") {
                "fuzz-1"
            } else {
                "den"
            };
            target.push_str(good);
            target.push_str(end);
        } else {
            target.push_str(one_of(random, WORDS));
            target.push_str(end);
        }
    }
    let fields = random.random_range(0..4);
    for number in 0..fields {
        target.push(if number == 0 { '?' } else { '&' });
        let field = one_of(random, FIELDS);
        let word = match random.random_range(0..8) {
            0 => cursors(random).to_string().replace(' ', "+"),
            1 => "9".repeat(random.random_range(1..5_000)),
            _ => one_of(random, WORDS).to_owned(),
        };
        target.push_str(&format!("{field}={word}"));
    }
    target
}

/// A token, mostly the right one.
fn bearer(random: &mut StdRng, token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let place = random.random_range(0..bytes.len());
    match random.random_range(0..12) {
        0 => {
            let alphabet = b"ABCxyz019-_.=";
            bytes[place] = alphabet[random.random_range(0..alphabet.len())];
        }
        1 => bytes.truncate(place),
        2 => bytes.rotate_left(place),
        3 => {
            // "alg": "none", and no signature.
            let payload = token.split('.').nth(1).unwrap_or_default();
            bytes = format!("eyJhbGciOiJub25lIn0.{payload}.").into_bytes();
        }
        4 => bytes = vec![b'x'; random.random_range(0..20_000)],
        5 => {
            return one_of(random, &["Basic YTpi", "Bearer", "bearer x", "Bearer  x y"]).to_owned();
        }
        _ => {}
    }
    format!("Bearer {}", String::from_utf8_lossy(&bytes))
}

fn body(random: &mut StdRng, method: &str, out: &mut Vec<u8>) {
    if matches!(method, "GET" | "HEAD") && random.random_bool(0.9) {
        out.extend_from_slice(b"\r\n");
        return;
    }
    let mut fields = json!({
        "room": format!("fuzz-{}", random.random_range(0..30)), "topic": "t", "text": "hello",
        "to": ["fuzz-1"], "role": "coder", "name": "side", "stage": "done", "reason": "so",
        "password": "p", "metadata": {"n": junk(random)}, "channel": "main", "keep": true,
        "policy": {"visibility": "private"},
    });
    prune(random, &mut fields);
    for _ in 0..random.random_range(0..3) {
        mutate(random, &mut fields);
    }
    let body = text(random, &fields);
    if random.random_bool(0.2) {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        chunked(random, &body, out);
        return;
    }
    let wrong = random.random_bool(0.05);
    let len = if wrong { body.len() / 2 } else { body.len() };
    out.extend_from_slice(format!("Content-Length: {len}\r\n\r\n").as_bytes());
    out.extend_from_slice(&body);
}

/// Leaves most fields out, as a real body does.
fn prune(random: &mut StdRng, fields: &mut Value) {
    if let Value::Object(fields) = fields {
        fields.retain(|_, _| random.random_bool(0.4));
    }
}

fn chunked(random: &mut StdRng, body: &[u8], out: &mut Vec<u8>) {
    for chunk in body.chunks(random.random_range(1..300)) {
        let size = match random.random_range(0..60) {
            0 => "fffffffffffffffff".to_owned(),
            1 => "-1".to_owned(),
            2 => format!("{:x};ext=\"\u{0}\"", chunk.len()),
            _ => format!("{:x}", chunk.len()),
        };
        out.extend_from_slice(size.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn what_is_asked_depends_on_the_seed_only_and_is_often_good() {
        let all = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            (0..300)
                .map(|_| next(&mut random, "aa.bb.cc"))
                .collect::<Vec<_>>()
        };
        assert_eq!(all(7), all(7));
        assert_ne!(all(7), all(8));
        let is_good = |bytes: &&Vec<u8>| {
            let text = String::from_utf8_lossy(bytes);
            text.contains("Bearer aa.bb.cc\r\n") && text.contains("Host: ")
        };
        let good = all(9).iter().filter(is_good).count();
        assert!(good > 100, "{good}");
    }
}
