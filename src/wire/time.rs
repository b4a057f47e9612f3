//! Times as the protocol writes them: RFC 3339, UTC, milliseconds.

use bridge_core::Timestamp;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const FORMAT: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A time for people and programs, such as `2026-11-22T08:15:30.250Z`.
///
/// An instant outside the years that RFC 3339 can write becomes the nearest that it can; no clock
/// shows one, but a stored number is not trusted to be sane.
#[must_use]
pub fn to_text(at: Timestamp) -> String {
    let nanos = i128::from(at.as_millis()) * 1_000_000;
    let fallback = if at.as_millis() < 0 {
        OffsetDateTime::UNIX_EPOCH
    } else {
        MAX
    };
    let instant = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(fallback);
    let instant = if (0..=9_999).contains(&instant.year()) {
        instant
    } else {
        fallback
    };
    instant
        .format(FORMAT)
        .unwrap_or_else(|_| String::from("0000-01-01T00:00:00.000Z"))
}

const MAX: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59.999 UTC);

/// A time from RFC 3339, whatever its offset and precision.
#[must_use]
pub fn from_text(text: &str) -> Option<Timestamp> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let millis = instant.unix_timestamp_nanos() / 1_000_000;
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_one_way_and_read_many() {
        let at = Timestamp::from_millis(1_795_335_330_250);
        let text = to_text(at);
        assert_eq!(text, "2026-11-22T08:15:30.250Z");
        assert_eq!(from_text(&text), Some(at));
        assert_eq!(from_text("2026-11-22T09:15:30.25+01:00"), Some(at));
        assert_eq!(from_text("yesterday"), None);
    }

    #[test]
    fn no_number_breaks_the_writer() {
        for millis in [i64::MIN, -1, 0, i64::MAX] {
            assert!(
                from_text(&to_text(Timestamp::from_millis(millis))).is_some(),
                "{millis}"
            );
        }
    }
}
