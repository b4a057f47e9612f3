//! Every trial, on one screen. Their numbers are those of the list of what must hold.

mod faulty_disk;
mod t03_power_cut;
mod t04_io_error;
mod t05_disk_full;

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
        number: 3,
        broken: "the power is cut: the disk has what was synced, and of the rest anything",
        holds: "nothing that was told is lost; the integrity check passes; the server goes on",
        run: |setting| Box::pin(t03_power_cut::run(setting)),
    },
    Trial {
        number: 4,
        broken: "an fsync or a write of the database fails with an I/O error",
        holds: "nothing is acknowledged that is not on the disk; the process ends; the restart is \
                consistent",
        run: |setting| Box::pin(t04_io_error::run(setting)),
    },
    Trial {
        number: 5,
        broken: "the disk is full, and is freed",
        holds: "posts are refused with the reason, reads go on, writing resumes without a restart",
        run: |setting| Box::pin(t05_disk_full::run(setting)),
    },
];
