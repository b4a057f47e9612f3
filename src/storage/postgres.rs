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
mod view;

use std::time::{Duration, Instant};

use bridge_core::{Epoch, limits};
use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::r2d2::CustomizeConnection;
use diesel::{Connection, result::Error};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::error::OpenError;
use statements::counters::{epoch, is_half_imported, read_epoch, renew_epoch};
use statements::keep::is_used;
use statements::migrate::migrate;
use statements::read::connections;

pub use connect::{Place, WrongUrl};
pub use log::PostgresLog;
pub use statements::DatabaseStore as PostgresStore;

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
    epoch: Epoch,
    term: owner::Term,
}

impl Reopen {
    /// The writing side again. The one before must have been dropped.
    ///
    /// # Errors
    /// When the database does not answer, is another one by now, or has another owner.
    pub fn log(&self) -> Result<PostgresLog, OpenError> {
        let failed = |why: String| self.place.failed(why);
        let mut conn = self.place.connect_to_write().map_err(failed)?;
        owner::resume(&mut conn, self.term).map_err(|why| failed(why.to_string()))?;
        if read_epoch(&mut conn).map_err(failed)? != self.epoch {
            return Err(failed("it is another database now".to_owned()));
        }
        Ok(PostgresLog::new(self.place.clone(), self.term, conn))
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
    let mut conn = place.connect_to_write().map_err(failed)?;
    connect::assert_settings(&mut conn, &place)?;
    // Whoever holds this is alone with the database: two that start at once do not both migrate.
    owner::wait_for_turn(&mut conn, stands_by).map_err(|why| failed(why.to_string()))?;
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
    connect::assert_settings(&mut conn, &place)?;
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

/// Begins another life of the log, under another term: whatever an earlier server still believes,
/// it writes nothing any more. The epoch before is returned.
///
/// # Errors
/// When there is no database of ours, a server uses it, or it cannot be written.
pub(super) fn begin_new_epoch(place: &Place, new_epoch: Epoch) -> Result<Epoch, OpenError> {
    let mut conn = connect_alone(place)?;
    read_epoch(&mut conn).map_err(|why| OpenError::NoDatabase {
        place: place.to_string(),
        why,
    })?;
    let renewed = conn.transaction(|conn| {
        owner::take_over(conn)?;
        renew_epoch(conn, new_epoch).map_err(|why| Error::QueryBuilderError(why.into()))
    });
    renewed.map_err(|why| place.failed(why.to_string()))
}

/// A connection with which no server shares the database.
fn connect_alone(place: &Place) -> Result<Conn, OpenError> {
    let mut conn = place.connect_to_write().map_err(|why| place.failed(why))?;
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
    let term = owner::take_over(&mut conn).map_err(|why| failed(why.to_string()))?;
    let epoch = epoch(&mut conn, new_epoch).map_err(failed)?;
    // Connections are lost when the database restarts; whoever reads must not be the one who finds
    // out.
    let pool = connections(&place.url(), true, ReadOnly).map_err(|why| failed(why.to_string()))?;
    let reopen = Reopen {
        place: place.clone(),
        epoch,
        term,
    };
    Ok(Opened {
        log: PostgresLog::new(place, term, conn),
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
