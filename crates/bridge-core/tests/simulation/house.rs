//! One room's owner and what the shell keeps around it.

use std::collections::VecDeque;
use std::sync::Arc;

use bridge_core::event::{Envelope, Stream};
use bridge_core::fake::MemoryStore;
use bridge_core::id::Incarnation;
use bridge_core::limits;
use bridge_core::owner::Owner;
use bridge_core::ports::{Reader, Snapshot};
use bridge_core::replay::Tail;
use bridge_core::room::{Room, SNAPSHOT_FORMAT};
use bridge_core::{RoomId, Seq};

use crate::ticket::Ticket;
use crate::writer::Answered;

pub(crate) struct House {
    pub(crate) id: RoomId,
    pub(crate) home: Option<Home>,
    /// Answers that nobody has looked at yet. Some may be to an owner that is dead.
    pub(crate) answers: VecDeque<Answered>,
    lives: u64,
}

/// An owner that is awake.
pub(crate) struct Home {
    pub(crate) owner: Owner<Room, Ticket>,
    pub(crate) incarnation: Incarnation,
    /// What readers who are nearly current can still get without the store. None until the room
    /// was read for the first time.
    pub(crate) tail: Option<Tail<Arc<Envelope>>>,
    /// The snapshot that the room was read from: keys up to here are not remembered.
    pub(crate) remembers_after: Seq,
}

impl House {
    pub(crate) fn new(id: RoomId) -> Self {
        Self {
            id,
            home: None,
            answers: VecDeque::new(),
            lives: 0,
        }
    }

    pub(crate) fn stream(&self) -> Stream {
        Stream::Room(self.id.clone())
    }

    /// The owner, woken if it sleeps.
    pub(crate) fn awake(&mut self) -> &mut Home {
        if self.home.is_none() {
            self.lives += 1;
        }
        self.home.get_or_insert_with(|| Home {
            owner: Owner::loading(Room::vacant(self.id.clone())),
            incarnation: Incarnation::new(self.lives),
            tail: None,
            remembers_after: Seq::ZERO,
        })
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.home.as_ref().is_none_or(|home| home.owner.is_idle())
    }
}

/// A room from its snapshot and what follows it in the log, and the position of the snapshot.
pub(crate) fn read(store: &MemoryStore, id: &RoomId) -> (Room, Seq) {
    let stream = Stream::Room(id.clone());
    let snapshot = store
        .snapshot(&stream)
        .expect("the memory store can be read");
    let mut room = match snapshot {
        Some(Snapshot {
            format: SNAPSHOT_FORMAT,
            body,
            ..
        }) => Room::from_snapshot(&body).expect("a snapshot of this program"),
        _ => Room::vacant(id.clone()),
    };
    let from = room.head();
    loop {
        let page = store.page(&stream, room.head(), limits::PAGE_RECORDS_MAX);
        let page = page.expect("the memory store can be read");
        if page.is_empty() {
            return (room, from);
        }
        for envelope in &page {
            room.apply(envelope);
        }
    }
}
