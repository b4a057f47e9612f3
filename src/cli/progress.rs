//! How far something long has come, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

const STYLE: &str = "{msg} {bar:30} {percent}% {pos}/{len} {eta} left";

/// A bar on stderr. Where that is no terminal, nothing is said.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// One that says what is done.
    pub(super) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(bar)
    }

    /// So much is done, of so much.
    pub(super) fn set(&self, done: u64, total: u64) {
        self.0.set_length(total.max(done));
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
