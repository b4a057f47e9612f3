//! The way between clients and the server: requests come late and overtake each other, come twice,
//! or never, and so do answers.

use crate::rng::Rng;

/// Ticks that a request takes at most: enough to be overtaken, and to meet what came of another.
const LATE_TICKS_MAX: usize = 5;
/// One request in so many takes much longer.
const VERY_LATE_ONE_IN: usize = 25;
const VERY_LATE_TICKS_MAX: usize = 80;
/// One request, and one answer, in so many gets lost.
const LOST_ONE_IN: usize = 25;
/// One request under a key in so many is made twice, without an answer being awaited.
const TWICE_ONE_IN: usize = 15;

/// What became of a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It will arrive, so often.
    Times(usize),
    /// Nobody will ever hear of it.
    Lost,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    arrives: usize,
    /// In the order of sending.
    number: u64,
    wish: usize,
}

/// Requests on their way, by the numbers of what is wanted.
#[derive(Debug, Default)]
pub(crate) struct Network {
    under_way: Vec<UnderWay>,
    sent: u64,
    /// The latest that arrived.
    latest: u64,
    /// Nothing goes wrong any more.
    pub(crate) is_sound: bool,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) overtaken: u64,
    pub(crate) answers_lost: u64,
}

impl Network {
    /// Sends a request. One that has no key is never made twice: that would be two wishes.
    pub(crate) fn send(&mut self, rng: &mut Rng, now: usize, wish: usize, has_key: bool) -> Sent {
        if self.is_sound {
            self.put(now, wish);
            return Sent::Times(1);
        }
        if rng.one_in(LOST_ONE_IN) {
            self.lost += 1;
            return Sent::Lost;
        }
        let times = if has_key && rng.one_in(TWICE_ONE_IN) {
            self.twice += 1;
            2
        } else {
            1
        };
        for _ in 0..times {
            let late = if rng.one_in(VERY_LATE_ONE_IN) {
                VERY_LATE_TICKS_MAX
            } else {
                LATE_TICKS_MAX
            };
            self.put(now + rng.below(late), wish);
        }
        Sent::Times(times)
    }

    fn put(&mut self, arrives: usize, wish: usize) {
        self.sent += 1;
        self.under_way.push(UnderWay {
            arrives,
            number: self.sent,
            wish,
        });
    }

    /// What arrives now, in the order of arrival.
    pub(crate) fn arrived(&mut self, now: usize) -> Vec<usize> {
        let is_here = |request: &mut UnderWay| request.arrives <= now;
        let mut arrived: Vec<_> = self.under_way.extract_if(.., is_here).collect();
        arrived.sort_by_key(|request| request.arrives);
        for request in &arrived {
            self.overtaken += u64::from(request.number < self.latest);
            self.latest = self.latest.max(request.number);
        }
        arrived.into_iter().map(|request| request.wish).collect()
    }

    /// Whether an answer gets lost.
    pub(crate) fn loses_an_answer(&mut self, rng: &mut Rng) -> bool {
        let is_lost = !self.is_sound && rng.one_in(LOST_ONE_IN);
        self.answers_lost += u64::from(is_lost);
        is_lost
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}
