//! Every trial, on one screen. Their numbers are those of the list of what must hold.

mod t08_half_open;
mod t09_storm;
mod t10_stalled;
mod t18_drain;
mod t21_fuzz;

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
        number: 8,
        broken: "half-open client sockets",
        holds: "found within two heartbeats, leases released, redelivered",
        run: t08_half_open::run,
    },
    Trial {
        number: 9,
        broken: "everybody is cut off at once, and comes back with cursors while messages flow",
        holds: "each gets exactly what it missed, or `complete: false`",
        run: t09_storm::run,
    },
    Trial {
        number: 10,
        broken: "a fifth of a room's readers stall",
        holds: "the others' p99 at most doubles; the slow ones are closed with a resumable cursor; memory stays under its cap",
        run: t10_stalled::run,
    },
    Trial {
        number: 18,
        broken: "SIGTERM under load",
        holds: "no acknowledged loss; clients are told to move, with jitter; no 30-second stall",
        run: t18_drain::run,
    },
    Trial {
        number: 21,
        broken: "fuzzed frames, bodies, cursors; oversized and endless frames; slow handshakes",
        holds: "no panic; closed after the header; memory within limit + 64 KiB a socket",
        run: t21_fuzz::run,
    },
];
