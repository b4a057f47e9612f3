//! What a test can break in the end of a session.

use std::cell::Cell;

thread_local! {
    static STOPPED_PANICS: Cell<bool> = const { Cell::new(false) };
}

/// From now on, whatever session of this thread stops panics.
pub(in crate::actors) fn break_stopped() {
    STOPPED_PANICS.set(true);
}

pub(super) fn on_stopped() {
    assert!(!STOPPED_PANICS.get(), "injected");
}
