//! Everybody who is cut off and comes back, and what each of them knows.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::chaos::heard::Glance;
use crate::chaos::peer::Peer;
use crate::chaos::server::Server;
use crate::clock::Clock;
use crate::socket::{Socket, reset_at_end};

/// What happens to everybody at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    Calm,
    /// Everybody is cut off, for this often.
    Cut(usize),
    /// Everybody comes back, for this often.
    Back(usize),
}

/// What all clients share. They take turns on one thread.
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) seats: RefCell<Vec<Seat>>,
    /// The text of each record of each room, as somebody was told it first.
    texts: RefCell<Vec<Vec<Option<Box<str>>>>>,
    /// Gaps, repeats, differences, and sessions that ended by themselves.
    pub(super) wrong: RefCell<Vec<String>>,
}

/// One client.
#[derive(Debug, Default, Clone)]
pub(super) struct Seat {
    pub(super) room: usize,
    /// The last record that it was told.
    pub(super) read: u64,
    /// When it had everything that there was when it came back.
    pub(super) current_at: Option<u64>,
    /// How often it was told that it could not be told everything.
    pub(super) incomplete: u64,
    /// Records that it missed and was told later.
    pub(super) missed: u64,
    /// How often it had to knock again.
    pub(super) knocked_again: u64,
}

impl Shared {
    pub(super) fn new(clients: usize, room_clients: usize) -> Self {
        let seat = |place| Seat {
            room: place / room_clients,
            ..Seat::default()
        };
        let rooms = clients.div_ceil(room_clients);
        Self {
            clock: Clock::start(),
            seats: RefCell::new((0..clients).map(seat).collect()),
            texts: RefCell::new(vec![Vec::new(); rooms]),
            wrong: RefCell::default(),
        }
    }

    pub(super) fn complains(&self, why: String) {
        self.wrong.borrow_mut().push(why);
    }

    /// What went wrong first, if anything did.
    pub(super) fn first_wrong(&self) -> Option<String> {
        self.wrong.borrow().first().cloned()
    }

    /// When the last one had everything.
    pub(super) fn last_current(&self) -> Option<u64> {
        let seats = self.seats.borrow();
        seats.iter().filter_map(|seat| seat.current_at).max()
    }

    /// A record: the next one, and the same for all.
    fn hears(&self, place: usize, text: &[u8]) {
        let Some(Glance { seq, text }) = Glance::at(text) else {
            return;
        };
        let mut seats = self.seats.borrow_mut();
        let seat = &mut seats[place];
        if seq != seat.read + 1 {
            self.complains(format!("client {place}: after {} came {seq}", seat.read));
        }
        seat.read = seq;
        let mut texts = self.texts.borrow_mut();
        let texts = &mut texts[seat.room];
        let index = seq as usize;
        if texts.len() <= index {
            texts.resize(index + 1, None);
        }
        let text = text.unwrap_or_default();
        match &texts[index] {
            None => texts[index] = Some(text.into()),
            Some(first) if **first == *text => {}
            Some(_) => self.complains(format!("client {place}: {seq} is not what others have")),
        }
    }

    /// What somebody was told to be this record.
    pub(super) fn text(&self, room: usize, seq: u64) -> Option<Box<str>> {
        self.texts.borrow()[room].get(seq as usize)?.clone()
    }

    async fn listens(&self, place: usize, peer: &mut Peer) -> String {
        let hear = |text: &[u8]| {
            self.hears(place, text);
            Ok(())
        };
        peer.listen(hear).await.err().unwrap_or_default()
    }
}

/// Is cut off and comes back, again and again.
pub(super) async fn lives(
    shared: Rc<Shared>,
    server: Arc<Server>,
    place: usize,
    mut peer: Peer,
    mut weather: watch::Receiver<Weather>,
    epoch: Rc<str>,
) {
    let mut round = 0;
    loop {
        round += 1;
        let cut = weather.wait_for(|now| *now == Weather::Cut(round));
        tokio::select! {
            why = shared.listens(place, &mut peer) => {
                return shared.complains(format!("client {place}: {why}"));
            }
            told = cut => if told.is_err() { return },
        }
        if let Err(why) = is_cut_off(place, peer) {
            return shared.complains(format!("client {place}: {why}"));
        }
        if weather
            .wait_for(|now| *now == Weather::Back(round))
            .await
            .is_err()
        {
            return;
        }
        peer = match comes_back(&shared, &server, place, &epoch).await {
            Ok(peer) => peer,
            Err(why) => return shared.complains(format!("client {place}, back again: {why}")),
        };
    }
}

/// Every second one is reset; of the others the server is told in order.
fn is_cut_off(place: usize, mut peer: Peer) -> Result<(), String> {
    if place.is_multiple_of(2) {
        let socket: &mut Socket = peer.socket();
        reset_at_end(socket.stream()).map_err(|why| why.to_string())?;
    }
    drop(peer);
    Ok(())
}

async fn comes_back(
    shared: &Shared,
    server: &Server,
    place: usize,
    epoch: &str,
) -> Result<Peer, String> {
    let Seat { room, read, .. } = shared.seats.borrow()[place].clone();
    let room = super::room_name(room);
    let hello = json!({
        "type": "hello", "messages": false, "resume": {"epoch": epoch, "rooms": {&room: read}},
    });
    let (mut peer, welcome) = knock(shared, server, place, &hello).await?;
    let resumed = &welcome["resumed"][&room];
    let (from, to) = (resumed["from"].as_u64(), resumed["to"].as_u64());
    let (Some(from), Some(to)) = (from, to) else {
        return Err(format!("it is not told where it is: {welcome}"));
    };
    {
        let seat = &mut shared.seats.borrow_mut()[place];
        let is_complete = resumed["complete"] == true;
        if is_complete && from != read {
            return Err(format!("it has {read}, and is resumed from {from}"));
        }
        seat.incomplete += u64::from(!is_complete);
        seat.missed += to.saturating_sub(from);
        seat.read = from;
    }
    let until_current = |text: &[u8]| {
        shared.hears(place, text);
        let is_current = shared.seats.borrow()[place].read >= to;
        if is_current {
            Err(String::new())
        } else {
            Ok(())
        }
    };
    if from < to {
        let why = peer.listen(until_current).await.err().unwrap_or_default();
        if !why.is_empty() {
            return Err(why);
        }
    }
    shared.seats.borrow_mut()[place].current_at = Some(shared.clock.nanos());
    Ok(peer)
}

/// Knocks until it is let in, for a while.
async fn knock(
    shared: &Shared,
    server: &Server,
    place: usize,
    hello: &Value,
) -> Result<(Peer, Value), String> {
    let deadline = shared.clock.nanos() + crate::clock::nanos(super::PATIENCE);
    loop {
        let entered = async {
            let mut peer = Peer::connect(server, &super::client(place)).await?;
            let welcome = peer.ask(hello.clone()).await?;
            Ok::<_, String>((peer, welcome))
        };
        match entered.await {
            Ok((peer, welcome)) if welcome["type"] == "welcome" => return Ok((peer, welcome)),
            Ok((_, refusal)) => return Err(refusal.to_string()),
            Err(why) if shared.clock.nanos() > deadline => return Err(why),
            Err(_) => shared.seats.borrow_mut()[place].knocked_again += 1,
        }
        tokio::time::sleep(super::LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, text: &str) -> String {
        format!(r#"{{"type":"event","room":"r","seq":{seq},"kind":"posted","text":"{text}"}}"#)
    }

    #[test]
    fn gaps_repeats_and_differences_are_seen() {
        let shared = Shared::new(3, 2);
        for (place, seq, text) in [(0, 1, "a"), (0, 2, "b"), (1, 1, "a"), (2, 1, "other room")] {
            shared.hears(place, event(seq, text).as_bytes());
        }
        assert!(shared.wrong.borrow().is_empty());
        assert_eq!(shared.text(0, 2).as_deref(), Some("b"));
        assert_eq!((shared.text(0, 3), shared.text(1, 2)), (None, None));
        for (place, seq, text) in [(0, 4, "d"), (0, 4, "d"), (1, 2, "x")] {
            shared.hears(place, event(seq, text).as_bytes());
        }
        let expected = [
            "client 0: after 2 came 4",
            "client 0: after 4 came 4",
            "client 1: 2 is not what others have",
        ];
        assert_eq!(*shared.wrong.borrow(), expected);
    }
}
