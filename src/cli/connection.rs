//! How client commands find their server and prove who they are.

use std::process::ExitCode;

use bridge_core::ClientId;
use clap::Args;
use tokio::runtime::{Builder, Runtime};

use super::output::Output;
use super::signals;
use crate::client::error::Exit;
use crate::client::{Address, ClientError, RestClient, Token};

/// The server, and who one is.
#[derive(Debug, Clone, Args)]
pub struct ConnectionArgs {
    /// The server's address
    #[arg(
        long,
        global = true,
        env = "BRIDGE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:5001",
        help_heading = "Connection"
    )]
    pub url: Address,
    /// The token of the client that acts; `agent-bridge token create --client NAME` makes one
    ///
    /// Better set as BRIDGE_TOKEN: arguments can be seen by every user of the machine.
    #[arg(
        long,
        global = true,
        env = "BRIDGE_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        help_heading = "Connection"
    )]
    pub token: Option<Token>,
}

/// A server, and the client that acts there.
#[derive(Debug)]
pub struct Connection {
    /// Where the server is.
    pub address: Address,
    /// Who acts, as the token says.
    pub client: ClientId,
    /// The proof.
    pub token: Token,
    /// For requests.
    pub rest: RestClient,
}

impl ConnectionArgs {
    /// Looks at what was given; nothing is sent yet.
    ///
    /// # Errors
    /// When there is no usable token.
    pub fn open(self) -> Result<Connection, ClientError> {
        let token = self
            .token
            .filter(|t| !t.reveal().is_empty())
            .ok_or(ClientError::NoToken)?;
        let client = token.subject()?;
        let rest = RestClient::new(&self.url, &token)?;
        Ok(Connection {
            address: self.url,
            client,
            token,
            rest,
        })
    }
}

/// The runtime of a client command: it does one thing at a time.
///
/// # Errors
/// When the system gives no event queue.
pub fn runtime() -> Result<Runtime, ClientError> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Runs a command until it is done, or until it is told to stop.
///
/// # Errors
/// The command's own, or [`ClientError::Interrupted`].
pub async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    tokio::select! {
        result = work => result,
        told = signals::told_to_stop() => {
            told?;
            Err(ClientError::Interrupted)
        }
    }
}

/// Runs a command that may be ended by Ctrl-C at any time.
///
/// # Errors
/// The command's own, or [`ClientError::Interrupted`].
pub fn until_interrupted<T>(
    work: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    runtime()?.block_on(unless_interrupted(work))
}

/// The last step of every client command: what went wrong goes to stderr, and becomes an exit code.
#[must_use]
pub fn finish(result: Result<(), ClientError>, output: &Output) -> ExitCode {
    let exit = match &result {
        Ok(()) => Exit::Done,
        Err(error) => error.exit(),
    };
    if let Err(error) = &result
        && exit != Exit::Done
        && exit != Exit::Interrupted
    {
        output.complain(error);
    }
    ExitCode::from(exit as u8)
}
