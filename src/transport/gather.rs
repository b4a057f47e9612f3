//! Bytes that come in pieces, put together.

use bridge_core::limits;
use bytes::BytesMut;

/// Adds to bytes that will be at most so many. Beyond a few, room is made for all of them at once: a
/// buffer that grows to double its size again and again leaves behind as much as it holds, while room
/// that is never used costs nothing.
pub(super) fn add(whole: &mut BytesMut, bytes: &[u8], bytes_max: usize) {
    let len = whole.len() + bytes.len();
    if len > whole.capacity() && len > limits::GATHERED_BYTES_FEW {
        whole.reserve(bytes_max.max(len) - whole.len());
    }
    whole.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_once_and_only_for_what_is_large() {
        let mut whole = BytesMut::new();
        add(&mut whole, b"little", limits::BODY_BYTES_MAX);
        assert!(whole.capacity() < limits::GATHERED_BYTES_FEW);
        let piece = [b'x'; 1_000];
        let mut capacities = std::collections::BTreeSet::new();
        while whole.len() + piece.len() <= limits::BODY_BYTES_MAX {
            add(&mut whole, &piece, limits::BODY_BYTES_MAX);
            if whole.len() > limits::GATHERED_BYTES_FEW {
                capacities.insert(whole.capacity());
            }
        }
        let biggest = capacities.last().copied();
        assert!(capacities.len() <= 2, "{capacities:?}");
        assert!(biggest.is_some_and(|bytes| bytes >= limits::BODY_BYTES_MAX));
        assert!(whole.starts_with(b"littlexx") && whole.ends_with(b"xx"));
    }
}
