//! What is said to both databases in the same words.
//!
//! Diesel's types name the database, so one text cannot be compiled for two of them at once. This
//! folder is therefore taken in twice, by `sqlite` and by `postgres`: each gives it its connection,
//! `Conn`, and in `dialect` the few words in which the two differ.

pub(in crate::storage) mod counters;
mod directory;
pub(in crate::storage) mod functions;
pub(in crate::storage) mod keep;
pub(in crate::storage) mod migrate;
pub(in crate::storage) mod project;
pub(in crate::storage) mod read;
pub(in crate::storage) mod streams;
pub(in crate::storage) mod tables;
pub(in crate::storage) mod totals;
pub(in crate::storage) mod view;

use super::{Conn, Db, MIGRATIONS, dialect};

pub use read::DatabaseStore;
