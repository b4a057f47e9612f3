//! What is done to a database while no server uses it.

use bridge_core::Epoch;

/// The side of a database that an import and a restore need beside its log.
pub(super) trait Keep {
    /// Notes that an import begins, and takes out what an unfinished one has left. No server starts
    /// on the database from now on.
    fn begin_import(&mut self) -> Result<(), String>;

    /// The import has come to its end: the log begins another life.
    fn end_import(&mut self, epoch: Epoch) -> Result<(), String>;

    /// The import has failed: everything is taken out again.
    fn undo_import(&mut self) -> Result<(), String>;
}
