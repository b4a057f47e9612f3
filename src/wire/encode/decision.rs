//! A decision as JSON, in REST and in events.

use bridge_core::decision::Tally;
use serde::Serialize;

/// How the votes stand: members, and the same in weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct TallyBody {
    approve: u32,
    reject: u32,
    abstain: u32,
    outstanding: u32,
    weight: WeightsBody,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct WeightsBody {
    approve: f64,
    reject: f64,
    abstain: f64,
    outstanding: f64,
}

impl From<&Tally> for TallyBody {
    fn from(tally: &Tally) -> Self {
        Self {
            approve: tally.approve,
            reject: tally.reject,
            abstain: tally.abstain,
            outstanding: tally.outstanding,
            weight: WeightsBody {
                approve: weight(tally.approve_milli),
                reject: weight(tally.reject_milli),
                abstain: weight(tally.abstain_milli),
                outstanding: weight(tally.outstanding_milli),
            },
        }
    }
}

/// Sums of weights are far below the numbers that a double cannot hold exactly.
#[expect(
    clippy::cast_precision_loss,
    reason = "at most 2,000 voters of 1,000,000 each"
)]
fn weight(milli: u64) -> f64 {
    milli as f64 / 1_000.0
}
