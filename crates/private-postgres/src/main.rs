//! Runs a command beside a PostgreSQL server of its own, which is there for as long as it runs.
//! `PRIVATE_POSTGRES` tells it the port.

use std::process::{Command, ExitCode};

use private_postgres::{Cluster, Durability, SERVER};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next().filter(|word| word != "--help") else {
        eprintln!("Usage: private-postgres PROGRAM [ARGUMENT...]");
        return ExitCode::from(2);
    };
    let cluster = match Cluster::start(&std::env::temp_dir(), Durability::Fast) {
        Ok(cluster) => cluster,
        Err(why) => {
            eprintln!("private-postgres: {why}");
            return ExitCode::FAILURE;
        }
    };
    let status = Command::new(&program)
        .args(words)
        .env(SERVER, cluster.port().to_string())
        .status();
    drop(cluster);
    match status {
        Ok(status) => match status.code() {
            Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
            None => ExitCode::FAILURE,
        },
        Err(why) => {
            eprintln!("private-postgres: {}: {why}", program.to_string_lossy());
            ExitCode::FAILURE
        }
    }
}
