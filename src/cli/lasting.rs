//! How long something lasts, as people write it: `45s`, `90m`, `12h`, `30d`.

use std::time::Duration;

/// Reads a number with its unit.
///
/// # Errors
/// What it must look like.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "must be a number with s, m, h or d, such as 30d";
    let unit = text.chars().next_back().ok_or(EXPECTED)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(EXPECTED.to_owned()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| EXPECTED)?;
    let total = number
        .checked_mul(seconds)
        .ok_or("is longer than anything lasts")?;
    Ok(Duration::from_secs(total))
}

/// The same, or a plain number of seconds, which is how the protocol says it.
///
/// # Errors
/// What it must look like, or how long it may be at most.
pub(super) fn seconds(text: &str, max: u32) -> Result<u32, String> {
    let lasted = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => parse(text).map_err(|why| format!("{why}, or of seconds"))?,
    };
    match u32::try_from(lasted.as_secs()) {
        Ok(seconds) if seconds <= max => Ok(seconds),
        _ => Err(format!("must be at most {max} seconds")),
    }
}

/// Roughly how long it was, in the largest unit that fits: `45s`, `12h`.
pub(super) fn short(lasted: Duration) -> String {
    let seconds = lasted.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long it will be, in the largest unit that fits and the next one: `1h 59m`.
pub(super) fn ahead(lasts: Duration) -> String {
    let seconds = lasts.as_secs();
    let (large, rest, unit) = match seconds {
        0..3_600 => return short(lasts),
        3_600..86_400 => (short(lasts), seconds % 3_600 / 60, "m"),
        _ => (short(lasts), seconds % 86_400 / 3_600, "h"),
    };
    match rest {
        0 => large,
        rest => format!("{large} {rest}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_unit() {
        for (text, seconds) in [("0s", 0), ("45s", 45), ("90m", 5_400), ("1h", 3_600)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in [
            "",
            "30",
            "d",
            "-1d",
            "1.5h",
            "1w",
            "日",
            "99999999999999999d",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn seconds_need_no_unit() {
        for (text, number) in [("600", 600), ("2h", 7_200), ("0", 0), ("7200s", 7_200)] {
            assert_eq!(seconds(text, 7_200), Ok(number), "{text}");
        }
        for bad in [
            "7201",
            "3h",
            "-1",
            "",
            "1.5",
            "2 h",
            "99999999999999999999",
            "213503982334601d",
        ] {
            assert!(seconds(bad, 7_200).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_to_come_has_two_units() {
        for (seconds, text) in [
            (59, "59s"),
            (3_599, "59m"),
            (3_600, "1h"),
            (7_199, "1h 59m"),
            (86_400, "1d"),
            (172_799, "1d 23h"),
        ] {
            assert_eq!(ahead(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn an_age_is_short() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (119, "1m"),
            (7_200, "2h"),
            (200_000, "2d"),
        ] {
            assert_eq!(short(Duration::from_secs(seconds)), text);
        }
    }
}
