//! The wall clock is set by an hour, forwards and backwards, while leases and lives run.

mod holders;
mod moved;
mod stage;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::ends::{Ends, Said};
use crate::chaos::http;
use crate::chaos::log_tail::SHOW_ENDS;
use crate::chaos::machine::{Control, Machine, Orders};
use crate::chaos::mail::Mailer;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::Clock;
pub(super) use moved::Moved;
use stage::{Mortal, Stage};

const HOUR_MS: i64 = 3_600_000;
/// What is added to the wall clock, one after the other.
const OFFSETS_SHORT: [i64; 2] = [HOUR_MS, 0];
const OFFSETS: [i64; 6] = [HOUR_MS, 0, -HOUR_MS, 0, HOUR_MS, 3 * HOUR_MS];
const LEASE: Duration = Duration::from_secs(3);
const HEARTBEAT: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// The clock is set once.
struct Cycle<'a> {
    number: usize,
    offset: i64,
    /// The most that was added before: the server's own time has been there.
    highest: i64,
    /// Those whose messages have ended by earlier jumps.
    gone: &'a [Mortal],
}

impl Cycle<'_> {
    /// Whether the server's own time follows.
    const fn is_forward(&self) -> bool {
        self.offset > self.highest
    }
}

/// One server whose clock is set several times.
pub(super) async fn round(
    setting: &Setting,
    machine: &Machine,
    number: usize,
    ends: &mut Ends,
    moved: &mut Moved,
) -> Result<(), String> {
    let folder = setting.folder()?;
    let mut control = machine.control(folder.path(), &format!("clock-{number}"))?;
    let server = start(setting, &control)?;
    control.must_be_under(server.pid())?;
    let http = http::client()?;
    let stage = Stage {
        setting,
        sender: Mailer::new(&http, &server, "sender")?,
        server: &server,
        http,
        clock: Clock::start(),
    };
    let (stop, stopping) = watch::channel(false);
    let idle = stage.idle(setting.pick(60, 800), &stopping)?;
    let offsets = if setting.is_short() {
        &OFFSETS_SHORT[..]
    } else {
        &OFFSETS[..]
    };
    let (mut before, mut highest, mut gone) = (0, 0, Vec::new());
    for (number, offset) in offsets.iter().enumerate() {
        setting.at(format!(
            "the clock is set by {} s",
            (offset - before) / 1_000
        ));
        let cycle = Cycle {
            number,
            offset: *offset,
            highest,
            gone: &gone,
        };
        let more = stage.go_through(&cycle, &mut control, ends, moved).await?;
        gone.extend(more);
        (before, highest) = (*offset, highest.max(*offset));
    }
    // What had ended has not begun again.
    let gone = gone
        .iter()
        .map(|mortal| (mortal.mortal.clone(), Said::Nothing));
    let gone: Vec<(String, Said)> = gone.collect();
    ends.look_at_all(&stage.sender, &gone, false).await?;
    stop.send_replace(true);
    let lost = timeout(PATIENCE, idle).await;
    let lost = lost.map_err(|_| "sessions do not end")?;
    moved.note_sessions(&lost.map_err(|why| why.to_string())??);
    // The clock as it is, for what the server writes last.
    control.order(&Orders::default())
}

fn start(setting: &Setting, control: &Control) -> Result<Server, String> {
    let seconds = |span: Duration| span.as_secs().to_string();
    let start = Start::new(setting, control.data_dir())?
        .set("messages.lease_seconds", seconds(LEASE))
        .set("messages.call_lease_seconds", seconds(LEASE))
        .set("sessions.heartbeat_seconds", seconds(HEARTBEAT))
        .set("log.level", SHOW_ENDS);
    control.put_under(start).go()
}
