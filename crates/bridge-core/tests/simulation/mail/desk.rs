//! One mailbox's owner, and what the shell keeps around it.

use std::collections::{BTreeMap, VecDeque};

use bridge_core::event::Stream;
use bridge_core::fake::MemoryStore;
use bridge_core::id::Incarnation;
use bridge_core::mailbox::{Batch, Mailbox, SNAPSHOT_FORMAT};
use bridge_core::owner::Owner;
use bridge_core::ports::{Reader, Snapshot};
use bridge_core::{ClientId, Seq, limits};

use crate::ticket::Ticket;
use crate::writer::Answered;

pub(super) struct Desk {
    pub(super) client: ClientId,
    pub(super) home: Option<Home>,
    /// Answers that nobody has looked at yet. Some may be to an owner that is dead.
    pub(super) answers: VecDeque<Answered>,
    /// What its session was sent, and in which attempt; none when there is no session.
    pub(super) session: Option<BTreeMap<Seq, u32>>,
    /// What was written to a session, on its way into the log.
    pub(super) written: Vec<(Seq, u32)>,
    /// What the last call returned.
    pub(super) batch: Option<Batch>,
    lives: u64,
}

/// An owner that is awake.
pub(super) struct Home {
    pub(super) owner: Owner<Mailbox, Ticket>,
    pub(super) incarnation: Incarnation,
    pub(super) was_read: bool,
}

impl Desk {
    pub(super) fn new(client: ClientId) -> Self {
        Self {
            client,
            home: None,
            answers: VecDeque::new(),
            session: None,
            written: Vec::new(),
            batch: None,
            lives: 0,
        }
    }

    pub(super) fn stream(&self) -> Stream {
        Stream::Mailbox(self.client.clone())
    }

    /// The owner, woken if it sleeps.
    pub(super) fn awake(&mut self) -> &mut Home {
        if self.home.is_none() {
            self.lives += 1;
        }
        self.home.get_or_insert_with(|| Home {
            owner: Owner::loading(Mailbox::vacant(self.client.clone())),
            incarnation: Incarnation::new(self.lives),
            was_read: false,
        })
    }

    pub(super) fn is_idle(&self) -> bool {
        self.home.as_ref().is_none_or(|home| home.owner.is_idle())
    }

    /// Its owner is gone, and every session with it.
    pub(super) fn lose_home(&mut self) {
        self.home = None;
        self.session = None;
        self.written.clear();
    }
}

/// A mailbox from its snapshot and what follows it in the log.
pub(super) fn read(store: &MemoryStore, client: &ClientId) -> Mailbox {
    let stream = Stream::Mailbox(client.clone());
    let snapshot = store.snapshot(&stream);
    let mut mailbox = match snapshot.expect("the memory store can be read") {
        Some(Snapshot {
            format: SNAPSHOT_FORMAT,
            body,
            ..
        }) => Mailbox::from_snapshot(&body).expect("a snapshot of this program"),
        _ => Mailbox::vacant(client.clone()),
    };
    loop {
        let head = bridge_core::aggregate::Aggregate::head(&mailbox);
        let page = store.page(&stream, head, limits::PAGE_RECORDS_MAX);
        let page = page.expect("the memory store can be read");
        if page.is_empty() {
            return mailbox;
        }
        for envelope in &page {
            mailbox.apply(envelope);
        }
    }
}
