//! Every trial, on one screen. Their numbers are those of the list of what must hold.

mod t01_kill;
mod t11_lost_acks;
mod t12_order;
mod t20_simulation;

use std::pin::Pin;

use super::outcome::Outcome;
use super::setting::Setting;

/// What a trial leads to. One that could not be made says why by an error.
pub(super) type Trying = Pin<Box<dyn Future<Output = Result<Outcome, String>>>>;

/// One way to break the server, and what must hold then.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) number: u8,
    pub(super) broken: &'static str,
    pub(super) holds: &'static str,
    pub(super) run: fn(Setting) -> Trying,
}

pub(super) const ALL: &[Trial] = &[
    Trial {
        number: 1,
        broken: "kill -9 while 64 publishers write",
        holds: "every acknowledged message is there after the restart, once, seq without a gap",
        run: t01_kill::run,
    },
    Trial {
        number: 11,
        broken: "acknowledgements lost and retried, up to a day later",
        holds: "stored once, the same receipt",
        run: t11_lost_acks::run,
    },
    Trial {
        number: 12,
        broken: "64 concurrent publishers to one room, many readers",
        holds: "all see the identical order, without a gap",
        run: t12_order::run,
    },
    Trial {
        number: 20,
        broken: "the pure core in a seeded simulation: clock, store and network faults",
        holds: "the invariants on every tick; a failing seed replays",
        run: t20_simulation::run,
    },
];
