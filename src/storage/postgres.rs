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

use std::time::Duration;

use bridge_core::{Epoch, limits};
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::{Pg, PgConnection};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::{Connection, result::Error};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::error::OpenError;
use super::newer;
use statements::counters::{epoch, is_half_imported, read_epoch, renew_epoch};
use statements::keep::is_used;

pub use connect::{Place, WrongUrl};
pub use log::PostgresLog;
pub use statements::DatabaseStore as PostgresStore;

pub(super) use statements::keep::Keeper;
pub(super) use view::view;

type Conn = PgConnection;

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
    migrate(&mut conn, &place)?;
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
    if is_used(&mut conn) {
        return Err(OpenError::NotEmpty {
            place: place.to_string(),
        });
    }
    migrate(&mut conn, &place)?;
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
    let pool = read_pool(&place).map_err(|why| failed(why.to_string()))?;
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

fn migrate(conn: &mut Conn, place: &Place) -> Result<(), OpenError> {
    let failed = |why: Box<dyn std::error::Error + Send + Sync>| place.failed(why.to_string());
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(failed)?;
    let newest = known.iter().map(|m| m.name().version().as_owned()).max();
    let applied = conn.applied_migrations().map_err(failed)?;
    if let Some(found) = newer(&applied, newest.as_ref()) {
        return Err(OpenError::NewerSchema {
            found: found.to_string(),
        });
    }
    conn.run_pending_migrations(MIGRATIONS).map_err(failed)?;
    Ok(())
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

fn read_pool(place: &Place) -> Result<Pool<ConnectionManager<Conn>>, impl std::error::Error> {
    let size = u32::try_from(limits::READS_AT_ONCE_MAX).expect("a handful of connections");
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        // Connections are lost when the database restarts; whoever reads must not be the one who
        // finds out.
        .test_on_check_out(true)
        .connection_timeout(limits::READ_CONNECT_WITHIN)
        .connection_customizer(Box::new(ReadOnly))
        .build(ConnectionManager::new(place.url()))
}
