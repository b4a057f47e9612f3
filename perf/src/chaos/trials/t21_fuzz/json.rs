//! JSON that nobody would write.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

/// In the place of this stands a number that no JSON library writes.
const ODD_NUMBER: &str = "@odd number@";
const ODD_NUMBERS: &[&str] = &[
    "1e999",
    "-1e999",
    "-0",
    "1E-999",
    "18446744073709551616",
    "-9223372036854775809",
    "99999999999999999999999999999999999999",
    "1.7976931348623157e308",
    "00",
    "+1",
    ".5",
    "NaN",
    "0x10",
];

/// Texts that have broken something somewhere.
const TEXTS: &[&str] = &[
    "",
    " ",
    ".",
    "..",
    "/",
    "../../etc/passwd",
    "all",
    "me",
    "system",
    "null",
    "\u{0}",
    "\u{7f}\u{1b}[2J",
    "\r\nX-Injected: 1",
    "\u{202e}gnp.exe",
    "\u{feff}",
    "👩‍👩‍👧‍👧",
    "e\u{301}\u{301}\u{301}",
    "' OR 1=1 --",
    "%00%2e%2e",
    "den",
    "DEN",
    "ann",
    "main",
    "ep_0192f0c1d2e37000a1b2c3d4e5f60718",
    "ep_0192f0c1d2e37000a1b2c3d4e5f60718:41",
    "msg_0192f0c1d2e37000a1b2c3d4e5f60718",
    "msg_ffffffffffffffffffffffffffffffff",
    "msg_",
];

/// Deeper than a server should follow.
const DEPTH_MAX: usize = 300;
const LONG_CHARS_MAX: usize = 20_000;
const MANY: usize = 500;

/// Anything.
pub(super) fn junk(random: &mut StdRng) -> Value {
    match random.random_range(0..16) {
        0 => Value::Null,
        1 => json!(random.random_bool(0.5)),
        2 => json!(random.random_range(-2_i64..3)),
        3 => json!(u64::MAX),
        4 => json!(i64::MIN),
        5 => json!(random.random::<f64>() * 1e300),
        6 => json!(random.random::<u64>()),
        7 => json!("x".repeat(random.random_range(0..LONG_CHARS_MAX))),
        8 => json!("𝒳".repeat(random.random_range(0..LONG_CHARS_MAX / 4))),
        9 => json!(ODD_NUMBER),
        10 => deep(random),
        11 => json!(vec![one_of(random, TEXTS); random.random_range(0..MANY)]),
        12 => wide(random),
        13 => json!([{}, [], "", null, {"": {"": []}}]),
        _ => json!(one_of(random, TEXTS)),
    }
}

fn deep(random: &mut StdRng) -> Value {
    let mut value = json!(1);
    for _ in 0..random.random_range(1..DEPTH_MAX) {
        value = if random.random_bool(0.5) {
            json!([value])
        } else {
            json!({"a": value})
        };
    }
    value
}

fn wide(random: &mut StdRng) -> Value {
    let keys = 0..random.random_range(0..MANY);
    Value::Object(keys.map(|key| (format!("k{key}"), json!(key))).collect())
}

pub(super) fn one_of<'a, T: ?Sized>(random: &mut StdRng, list: &[&'a T]) -> &'a T {
    list[random.random_range(0..list.len())]
}

/// Changes something somewhere in a value.
pub(super) fn mutate(random: &mut StdRng, value: &mut Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() && random.random_bool(0.9) => {
            mutate_object(random, fields);
        }
        Value::Array(items) if !items.is_empty() && random.random_bool(0.8) => {
            let place = random.random_range(0..items.len());
            mutate(random, &mut items[place]);
        }
        other => *other = junk(random),
    }
}

fn mutate_object(random: &mut StdRng, fields: &mut Map<String, Value>) {
    let place = random.random_range(0..fields.len());
    let name = fields.keys().nth(place).cloned().unwrap_or_default();
    match random.random_range(0..10) {
        0 => drop(fields.remove(&name)),
        1 => {
            let value = fields.remove(&name).unwrap_or_default();
            fields.insert(name.to_uppercase(), value);
        }
        2 => {
            let extra = one_of(random, TEXTS).to_owned();
            fields.insert(extra, junk(random));
        }
        _ => {
            if let Some(inside) = fields.get_mut(&name) {
                mutate(random, inside);
            }
        }
    }
}

/// The text of a value, which need not be JSON any more.
pub(super) fn text(random: &mut StdRng, value: &Value) -> Vec<u8> {
    let quoted = format!("\"{ODD_NUMBER}\"");
    let text = value
        .to_string()
        .replace(&quoted, one_of(random, ODD_NUMBERS));
    let mut text = text.into_bytes();
    if random.random_bool(0.7) || text.is_empty() {
        return text;
    }
    let place = random.random_range(0..text.len());
    match random.random_range(0..7) {
        0 => text.truncate(place),
        1 => text[place] = random.random(),
        2 => text[place] ^= 1 << random.random_range(0..8),
        3 => drop(text.splice(place..place, [0xff, 0xfe, 0xed, 0xa0, 0x80])),
        4 => text.insert(place, random.random_range(0..0x20)),
        5 => {
            // The same name twice, when it hits a name.
            let copy = text[place..].to_vec();
            text.extend_from_slice(&copy);
        }
        _ => text.rotate_left(place),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn the_same_seed_makes_the_same_texts_and_others_differ() {
        let texts = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            let make = |_| {
                let mut value = json!({"type": "post", "room": "den", "text": "x", "list": [1]});
                mutate(&mut random, &mut value);
                text(&mut random, &value)
            };
            (0..200).map(make).collect::<Vec<_>>()
        };
        assert_eq!(texts(1), texts(1));
        assert_ne!(texts(1), texts(2));
        let is_json = |text: &&Vec<u8>| serde_json::from_slice::<Value>(text).is_ok();
        let all = texts(3);
        let good = all.iter().filter(is_json).count();
        assert!(
            (20..190).contains(&good),
            "{good} of {} are JSON",
            all.len()
        );
    }
}
