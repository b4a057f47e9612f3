//! Every trial, on one screen. Their numbers are those of the list of what must hold.

mod askers;
mod everybody;
mod faulty_disk;
mod t01_kill;
mod t03_power_cut;
mod t04_io_error;
mod t05_disk_full;
mod t06_database_restarts;
mod t07_database_hangs;
mod t08_half_open;
mod t09_storm;
mod t10_stalled;
mod t11_lost_acks;
mod t12_order;
mod t13_redelivery;
mod t14_poison;
mod t15_flood;
mod t16_expiry;
mod t17_panic;
mod t18_drain;
mod t20_simulation;
mod t21_fuzz;

use std::pin::Pin;

use super::database::Database;
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
    pub(super) on: On,
    pub(super) run: fn(Setting) -> Trying,
}

/// On which databases a trial is made.
#[derive(Debug, Clone, Copy)]
pub(super) enum On {
    Both,
    /// On SQLite, and why on no other.
    Sqlite(&'static str),
    /// On PostgreSQL, and why on no other.
    Postgres(&'static str),
}

impl On {
    /// Why a trial is not made on this database, if it is not.
    pub(super) const fn why_not(self, database: Database) -> Option<&'static str> {
        match (self, database) {
            (Self::Sqlite(why), Database::Postgres) | (Self::Postgres(why), Database::Sqlite) => {
                Some(why)
            }
            _ => None,
        }
    }
}

const ABOUT_POSTGRES: &str = "it is about PostgreSQL: --database postgres";
/// The disk is the database's there, not the server's.
const NOT_OUR_DISK: &str = "it breaks the server's own SQLite files; on PostgreSQL the disk is the \
                            database's, and what it does about a bad one is its own promise";

pub(super) const ALL: &[Trial] = &[
    Trial {
        number: 1,
        broken: "kill -9 while 64 publishers write",
        holds: "every acknowledged message is there after the restart, once, seq without a gap",
        on: On::Sqlite("on PostgreSQL this is trial 2"),
        run: t01_kill::run,
    },
    Trial {
        number: 2,
        broken: "kill -9 while 64 publishers write, on PostgreSQL",
        holds: "every acknowledged message is there after the restart, once, seq without a gap",
        on: On::Postgres("on SQLite this is trial 1"),
        run: t01_kill::run,
    },
    Trial {
        number: 3,
        broken: "the power is cut: the disk has what was synced, and of the rest anything",
        holds: "nothing that was told is lost; the integrity check passes; the server goes on",
        on: On::Sqlite(NOT_OUR_DISK),
        run: t03_power_cut::run,
    },
    Trial {
        number: 4,
        broken: "an fsync or a write of the database fails with an I/O error",
        holds: "nothing is acknowledged that is not on the disk; the process ends; the restart is \
                consistent",
        on: On::Sqlite(NOT_OUR_DISK),
        run: t04_io_error::run,
    },
    Trial {
        number: 5,
        broken: "the disk is full, and is freed",
        holds: "posts are refused with the reason, reads go on, writing resumes without a restart",
        on: On::Sqlite(NOT_OUR_DISK),
        run: t05_disk_full::run,
    },
    Trial {
        number: 6,
        broken: "PostgreSQL crashes and is started again at once, every 5 s, while everybody writes",
        holds: "no loss, no duplicate; /ready flips and comes back; the server lives, and heals",
        on: On::Postgres(ABOUT_POSTGRES),
        run: t06_database_restarts::run,
    },
    Trial {
        number: 7,
        broken: "PostgreSQL hangs for 12 s (short: 7 s) while everybody writes and reads",
        holds: "queues are bounded; past them 503 with Retry-After, in time; no growth of memory; \
                then it heals, and nothing is lost",
        on: On::Postgres(ABOUT_POSTGRES),
        run: t07_database_hangs::run,
    },
    Trial {
        number: 8,
        broken: "half-open client sockets",
        holds: "found within two heartbeats, leases released, redelivered",
        on: On::Both,
        run: t08_half_open::run,
    },
    Trial {
        number: 9,
        broken: "everybody is cut off at once, and comes back with cursors while messages flow",
        holds: "each gets exactly what it missed, or `complete: false`",
        on: On::Both,
        run: t09_storm::run,
    },
    Trial {
        number: 10,
        broken: "a fifth of a room's readers stall",
        holds: "the others' p99 at most doubles; the slow ones are closed with a resumable cursor; memory stays under its cap",
        on: On::Both,
        run: t10_stalled::run,
    },
    Trial {
        number: 11,
        broken: "acknowledgements lost and retried, up to a day later",
        holds: "stored once, the same receipt",
        on: On::Both,
        run: t11_lost_acks::run,
    },
    Trial {
        number: 12,
        broken: "64 concurrent publishers to one room, many readers",
        holds: "all see the identical order, without a gap",
        on: On::Both,
        run: t12_order::run,
    },
    Trial {
        number: 13,
        broken: "a receiver dies between delivery and acknowledgement",
        holds: "redelivered within its lease + 1 s, attempts counted, then one dead letter with its \
                reasons",
        on: On::Both,
        run: t13_redelivery::run,
    },
    Trial {
        number: 14,
        broken: "1 % poison messages",
        holds: "the others keep 95 % of the throughput; each poison ends as one dead letter",
        on: On::Both,
        run: t14_poison::run,
    },
    Trial {
        number: 15,
        broken: "a flood at priority 0 with a trickle at 3",
        holds: "the trickle's p99 at most doubles; the flood's oldest message is bounded",
        on: On::Both,
        run: t15_flood::run,
    },
    Trial {
        number: 16,
        broken: "expiry at the moment of delivery; the wall clock jumps an hour while it runs",
        holds: "never delivered after expiry, never expired early, always one end; no lease ends, \
                and nothing is held up",
        on: On::Both,
        run: t16_expiry::run,
    },
    Trial {
        number: 17,
        broken: "a panic in every actor and every handler",
        holds: "neighbours do not notice; state is rebuilt from the log; intensity exceeded ends it",
        on: On::Both,
        run: t17_panic::run,
    },
    Trial {
        number: 18,
        broken: "SIGTERM under load",
        holds: "no acknowledged loss; clients are told to move, with jitter; no 30-second stall",
        on: On::Both,
        run: t18_drain::run,
    },
    Trial {
        number: 20,
        broken: "the pure core in a seeded simulation: clock, store and network faults",
        holds: "the invariants on every tick; a failing seed replays",
        on: On::Sqlite("there is no database in it, so it is made once"),
        run: t20_simulation::run,
    },
    Trial {
        number: 21,
        broken: "fuzzed frames, bodies, cursors; oversized and endless frames; slow handshakes",
        holds: "no panic; closed after the header; memory within limit + 64 KiB a socket",
        on: On::Both,
        run: t21_fuzz::run,
    },
];
