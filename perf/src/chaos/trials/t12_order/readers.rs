//! Everybody who reads the room without posting: sessions from the start, members who come late,
//! pages, and streams.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{PUBLISHERS, ROOM};
use crate::chaos::http::Http;
use crate::chaos::peer::Peer;
use crate::chaos::room_log::{Cursor, RoomLog, client, lock, page};
use crate::chaos::server::Server;

/// Sessions from the start.
pub(super) const WATCHERS: usize = 20;
/// Members who join while the others talk, and want to be told from somewhere on.
const LATE: usize = 5;
/// Who reads pages.
const PAGERS: usize = 2;
/// Who reads a stream of events.
const STREAMS: usize = 2;
/// All of them.
pub(super) const COUNT: usize = WATCHERS + LATE + PAGERS + STREAMS;
/// Events on one page, at most: small ones are read while the log grows.
const PAGE_MAX: usize = 200;
/// Between two looks how far the room has come.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What the readers share.
#[derive(Debug, Clone)]
pub(super) struct Place {
    log: Arc<Mutex<RoomLog>>,
    /// The last position, as soon as it is known.
    end: watch::Receiver<Option<u64>>,
}

impl Place {
    pub(super) fn new(log: &Arc<Mutex<RoomLog>>, end: watch::Receiver<Option<u64>>) -> Self {
        let log = Arc::clone(log);
        Self { log, end }
    }

    /// Whether a reader has everything.
    fn is_over(&self, cursor: Cursor) -> bool {
        self.end.borrow().is_some_and(|end| cursor.seq() >= end)
    }

    /// Waits until somebody was told of a position, or it is known that nobody will be.
    async fn until(&self, seq: u64) {
        while lock(&self.log).known() < seq && self.end.borrow().is_none() {
            sleep(LOOK_EVERY).await;
        }
    }

    fn follow(&self, cursor: &mut Cursor, event: &Value) {
        lock(&self.log).follow(cursor, event);
    }
}

/// Readers that are on their way. Each tells how many events it was told.
#[derive(Debug)]
pub(super) struct Readers(JoinSet<Result<u64, String>>);

impl Readers {
    /// Everybody begins, while so many posts of each publisher come.
    pub(super) fn begin(
        server: &Server,
        place: &Place,
        random: &mut StdRng,
        posts: u64,
    ) -> Result<Self, String> {
        let mut readers = JoinSet::new();
        for number in PUBLISHERS..PUBLISHERS + WATCHERS {
            let (token, address) = (server.token(&client(number))?, server.socket());
            let place = place.clone();
            readers.spawn(async move {
                let mut peer = Peer::open(address, &client(number), &token).await?;
                let resume = json!({"rooms": {ROOM: 0}});
                let hello = json!({"type": "hello", "messages": false, "resume": resume});
                peer.must(hello).await?;
                listen(peer, &place, 0).await
            });
        }
        for number in 0..LATE {
            let name = format!("late-{number}");
            // When it comes, and from where on it wants to be told.
            let comes = random.random_range(1..posts * PUBLISHERS as u64);
            let since = random.random_range(0..=comes);
            let (token, address) = (server.token(&name)?, server.socket());
            let place = place.clone();
            readers.spawn(async move {
                place.until(comes).await;
                let mut peer = Peer::open(address, &name, &token).await?;
                peer.must(json!({"type": "hello", "messages": false}))
                    .await?;
                let join = json!({"type": "join", "room": ROOM, "since": since});
                let joined = peer.must(join).await?;
                if joined["complete"] != true {
                    return Err(format!("a join is not complete: {joined}"));
                }
                listen(peer, &place, since).await
            });
        }
        for number in 0..PAGERS {
            let rest = server.rest(&client(number))?;
            let size = random.random_range(1..=PAGE_MAX);
            let place = place.clone();
            readers.spawn(async move {
                let mut cursor = Cursor::at(0);
                while !place.is_over(cursor) {
                    let page = page(&rest, ROOM, cursor.seq(), size).await?;
                    for event in page["items"].as_array().into_iter().flatten() {
                        place.follow(&mut cursor, event);
                    }
                    place.until(cursor.seq() + 1).await;
                }
                Ok(cursor.seq())
            });
        }
        for number in 0..STREAMS {
            let http = Http::new(server, &client(number))?;
            let place = place.clone();
            readers.spawn(async move { stream(&http, &place).await });
        }
        Ok(Self(readers))
    }

    /// Everybody has everything. Returns how many events they were told, together.
    pub(super) async fn end(mut self) -> Result<u64, String> {
        let mut told = 0;
        while let Some(reader) = self.0.join_next().await {
            told += reader.map_err(|why| format!("a reader failed: {why}"))??;
        }
        Ok(told)
    }
}

/// Reads over a session.
async fn listen(mut peer: Peer, place: &Place, since: u64) -> Result<u64, String> {
    let mut cursor = Cursor::at(since);
    let mut end = place.end.clone();
    while !place.is_over(cursor) {
        let frame = tokio::select! {
            frame = peer.next() => frame?,
            // It may have everything already.
            Ok(()) = end.changed() => continue,
        };
        match frame["type"].as_str() {
            Some("event") => place.follow(&mut cursor, &frame),
            Some("presence") => {}
            _ => return Err(format!("{} was told {frame}", peer.name())),
        }
    }
    Ok(cursor.seq() - since)
}

async fn stream(http: &Http, place: &Place) -> Result<u64, String> {
    let mut stream = http.stream(&format!("/v1/rooms/{ROOM}/events")).await?;
    let mut cursor = Cursor::at(0);
    let mut end = place.end.clone();
    while !place.is_over(cursor) {
        let event = tokio::select! {
            event = stream.next() => event?,
            Ok(()) = end.changed() => continue,
        };
        match event["type"].as_str() {
            Some("event") => place.follow(&mut cursor, &event),
            Some("resumed") => {}
            _ => return Err(format!("a stream said {event}")),
        }
    }
    Ok(cursor.seq())
}
