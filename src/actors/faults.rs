//! Places where a test makes the server fail.
//!
//! In a server that serves, no hook is set, and a place costs a look at an empty option.

use bridge_core::command::RoomCommand;
use bridge_core::event::Event;
use bridge_core::mailbox::MailboxCommand;

/// Hooks by which a test makes the server panic.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Run before a room decides a command.
    pub on_command: Option<fn(&RoomCommand)>,
    /// Run before a mailbox decides a command.
    pub on_mailbox_command: Option<fn(&MailboxCommand)>,
    /// Run before an owner tells a durable event.
    pub on_event: Option<fn(&Event)>,
    /// Run at the beginning of each handler.
    pub at: Option<fn(&Place<'_>)>,
}

/// Where a test can make the server panic.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// What kind of actor it is.
    pub actor: &'a str,
    /// Which one.
    pub who: &'a str,
    /// What it is about to handle.
    pub handler: &'a str,
    /// What a panic meets.
    pub guard: Guard,
}

/// What a panic meets at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// It is caught; the state that it may have spoilt is dropped.
    Inside,
    /// It takes the whole actor with it.
    Outside,
}

impl Faults {
    /// A handler begins.
    pub fn at(&self, actor: &str, who: &str, handler: &str, guard: Guard) {
        if let Some(hook) = self.at {
            hook(&Place {
                actor,
                who,
                handler,
                guard,
            });
        }
    }
}
