//! Trial 21: nothing that comes in is what it should be.

mod batter;
mod canary;
mod endless;
mod frames;
mod greedy;
mod json;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json as value;

use super::Trying;
use crate::chaos::crowd::all;
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::Peer;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::Clock;
use batter::Tally;
use canary::Canary;
use endless::{Endless, tried};

/// Clients that send frames, and as many that send requests.
const WORKERS: u64 = 4;
/// Things that each of them sends in one round.
const ROUND: u64 = 200;
/// The longest time that a round may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Within this, a client that behaves is answered, whatever the others do.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// Lines of the server's log that are shown.
const LINES_SHOWN: usize = 3;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome =
            Outcome::new("from the seed; a client that behaves is there all the time");
        let folder = setting.folder()?;
        let server = Arc::new(Start::new(&setting, folder.path())?.go()?);
        let canary = Canary::begin(&server).await?;
        furnish(&server).await?;
        let endless = tokio::spawn(everything_endless(Arc::clone(&server)));
        let mut tally = Tally::default();
        let mut rounds = 0;
        while setting.more_rounds(rounds, 2, 250) {
            round(&setting, &server, rounds as u64, &mut tally).await?;
            rounds += 1;
            setting.at(format!("{} executions", tally.executions));
        }
        let mut greediest = Outcome::new("");
        outcome.memory = Some(greedy::measure(&setting, &mut greediest).await?);
        setting.at("what has no end");
        let endless = endless.await.map_err(|why| why.to_string())?;
        let latencies = canary.end().await?;
        tell(&mut outcome, &tally, endless);
        let told = latencies.quantiles();
        outcome.figure("answers to a client that behaves", told.count);
        outcome.figure("their p99 ms", told.p99_ms.round());
        let bound = ANSWERED_WITHIN.as_secs_f64() * 1e3;
        outcome.at_most("the longest ms", told.max_ms, bound);
        tell_log(&mut outcome, &server);
        outcome.append(greediest);
        Ok(outcome)
    })
}

/// A room in which there is something, and messages that wait.
async fn furnish(server: &Server) -> Result<(), String> {
    let mut host = Peer::watching(server, "fuzz-0").await?;
    host.must(value!({"type": "create_room", "room": "den"}))
        .await?;
    for number in 0..20 {
        let text = format!("number {number}");
        host.must(value!({"type": "post", "room": "den", "text": text}))
            .await?;
        let send = value!({"type": "send", "to": "fuzz-1", "keep": true, "text": text});
        host.must(send).await?;
    }
    Ok(())
}

async fn round(
    setting: &Setting,
    server: &Arc<Server>,
    number: u64,
    tally: &mut Tally,
) -> Result<(), String> {
    type Task = std::pin::Pin<Box<dyn Future<Output = Result<Tally, String>> + Send>>;
    let mut tasks: Vec<Task> = Vec::new();
    for worker in 0..WORKERS {
        let part = number * 2 * WORKERS + worker;
        let (name, server) = (|| format!("fuzz-{worker}"), || Arc::clone(server));
        let random = setting.random(part);
        tasks.push(Box::pin(batter::sessions(server(), name(), random, ROUND)));
        let random = setting.random(part + WORKERS);
        tasks.push(Box::pin(batter::requests(server(), name(), random, ROUND)));
    }
    for some in all(tasks, PATIENCE).await? {
        tally.add(some);
    }
    Ok(())
}

/// What is wrong with the ends of what has no end.
async fn everything_endless(server: Arc<Server>) -> Vec<String> {
    let clock = Clock::start();
    let mut tries = tokio::task::JoinSet::new();
    for how in Endless::ALL {
        tries.spawn(tried(Arc::clone(&server), how, clock));
    }
    let mut wrong = Vec::new();
    while let Some(tried) = tries.join_next().await {
        match tried {
            Ok(found) => wrong.extend(found),
            Err(why) => wrong.push(why.to_string()),
        }
    }
    wrong
}

fn tell(outcome: &mut Outcome, tally: &Tally, endless: Vec<String>) {
    outcome.figure("executions", tally.executions);
    outcome.figure("refused", tally.refused);
    outcome.figure("ended", tally.ended);
    outcome.figure("waited for more", tally.unanswered);
    outcome.must_be_zero("internal errors", tally.internal.len() as u64);
    outcome.must_be_zero("not of the protocol", tally.odd.len() as u64);
    outcome.figure("without an end", Endless::ALL.len());
    outcome.must_be_zero("not ended in time", endless.len() as u64);
    for flaw in tally.internal.iter().chain(&tally.odd).chain(&endless) {
        outcome.flaw(flaw.clone());
    }
}

/// Panics, and errors that whoever sent nonsense should not be able to cause.
fn tell_log(outcome: &mut Outcome, server: &Server) {
    let log = server.log();
    let lines = |what: &'static str| log.lines().filter(move |line| line.contains(what));
    outcome.must_be_zero("panics", lines("panicked").count() as u64);
    outcome.must_be_zero("errors in the log", lines(" ERROR ").count() as u64);
    for line in lines("panicked").chain(lines(" ERROR ")).take(LINES_SHOWN) {
        outcome.flaw(line.to_owned());
    }
}
