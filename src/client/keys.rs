//! What a client draws by itself: the keys of its requests, and chance for its back-off.

use bridge_core::IdempotencyKey;
use uuid::Uuid;

/// A new key for a request that changes something. A repeat of the request uses the same one.
#[must_use]
pub fn new_key() -> IdempotencyKey {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the client's source of keys"
    )]
    let id = Uuid::now_v7();
    let text = id.to_string();
    text.parse()
        .expect("a UUID is 36 printable characters, and a key may have 128")
}

/// A number from 0 to 1, so that clients that lost a server together do not return together.
#[must_use]
pub fn jitter() -> f64 {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_are_in_order() {
        let keys: Vec<_> = (0..100).map(|_| new_key()).collect();
        assert!(keys.is_sorted());
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn jitter_is_a_fraction() {
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&jitter())));
    }
}
