//! Bytes as text: two lower-case digits for each.

/// The text of some bytes.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a text, if it is one of so many.
pub(crate) fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip_and_nothing_else_is_read() {
        assert_eq!(text(&[0, 10, 255]), "000aff");
        assert_eq!(bytes("000aff"), Some([0, 10, 255]));
        for bad in ["", "000af", "000aff0", "000afg", "+1+2+3", "000a字"] {
            assert_eq!(bytes::<3>(bad), None, "{bad:?}");
        }
    }
}
