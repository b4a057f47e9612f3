//! A PostgreSQL database as of one moment.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::statements::migrate::assert_same;
use super::statements::view::{DatabaseView, applied};
use super::{Conn, Place};
use crate::storage::OpenError;

/// The transaction sees what was committed when it began. Between two of its statements the other
/// side works, which may take long; and the whole log is read in the order of its index, or a large
/// one would be sorted on the disk.
const BEGIN: &str = "SET statement_timeout = 0;\
     SET idle_in_transaction_session_timeout = 0;\
     SET client_min_messages = warning;\
     SET enable_sort = off;\
     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;";

/// The whole database as of now. Nothing is changed.
///
/// # Errors
/// When it cannot be read, or has another schema.
pub(in crate::storage) fn view(place: &Place) -> Result<DatabaseView, OpenError> {
    let failed = |why: String| place.failed(why);
    let mut conn = Conn::establish(&place.url_to_look()).map_err(|why| failed(why.to_string()))?;
    conn.batch_execute(BEGIN)
        .map_err(|why| failed(why.to_string()))?;
    let applied = applied(&mut conn).map_err(|why| OpenError::NoDatabase {
        place: place.to_string(),
        why: why.to_string(),
    })?;
    assert_same(&applied, failed)?;
    let mut view = DatabaseView::new(conn);
    if view.is_half_imported().map_err(failed)? {
        return Err(OpenError::HalfImported {
            place: place.to_string(),
        });
    }
    Ok(view)
}
