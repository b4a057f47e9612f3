//! Stores: the domain's ports, on databases.

mod error;
mod row;
mod schema;
pub mod sqlite;

pub use error::OpenError;
