//! What the tests are made of: servers, and clients that see every byte.

pub(crate) mod binary;
pub(crate) mod collector;
pub(crate) mod database;
pub(crate) mod postgres;
pub(crate) mod raw;
pub(crate) mod rest;
pub(crate) mod server;
pub(crate) mod sse;
pub(crate) mod tokens;
pub(crate) mod wait;
pub(crate) mod ws;

pub(crate) use binary::{Binary, program};
pub(crate) use collector::Collector;
pub(crate) use rest::{Reply, Rest};
pub(crate) use server::TestServer;
pub(crate) use sse::Sse;
pub(crate) use wait::{PATIENCE, within};
pub(crate) use ws::Ws;
