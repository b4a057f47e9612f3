//! How far something long has come, on a terminal.

use std::cell::Cell;

use indicatif::{ProgressBar, ProgressStyle};

use super::database::Stop;
use crate::storage::Stopped;

const STYLE: &str = "{msg} {bar:30} {percent}% {pos}/{len} {eta} left";

/// A bar on stderr. Where that is no terminal, nothing is said.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    total: Cell<u64>,
}

impl Bar {
    /// One that says what is done.
    pub(super) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style);
        }
        bar.set_message(what);
        let total = Cell::new(0);
        Self { bar, total }
    }

    /// So much is done, of so much.
    pub(super) fn set(&self, done: u64, total: u64) {
        // It is asked for every record, and to change the length takes a lock.
        let total = total.max(done);
        if self.total.replace(total) != total {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }

    /// The same, for work that ends when the user had enough.
    pub(super) fn set_unless(&self, stop: &Stop, done: u64, total: u64) -> Result<(), Stopped> {
        self.set(done, total);
        stop.look()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
