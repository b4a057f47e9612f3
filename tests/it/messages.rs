//! Direct messages: to one, to several and to `all`, what becomes of them, and who is told.

mod mail;

mod expiry;
mod leases;
mod limited;
mod refusals;
mod same_commands;
