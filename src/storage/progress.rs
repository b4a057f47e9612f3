//! How far long work has come, and whether it is to go on.

/// Told of so much done, of so much; whoever is told may say that it is to end.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> Result<(), Stopped>;

/// Somebody wants it to end. What it has done so far it takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was told to stop")]
pub struct Stopped;
