//! The integration tests: one binary, a file for each topic.

mod support;

mod backup;
mod bad_input;
mod cli;
mod conformance;
mod connections;
mod crash;
mod decisions;
#[cfg(unix)]
mod disk_error;
mod filled_in;
mod hanging;
mod idempotency;
mod messages;
mod metrics;
mod migrations;
mod old_schema;
mod postgres;
mod rest;
mod resume;
mod rooms;
mod savepoints;
mod sessions;
mod spans;
mod threads;
mod todo;
mod unicode;

mod tidy;
