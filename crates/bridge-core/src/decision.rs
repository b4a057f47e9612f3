//! What a decision is made of: its words, who may vote with which weight, and how its ballots are
//! counted.
//!
//! Nothing here knows of a room. [`crate::room`] decides who may do what, and when.

mod awaited;
pub mod dossier;
mod motion;
mod power;
mod tally;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ClientId, DecisionId, MessageId};
use crate::policy::VoteWeight;

pub use awaited::Awaited;
pub use dossier::Dossier;
pub use motion::{Amendment, Motion, Said, Standing, due_at};
pub use power::{Power, Warning};
pub use tally::{Counted, Outcome, Rule, Tally};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word of the protocol.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What it takes to be approved.
    VoteType {
        /// More than half of the electorate approves.
        SimpleMajority = "simple_majority",
        /// Everybody approves.
        Consensus = "consensus",
        /// Enough have voted, and more of them approve than reject.
        Quorum = "quorum",
        /// More than half of the electorate's weight approves.
        Weighted = "weighted",
    }
}

words! {
    /// What a ballot says.
    Choice {
        /// For it.
        Approve = "approve",
        /// Against it.
        Reject = "reject",
        /// Neither, which is a vote too.
        Abstain = "abstain",
        /// Against it, and that is the end of it.
        Veto = "veto",
    }
}

words! {
    /// What somebody says of an amendment.
    Consent {
        /// It is to be adopted.
        Approve = "approve",
        /// It is not.
        Reject = "reject",
    }
}

words! {
    /// How a motion was decided.
    Verdict {
        /// It holds.
        Approved = "approved",
        /// It does not.
        Rejected = "rejected",
        /// Somebody who may has ended it.
        Vetoed = "vetoed",
        /// Its deadline came first.
        Expired = "expired",
        /// One of its alternatives was approved.
        Superseded = "superseded",
    }
}

words! {
    /// Where a motion is in its life.
    State {
        /// It is being voted on.
        Open = "open",
        /// It was approved.
        Approved = "approved",
        /// It was rejected.
        Rejected = "rejected",
        /// It was vetoed.
        Vetoed = "vetoed",
        /// Its deadline came first.
        Expired = "expired",
        /// One of its alternatives was approved.
        Superseded = "superseded",
        /// Its proposer has taken it back.
        Withdrawn = "withdrawn",
    }
}

impl From<Verdict> for State {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::Rejected => Self::Rejected,
            Verdict::Vetoed => Self::Vetoed,
            Verdict::Expired => Self::Expired,
            Verdict::Superseded => Self::Superseded,
        }
    }
}

words! {
    /// How much weight a critique has.
    Severity {
        /// As long as it stands, the motion is not approved.
        Blocking = "blocking",
        /// It should not stay so.
        Major = "major",
        /// It could be better.
        Minor = "minor",
        /// An idea.
        Suggestion = "suggestion",
    }
}

words! {
    /// For what an argument speaks.
    Side {
        /// For the motion.
        For = "for",
        /// Against it.
        Against = "against",
    }
}

/// What a critique is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A post in the room.
    Message(MessageId),
    /// A motion of the room.
    Decision(DecisionId),
}

impl Target {
    /// The motion, when it is one.
    #[must_use]
    pub const fn decision(self) -> Option<DecisionId> {
        match self {
            Self::Message(_) => None,
            Self::Decision(id) => Some(id),
        }
    }
}

/// A text that is the id of neither a message nor a decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be the id of a message or of a decision, such as msg_0192f0c1d2e37000a1b2c3d4e5f60718 or \
     dec_0192f0c1d2e37000a1b2c3d4e5f60718"
)]
pub struct InvalidTarget;

impl std::str::FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let message = text.parse().map(Self::Message);
        message
            .or_else(|_| text.parse().map(Self::Decision))
            .map_err(|_| InvalidTarget)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(id) => id.fmt(f),
            Self::Decision(id) => id.fmt(f),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        crate::id::parse_string(d)
    }
}

/// A member who may vote on a motion, as it was when the motion was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voter {
    /// Who.
    pub client: ClientId,
    /// How much its ballot counts.
    pub weight: VoteWeight,
    /// Whether it may end the motion by a veto.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub veto: bool,
}
