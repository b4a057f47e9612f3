//! What is told of everybody in the end.

use super::Everybody;
use crate::chaos::outcome::Outcome;
use crate::chaos::publisher::Publisher;
use crate::chaos::room_log::Flaws;
use crate::figures::Spread;

impl Everybody {
    /// What became of what was posted and sent.
    pub(in crate::chaos::trials) fn tell(&self, outcome: &mut Outcome, flaws: Flaws) {
        let sum = |of: fn(&Publisher) -> u64| self.publishers.iter().map(of).sum::<u64>();
        outcome.figure("acknowledged", self.acknowledged());
        outcome.must_be_zero("lost", flaws.lost);
        outcome.must_be_zero("duplicates", flaws.duplicates);
        outcome.must_be_zero("gaps", flaws.gaps);
        let others = flaws.mismatches + flaws.moved + flaws.strangers;
        outcome.must_be_zero("told otherwise", others);
        outcome.must_be_zero("incomplete resumes", sum(|p| p.incomplete));
        outcome.figure("repeated", sum(|p| p.repeated));
        outcome.figure("found again", sum(|p| p.found_again));
        let (mail, told) = self.ring.judge();
        let (sent, again) = self.ring.counts();
        outcome.figure("messages", sent);
        outcome.figure("handed over again", again);
        outcome.must_be_zero("messages lost", mail.lost);
        outcome.must_be_zero("not ended once", mail.not_ended_once);
        outcome.must_be_zero("handed over late or twice or astray", mail.others());
        for flaw in flaws.told.into_iter().chain(told) {
            outcome.flaw(flaw);
        }
        for flaw in self.publishers.iter().flat_map(|p| &p.flaws) {
            outcome.flaw(flaw);
        }
    }

    /// How it was killed and came back.
    pub(in crate::chaos::trials) fn tell_kills(&self, outcome: &mut Outcome) {
        outcome.figure("cycles", self.kills);
        outcome.must_be_zero("errors in its log", self.log_lines(" ERROR "));
        outcome.must_be_zero("panics in its log", self.log_lines("panicked at"));
        if let Some(spread) = Spread::of(self.restarts.iter().copied()) {
            outcome.figure(
                "restart to first acknowledgement, median ms",
                spread.median.round(),
            );
            outcome.figure("max ms", spread.max.round());
        }
    }

    /// What was refused for now, and whether anything in the server broke over it.
    pub(in crate::chaos::trials) fn tell_refusals(&self, outcome: &mut Outcome) {
        let sum = |of: fn(&Publisher) -> u64| self.publishers.iter().map(of).sum::<u64>();
        outcome.figure("posts refused for now", sum(|p| p.refused.for_now));
        outcome.figure("outcome_unknown answers", sum(|p| p.refused.unknown));
        outcome.figure("messages and acks refused for now", self.ring.refused());
        outcome.must_be_zero("panics in its log", self.log_lines("panicked at"));
    }

    /// Lines of the server's log that have this in them.
    fn log_lines(&self, word: &str) -> u64 {
        let log = self.start.log();
        log.lines().filter(|line| line.contains(word)).count() as u64
    }
}
