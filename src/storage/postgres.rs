//! The store on a PostgreSQL database.
//!
//! One connection writes, for as long as this server owns the database; a pool of others reads.
//! Connections are lost, and come back: what that means for a batch that was under way is settled
//! by looking what the log holds.

mod bulk;
mod connect;
mod dialect;
mod log;
mod owner;
mod plan;
mod session;
#[path = "statements/mod.rs"]
mod statements;
mod url;
mod view;

use std::time::{Duration, Instant};

use bridge_core::{Epoch, limits};
use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::r2d2::CustomizeConnection;
use diesel::{Connection, result::Error};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::error::OpenError;
use owner::Owner;
use session::Session;
use statements::counters::{epoch, is_half_imported, read_epoch, renew_epoch};
use statements::keep::is_used;
use statements::migrate::migrate;
use statements::read::connections;

pub use connect::Place;
pub use log::PostgresLog;
pub use statements::DatabaseStore as PostgresStore;
pub use url::WrongUrl;

pub(super) use statements::keep::Keeper;
pub(super) use view::view;

type Conn = PgConnection;
type Db = Pg;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// An open database: its writing and its reading side.
#[derive(Debug)]
pub struct Opened {
    /// For the log writer's thread.
    pub log: PostgresLog,
    /// For everybody else.
    pub store: PostgresStore,
    /// Makes the writing side again, when its code failed.
    pub reopen: Reopen,
}

/// Opens the writing side of a database that is open for reading, under the same term.
#[derive(Debug, Clone)]
pub struct Reopen {
    place: Place,
    owner: Owner,
}

impl Reopen {
    /// The writing side again. The one before must have been dropped.
    ///
    /// # Errors
    /// When the database does not answer, is another one by now, or has another owner.
    pub fn log(&self) -> Result<PostgresLog, OpenError> {
        let failed = |why: String| self.place.failed(why);
        let mut conn = self.place.connect_to_write().map_err(failed)?;
        let resumed = owner::resume(&mut conn, self.owner);
        resumed.map_err(|why| failed(why.to_string()))?;
        let session = Session::new(conn, self.owner).map_err(|why| failed(why.to_string()))?;
        Ok(PostgresLog::new(self.place.clone(), self.owner, session))
    }
}

/// Opens a database, waits until no other server owns it, and brings its schema up to date.
/// `new_epoch` is used when it is new. `stands_by` is called once when it has to wait.
///
/// # Errors
/// When it cannot be reached or used, is newer than this program, or refuses a setting that
/// durability needs.
pub fn open(place: Place, new_epoch: Epoch, stands_by: impl FnOnce()) -> Result<Opened, OpenError> {
    let failed = |why: String| place.failed(why);
    let conn = connect(&place)?;
    // Whoever has its turn is alone with the database: two that start at once do not both migrate.
    let mut conn = wait_for_turn(&place, conn, stands_by)?;
    migrate(&mut conn, failed)?;
    if is_half_imported(&mut conn).map_err(failed)? {
        return Err(OpenError::HalfImported {
            place: place.to_string(),
        });
    }
    take_over(place, conn, new_epoch)
}

/// The same for an import, which may have been begun before, and waits for nobody.
pub(super) fn open_for_import(place: Place, new_epoch: Epoch) -> Result<Opened, OpenError> {
    let mut conn = connect_alone(&place)?;
    if is_used(&mut conn).map_err(|why| place.failed(why))? {
        return Err(OpenError::NotEmpty {
            place: place.to_string(),
        });
    }
    migrate(&mut conn, |why| place.failed(why))?;
    take_over(place, conn, new_epoch)
}

/// A connection that writes beside the log of an open database.
pub(super) fn keeper(place: &Place) -> Result<Keeper, OpenError> {
    let conn = place.connect_to_write().map_err(|why| place.failed(why))?;
    Ok(Keeper::new(conn))
}

/// Brings the schema up to date and begins another life of the log, under another term: whatever an
/// earlier server still believes, it writes nothing any more. The epoch before is returned.
///
/// # Errors
/// When there is no database of ours, a server uses it, it is newer than this program, or it cannot
/// be used.
pub(super) fn begin_new_epoch(place: &Place, new_epoch: Epoch) -> Result<Epoch, OpenError> {
    let mut conn = connect_alone(place)?;
    read_epoch(&mut conn).map_err(|why| OpenError::NoDatabase {
        place: place.to_string(),
        why,
    })?;
    migrate(&mut conn, |why| place.failed(why))?;
    let renewed = conn.transaction(|conn| {
        owner::take_over(conn)?;
        renew_epoch(conn, new_epoch).map_err(|why| Error::QueryBuilderError(why.into()))
    });
    renewed.map_err(|why| place.failed(why.to_string()))
}

/// A connection that writes to a database that is what it must be.
fn connect(place: &Place) -> Result<Conn, OpenError> {
    let mut conn = place.connect_to_write().map_err(|why| place.failed(why))?;
    connect::assert_settings(&mut conn, place)?;
    Ok(conn)
}

/// Waits until no other server owns the database. `stands_by` is called once when there is one; from
/// then on it is waited for the database, too, which may be started again like its owner.
fn wait_for_turn(
    place: &Place,
    mut conn: Conn,
    stands_by: impl FnOnce(),
) -> Result<Conn, OpenError> {
    let mut stands_by = Some(stands_by);
    loop {
        match owner::try_lock(&mut conn) {
            Ok(true) => return Ok(conn),
            Ok(false) => {
                if let Some(tell) = stands_by.take() {
                    tell();
                }
                wait(owner::LOOK_EVERY);
            }
            Err(why) if stands_by.is_some() => return Err(place.failed(why.to_string())),
            Err(why) => {
                tracing::warn!(error = %why, "the database is gone; standing by until it is back");
                conn = wait_for_database(place);
            }
        }
    }
}

fn wait_for_database(place: &Place) -> Conn {
    let mut said = String::new();
    loop {
        wait(limits::STORE_LOOKED_AT_EVERY);
        let why = match connect(place) {
            Ok(conn) => return conn,
            Err(why) => why.to_string(),
        };
        // Each reason once: it may be one that somebody has to put right.
        if why != said {
            tracing::warn!(error = why, "it is not back yet");
            said = why;
        }
    }
}

/// A connection with which no server shares the database.
fn connect_alone(place: &Place) -> Result<Conn, OpenError> {
    let mut conn = connect(place)?;
    if owner::try_lock(&mut conn).map_err(|why| place.failed(why.to_string()))? {
        return Ok(conn);
    }
    Err(OpenError::Owned {
        place: place.to_string(),
    })
}

/// Makes this server the owner, and opens both sides.
fn take_over(place: Place, mut conn: Conn, new_epoch: Epoch) -> Result<Opened, OpenError> {
    let failed = |why: String| place.failed(why);
    let broken = |why: Error| failed(why.to_string());
    let term = owner::take_over(&mut conn).map_err(broken)?;
    let epoch = epoch(&mut conn, new_epoch).map_err(failed)?;
    let owner = Owner { term, epoch };
    let session = Session::new(conn, owner).map_err(broken)?;
    // Connections are lost when the database restarts; whoever reads must not be the one who finds
    // out.
    let pool = connections(&place.url(), true, ReadOnly).map_err(|why| failed(why.to_string()))?;
    let reopen = Reopen {
        place: place.clone(),
        owner,
    };
    Ok(Opened {
        log: PostgresLog::new(place, owner, session),
        store: PostgresStore::new(pool, epoch),
        reopen,
    })
}

/// When something began that must not go on for ever.
struct Begun(Instant);

impl Begun {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long this thread has waited is no time of the domain"
    )]
    fn now() -> Self {
        Self(Instant::now())
    }

    fn is_past(&self, time: Duration) -> bool {
        self.0.elapsed() > time
    }
}

/// Waits, on a thread that has nothing else to do: the log writer's, or the one that starts.
#[expect(clippy::disallowed_methods, reason = "no actor runs on these threads")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

#[derive(Debug)]
struct ReadOnly;

impl CustomizeConnection<Conn, diesel::r2d2::Error> for ReadOnly {
    fn on_acquire(&self, conn: &mut Conn) -> Result<(), diesel::r2d2::Error> {
        let millis = limits::READ_STATEMENT_WITHIN.as_millis();
        let settings = format!(
            "SET default_transaction_read_only = on; SET statement_timeout = {millis};\
             SET default_transaction_isolation = 'read committed';"
        );
        conn.batch_execute(&settings)
            .map_err(diesel::r2d2::Error::QueryError)
    }
}
