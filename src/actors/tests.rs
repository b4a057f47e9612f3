//! Actors over a store in memory whose log fails on demand.

mod decisions;
mod due_rooms;
mod entering;
mod failures;
mod harness;
mod mail;
mod sessions;
mod sleeping;
mod supervision;
mod writer;
