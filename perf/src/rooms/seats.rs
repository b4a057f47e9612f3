//! Everybody at their seats, before the first post.

use std::rc::Rc;

use serde_json::{Value, json};

use super::event::{self, Incoming};
use super::ledger::Ledger;
use super::load::Crowd;
use super::member::Seat;
use crate::server::Server;
use crate::socket::{Filled, Socket};

/// Newcomers to a room after whom its members read what they were told: each is told of each, and a
/// session that does not read is closed.
const CATCH_UP_EVERY: usize = 32;

/// In which rooms.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rooms<'a> {
    /// They are made.
    New,
    /// They are there, have these names, and everybody may join them.
    Stored(&'a [String]),
}

/// Everybody at their seats, with the books of their rooms.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) sockets: Vec<(Seat, Socket)>,
    pub(super) ledgers: Vec<Ledger>,
}

impl Rooms<'_> {
    fn name(&self, tag: &str, room: usize) -> Result<Rc<str>, String> {
        match self {
            Self::New => Ok(format!("perf-{tag}-room-{room}").into()),
            Self::Stored(names) => match names.get(room) {
                Some(name) => Ok(name.as_str().into()),
                None => Err(format!("there is no stored room for number {room}")),
            },
        }
    }
}

/// Opens all sessions. Then the first of each room makes it if it is new, and the others join.
pub(super) async fn take_seats(
    server: &Server,
    crowd: &Crowd,
    rooms: Rooms<'_>,
    number: u32,
) -> Result<Seated, String> {
    // Names of their own, so that a server that runs already can be measured again and again.
    let tag = format!("{}-{number}", std::process::id());
    let names: Vec<String> = (0..crowd.clients)
        .map(|client| format!("perf-{tag}-{client}"))
        .collect();
    let mut sockets = open_all(server, &names, number).await?;
    let size = crowd.members_per_room();
    let mut seats = Vec::new();
    let mut ledgers = Vec::new();
    for (room, names) in names.chunks(size).enumerate() {
        let room_name = rooms.name(&tag, room)?;
        let sockets = &mut sockets[room * size..][..size];
        let entry = Entry {
            room: &room_name,
            is_new: matches!(rooms, Rooms::New),
        };
        let ledger = Ledger::new(size, crowd.publishers_per_room);
        ledgers.push(entry.let_in(sockets, ledger).await?);
        let names: Rc<[String]> = names.into();
        seats.extend((0..size).map(|member| Seat {
            room,
            room_name: Rc::clone(&room_name),
            member,
            names: Rc::clone(&names),
        }));
    }
    let sockets = seats.into_iter().zip(sockets).collect();
    Ok(Seated { sockets, ledgers })
}

/// Opens the sessions in a shuffled order. A server deals connections to its threads in turn, and
/// may keep a room where its first member is; in order, all first members would be on one thread.
pub(crate) async fn open_all(
    server: &Server,
    names: &[String],
    seed: u32,
) -> Result<Vec<Socket>, String> {
    let mut sockets = Vec::new();
    for client in shuffled(names.len(), seed) {
        let name = &names[client];
        let token = server.token(name)?;
        let mut socket = Socket::open(server.socket, name, &token).await?;
        ask(&mut socket, &json!({ "type": "hello" }), "welcome").await?;
        sockets.push((client, socket));
    }
    sockets.sort_by_key(|(client, _)| *client);
    Ok(sockets.into_iter().map(|(_, socket)| socket).collect())
}

/// The numbers below this one in an order that only depends on the seed (xorshift64, and the sort
/// of who draws what).
fn shuffled(count: usize, seed: u32) -> Vec<usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ u64::from(seed).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut drawn: Vec<(u64, usize)> = (0..count).map(|number| (draw(), number)).collect();
    drawn.sort_unstable();
    drawn.into_iter().map(|(_, number)| number).collect()
}

/// How a room is filled.
struct Entry<'a> {
    room: &'a str,
    is_new: bool,
}

impl Entry<'_> {
    /// Everybody goes in, one after the other. Who is in is told of each who comes.
    async fn let_in(&self, sockets: &mut [Socket], mut ledger: Ledger) -> Result<Ledger, String> {
        for member in 0..sockets.len() {
            let makes_it = self.is_new && member == 0;
            let head = self.enter(&mut sockets[member], makes_it).await?;
            ledger.live(member, head);
            if member % CATCH_UP_EVERY == CATCH_UP_EVERY - 1 {
                for (member, socket) in sockets.iter_mut().enumerate().take(member) {
                    catch_up(socket, &mut ledger, member)?;
                }
            }
        }
        Ok(ledger)
    }

    /// Makes or joins the room; everything after the returned seq comes to the session.
    async fn enter(&self, socket: &mut Socket, makes_it: bool) -> Result<u64, String> {
        let (request, answer, seq) = match makes_it {
            true => ("create_room", "event", "seq"),
            false => ("join", "joined", "head"),
        };
        let frame = json!({ "type": request, "room": self.room, "ref": ENTRY, "key": ENTRY });
        let answer = ask(socket, &frame, answer).await?;
        let head = answer[seq].as_u64();
        head.ok_or_else(|| format!("{request} was answered without {seq}"))
    }
}

/// Reads what a member has been told until now.
fn catch_up(socket: &mut Socket, ledger: &mut Ledger, member: usize) -> Result<(), String> {
    while socket.fill()? == Filled::Some {
        while let Some(text) = socket.next_text()? {
            match event::read(text)? {
                Incoming::Event { seq } => {
                    let heard = ledger.hears(member, seq);
                    heard.map_err(|flaw| flaw.word().to_owned())?;
                }
                Incoming::Other => {}
                other => return Err(format!("while a room is entered: {other:?}")),
            }
        }
    }
    socket.flush()
}

const ENTRY: &str = "entry";

/// Sends a request and waits for its answer; what comes before it concerns nobody yet.
async fn ask(socket: &mut Socket, frame: &Value, answer: &str) -> Result<Value, String> {
    socket.queue(frame.to_string().as_bytes());
    socket.flush()?;
    loop {
        let text = socket.text().await?;
        let value: Value =
            serde_json::from_str(&text).map_err(|why| format!("the server's answer: {why}"))?;
        let kind = value["type"].as_str().unwrap_or_default();
        if matches!(kind, "rejected" | "bye") {
            return Err(format!("{} was answered by {text}", frame["type"]));
        }
        if kind == answer && value["ref"] == frame["ref"] {
            return Ok(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_has_everybody_once_and_is_the_same_again() {
        for count in [0, 1, 2, 100] {
            let mut order = shuffled(count, 7);
            assert_eq!(order, shuffled(count, 7));
            order.sort_unstable();
            assert!(order.into_iter().eq(0..count));
        }
        assert_ne!(shuffled(100, 1), shuffled(100, 2));
        let firsts = shuffled(100, 1).into_iter().enumerate();
        let on_one_thread = firsts
            .filter(|(turn, client)| client % 2 == 0 && turn % 2 == 0)
            .count();
        assert!((15..=35).contains(&on_one_thread), "{on_one_thread}");
    }
}
