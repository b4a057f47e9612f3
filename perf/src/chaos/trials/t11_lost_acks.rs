//! Trial 11: acknowledgements are lost, and the requests are made again: soon and late, by another
//! session and another way, several at once, after restarts, and a day later.

mod cases;
mod counts;
mod stage;

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;

use super::Trying;
use crate::chaos::diary::Diary;
use crate::chaos::http;
use crate::chaos::machine::{Control, Machine, Orders};
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::Peer;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::{Clock, nanos};
use cases::{Cases, stored_twice};
use stage::{Stage, Sum};

/// Requests of each of the six kinds in one round.
const SHORT_OF_A_KIND: usize = 3;
const LONG_OF_A_KIND: usize = 40;
/// A quarter more than the keys that an owner remembers.
const FLOOD: usize = bridge_core::limits::RECENT_KEYS_MAX * 5 / 4;
/// Of which so many are in flight.
const FLOOD_IN_FLIGHT: usize = 512;
/// Every request of one client may come over a session of its own.
const SESSIONS_PER_CLIENT: &str = "1000";
/// A little more than a day.
const DAY_MILLIS: i64 = 25 * 3_600 * 1_000;
/// How long a room may take to fall asleep that does so after a second.
const ASLEEP_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a server lives after the first requests went out, before it is killed.
const KILLED_WITHIN_MILLIS: u64 = 150;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let machine_folder = setting.folder()?;
        let (machine, form) = match Machine::build(machine_folder.path()) {
            Ok(machine) => (Some(machine), "with a clock that is turned".to_owned()),
            Err(why) => (None, format!("without a turned clock: {why}")),
        };
        let mut outcome = Outcome::new(form);
        let mut sum = Sum::default();
        while setting.more_rounds(sum.rounds, 1, 20) {
            round(&setting, machine.as_ref(), &mut sum).await?;
            sum.rounds += 1;
        }
        sum.tell(&mut outcome);
        controls(&mut outcome);
        setting.at("the control: clients that forget their keys");
        match forgetful(&setting).await {
            Ok(sum) => {
                let (differ, stored) = (sum.receipts_that_differ(), sum.stored_twice());
                let found = format!("duplicates {stored}, receipts that differ {differ}");
                let has_failed = differ > 0 && stored > 0;
                outcome.control("clients that repeat without their keys", found, has_failed);
            }
            Err(why) => outcome.flaw(format!("the control could not be made: {why}")),
        }
        Ok(outcome)
    })
}

async fn round(setting: &Setting, machine: Option<&Machine>, sum: &mut Sum) -> Result<(), String> {
    let folder = setting.folder()?;
    let mut random = setting.random(sum.rounds as u64);
    let mut lives = Lives {
        machine,
        name: format!("round-{}", sum.rounds),
        lives: 0,
        control: None,
    };
    let start = Start::new(setting, folder.path())?.set("rooms.idle_seconds", "1");
    let start = start.set("sessions.per_client", SESSIONS_PER_CLIENT);
    let mut server = lives.go(start, 0)?;
    let of_a_kind = setting.pick(SHORT_OF_A_KIND, LONG_OF_A_KIND);
    let mut cases = Cases::begin(&server, of_a_kind).await?;
    let http = http::client()?;
    let notes = setting.folder()?;
    let diary = Diary::create(notes.path().join("history"))?;
    let mut stage = Stage::new(setting, &http, &mut random, &diary);

    setting.at("acknowledgements are lost");
    stage.lose(&server, cases.first_half()).await?;
    setting.at("killed while it is asked");
    stage
        .lose_while(&server, cases.second_half(), KILLED_WITHIN_MILLIS)
        .await?;
    server = lives.go(server.kill(), 0)?;
    setting.at("repeated at once, several times");
    stage.several(&server, &mut cases).await?;
    stage.twice_in_a_session(&server, &mut cases).await?;
    setting.at("after a thousand others");
    flood(&server).await?;
    stage.again(&server, &mut cases).await?;
    setting.at("asleep");
    until_asleep(&server).await?;
    stage.again(&server, &mut cases).await?;
    setting.at("restarted");
    server.terminate()?;
    server.until_ended(ASLEEP_WITHIN).await?;
    server = lives.go(server.again(), 0)?;
    stage.again(&server, &mut cases).await?;
    setting.at("killed");
    server = lives.go(server.kill(), 0)?;
    stage.several(&server, &mut cases).await?;
    if machine.is_some() {
        setting.at("a day later");
        let today = day(&server).await?;
        lives.turn_the_clock(DAY_MILLIS)?;
        if day(&server).await? == today {
            return Err("the server's clock was turned by a day, and is not".to_owned());
        }
        stage.again(&server, &mut cases).await?;
        server = lives.go(server.kill(), DAY_MILLIS)?;
        stage.again(&server, &mut cases).await?;
        setting.at("and back");
        server = lives.go(server.kill(), 0)?;
        stage.again(&server, &mut cases).await?;
        sum.days += 1;
    }
    setting.at("misused");
    stage.misuse(&server, &cases).await?;
    sum.add(stage);
    sum.look(&server, &cases).await
}

/// Which day it is for a server.
async fn day(server: &Server) -> Result<String, String> {
    let health = server.operator()?.get(&["health"], &[]).await;
    let health = health.map_err(|why| format!("the server's health: {why}"))?;
    let now = health["timestamp"]
        .as_str()
        .and_then(|now| now.split_once('T'));
    now.map(|(day, _)| day.to_owned())
        .ok_or_else(|| format!("a time without a day: {health}"))
}

/// Clients that forget their keys: what they repeat is stored again.
async fn forgetful(setting: &Setting) -> Result<Sum, String> {
    let folder = setting.folder()?;
    let mut random = setting.random(u64::MAX);
    let server = Start::new(setting, folder.path())?.go()?;
    let mut cases = Cases::begin(&server, 1).await?;
    let http = http::client()?;
    let notes = setting.folder()?;
    let diary = Diary::create(notes.path().join("history"))?;
    let mut stage = Stage::new(setting, &http, &mut random, &diary);
    stage.lose(&server, cases.first_half()).await?;
    stage.again(&server, &mut cases).await?;
    for case in &mut cases.0 {
        case.request.key.push_str("-forgotten");
    }
    stage.again(&server, &mut cases).await?;
    let mut sum = Sum::default();
    sum.add(stage);
    sum.look(&server, &cases).await?;
    Ok(sum)
}

/// The lives of one server, on a machine whose clock can be turned, if there is one.
struct Lives<'a> {
    machine: Option<&'a Machine>,
    name: String,
    lives: usize,
    control: Option<Control>,
}

impl Lives<'_> {
    /// Starts it; its clock is so far ahead.
    fn go(&mut self, mut start: Start, ahead_millis: i64) -> Result<Server, String> {
        if let Some(machine) = self.machine {
            self.lives += 1;
            let name = format!("{}-{}", self.name, self.lives);
            let control = machine.control(start.data_dir(), &name)?;
            start = control.put_under(start);
            self.control = Some(control);
            self.turn_the_clock(ahead_millis)?;
        }
        start.go()
    }

    /// Turns the clock of the server that runs.
    fn turn_the_clock(&mut self, ahead_millis: i64) -> Result<(), String> {
        let Some(control) = &mut self.control else {
            return Err("there is no clock that can be turned".to_owned());
        };
        control.order(&Orders {
            clock_offset_ms: ahead_millis,
            ..Orders::default()
        })
    }
}

/// So much more happens that keys leave the memory of the room and of the mailbox.
async fn flood(server: &Server) -> Result<(), String> {
    let mut peer = Peer::watching(server, cases::OTHER).await?;
    for kind in ["post", "send"] {
        let (mut asked, mut answered) = (0, 0);
        while answered < FLOOD {
            while asked < FLOOD && asked - answered < FLOOD_IN_FLIGHT {
                let word = format!("{kind}-{asked}");
                peer.queue(&json!({
                    "type": kind, "room": cases::ROOM, "to": cases::DESK, "text": word,
                    "key": word, "ref": word,
                }));
                asked += 1;
            }
            peer.flush().await?;
            let frame = peer.next().await?;
            if frame["ref"].is_string() {
                if frame["type"] == "rejected" {
                    return Err(format!("a flood was refused: {frame}"));
                }
                answered += 1;
            }
        }
    }
    Ok(())
}

/// Rooms leave memory when nobody has used them for a second.
async fn until_asleep(server: &Server) -> Result<(), String> {
    let rest = server.operator()?;
    let clock = Clock::start();
    while clock.nanos() < nanos(ASLEEP_WITHIN) {
        let status = rest.get(&["status"], &[]).await;
        if status.map_err(|why| why.to_string())?["active_rooms"] == 0 {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(format!("rooms are still awake after {ASLEEP_WITHIN:?}"))
}

/// What must be seen: a receipt that differs, a second first answer, a text that is stored twice, a
/// key that is misused.
fn controls(outcome: &mut Outcome) {
    for (what, found) in counts::controls() {
        let has_failed = found > 0;
        outcome.control(what, format!("flaws {found}"), has_failed);
    }
    let twice = stored_twice(
        ["a", "b", "a"].map(str::to_owned),
        ["a", "b"].map(str::to_owned),
    );
    outcome.control(
        "a text that is stored twice",
        format!("flaws {twice}"),
        twice == 1,
    );
}

/// A number from none to one less.
fn below(random: &mut StdRng, end: u64) -> u64 {
    random.random_range(0..end.max(1))
}
