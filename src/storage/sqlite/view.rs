//! An SQLite file as of one moment.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use super::statements::migrate::assert_same;
use super::statements::view::{DatabaseView, applied};
use super::url;
use crate::storage::OpenError;

/// Characters of a path that mean something in a URI, or end it.
const ESCAPED: [char; 3] = ['%', '?', '#'];

/// The database as of now, also while a server writes to it. Nothing is changed.
///
/// # Errors
/// When there is none, it cannot be read, or it has another schema.
pub(in crate::storage) fn view(path: &Path) -> Result<DatabaseView, OpenError> {
    open(path, "mode=ro")
}

/// A file to which nobody writes: nothing is looked for beside it, and nothing is left there.
///
/// # Errors
/// When it cannot be read, or has another schema.
pub(in crate::storage) fn view_of_file(path: &Path) -> Result<DatabaseView, OpenError> {
    open(path, "mode=ro&immutable=1")
}

fn open(path: &Path, how: &str) -> Result<DatabaseView, OpenError> {
    let failed = |why: String| OpenError::Database {
        path: path.to_owned(),
        why,
    };
    let none = |why: String| OpenError::NoDatabase {
        place: path.display().to_string(),
        why,
    };
    if !path.exists() {
        return Err(none("there is no such file".to_owned()));
    }
    let mut conn =
        SqliteConnection::establish(&uri(path, how)?).map_err(|why| failed(why.to_string()))?;
    // The transaction sees what was committed when it reads for the first time.
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; BEGIN")
        .map_err(|why| failed(why.to_string()))?;
    let applied = applied(&mut conn).map_err(|why| none(why.to_string()))?;
    assert_same(&applied, failed)?;
    let mut view = DatabaseView::new(conn);
    if view.is_half_imported().map_err(failed)? {
        return Err(OpenError::HalfImported {
            place: path.display().to_string(),
        });
    }
    Ok(view)
}

fn uri(path: &Path, how: &str) -> Result<String, OpenError> {
    let mut uri = "file:".to_owned();
    for letter in url(path)?.chars() {
        if ESCAPED.contains(&letter) {
            uri.push_str(&format!("%{:02x}", u32::from(letter)));
        } else {
            uri.push(letter);
        }
    }
    Ok(format!("{uri}?{how}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_path_whatever_is_in_it() {
        let uri = uri(Path::new("/a b/?#%字.sqlite3"), "mode=ro").expect("UTF-8");
        assert_eq!(uri, "file:/a b/%3f%23%25字.sqlite3?mode=ro");
    }
}
