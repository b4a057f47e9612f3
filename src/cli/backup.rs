//! `agent-bridge backup`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bridge_core::Epoch;
use clap::Args;
use serde_json::json;
use tempfile::NamedTempFile;

use super::connection::{self, ConnectionArgs};
use super::context::{self, Context};
use super::output::OutputArgs;
use super::progress::Bar;
use super::show::visible;
use crate::client::ClientError;
use crate::storage::backup::{self, sync_folder_of};
use crate::storage::verify::{Depth, Report};

const PATH: [&str; 3] = ["v1", "admin", "backup"];

/// Make a backup of a running server's database, and check it
///
/// The server copies its database as of one moment while it goes on, and sends the copy. It is
/// checked before it gets its name: the SHA-256 over all of it, SQLite's own check, and that every
/// record is what was written. `agent-bridge verify --from FILE` checks more.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  export BRIDGE_TOKEN=$(agent-bridge token create --client backup --scope admin --ttl 1h)
  agent-bridge backup --to bridge-$(date +%F).backup
  agent-bridge restore --from bridge-2026-11-25.backup --data-dir /var/lib/agent-bridge

The token must have the scope admin. A server on PostgreSQL refuses: use pg_dump there.")]
pub struct BackupArgs {
    /// The file to make; one that is there is not touched
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Put it in the place of a file that is there
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    /// The server.
    pub connection: ConnectionArgs,
    #[command(flatten)]
    /// The form of the answer.
    pub output: OutputArgs,
}

/// Does what the arguments say.
#[must_use]
pub fn run(args: BackupArgs) -> ExitCode {
    let BackupArgs {
        to,
        force,
        connection,
        output,
    } = args;
    context::run(connection, &output, |context| {
        let runtime = connection::runtime()?;
        let work = connection::unless_interrupted(make(context, &to, force));
        let made = runtime.block_on(work);
        // A check that was interrupted is not waited for.
        runtime.shutdown_background();
        made
    })
}

async fn make(context: &mut Context, to: &Path, force: bool) -> Result<(), ClientError> {
    if to.exists() && !force {
        return Err(in_the_way(to));
    }
    let (file, epoch) = fetch(context, to).await?;
    let (file, report) = checked(file, to, epoch).await?;
    let named = match force {
        true => file.persist(to),
        false => file.persist_noclobber(to),
    };
    named.map_err(|why| match why.error.kind() {
        std::io::ErrorKind::AlreadyExists => in_the_way(to),
        _ => failed(to)(why.error),
    })?;
    sync_folder_of(to).map_err(failed(to))?;
    let bytes = std::fs::metadata(to).map_err(failed(to))?.len();
    let answer = json!({
        "file": to,
        "bytes": bytes,
        "epoch": report.epoch,
        "streams": report.streams,
        "records": report.records,
    });
    context.output.answer(&answer, |_| {
        Ok(format!(
            "{} has {} records of {} streams, in the epoch {}, in {bytes} bytes",
            visible(&to.display().to_string()),
            report.records,
            report.streams,
            report.epoch,
        ))
    })
}

fn in_the_way(to: &Path) -> ClientError {
    let why = format!("{} is there already; --force replaces it", to.display());
    ClientError::File(why)
}

fn failed(to: &Path) -> impl Fn(std::io::Error) -> ClientError {
    move |why| ClientError::File(format!("cannot write {}: {why}", to.display()))
}

/// The server's copy, on the disk, beside where it is to be. It is gone when it gets no name.
async fn fetch(
    context: &Context,
    to: &Path,
) -> Result<(NamedTempFile, Option<Epoch>), ClientError> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // Made first: if there is no room for a file, the server need not do anything.
    let mut file = tempfile::Builder::new()
        .prefix(".agent-bridge-backup-")
        .tempfile_in(folder)
        .map_err(failed(to))?;
    let mut download = context.connection.rest.download(&PATH).await?;
    let (epoch, total) = (download.epoch(), download.bytes().unwrap_or_default());
    let bar = Bar::new("Receiving");
    let mut got = 0;
    while let Some(bytes) = download.next().await? {
        file.write_all(&bytes).map_err(failed(to))?;
        got += bytes.len() as u64;
        bar.set(got, total);
    }
    file.as_file().sync_all().map_err(failed(to))?;
    Ok((file, epoch))
}

/// On another thread, so that Ctrl-C is heard meanwhile.
async fn checked(
    file: NamedTempFile,
    to: &Path,
    epoch: Option<Epoch>,
) -> Result<(NamedTempFile, Report), ClientError> {
    let path = file.path().to_owned();
    let checking = tokio::task::spawn_blocking(move || {
        let bar = Bar::new("Checking");
        let mut progress = |done, total| {
            bar.set(done, total);
            Ok(())
        };
        backup::check(&path, &Depth::Log, &mut progress)
    });
    let useless = |why: String| {
        let to = to.display();
        ClientError::File(format!(
            "what the server sent for {to} is no good backup: {why}"
        ))
    };
    let report = match checking.await {
        Ok(report) => report.map_err(|why| useless(why.to_string()))?,
        Err(why) => return Err(useless(why.to_string())),
    };
    if let Some(first) = report.findings.kept().first() {
        let more = report.findings.total();
        return Err(useless(format!("{first} ({more} findings in all)")));
    }
    if epoch.is_some_and(|epoch| epoch != report.epoch) {
        return Err(useless("it is of another epoch than the server".to_owned()));
    }
    Ok((file, report))
}
