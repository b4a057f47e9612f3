//! Rooms, over WebSockets: what the one who asks is told, and what everybody else.

mod access;
mod everybody;
mod members;
mod own_sessions;
mod posting;
mod presence;
