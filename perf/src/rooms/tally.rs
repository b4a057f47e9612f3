//! What all clients together have seen.

use std::collections::BTreeMap;

use crate::figures::Latencies;

/// From when to when is measured. Before it is warm-up; after it nothing is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

impl Window {
    const fn has(self, moment: u64) -> bool {
        self.begin <= moment && moment < self.end
    }

    pub(crate) const fn nanos(self) -> u64 {
        self.end - self.begin
    }
}

/// Rates count what arrived within the window. Latencies count what was posted, or due, within it,
/// however late it arrived: leaving out the late ones would flatter the server.
#[derive(Debug)]
pub(crate) struct Tally {
    window: Window,
    pub(super) acknowledgements: Latencies,
    pub(super) deliveries: Latencies,
    /// How much later than due this program itself posted, in an open loop.
    pub(super) own_delay: Latencies,
    pub(super) acknowledged: u64,
    pub(super) delivered: u64,
    pub(super) posted_ever: u64,
    /// Posts that were due within the window, posted or not, in an open loop.
    pub(crate) due: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    last_acknowledgement: u64,
    /// The longest time within the window in which nobody was acknowledged anything.
    pub(super) longest_silence: u64,
}

impl Tally {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            acknowledgements: Latencies::new(),
            deliveries: Latencies::new(),
            own_delay: Latencies::new(),
            acknowledged: 0,
            delivered: 0,
            posted_ever: 0,
            due: 0,
            errors: BTreeMap::new(),
            last_acknowledgement: window.begin,
            longest_silence: 0,
        }
    }

    pub(crate) const fn window(&self) -> Window {
        self.window
    }

    /// A client posts.
    pub(crate) fn posts(&mut self, due: u64, now: u64) {
        self.posted_ever += 1;
        if self.window.has(due) {
            self.own_delay.record(now.saturating_sub(due));
        }
    }

    /// A client hears of its own post.
    pub(crate) fn acknowledges(&mut self, due: u64, now: u64) {
        if self.window.has(now) {
            self.acknowledged += 1;
            let silence = now.saturating_sub(self.last_acknowledgement);
            self.longest_silence = self.longest_silence.max(silence);
            self.last_acknowledgement = now;
        }
        if self.window.has(due) {
            self.acknowledgements.record(now.saturating_sub(due));
        }
    }

    /// A client hears of another's post.
    pub(crate) fn delivers(&mut self, due: u64, now: u64) {
        if self.window.has(now) {
            self.delivered += 1;
        }
        if self.window.has(due) {
            self.deliveries.record(now.saturating_sub(due));
        }
    }

    /// Posts of the window that were, or should have been, asked of the server.
    pub(crate) fn asked(&self) -> u64 {
        self.due.max(self.own_delay.count())
    }

    /// Those of them whose sender was told that they are durable, however late.
    pub(crate) fn answered_well(&self) -> u64 {
        self.acknowledgements.count()
    }

    /// Something went wrong.
    pub(crate) fn errs(&mut self, what: &str, times: u64) {
        if times > 0 {
            *self.errors.entry(what.to_owned()).or_default() += times;
        }
    }

    /// The end of the window is also the end of a silence.
    pub(crate) fn close(&mut self) {
        let silence = self.window.end.saturating_sub(self.last_acknowledgement);
        self.longest_silence = self.longest_silence.max(silence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        begin: 1_000,
        end: 2_000,
    };

    #[test]
    fn rates_count_arrivals_and_latencies_count_beginnings() {
        let mut tally = Tally::new(WINDOW);
        tally.acknowledges(900, 1_100); // posted in the warm-up, arrived in the window
        tally.acknowledges(1_200, 1_300);
        tally.acknowledges(1_900, 5_000); // the late one
        tally.delivers(1_999, 2_000);
        tally.delivers(100, 200);
        assert_eq!((tally.acknowledged, tally.delivered), (2, 0));
        let told = tally.acknowledgements.quantiles();
        assert_eq!(told.count, 2);
        assert!((told.max_ms - 0.0031).abs() < 0.0001, "{}", told.max_ms);
        assert_eq!(tally.deliveries.quantiles().count, 1);
    }

    #[test]
    fn the_longest_silence_has_both_ends_of_the_window() {
        let mut tally = Tally::new(WINDOW);
        tally.acknowledges(0, 1_300);
        tally.acknowledges(0, 1_350);
        assert_eq!(tally.longest_silence, 300);
        tally.close();
        assert_eq!(tally.longest_silence, 650);
    }

    #[test]
    fn a_post_that_was_due_earlier_counts_the_delay() {
        let mut tally = Tally::new(WINDOW);
        tally.posts(1_000, 1_500);
        tally.posts(10, 20);
        assert_eq!(tally.own_delay.quantiles().count, 1);
        assert_eq!(tally.posted_ever, 2);
    }

    #[test]
    fn what_was_due_was_asked_whether_anybody_posted_it() {
        let mut tally = Tally::new(WINDOW);
        tally.posts(1_000, 1_000);
        tally.posts(1_500, 1_500);
        tally.posts(10, 20);
        tally.acknowledges(1_500, 9_000);
        tally.acknowledges(10, 1_010);
        assert_eq!((tally.asked(), tally.answered_well()), (2, 1));
        tally.due = 4;
        assert_eq!(tally.asked(), 4);
    }

    #[test]
    fn nothing_wrong_is_no_entry() {
        let mut tally = Tally::new(WINDOW);
        tally.errs("gap", 0);
        assert!(tally.errors.is_empty());
        tally.errs("gap", 2);
        tally.errs("gap", 1);
        assert_eq!(tally.errors["gap"], 3);
    }
}
