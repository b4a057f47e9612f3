//! A client of the server, as the command line and the demonstration use it: one WebSocket session,
//! REST, and followers that survive lost connections.
//!
//! Nothing here knows the server's inside: it speaks the protocol and reads the frames of
//! [`crate::wire::frame`].

pub mod ask;
pub mod back_off;
pub mod decision;
pub mod error;
pub mod keys;
mod link;
pub mod listen;
pub mod message;
pub mod rest;
pub mod session;
pub mod tail;
pub mod token;
pub mod url;

#[cfg(test)]
pub(crate) mod tests;

pub use decision::DecisionFacts;
pub use error::{ClientError, Refusal, Unanswered};
pub use listen::{Heard, Listen};
pub use message::MessageFacts;
pub use rest::{
    Awaited, Decision, Download, Looks, NewCritique, NewDecision, RestClient, Settled, Tracked,
};
pub use session::{Mail, NewMessage, NewPost, NewRoom, Session};
pub use tail::{Follow, Followed};
pub use token::{InvalidToken, Token};
pub use url::{Address, InvalidAddress};
