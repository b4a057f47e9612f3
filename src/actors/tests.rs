//! Actors over a store in memory whose log fails on demand.

mod failures;
mod harness;
mod sleeping;
