//! Rooms over REST.

mod events;
mod lists;
mod messages;
mod resources;
mod same_commands;
mod service;
