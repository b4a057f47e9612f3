//! How many members each room has that is awake, for an operator who wants to see rooms by name.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bridge_core::RoomId;

type Members = Mutex<HashMap<RoomId, Arc<AtomicUsize>>>;

/// The rooms that are awake, each with its members. There are as many as may be awake.
#[derive(Debug, Default)]
pub(super) struct Rooms(Arc<Members>);

/// One room's entry, as long as it is awake. It does nothing when nobody wants to see rooms by name.
#[derive(Debug, Default)]
pub struct AwakeRoom(Option<Entry>);

#[derive(Debug)]
struct Entry {
    rooms: Arc<Members>,
    members: Arc<AtomicUsize>,
    /// Under which name it stands there, once it does.
    room: Option<RoomId>,
}

impl Rooms {
    /// An entry for a room of which nothing is known yet.
    pub(super) fn entry(&self) -> AwakeRoom {
        AwakeRoom(Some(Entry {
            rooms: Arc::clone(&self.0),
            members: Arc::default(),
            room: None,
        }))
    }

    /// All of them.
    pub(super) fn now(&self) -> Vec<(RoomId, usize)> {
        let rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let members = |members: &Arc<AtomicUsize>| members.load(Ordering::Relaxed);
        let rooms = rooms.iter();
        rooms
            .map(|(room, of)| (room.clone(), members(of)))
            .collect()
    }
}

impl AwakeRoom {
    /// It has so many members now.
    pub fn has_members(&mut self, room: &RoomId, members: usize) {
        let Some(entry) = &mut self.0 else { return };
        entry.members.store(members, Ordering::Relaxed);
        if entry.room.is_none() {
            let mut rooms = entry.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            rooms.insert(room.clone(), Arc::clone(&entry.members));
            entry.room = Some(room.clone());
        }
    }

    /// It is closed, or sleeps.
    pub fn forget(&mut self) {
        let Some(entry) = &mut self.0 else { return };
        let Some(room) = entry.room.take() else {
            return;
        };
        let mut rooms = entry.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        // A successor may be awake already, and have an entry of its own.
        let is_mine = |members: &Arc<AtomicUsize>| Arc::ptr_eq(members, &entry.members);
        if rooms.get(&room).is_some_and(is_mine) {
            rooms.remove(&room);
        }
    }
}

impl Drop for AwakeRoom {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn den() -> RoomId {
        "den".parse().expect("a name")
    }

    #[test]
    fn a_room_that_is_gone_has_no_entry() {
        let rooms = Rooms::default();
        let mut awake = rooms.entry();
        assert_eq!(rooms.now(), [], "nothing is known of it");
        awake.has_members(&den(), 1);
        awake.has_members(&den(), 2);
        assert_eq!(rooms.now(), [(den(), 2)]);
        awake.forget();
        assert_eq!(rooms.now(), []);
        awake.has_members(&den(), 3);
        drop(awake);
        assert_eq!(rooms.now(), []);
    }

    #[test]
    fn what_is_left_of_a_room_that_failed_does_not_take_its_successor_along() {
        let rooms = Rooms::default();
        let (mut failed, mut successor) = (rooms.entry(), rooms.entry());
        failed.has_members(&den(), 1);
        successor.has_members(&den(), 2);
        drop(failed);
        assert_eq!(rooms.now(), [(den(), 2)]);
    }
}
