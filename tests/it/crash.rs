//! The server is killed while a hundred clients write. What it acknowledged must be there.

mod client;
mod figures;
mod mail;
mod several;

use std::time::Duration;

use agent_bridge::system::Stopwatch;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::sync::watch;

use crate::support::binary::folder;
use crate::support::wait::for_a_while;
use crate::support::{Binary, within};
use client::Client;
use figures::Figures;

const CYCLES: u32 = 2;
const CLIENTS: usize = 100;
const ROOMS: usize = 50;
/// When the server is killed, after the clients began to write.
const KILLED_AFTER_MILLIS: std::ops::Range<u64> = 200..600;

/// Two clients in each room write as fast as they are acknowledged. `CRASH_SEED` repeats a run.
#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let seed = seed();
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = folder();
    let mut server = Binary::start(folder.path(), 0);
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Client::new(number, room(number)))
        .collect();
    join_all(clients.iter_mut().map(|client| client.enter(&server))).await;
    let mut figures = Figures::default();
    for _ in 0..CYCLES {
        let after = Duration::from_millis(random.random_range(KILLED_AFTER_MILLIS));
        server = kill_and_restart(server, &folder, &mut clients, after, &mut figures).await;
    }
    for client in &clients {
        figures.acknowledged += client.acknowledged.len();
    }
    for number in 0..ROOMS {
        let room = room(number);
        let of_room: Vec<_> = clients
            .iter()
            .filter(|client| client.room == room)
            .collect();
        let events = server.rest(&of_room[0].name).events(&room, 0).await;
        figures.check_room(&events, &of_room);
    }
    println!("{figures}");
    figures.assert_sound(500);
}

fn room(number: usize) -> String {
    format!("room-{}", number % ROOMS)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the seed of a failed run, to repeat it"
)]
pub(crate) fn seed() -> u64 {
    match std::env::var("CRASH_SEED") {
        Ok(seed) => seed.parse().expect("CRASH_SEED is a number"),
        Err(_) => rand::random(),
    }
}

/// Lets everybody write, kills the server, starts it again on the same port, and brings everybody
/// back.
async fn kill_and_restart(
    server: Binary,
    folder: &tempfile::TempDir,
    clients: &mut [Client],
    after: Duration,
    figures: &mut Figures,
) -> Binary {
    let (stop, stopped) = watch::channel(false);
    let writing = join_all(
        clients
            .iter_mut()
            .map(|client| client.write(stopped.clone())),
    );
    let killing = async {
        for_a_while(after).await;
        let addr = server.kill();
        drop(stop);
        addr
    };
    let (_, addr) = tokio::join!(within("everybody to notice", writing), killing);
    let since = Stopwatch::start();
    let server = Binary::start(folder.path(), addr.port());
    let back = join_all(
        clients
            .iter_mut()
            .map(|client| client.come_back(&server, since)),
    )
    .await;
    let first = back.into_iter().min().expect("there are clients");
    figures.restarts.push(first);
    server
}

/// A server that is told to go is no different.
#[tokio::test]
async fn a_kill_in_the_middle_of_nothing_loses_nothing() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    ann.post("den", "one").await;
    let before = server.rest("ann").events("den", 0).await;
    let addr = server.kill();
    for _ in 0..3 {
        let server = Binary::start(folder.path(), addr.port());
        assert_eq!(server.rest("ann").events("den", 0).await, before);
        server.kill();
    }
}
