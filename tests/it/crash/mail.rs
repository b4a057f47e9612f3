//! The server is killed while a ring of clients exchanges direct messages: each ends once, and none
//! comes after it was done.

mod history;
mod poller;
mod ring;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::sync::watch;

use super::client::Client;
use super::figures::Figures;
use super::{KILLED_AFTER_MILLIS, room, seed};
use crate::support::binary::folder;
use crate::support::wait::for_a_while;
use crate::support::{Binary, within};
use agent_bridge::system::Stopwatch;
use history::{History, Verdict, ends};
use ring::{Manner, Member};

const CYCLES: u32 = 2;
const MEMBERS: usize = 100;
const ROOMS: usize = 50;
/// How often each message is waited for when all is over, for fifteen seconds: a message that came
/// back several times waits a minute.
const ROUNDS: u32 = 8;
/// Reads of messages at once, when all is over.
const READS_AT_ONCE: usize = 8;

/// `CRASH_CYCLES=50` is the long form, `CRASH_SEED` repeats a run.
#[tokio::test]
async fn messages_survive_kill_9() {
    let seed = seed();
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = folder();
    let mut server = start(folder.path(), 0);
    let mut members: Vec<Member> = (0..MEMBERS)
        .map(|number| Member::new(number, MEMBERS, manner(number)))
        .collect();
    let mut writers: Vec<Client> = (0..ROOMS).map(|n| Client::new(n, room(n))).collect();
    join_all(writers.iter_mut().map(|writer| writer.enter(&server))).await;
    join_all(members.iter_mut().map(|member| member.connect(&server))).await;
    let mut figures = Figures::default();
    for _ in 0..cycles() {
        let after = Duration::from_millis(random.random_range(KILLED_AFTER_MILLIS));
        let (stop, stopped) = watch::channel(false);
        let writing = join_all(writers.iter_mut().map(|w| w.write(stopped.clone())));
        let talking = join_all(members.iter_mut().map(|m| m.talk(true, stopped.clone())));
        let killing = async {
            for_a_while(after).await;
            let addr = server.kill();
            drop(stop);
            addr
        };
        let all = async { tokio::join!(writing, talking, killing).2 };
        let addr = within("everybody to notice", all).await;
        let since = Stopwatch::start();
        server = start(folder.path(), addr.port());
        let back = join_all(writers.iter_mut().map(|w| w.come_back(&server, since)));
        figures.restarts.extend(back.await.into_iter().min());
        join_all(members.iter_mut().map(|member| member.connect(&server))).await;
    }
    let shown = everything_ends(&server, &mut members).await;
    judge(&server, &writers, &mut figures).await;
    let history = History::new(members, shown);
    let verdict = history.judge();
    println!("{figures}\n{verdict}");
    verdict.assert_sound(&history);
    history.assert_that_tampering_is_seen();
}

/// A server that is killed in the middle of a call cannot know whether its answer arrived, and
/// counts an attempt: as many are allowed as can be, so that the default is not reached.
fn start(folder: &Path, port: u16) -> Binary {
    Binary::start_with(folder, port, |command| {
        command.env("AGENT_BRIDGE__MESSAGES__ATTEMPTS", "16");
    })
}

/// A fifth polls; a fifth says that it has a message before it is done with it.
const fn manner(number: usize) -> Manner {
    match number % 5 {
        0 => Manner::Poll,
        1 => Manner::SeenThenDone,
        _ => Manner::Done,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no settings but its seed and its length"
)]
fn cycles() -> u32 {
    match std::env::var("CRASH_CYCLES") {
        Ok(cycles) => cycles.parse().expect("CRASH_CYCLES is a number"),
        Err(_) => CYCLES,
    }
}

/// Nobody begins anything new, and everybody goes on until nobody has anything open and every
/// message has ended. Returns each as its sender sees it.
async fn everything_ends(server: &Binary, members: &mut [Member]) -> Vec<Value> {
    let mut shown: BTreeMap<String, Value> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let idle: Vec<_> = members.iter().map(Member::idle).collect();
        let sent = members.iter().flat_map(|member| {
            let ids = member.ids().into_iter();
            ids.map(|id| (member.name.clone(), id))
        });
        let has_ended = |id: &String| shown.get(id).is_some_and(|shown| !ends(shown).is_empty());
        let fresh: Vec<_> = sent.filter(|(_, id)| !has_ended(id)).collect();
        if fresh.is_empty() && members.iter().all(|member| member.open.is_empty()) {
            break;
        }
        let (stop, stopped) = watch::channel(false);
        let talking = join_all(members.iter_mut().map(|m| m.talk(false, stopped.clone())));
        let reading = async {
            let reads = stream::iter(fresh).map(|(sender, id)| async move {
                let path = format!("/v1/messages/{id}?wait=15");
                let shown = server.rest(&sender).get(&path).await.json();
                (id, shown)
            });
            let read: Vec<_> = reads.buffer_unordered(READS_AT_ONCE).collect().await;
            for mut idle in idle {
                let settled = idle.wait_for(|is_idle| *is_idle);
                let settled = within("a member to have nothing open", settled).await;
                drop(settled.expect("the member is there"));
            }
            drop(stop);
            read
        };
        shown.extend(tokio::join!(talking, reading).1);
    }
    shown.into_values().collect()
}

/// The rooms meanwhile.
async fn judge(server: &Binary, writers: &[Client], figures: &mut Figures) {
    for writer in writers {
        figures.acknowledged += writer.acknowledged.len();
        let events = server.rest(&writer.name).events(&writer.room, 0).await;
        figures.check_room(&events, &[writer]);
    }
    figures.assert_sound(ROOMS * 2);
}

/// The control by itself: a history without a flaw is good, and each flaw is seen.
#[test]
fn the_checker_sees_a_loss_a_double_end_and_a_late_delivery() {
    let history = History::example();
    assert!(history.judge().is_sound());
    history.assert_that_tampering_is_seen();
    assert!(!Verdict::default().is_sound(), "nothing happened at all");
}
