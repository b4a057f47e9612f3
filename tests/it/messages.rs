//! Direct messages: to one, to several and to `all`, what becomes of them, and who is told.

mod mail;

mod broadcasts;
mod clock;
mod expiry;
mod full;
mod later;
mod leases;
mod limited;
mod mentions;
mod poison;
mod polls;
mod receipts;
mod refusals;
mod restarts;
mod same_commands;
mod several_sessions;
