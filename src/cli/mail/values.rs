//! The values of arguments about direct messages.

use std::time::Duration;

use bridge_core::id::InvalidName;
use bridge_core::message::{Priority, Recipients};
use bridge_core::{ClientId, limits};

use crate::cli::lasting;

/// `ravi`, `ravi,rosa` or `all`.
pub(super) fn recipients(text: &str) -> Result<Recipients, String> {
    let names: Vec<_> = text.split(',').map(str::trim).collect();
    if names.len() > 1 && names.iter().any(|name| is_all(name)) {
        return Err("all stands alone, not in a list".to_owned());
    }
    Recipients::parse(names).map_err(|why| why.to_string())
}

pub(super) fn one_client(text: &str) -> Result<ClientId, String> {
    if is_all(text) || text.contains(',') {
        return Err(
            "a question goes to one client; agent-bridge send --expects-reply asks several"
                .to_owned(),
        );
    }
    text.parse().map_err(|why: InvalidName| why.to_string())
}

fn is_all(name: &str) -> bool {
    name.trim().eq_ignore_ascii_case("all")
}

pub(super) fn priority(text: &str) -> Result<Priority, String> {
    let number: Option<u8> = text.parse().ok();
    let priority = number.and_then(|number| Priority::try_from(number).ok());
    priority.ok_or_else(|| format!("must be from 0 to {}", limits::PRIORITY_MAX))
}

/// At least one second, and at most as many as a message may wait.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let max = Duration::from_secs(limits::TTL_SECONDS_MAX.into());
    match lasting::parse(text)? {
        Duration::ZERO => Err("must be a second at least".to_owned()),
        long if long > max => Err(format!("must be at most {}", lasting::short(max))),
        some => u32::try_from(some.as_secs()).map_err(|why| why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_to_one_to_several_or_to_all() {
        for (text, shown) in [
            ("ravi", "ravi"),
            ("ravi, rosa", "ravi, rosa"),
            ("ALL", "all"),
        ] {
            assert_eq!(
                recipients(text).map(|to| to.to_string()),
                Ok(shown.to_owned())
            );
        }
        for bad in ["", "ravi,", "ravi,all", "r a", "ravi,RAVI", "system"] {
            assert!(recipients(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_question_goes_to_one() {
        assert!(one_client("ravi").is_ok());
        for (bad, part) in [("all", "one client"), ("a,b", "one client"), ("r a", "A-Z")] {
            let why = one_client(bad).expect_err(bad);
            assert!(why.contains(part), "{bad}: {why}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(seconds("2m"), Ok(120));
        assert_eq!(seconds("30d"), Ok(limits::TTL_SECONDS_MAX));
        assert_eq!(priority("3").map(Priority::get), Ok(3));
        for bad in ["0s", "31d", "5", "x", ""] {
            assert!(seconds(bad).is_err(), "{bad:?}");
        }
        for bad in ["4", "-1", "x", ""] {
            assert!(priority(bad).is_err(), "{bad:?}");
        }
    }
}
