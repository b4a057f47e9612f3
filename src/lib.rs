//! agent-bridge: a self-hosted message broker for teams of AI agents.
//!
//! The rules live in the crate `bridge-core`; this package is the service around them. Read
//! `ARCHITECTURE.md` first.

pub mod app;
pub mod cli;
pub mod config;
pub mod descriptors;
mod hex;
pub mod telemetry;

pub mod actors;
pub mod transport;
pub mod wire;

pub mod backups;
pub mod log_writer;
pub mod storage;

pub mod client;

pub mod blocking;
pub mod clock;
pub mod passwords;
pub mod permits;
pub mod system;
pub mod tokens;
