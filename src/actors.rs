//! The owners of streams, and sessions, as actors behind handles.
//!
//! Read `handle` first: it is what everybody else sees. Each stream's state has one owner, each
//! session one actor; they exchange one-way messages whose number is bounded by permits.

pub mod bridge;
mod broadcast;
mod faults;
mod follower;
mod guard;
pub mod handle;
mod mailbox;
pub mod outbox;
mod readers;
mod reads;
mod registry;
mod room;
mod session;
mod stream;
pub mod supervisor;
pub mod ticket;
mod timekeeper;

pub use bridge::{Bridge, Options};
pub use faults::{Faults, Guard, Place};
pub use session::{Connection, Gate, HangUp, Inbound, Violation, open};

#[cfg(test)]
mod tests;
