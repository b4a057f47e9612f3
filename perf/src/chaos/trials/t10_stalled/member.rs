//! Members of the room: those who post, those who read, and those who stop reading for a while.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{ROOM, SLOW, is_stalled};
use crate::chaos::heard::{Glance, Heard};
use crate::chaos::peer::{Beat, Occasion, Peer};
use crate::chaos::server::Server;
use crate::clock::Clock;
use crate::figures::Latencies;
use crate::socket::widen;

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing that is measured.
    Aside,
    /// Everybody reads.
    Control,
    /// Some have stopped reading.
    Stalled,
    /// Nothing more is posted.
    Over,
}

/// What all members share. They take turns on one thread.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    /// When each phase began.
    phases: RefCell<Vec<(u64, Phase)>>,
    pub(super) control: RefCell<Latencies>,
    pub(super) stalled: RefCell<Latencies>,
    pub(super) seats: RefCell<Vec<Seat>>,
    /// Gaps, repeats, and sessions that ended and should not.
    pub(super) wrong: RefCell<Vec<String>>,
    /// What makes every post as large as it is.
    filler: Value,
}

/// How far a member has come.
#[derive(Debug, Default, Clone)]
pub(super) struct Seat {
    pub(super) read: u64,
    /// The number of its session's end.
    bye: Option<u64>,
    pub(super) comings_back: usize,
    /// It was told that it was too slow.
    pub(super) was_told: bool,
    /// It came back with its cursor, and was promised everything after it, each time.
    pub(super) has_resumed: bool,
}

impl Shared {
    pub(super) fn new(members: usize, filler_bytes: usize) -> Self {
        Self {
            clock: Clock::start(),
            phases: RefCell::new(vec![(0, Phase::Aside)]),
            control: RefCell::new(Latencies::new()),
            stalled: RefCell::new(Latencies::new()),
            seats: RefCell::new(vec![Seat::default(); members]),
            wrong: RefCell::default(),
            filler: json!({"filler": "x".repeat(filler_bytes)}),
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        let now = self.clock.nanos();
        self.phases.borrow_mut().push((now, phase));
    }

    fn phase_at(&self, moment: u64) -> Phase {
        let phases = self.phases.borrow();
        let begun = phases.iter().rev().find(|(begin, _)| *begin <= moment);
        begun.map_or(Phase::Aside, |(_, phase)| *phase)
    }

    fn hears(&self, place: usize, text: &[u8]) -> Result<(), String> {
        let mut seats = self.seats.borrow_mut();
        let seat = &mut seats[place];
        let Some(Glance { seq, text }) = Glance::at(text) else {
            seat.bye = Heard::read(text)?.bye().or(seat.bye);
            return Ok(());
        };
        if seq != seat.read + 1 {
            self.complains(format!("after {} came {seq}", seat.read));
        }
        seat.read = seq;
        // Those who will stop have narrow lines, which are slow as it is: it is about the others.
        let due = text.filter(|_| !is_stalled(place));
        if let Some(due) = due.and_then(|due| due.parse().ok()) {
            self.delivered(due);
        }
        Ok(())
    }

    /// The phase of a post is the one in which it was due.
    fn delivered(&self, due: u64) {
        let latencies = match self.phase_at(due) {
            Phase::Aside | Phase::Over => return,
            Phase::Control => &self.control,
            Phase::Stalled => &self.stalled,
        };
        let took = self.clock.nanos().saturating_sub(due);
        latencies.borrow_mut().record(took);
    }

    pub(super) fn complains(&self, why: String) {
        self.wrong.borrow_mut().push(why);
    }

    /// Reads until the session ends, and says why it did.
    async fn listens(&self, place: usize, peer: &mut Peer) -> String {
        let over = peer.listen(|text| self.hears(place, text)).await;
        over.err().unwrap_or_default()
    }
}

/// Reads for ever, and posts at its rhythm.
pub(super) async fn reads(shared: Rc<Shared>, place: usize, mut peer: Peer, beat: Option<Beat>) {
    let act = |occasion: Occasion<'_>| match occasion {
        Occasion::Heard(text) => shared.hears(place, text).map(|()| Vec::new()),
        Occasion::Due(due) if shared.phase_at(due) == Phase::Over => Ok(Vec::new()),
        Occasion::Due(due) => {
            let mut post = json!({"type": "post", "room": ROOM, "text": due.to_string()});
            post["metadata"] = shared.filler.clone();
            Ok(vec![post.to_string()])
        }
    };
    let why = peer.work(beat, act).await.err().unwrap_or_default();
    shared.complains(format!("{}: {why}", peer.name()));
}

/// When some stop reading, and when they are to go on.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    pub(super) stall: watch::Receiver<bool>,
    pub(super) wake: watch::Receiver<bool>,
}

/// Reads, stops reading, reads what is left, comes back with its cursor, and reads for ever.
pub(super) async fn stalls(
    shared: Rc<Shared>,
    place: usize,
    mut peer: Peer,
    server: Arc<Server>,
    mut signals: Signals,
) {
    tokio::select! {
        why = shared.listens(place, &mut peer) => {
            return shared.complains(format!("{}: {why}", peer.name()));
        }
        told = signals.stall.wait_for(|is_time| *is_time) => drop(told),
    }
    drop(signals.wake.wait_for(|is_time| *is_time).await);
    if let Err(why) = widen(peer.connection()) {
        shared.complains(format!("{}: {why}", peer.name()));
    }
    shared.listens(place, &mut peer).await;
    let why = loop {
        peer = match comes_back(&shared, place, peer.name(), &server).await {
            Ok(peer) => peer,
            Err(why) => break why,
        };
        let why = shared.listens(place, &mut peer).await;
        // On a busy machine it may be too slow once more, while it catches up.
        if shared.seats.borrow()[place].bye != Some(SLOW) {
            break why;
        }
    };
    shared.complains(format!("{}, back again: {why}", peer.name()));
}

async fn comes_back(
    shared: &Shared,
    place: usize,
    name: &str,
    server: &Server,
) -> Result<Peer, String> {
    let read = shared.seats.borrow()[place].read;
    let mut peer = Peer::connect(server, name).await?;
    let hello = json!({"type": "hello", "messages": false, "resume": {"rooms": {ROOM: read}}});
    let welcome = peer.ask(hello).await?;
    let resumed = &welcome["resumed"][ROOM];
    let seat = &mut shared.seats.borrow_mut()[place];
    let is_first = seat.comings_back == 0;
    let is_complete = resumed["complete"] == true && resumed["from"] == read;
    seat.comings_back += 1;
    seat.was_told |= seat.bye.take() == Some(SLOW);
    seat.has_resumed = is_complete && (is_first || seat.has_resumed);
    Ok(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, text: &str) -> String {
        format!(r#"{{"type":"event","room":"{ROOM}","seq":{seq},"kind":"posted","text":"{text}"}}"#)
    }

    #[test]
    fn a_post_counts_in_the_phase_in_which_it_was_due() {
        let shared = Shared::new(1, 0);
        shared.phases.replace(vec![
            (0, Phase::Aside),
            (10, Phase::Control),
            (20, Phase::Stalled),
            (30, Phase::Over),
        ]);
        for (seq, due) in [(1, 5), (2, 10), (3, 19), (4, 20), (5, 30)] {
            let heard = event(seq, &due.to_string());
            shared.hears(0, heard.as_bytes()).expect("a frame");
        }
        let count = |latencies: &RefCell<Latencies>| latencies.borrow().quantiles().count;
        assert_eq!((count(&shared.control), count(&shared.stalled)), (2, 1));
        assert!(shared.wrong.borrow().is_empty());
    }

    #[test]
    fn a_gap_is_wrong() {
        let shared = Shared::new(1, 0);
        for seq in [1, 3, 3] {
            shared.hears(0, event(seq, "").as_bytes()).expect("a frame");
        }
        let wrong = shared.wrong.borrow();
        assert_eq!(*wrong, ["after 1 came 3", "after 3 came 3"]);
    }
}
