//! What can go wrong between a client and its server, and the exit code of each.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use bridge_core::MessageId;
use bridge_core::message::Stage;
use serde_json::{Map, Value};

use super::token::InvalidToken;
use super::url::Address;
use crate::wire::frame::{Bye, Rejected};

/// Why a client could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// What the user gave cannot be sent.
    #[error("{0}")]
    Input(String),
    /// There is no token.
    #[error(
        "there is no token: set BRIDGE_TOKEN or give --token; \
         `agent-bridge token create --client NAME` makes one"
    )]
    NoToken,
    /// There is one, but it cannot be used.
    #[error("{0}")]
    Token(#[from] InvalidToken),
    /// Nobody answers there.
    #[error("cannot reach {address}: {why}")]
    Unreachable {
        /// Where.
        address: Address,
        /// What the system says.
        why: String,
    },
    /// The connection broke.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server did not answer in time.
    #[error("{what} took longer than {} s", after.as_secs_f32())]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: Duration,
    },
    /// Whatever answered does not speak the protocol.
    #[error("the server's answer makes no sense: {0}")]
    Protocol(String),
    /// The server refused the request.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The server ended the session.
    #[error("the server ended the session: {} ({})", .0.reason, .0.code)]
    Closed(Box<Bye>),
    /// A question was not answered.
    #[error("{}", .0.why)]
    Unanswered(Box<Unanswered>),
    /// A file that was received, or is to be written, cannot be used.
    #[error("{0}")]
    File(String),
    /// The answer could not be shown.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The user had enough.
    #[error("interrupted")]
    Interrupted,
}

/// A question that was not answered.
#[derive(Debug, Clone)]
pub struct Unanswered {
    /// The question.
    pub id: MessageId,
    /// How far it has come.
    pub stage: Stage,
    /// A sentence that says so.
    pub why: String,
}

impl Unanswered {
    /// Whether it was only too late for an answer: nobody said that there would be none.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        !matches!(self.stage, Stage::Done | Stage::Dead)
    }
}

/// A refusal, and under which id the server's log has more about it.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What the server said.
    pub rejected: Rejected,
    /// What its sentence speaks of, over REST: the field, the scope.
    pub details: Map<String, Value>,
    /// The request's id, over REST.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rejected {
            message,
            code,
            number,
            ..
        } = &self.rejected;
        write!(f, "{message} ({number} {code})")?;
        match &self.request_id {
            // A refusal explains itself; only an internal error sends its reader to the log.
            Some(id) if *number == INTERNAL => write!(f, " [request {id}]"),
            _ => Ok(()),
        }
    }
}

const INTERNAL: u16 = 1900;
/// Refusals about who one is and what one's token allows.
const NOT_AUTHORIZED: std::ops::Range<u16> = 1100..1200;
/// Closing for reasons of the token: expired, and revoked.
const CLOSED_NOT_AUTHORIZED: std::ops::RangeInclusive<u16> = 4500..=4501;

/// The exit codes of every client command. Scripts depend on them; they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// The server refused it, and would again.
    Refused = 1,
    /// The arguments make no sense. `clap` uses the same number.
    Usage = 2,
    /// The server cannot be reached, or is no agent-bridge.
    Unreachable = 3,
    /// The server refused it for now, and repeating it did not help; or no answer came in time.
    Temporary = 4,
    /// No token, a token that is not good, or one that does not allow this.
    Unauthorized = 5,
    /// Ended by Ctrl-C: 128 and the number of SIGINT, as shells have it.
    Interrupted = 130,
}

impl ClientError {
    /// The one place that maps errors to exit codes.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Input(_) => Exit::Usage,
            Self::NoToken | Self::Token(_) => Exit::Unauthorized,
            Self::Unreachable { .. }
            | Self::Lost(_)
            | Self::TimedOut { .. }
            | Self::Protocol(_) => Exit::Unreachable,
            Self::Refused(refusal) => match &refusal.rejected {
                r if NOT_AUTHORIZED.contains(&r.number) => Exit::Unauthorized,
                r if r.temporary => Exit::Temporary,
                _ => Exit::Refused,
            },
            Self::Closed(bye) if CLOSED_NOT_AUTHORIZED.contains(&bye.code) => Exit::Unauthorized,
            Self::Closed(bye) if bye.reconnect => Exit::Temporary,
            Self::Closed(_) => Exit::Refused,
            Self::Unanswered(question) if question.is_late() => Exit::Temporary,
            Self::Unanswered(_) | Self::File(_) => Exit::Refused,
            // A reader that has seen enough (`… | head`) is no failure.
            Self::Output(why) if why.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) => Exit::Refused,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// Whether the same may work later by itself.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost(_) | Self::TimedOut { .. } => true,
            Self::Refused(refusal) => refusal.rejected.temporary,
            Self::Closed(bye) => bye.reconnect,
            Self::Unanswered(question) => question.is_late(),
            Self::Input(_)
            | Self::NoToken
            | Self::Token(_)
            | Self::Protocol(_)
            | Self::File(_)
            | Self::Output(_)
            | Self::Interrupted => false,
        }
    }

    /// When the server wants to be asked again.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Refused(refusal) => refusal.rejected.retry_after_ms,
            Self::Closed(bye) => bye.retry_after_ms,
            _ => None,
        }
    }

    /// The word of a refusal, such as `room_exists`.
    #[must_use]
    pub fn refused_as(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.rejected.code),
            _ => None,
        }
    }

    /// A refusal over WebSocket.
    pub(super) fn rejected(rejected: Rejected) -> Self {
        Self::Refused(Box::new(Refusal {
            rejected,
            details: Map::new(),
            request_id: None,
        }))
    }
}

/// The innermost cause: `Connection refused (os error 111)` instead of what three libraries say
/// around it.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(number: u16, temporary: bool) -> ClientError {
        ClientError::rejected(Rejected {
            reference: None,
            code: "word".into(),
            number,
            message: "a sentence".into(),
            temporary,
            retry_after_ms: Some(7),
        })
    }

    fn closed(code: u16) -> ClientError {
        let reason = "a sentence".into();
        let bye = Bye {
            code,
            reason,
            reconnect: code < 4500,
            retry_after_ms: None,
        };
        ClientError::Closed(Box::new(bye))
    }

    fn output(kind: io::ErrorKind) -> ClientError {
        ClientError::Output(kind.into())
    }

    fn unanswered(stage: Stage) -> ClientError {
        let id = "msg_00000000000000000000000000000001";
        ClientError::Unanswered(Box::new(Unanswered {
            id: id.parse().expect("an id"),
            stage,
            why: "a sentence".into(),
        }))
    }

    #[test]
    fn every_error_has_its_exit_code() {
        let address: Address = "http://127.0.0.1:1".parse().expect("an address");
        let after = Duration::from_secs(1);
        let table = [
            (ClientError::Input("x".into()), 2, false),
            (ClientError::NoToken, 5, false),
            (ClientError::Token(InvalidToken::NotAToken), 5, false),
            (
                ClientError::Unreachable {
                    address,
                    why: "x".into(),
                },
                3,
                true,
            ),
            (ClientError::Lost("x".into()), 3, true),
            (ClientError::TimedOut { what: "x", after }, 3, true),
            (ClientError::Protocol("x".into()), 3, false),
            (refused(1200, false), 1, false),
            (refused(1601, true), 4, true),
            (refused(1100, false), 5, false),
            (refused(1102, false), 5, false),
            (closed(4001), 4, true),
            (closed(4500), 5, false),
            (closed(4501), 5, false),
            (closed(4502), 1, false),
            (closed(4503), 1, false),
            (unanswered(Stage::Delivered), 4, true),
            (unanswered(Stage::Expired), 4, true),
            (unanswered(Stage::Done), 1, false),
            (unanswered(Stage::Dead), 1, false),
            (ClientError::File("x".into()), 1, false),
            (output(io::ErrorKind::BrokenPipe), 0, false),
            (output(io::ErrorKind::StorageFull), 1, false),
            (ClientError::Interrupted, 130, false),
        ];
        for (error, code, may_pass) in table {
            assert_eq!(error.exit() as u8, code, "{error}");
            assert_eq!(error.may_pass(), may_pass, "{error}");
        }
    }

    #[test]
    fn a_refusal_says_its_number_and_word() {
        assert_eq!(refused(1200, false).to_string(), "a sentence (1200 word)");
        assert_eq!(refused(1200, false).refused_as(), Some("word"));
        assert_eq!(refused(1601, true).retry_after_ms(), Some(7));
    }
}
