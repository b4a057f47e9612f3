//! `agent-bridge export` and `agent-bridge import`

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bridge_core::Epoch;
use bridge_core::ports::Ids;
use clap::Args;

use super::database::{DatabaseArgs, Ended, finish, unless_interrupted, until_stopped};
use super::progress::Bar;
use super::restore::lock;
use crate::storage::Which;
use crate::storage::backup::sync_folder_of;
use crate::storage::export::{self, Exported, ImportError, Imported};
use crate::system::SystemIds;

/// Standard input or output.
const STANDARD: &str = "-";

/// Write the whole log as JSON Lines
///
/// A line for each record, with all that it says, and a last line with the SHA-256 of the others.
/// Nothing is changed, and a server may go on: what it writes meanwhile is not in it. Unlike a
/// backup it can be imported into either kind of database.
///
/// Whoever can read it can read every message.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  agent-bridge export --to bridge.jsonl
  agent-bridge export --to - | zstd > bridge.jsonl.zst
  agent-bridge export --to - --database-url postgres://bridge@db.example/bridge

Exit codes: 0 done · 1 failed, and there is no file · 2 wrong usage · 130 interrupted")]
pub struct ExportArgs {
    /// The file to make, or - for standard output; one that is there is not touched
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Put it in the place of a file that is there
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    /// Which database.
    pub database: DatabaseArgs,
}

/// Fill an empty database from an export
///
/// The whole export is checked before anything is written. The log begins a new epoch: clients that
/// come back with a cursor of the life before are told that it is not complete.
///
/// The key that signs tokens is not in an export. Put signing.key into the data folder, or make new
/// tokens.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  agent-bridge import --from bridge.jsonl --data-dir /var/lib/agent-bridge
  agent-bridge import --from bridge.jsonl --database-url postgres://bridge@db.example/bridge
  zstdcat bridge.jsonl.zst | agent-bridge import --from -

Exit codes: 0 done · 1 refused or failed, and the database is empty · 2 wrong usage ·
  130 interrupted, and the database is empty (interrupted twice: 1, and it may not be)")]
pub struct ImportArgs {
    /// The export, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    #[command(flatten)]
    /// Which database.
    pub database: DatabaseArgs,
}

/// Does what the arguments say.
#[must_use]
pub fn run_export(args: ExportArgs) -> ExitCode {
    match export_to(&args) {
        Ok(exported) => {
            let Exported {
                epoch,
                streams,
                records,
            } = exported;
            // Standard output may be the export itself.
            eprintln!("{records} records of {streams} streams, in the epoch {epoch}");
            ExitCode::SUCCESS
        }
        Err(why) => finish(Err(why)),
    }
}

fn export_to(args: &ExportArgs) -> Result<Exported, Ended> {
    let which = args.database.config()?.database()?;
    if args.to == Path::new(STANDARD) {
        let out = || BufWriter::new(std::io::stdout().lock());
        return unless_interrupted(move || write(&which, out(), "standard output".into()));
    }
    let to = args.to.as_path();
    let failed =
        |why: std::io::Error| Ended::Failed(format!("cannot write {}: {why}", to.display()));
    if to.exists() && !args.force {
        return Err(in_the_way(to));
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::Builder::new()
        .prefix(".agent-bridge-export-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(failed)?;
    let (out, name) = (file.reopen().map_err(failed)?, to.to_owned());
    let exported = unless_interrupted(move || write(&which, BufWriter::new(out), name))?;
    file.as_file().sync_all().map_err(failed)?;
    let named = match args.force {
        true => file.persist(to),
        false => file.persist_noclobber(to),
    };
    named.map_err(|why| match why.error.kind() {
        std::io::ErrorKind::AlreadyExists => in_the_way(to),
        _ => failed(why.error),
    })?;
    sync_folder_of(to).map_err(failed)?;
    Ok(exported)
}

fn in_the_way(to: &Path) -> Ended {
    let why = format!("{} is there already; --force replaces it", to.display());
    Ended::Failed(why)
}

fn write(which: &Which, out: impl Write, to: PathBuf) -> Result<Exported, Ended> {
    let bar = Bar::new("Exporting");
    let mut progress = |done, total| {
        bar.set(done, total);
        Ok(())
    };
    Ok(export::export(which, out, to, &mut progress)?)
}

/// Does what the arguments say.
#[must_use]
pub fn run_import(args: ImportArgs) -> ExitCode {
    finish(import_from(&args))
}

fn import_from(args: &ImportArgs) -> Result<String, Ended> {
    let config = args.database.config()?;
    let which = config.database()?;
    let from = source(&args.from)?;
    // As for a restore: an SQLite database is in a folder of its server's.
    let _lock = match which {
        Which::Sqlite(_) => Some(lock(&config)?),
        Which::Postgres(_) => None,
    };
    let epoch = Epoch::from_uuid(SystemIds::default().uuid());
    let (name, target) = (args.from.clone(), which.clone());
    let imported = until_stopped(LEFT, move |stop| {
        let (checking, writing) = (Bar::new("Checking"), Bar::new("Importing"));
        let mut checked = |done, total| checking.set_unless(&stop, done, total);
        let mut written = |done, total| writing.set_unless(&stop, done, total);
        let imported = export::import(&target, from, epoch, &mut checked, &mut written);
        imported.map_err(|why| match why {
            ImportError::Stopped(_) => Ended::Interrupted,
            why => Ended::Failed(format!("{}: {why}", name.display())),
        })
    });
    let Imported {
        before,
        streams,
        records,
    } = imported?;
    Ok(format!(
        "{records} records of {streams} streams are in {which}; the epoch was {before}, and is \
         {epoch}"
    ))
}

/// After an end on the spot.
const LEFT: &str = "what was written so far may still be there, and no server starts on it: repeat \
                    the import";

/// An export is read twice: once to check it. What comes through a pipe is kept for that.
fn source(from: &Path) -> Result<File, Ended> {
    let failed =
        |why: std::io::Error| Ended::Failed(format!("cannot read {}: {why}", from.display()));
    if from != Path::new(STANDARD) {
        return File::open(from).map_err(failed);
    }
    let mut kept = tempfile::tempfile().map_err(failed)?;
    std::io::copy(&mut std::io::stdin().lock(), &mut kept).map_err(failed)?;
    kept.rewind().map_err(failed)?;
    Ok(kept)
}
