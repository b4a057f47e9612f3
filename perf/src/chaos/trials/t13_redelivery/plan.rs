//! What a receiver does with its message, each time that it gets it.

use std::time::Duration;

use bridge_core::limits::{RETRY_AFTER_CUT, RETRY_AFTER_FAILED};
use rand::RngExt;
use rand::rngs::StdRng;

/// How an attempt goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The connection is cut.
    Cut,
    /// It says nothing more, and its session stays.
    Silent,
    /// It says that it failed.
    Failed,
    /// It took it by a call, and never calls again.
    Call,
    /// It took it by a call, and calls again without confirming it.
    Unconfirmed,
}

impl Way {
    const ALL: [Self; 5] = [
        Self::Cut,
        Self::Silent,
        Self::Failed,
        Self::Call,
        Self::Unconfirmed,
    ];

    /// The protocol's words for it.
    pub(super) const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Cut => &["connection_lost"],
            Self::Silent | Self::Call => &["lease_expired"],
            Self::Failed => &["failed"],
            Self::Unconfirmed => &["not_confirmed"],
        }
    }

    pub(super) const fn is_by_call(self) -> bool {
        matches!(self, Self::Call | Self::Unconfirmed)
    }

    /// Whether the next attempt may come in this way. Who is silent gets the message again over the
    /// same session, and a call would end what an earlier one took.
    const fn may_follow(self, before: Option<Self>) -> bool {
        match before {
            None | Some(Self::Cut | Self::Failed) => true,
            Some(Self::Silent | Self::Call) => !self.is_by_call(),
            Some(Self::Unconfirmed) => self.is_by_call(),
        }
    }

    /// How long the message is not handed over again, when it is the `failures`th failure.
    pub(super) fn wait(self, failures: usize, rules: &Rules) -> Duration {
        let of = |table: &[Duration]| table[(failures - 1).min(table.len() - 1)];
        match self {
            Self::Cut | Self::Unconfirmed => of(&RETRY_AFTER_CUT),
            Self::Failed => of(&RETRY_AFTER_FAILED),
            Self::Silent => rules.lease,
            Self::Call => rules.call_lease,
        }
    }
}

/// What the server was told about leases and attempts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) lease: Duration,
    pub(super) call_lease: Duration,
    pub(super) attempts: usize,
    /// How much later than it is due something may happen.
    pub(super) late: Duration,
}

/// How each attempt goes wrong. With as many of them as the server allows the message dies; else the
/// receiver is done with it then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan(pub(super) Vec<Way>);

impl Plan {
    /// One that takes no longer than this, two of three to the end.
    pub(super) fn draw(random: &mut StdRng, rules: &Rules, longest: Duration) -> Self {
        let length = match random.random_range(0..3) {
            0 => random.random_range(1..rules.attempts),
            _ => rules.attempts,
        };
        loop {
            let mut ways: Vec<Way> = Vec::with_capacity(length);
            while ways.len() < length {
                let way = Way::ALL[random.random_range(0..Way::ALL.len())];
                if way.may_follow(ways.last().copied()) {
                    ways.push(way);
                }
            }
            let waits = (1..).zip(&ways).map(|(nth, way)| way.wait(nth, rules));
            if waits.sum::<Duration>() <= longest {
                return Self(ways);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const RULES: Rules = Rules {
        lease: Duration::from_secs(1),
        call_lease: Duration::from_secs(1),
        attempts: 3,
        late: Duration::from_secs(1),
    };

    #[test]
    fn every_way_is_drawn_in_every_place_and_none_that_cannot_be_gone() {
        let mut random = StdRng::seed_from_u64(1);
        let mut drawn = std::collections::HashSet::new();
        for _ in 0..2_000 {
            let Plan(ways) = Plan::draw(&mut random, &RULES, Duration::from_secs(600));
            assert!((1..=3).contains(&ways.len()));
            let mut before = None;
            for (place, way) in ways.iter().enumerate() {
                assert!(way.may_follow(before), "{ways:?}");
                before = Some(*way);
                drawn.insert((place, way.words(), way.is_by_call()));
            }
        }
        assert_eq!(drawn.len(), 3 * 5);
    }

    #[test]
    fn a_plan_takes_no_longer_than_it_may() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..200 {
            let Plan(ways) = Plan::draw(&mut random, &RULES, Duration::from_secs(8));
            let failed = ways.iter().position(|way| *way == Way::Failed);
            assert!(failed.is_none_or(|place| place == 0), "{ways:?}");
        }
    }
}
