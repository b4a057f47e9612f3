//! What an open motion waits for from one client.

use super::{Motion, Severity};
use crate::id::{ClientId, CritiqueId};

/// Something that a motion waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Awaited {
    /// A ballot on the text that stands.
    Ballot,
    /// A word on the amendment with this number.
    Consent(u32),
    /// That a blocking critique is met.
    Critique {
        /// Which.
        critique: CritiqueId,
        /// Whether the client made it, and so can resolve it; otherwise it is of the client's motion.
        yours: bool,
    },
}

impl Motion {
    /// What it waits for from a member of its room.
    #[must_use]
    pub fn awaited_of(&self, client: &ClientId) -> Vec<Awaited> {
        let mut awaited = Vec::new();
        let may_vote = self.voter(client).is_some();
        let is_mine = self.proposer == *client;
        if may_vote && self.counting(client).is_none() {
            awaited.push(Awaited::Ballot);
        }
        // As long as nobody has voted the proposer adopts alone, with a vote or without.
        if may_vote || (is_mine && !self.has_ballots()) {
            let amendments = self.amendments().iter();
            let silent = amendments.filter(|(_, one)| !one.consents.contains_key(client));
            awaited.extend(silent.map(|(number, _)| Awaited::Consent(*number)));
        }
        let critiques = self.critiques().iter();
        let blocking = critiques.filter(|(_, one)| one.severity == Severity::Blocking);
        for (critique, standing) in blocking {
            let yours = standing.author == *client;
            if yours || is_mine {
                awaited.push(Awaited::Critique {
                    critique: *critique,
                    yours,
                });
            }
        }
        awaited
    }
}

#[cfg(test)]
mod tests;
