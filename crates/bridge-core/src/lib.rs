//! The rules of agent-bridge: commands in, events out.
//!
//! This crate does no I/O, reads no clock, spawns nothing and fails only by [`Reject`]. Time, ids
//! and randomness are arguments. Everything else in the project is a thin shell around it.
//!
//! Read the modules in the order in which they are declared.

pub mod decision;
pub mod id;
pub mod limits;
pub mod message;
pub mod policy;
pub mod principal;
pub mod text;

pub mod command;
pub mod event;
pub mod reject;

pub mod aggregate;
pub mod owner;

pub mod broadcast;
pub mod mailbox;
pub mod replay;
pub mod room;
pub mod session;
pub mod steady;
pub mod supervision;

pub mod ports;
pub mod stored;

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "fake")]
pub mod fake;

pub use id::{
    ChannelName, ClientId, CritiqueId, DecisionId, Epoch, IdempotencyKey, MessageId, Moment,
    RoomId, Seq, SessionId, Timestamp, TokenId,
};
pub use principal::{Principal, Scope, Scopes};
pub use reject::{Reject, RejectCode};
