//! Trial 12: 64 publish to one room at once, and everybody who reads it, in whatever way, is told
//! the same in the same order.

mod readers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Trying;
use crate::chaos::diary::Diary;
use crate::chaos::life::Life;
use crate::chaos::outcome::Outcome;
use crate::chaos::publisher::{Load, Publisher};
use crate::chaos::room_log::{self, Cursor, RoomLog, client, lock, page};
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::Clock;
use readers::{Place, Readers};

const ROOM: &str = "agora";
const PUBLISHERS: usize = 64;
const IN_FLIGHT: usize = 4;
/// The longest time that one round may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Records that the controls are made of.
const CONTROL_RECORDS: usize = 50;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome = Outcome::new("sessions, joined early and late, pages, streams");
        let mut sum = Sum::default();
        while setting.more_rounds(sum.rounds, 1, 3) {
            let round = round(&setting, &mut sum, &mut outcome);
            let done = timeout(PATIENCE, round).await;
            done.map_err(|_| format!("a round took longer than {PATIENCE:?}"))??;
        }
        outcome.figure("posts", sum.posts);
        outcome.figure("publishers", PUBLISHERS);
        outcome.figure("readers besides", readers::COUNT);
        outcome.figure("events heard", sum.heard);
        outcome.must_be_zero("mismatches", sum.mismatches);
        outcome.must_be_zero("gaps", sum.gaps);
        outcome.must_be_zero("other flaws", sum.others);
        Ok(outcome)
    })
}

/// Of all rounds.
#[derive(Default)]
struct Sum {
    rounds: usize,
    posts: u64,
    heard: u64,
    mismatches: u64,
    gaps: u64,
    others: u64,
}

async fn round(setting: &Setting, sum: &mut Sum, outcome: &mut Outcome) -> Result<(), String> {
    let (folder, notes) = (setting.folder()?, setting.folder()?);
    let diary = Diary::create(notes.path().join("history"))?;
    let server = Start::new(setting, folder.path())?.go()?;
    let log = Arc::new(Mutex::new(RoomLog::new(ROOM)));
    let (ended, end) = watch::channel(None);
    enter(&server, PUBLISHERS + readers::WATCHERS).await?;
    let posts = setting.pick(8, 300) as u64;
    let place = Place::new(&log, end);
    let readers = Readers::begin(
        &server,
        &place,
        &mut setting.random(sum.rounds as u64),
        posts,
    )?;
    let publishers = publish(&server, &log, &diary, posts).await?;
    // Nobody posts any more: what the log holds now is all.
    let rest = server.rest(&client(0))?;
    room_log::read(&log, &rest).await?;
    ended.send_replace(Some(lock(&log).head()));
    let mut heard = publishers.iter().map(|p| p.cursor().seq()).sum::<u64>();
    heard += readers.end().await?;
    sum.rounds += 1;
    sum.posts += posts * PUBLISHERS as u64;
    sum.heard += heard;
    sum.judge(&mut lock(&log), &publishers, outcome);
    if sum.rounds == 1 {
        let some = page(&rest, ROOM, 0, CONTROL_RECORDS).await?;
        controls(some["items"].as_array().map_or(&[], Vec::as_slice), outcome);
    }
    Ok(())
}

impl Sum {
    fn judge(&mut self, log: &mut RoomLog, publishers: &[Publisher], outcome: &mut Outcome) {
        for publisher in publishers {
            for &(number, seq) in &publisher.acknowledged {
                log.must_have(publisher.post(number), seq);
            }
            for flaw in &publisher.flaws {
                outcome.flaw(flaw);
            }
        }
        let flaws = &log.flaws;
        self.mismatches += flaws.mismatches;
        self.gaps += flaws.gaps;
        self.others += flaws.total() - flaws.mismatches - flaws.gaps;
        for told in &flaws.told {
            outcome.flaw(told);
        }
    }
}

async fn enter(server: &Server, members: usize) -> Result<(), String> {
    let path = ["v1", "rooms", ROOM, "members", "me"];
    for number in 0..members {
        let rest = server.rest(&client(number))?;
        let entered = match number {
            0 => {
                rest.post(&["v1", "rooms"], &json!({"room": ROOM}), None)
                    .await
            }
            _ => rest.put(&path, &json!({})).await,
        };
        entered.map_err(|why| format!("{} cannot enter: {why}", client(number)))?;
    }
    Ok(())
}

async fn publish(
    server: &Server,
    log: &Arc<Mutex<RoomLog>>,
    diary: &Diary,
    posts: u64,
) -> Result<Vec<Publisher>, String> {
    let epoch = page(&server.rest(&client(0))?, ROOM, 0, 1).await?["epoch"].take();
    let epoch = epoch.as_str().unwrap_or_default();
    let life = Arc::new(Life::new(server.socket(), epoch, diary, Clock::start()));
    let load = Load {
        in_flight: IN_FLIGHT,
        posts: Some(posts),
        may_be_refused: false,
    };
    let mut lives = JoinSet::new();
    for number in 0..PUBLISHERS {
        let token = server.token(&client(number))?;
        lives.spawn(Publisher::new(number, log).live(Arc::clone(&life), token, load));
    }
    let mut home = Vec::new();
    while let Some(publisher) = lives.join_next().await {
        home.push(publisher.map_err(|why| format!("a publisher failed: {why}"))?);
    }
    Ok(home)
}

/// What must be seen: a checker that does not see these sees nothing.
fn controls(events: &[Value], outcome: &mut Outcome) {
    let middle = events.len() / 2;
    let mut see = |what: &str, tamper: fn(&mut Vec<Value>, usize)| {
        let mut log = RoomLog::new(ROOM);
        let mut tampered = events.to_vec();
        tamper(&mut tampered, middle);
        for told in [events, &tampered] {
            let mut reader = Cursor::at(0);
            told.iter().for_each(|event| log.follow(&mut reader, event));
        }
        let (mismatches, gaps) = (log.flaws.mismatches, log.flaws.gaps);
        let found = format!("mismatches {mismatches}, gaps {gaps}");
        outcome.control(what, found, log.flaws.total() > 0);
    };
    see(
        "a reader that is told two events in another order",
        |events, at| {
            events.swap(at - 1, at);
        },
    );
    see(
        "a reader that is told two events at each other's place",
        |events, at| {
            let (first, second) = (events[at - 1]["seq"].take(), events[at]["seq"].take());
            events[at - 1]["seq"] = second;
            events[at]["seq"] = first;
            events.swap(at - 1, at);
        },
    );
    see("a reader that is not told one event", |events, at| {
        events.remove(at);
    });
}
