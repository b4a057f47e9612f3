//! Why a batch was given up before its commit, on either database.

use bridge_core::ports::StoreError;
use diesel::result::DatabaseErrorKind::{CheckViolation, NotNullViolation, UniqueViolation};
use diesel::result::Error;

/// Why a batch was given up before its commit.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The batch cannot go on.
    Batch(Error),
    /// One append cannot be written; the others may.
    OneAppend(Error),
    /// What the log holds cannot be read.
    Corrupt(StoreError),
}

impl From<Error> for Trouble {
    /// Constraints and values concern one append; everything else the whole batch.
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(UniqueViolation | NotNullViolation | CheckViolation, _)
            | Error::SerializationError(_) => Self::OneAppend(error),
            _ => Self::Batch(error),
        }
    }
}
