//! Mailboxes, or rooms, that were told that something is overdue in them.

use std::collections::HashMap;
use std::hash::Hash;

use bridge_core::{Moment, Timestamp, limits};

/// What was told lately. An owner that does nothing about it is told again more and more rarely, and
/// holds up no other.
#[derive(Debug)]
pub(super) struct Told<Id>(HashMap<Id, Telling>);

impl<Id> Default for Told<Id> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[derive(Debug, Clone, Copy)]
struct Telling {
    /// Since when something was overdue; when that changes, its owner has done something.
    since: Timestamp,
    times: u32,
    /// It is told again then.
    again: Moment,
}

impl<Id: Clone + Eq + Hash> Told<Id> {
    /// Which of those in which something is overdue, and since when, are to be told now. All others are
    /// forgotten.
    pub(super) fn choose(&mut self, overdue: Vec<(Id, Timestamp)>, now: Moment) -> Vec<Id> {
        let mut before = std::mem::take(&mut self.0);
        let mut to_tell = Vec::new();
        for (owner, since) in overdue {
            let known = before.remove(&owner);
            let known = known.filter(|telling| telling.since == since);
            let telling = match known {
                Some(telling) if now < telling.again => telling,
                known => {
                    let times = known.map_or(0, |telling| telling.times + 1);
                    to_tell.push(owner.clone());
                    Telling {
                        since,
                        times,
                        again: now.plus_millis(pause_millis(times)),
                    }
                }
            };
            self.0.insert(owner, telling);
        }
        to_tell
    }

    /// When the first of them is told again.
    pub(super) fn again(&self) -> Option<Moment> {
        self.0.values().map(|telling| telling.again).min()
    }
}

fn pause_millis(times: u32) -> u64 {
    let pause = limits::DUE_LOOK_AGAIN * 2_u32.saturating_pow(times.min(8));
    let pause = pause.min(limits::DUE_OVERDUE_SLEEP_MAX);
    u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use bridge_core::ClientId;

    use super::*;

    /// What is overdue, as the store says it: names, and since when.
    fn overdue(list: &[(&str, i64)]) -> Vec<(ClientId, Timestamp)> {
        let list = list.iter().map(|(name, since)| {
            let name = name.parse().expect("a name");
            (name, Timestamp::from_millis(*since))
        });
        list.collect()
    }

    fn tell(told: &mut Told<ClientId>, list: &[(&str, i64)], now: u64) -> Vec<String> {
        let now = Moment::from_millis(now);
        let names = told.choose(overdue(list), now).into_iter();
        names.map(|name| name.to_string()).collect()
    }

    #[test]
    fn who_does_nothing_is_told_more_and_more_rarely() {
        let mut told = Told::default();
        let mut times = Vec::new();
        for now in (0..60_000).step_by(10) {
            if tell(&mut told, &[("stuck", 1)], now) == ["stuck"] {
                times.push(now);
            }
        }
        let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(pauses[..6], [100, 200, 400, 800, 1_600, 3_200]);
        assert!(pauses[6..].iter().all(|pause| *pause == 5_000));
        assert_eq!(told.again().map(Moment::as_millis), Some(61_300));
    }

    #[test]
    fn a_mailbox_that_is_stuck_holds_up_no_other() {
        let mut told = Told::default();
        for now in 0..1_000 {
            tell(&mut told, &[("stuck", 1)], now * 10);
        }
        let both = [("stuck", 1), ("busy", 10_000)];
        assert_eq!(tell(&mut told, &both, 10_001), ["busy"]);
        assert_eq!(tell(&mut told, &both, 10_011), [""; 0]);
        assert_eq!(tell(&mut told, &both, 10_101), ["busy"]);
        assert!(told.again() <= Some(Moment::from_millis(10_301)));
    }

    #[test]
    fn who_does_something_is_told_at_once_of_what_is_next() {
        let mut told = Told::default();
        for now in 0..100 {
            let since = i64::try_from(now).expect("a small number");
            assert_eq!(tell(&mut told, &[("busy", since)], now), ["busy"]);
        }
        assert_eq!(tell(&mut told, &[], 200), [""; 0]);
        assert_eq!(told.again(), None);
    }
}
