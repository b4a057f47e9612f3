//! `agent-bridge restore`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bridge_core::Epoch;
use bridge_core::ports::Ids;
use clap::Args;

use super::database::{DatabaseArgs, Ended, finish, until_stopped};
use super::progress::Bar;
use crate::app;
use crate::config::Config;
use crate::storage::backup::BackupError;
use crate::storage::sqlite::DataLock;
use crate::storage::{Which, backup};
use crate::system::SystemIds;

/// Make a database of a backup, or begin a new epoch after the database's own tools have put it back
///
/// Either way the log begins a new epoch: clients that come back with a cursor of the life before
/// are told that it is not complete, and read what there is.
///
/// The key that signs tokens is not in a backup. Put signing.key into the new data folder, or make
/// new tokens.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["from", "new_epoch"]),
    after_help = "\
Examples:
  agent-bridge restore --from bridge.backup --data-dir /var/lib/agent-bridge
  agent-bridge restore --new-epoch --database-url postgres://bridge@db.example/bridge

Exit codes: 0 done · 1 refused or failed, and nothing was changed · 2 wrong usage ·
  130 interrupted, and nothing was changed"
)]
pub struct RestoreArgs {
    /// The backup. The data folder must have no database, and no server must run there
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Only begin a new epoch, in place: the database was put back by its own tools
    #[arg(long)]
    pub new_epoch: bool,
    #[command(flatten)]
    /// Which database.
    pub database: DatabaseArgs,
}

/// Does what the arguments say.
#[must_use]
pub fn run(args: RestoreArgs) -> ExitCode {
    finish(restore(&args))
}

fn restore(args: &RestoreArgs) -> Result<String, Ended> {
    let config = args.database.config()?;
    let which = config.database()?;
    let epoch = Epoch::from_uuid(SystemIds::default().uuid());
    match &args.from {
        Some(file) => from_backup(file, &config, &which, epoch),
        None => in_place(&config, &which, epoch),
    }
}

fn from_backup(file: &Path, config: &Config, which: &Which, epoch: Epoch) -> Result<String, Ended> {
    let Which::Sqlite(database) = which else {
        return Err(Ended::Failed(format!(
            "a backup is a database of SQLite, and {which} is PostgreSQL; put that back with \
             pg_restore and then `agent-bridge restore --new-epoch`, or move an install with \
             `agent-bridge export` and `import`"
        )));
    };
    let _lock = lock(config)?;
    let (file, database) = (file.to_owned(), database.clone());
    let restored = until_stopped(LEFT, move |stop| {
        let (copying, checking) = (Bar::new("Copying"), Bar::new("Checking"));
        let mut copied = |done, total| copying.set_unless(&stop, done, total);
        let mut checked = |done, total| checking.set_unless(&stop, done, total);
        let restored = backup::restore(&file, &database, epoch, &mut copied, &mut checked);
        restored.map_err(|why| match why {
            BackupError::Stopped(_) => Ended::Interrupted,
            why => why.into(),
        })
    })?;
    let (records, streams) = (restored.report.records, restored.report.streams);
    Ok(format!(
        "{records} records of {streams} streams are in {which}; the epoch was {}, and is {epoch}",
        restored.before
    ))
}

/// After an end on the spot.
const LEFT: &str = "a file *.restoring may be left, which the next restore removes";

fn in_place(config: &Config, which: &Which, epoch: Epoch) -> Result<String, Ended> {
    // The folder of a PostgreSQL server may be on another machine; the database has a lock of its
    // own.
    let _lock = match which {
        Which::Sqlite(_) => Some(lock(config)?),
        Which::Postgres(_) => None,
    };
    let before = which.begin_new_epoch(epoch)?;
    Ok(format!(
        "{which} was in the epoch {before}, and is in {epoch}; `agent-bridge verify` checks it"
    ))
}

/// The lock of the data folder, which every server holds.
pub(super) fn lock(config: &Config) -> Result<DataLock, Ended> {
    let folder = config.data_dir();
    app::make_data_dir(&folder)?;
    Ok(DataLock::of_folder(&folder)?)
}
