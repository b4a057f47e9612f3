//! Stores: the domain's ports, on databases.
#![expect(
    clippy::duplicate_mod,
    reason = "diesel's types name the database: `statements` is compiled once for each"
)]

mod delivery_change;
mod error;
mod keep;
mod open;
pub mod postgres;
mod progress;
mod row;
mod schema;
pub mod sqlite;
mod trouble;
mod view;

pub mod backup;
pub mod export;
pub mod verify;

pub use error::OpenError;
pub use open::{Opened, Reopen, Which};
pub use progress::{Progress, Stopped};
