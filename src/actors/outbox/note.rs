//! What is done when a frame has been taken.

/// Called once, when the frame that it came with has been taken to be written to the socket. It is
/// dropped with a frame that is never taken.
pub struct Note(Box<dyn FnOnce() + Send>);

impl Note {
    /// A note that does this. It runs on the socket's way, so it must be quick.
    #[must_use]
    pub fn new(tell: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(tell))
    }

    /// A note that does this, too, if there is something to do.
    #[must_use]
    pub fn and(self, tell: Option<impl FnOnce() + Send + 'static>) -> Self {
        match tell {
            Some(tell) => Self::new(move || {
                self.tell();
                tell();
            }),
            None => self,
        }
    }

    pub(super) fn tell(self) {
        (self.0)();
    }
}

impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Note")
    }
}
