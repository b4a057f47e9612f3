//! `agent-bridge verify`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::database::{DatabaseArgs, Ended, finish, unless_interrupted};
use super::progress::Bar;
use super::show::visible;
use crate::storage::verify::{Depth, Report};
use crate::storage::{backup, verify};

/// Check a whole log, and everything that follows from it
///
/// Every record must be what was written, and stand where it belongs; and rooms, members, grants,
/// messages, clients, deliveries, decisions and critiques must be what the log says when it is played
/// once more. Nothing is changed, and a server may go on: what it writes meanwhile is not looked at.
///
/// The replay is a database in the temporary folder (TMPDIR), about as large as the one that is
/// checked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  agent-bridge verify
  agent-bridge verify --from bridge-2026-11-25.backup
  agent-bridge verify --database-url postgres://bridge@db.example/bridge

Exit codes: 0 nothing is wrong · 1 something is, or it could not be checked · 2 wrong usage ·
  130 interrupted")]
pub struct VerifyArgs {
    /// Check this backup, and not the database
    #[arg(long, value_name = "FILE", conflicts_with = "database_url")]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    /// Which database.
    pub database: DatabaseArgs,
}

/// Does what the arguments say.
#[must_use]
pub fn run(args: VerifyArgs) -> ExitCode {
    finish(verify(args).and_then(|report| judge(&report)))
}

fn verify(args: VerifyArgs) -> Result<Report, Ended> {
    let scratch = tempfile::Builder::new()
        .prefix("agent-bridge-verify-")
        .tempdir()?;
    let depth = Depth::Whole(scratch.path().to_owned());
    let which = match &args.from {
        Some(_) => None,
        None => Some(args.database.config()?.database()?),
    };
    unless_interrupted(move || {
        let bar = Bar::new("Verifying");
        let mut progress = |done, total| {
            bar.set(done, total);
            Ok(())
        };
        match (which, args.from) {
            (Some(which), _) => Ok(verify::database(&which, &depth, &mut progress)?),
            (None, from) => {
                let file = from.unwrap_or_default();
                Ok(backup::check(&file, &depth, &mut progress)?)
            }
        }
    })
}

/// What is wrong is told on stdout, one a line.
fn judge(report: &Report) -> Result<String, Ended> {
    let Report {
        epoch,
        streams,
        records,
        findings,
    } = report;
    for finding in findings.kept() {
        println!("{}", visible(&finding.to_string()));
    }
    let what = format!("{records} records of {streams} streams, in the epoch {epoch}");
    let wrong = match (findings.total(), findings.kept().len() as u64) {
        (0, _) => return Ok(format!("{what}: nothing is wrong")),
        (total, kept) if total > kept => {
            format!("{total} things are wrong, of which the first {kept} are named")
        }
        (1, _) => "one thing is wrong".to_owned(),
        (total, _) => format!("{total} things are wrong"),
    };
    Err(Ended::Failed(format!("{what}: {wrong}")))
}
