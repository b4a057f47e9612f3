//! `agent-bridge verify`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::database::{DatabaseArgs, finish, scratch};
use super::progress::Bar;
use super::show::visible;
use crate::storage::verify::{Depth, Report};
use crate::storage::{backup, verify};

/// Check a whole log, and everything that follows from it
///
/// Every record must be what was written, and stand where it belongs; and rooms, members, grants,
/// messages, clients and deliveries must be what the log says when it is played once more. Nothing
/// is changed, and a server may go on: what it writes meanwhile is not looked at.
///
/// The replay is a database in the temporary folder (TMPDIR), about as large as the one that is
/// checked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  agent-bridge verify
  agent-bridge verify --from bridge-2026-11-25.backup
  agent-bridge verify --database-url postgres://bridge@db.example/bridge

Exit codes: 0 nothing is wrong · 1 something is, or it could not be checked · 2 wrong usage")]
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
    finish(verify(&args).and_then(|report| judge(&report)))
}

fn verify(args: &VerifyArgs) -> Result<Report, String> {
    let bar = Bar::new("Verifying");
    let mut progress = |done, total| bar.set(done, total);
    let depth = Depth::Whole(scratch());
    match &args.from {
        Some(file) => {
            let report = backup::check(file, &depth, &mut progress);
            report.map_err(|why| why.to_string())
        }
        None => {
            let config = args.database.config().map_err(|why| why.to_string())?;
            let which = config.database().map_err(|why| why.to_string())?;
            let report = verify::database(&which, &depth, &mut progress);
            report.map_err(|why| why.to_string())
        }
    }
}

/// What is wrong is told on stdout, one a line.
fn judge(report: &Report) -> Result<String, String> {
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
    match (findings.total(), findings.kept().len() as u64) {
        (0, _) => Ok(format!("{what}: nothing is wrong")),
        (total, kept) if total > kept => Err(format!(
            "{what}: {total} things are wrong, of which the first {kept} are named"
        )),
        (1, _) => Err(format!("{what}: one thing is wrong")),
        (total, _) => Err(format!("{what}: {total} things are wrong")),
    }
}
