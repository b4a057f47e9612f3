//! Code that may run while a panic is on its way up: the end of an actor. A second panic there that
//! got out would abort the process, and with it everybody else's work.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of an actor's end. A panic in it is logged and goes no further; what is left of the
/// code is not done, so each thing that must be done has a call of its own.
pub(super) fn guarded(what: &'static str, code: impl FnOnce()) {
    // Nobody uses the state afterwards: it is on its way out.
    if catch_unwind(AssertUnwindSafe(code)).is_err() {
        tracing::error!(what, "the end of an actor failed");
    }
}
