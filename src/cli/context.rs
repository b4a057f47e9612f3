//! What every client command needs.

use std::process::ExitCode;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::connection::{self, Connection, ConnectionArgs};
use super::output::{Output, OutputArgs};
use crate::client::ClientError;

/// A server, who acts there, and where the answers go.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) connection: Connection,
    pub(super) output: Output,
}

/// Carries out a command, and tells how it ended.
pub(super) fn run(
    connection: ConnectionArgs,
    output: &OutputArgs,
    carry_out: impl FnOnce(&mut Context) -> Result<(), ClientError>,
) -> ExitCode {
    let output = Output::new(output);
    let mut context = match connection.open() {
        Ok(connection) => Context { connection, output },
        Err(why) => return connection::finish(Err(why), &output),
    };
    let result = carry_out(&mut context);
    connection::finish(result, &context.output)
}

/// Reads an answer of the server.
///
/// # Errors
/// When it does not look like what was asked for.
pub(super) fn read<T: DeserializeOwned>(answer: &Value) -> Result<T, ClientError> {
    T::deserialize(answer).map_err(|why| ClientError::Protocol(why.to_string()))
}
