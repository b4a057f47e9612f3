//! The causal chain that a message belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::limits;
use crate::reject::Reject;

/// The chain of messages that led to a message, and how long it is. Written as one word,
/// `tr_<32 digits>.<hops>`, which a program copies from the message that it acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: Uuid,
    hops: u32,
}

/// Why a word is not a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the trace of a message, such as tr_0192f0c1d2e37000a1b2c3d4e5f60718.2")]
pub struct InvalidTrace;

impl Trace {
    /// The first message of a chain.
    #[must_use]
    pub const fn begin(id: Uuid) -> Self {
        Self { id, hops: 0 }
    }

    /// The trace of a message that follows from one with this trace.
    ///
    /// # Errors
    /// [`Reject::LoopStopped`] when the chain has become so long that it can only be a loop.
    pub const fn next(self) -> Result<Self, Reject> {
        let max = limits::TRACE_HOPS_MAX;
        if self.hops >= max {
            return Err(Reject::LoopStopped { max });
        }
        Ok(Self {
            id: self.id,
            hops: self.hops + 1,
        })
    }

    /// How many messages came before in the chain.
    #[must_use]
    pub const fn hops(self) -> u32 {
        self.hops
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tr_{}.{}", self.id.simple(), self.hops)
    }
}

impl FromStr for Trace {
    type Err = InvalidTrace;

    fn from_str(text: &str) -> Result<Self, InvalidTrace> {
        let (digits, hops) = text
            .strip_prefix("tr_")
            .and_then(|rest| rest.split_once('.'))
            .ok_or(InvalidTrace)?;
        if digits.len() != 32 || hops.len() > 9 || !hops.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidTrace);
        }
        Ok(Self {
            id: Uuid::try_parse(digits).map_err(|_| InvalidTrace)?,
            hops: hops.parse().map_err(|_| InvalidTrace)?,
        })
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        crate::id::parse_string(d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_one_word() {
        let trace = Trace::begin(Uuid::from_u128(7));
        let text = trace.to_string();
        assert_eq!(text, "tr_00000000000000000000000000000007.0");
        assert_eq!(text.parse(), Ok(trace));
        for bad in ["", "tr_7.0", "tr_00000000000000000000000000000007", "7.0"] {
            assert_eq!(bad.parse::<Trace>(), Err(InvalidTrace), "{bad:?}");
        }
        for hops in ["", "-1", "+1", "1e3", "9999999999"] {
            let bad = format!("tr_00000000000000000000000000000007.{hops}");
            assert_eq!(bad.parse::<Trace>(), Err(InvalidTrace), "{bad:?}");
        }
    }

    #[test]
    fn a_chain_that_is_too_long_is_stopped() {
        let mut trace = Trace::begin(Uuid::from_u128(7));
        for hop in 1..=limits::TRACE_HOPS_MAX {
            trace = trace.next().expect("not too long yet");
            assert_eq!(trace.hops(), hop);
        }
        assert!(matches!(trace.next(), Err(Reject::LoopStopped { .. })));
    }
}
