//! Rooms over REST.

mod event_stream;
mod events;
mod lists;
mod messages;
mod resources;
mod same_commands;
mod service;
