//! Trial 17: a panic in every actor and every handler. Whoever asked is answered, once; neighbours do
//! not notice; the state is read again from the log; and what fails too often ends cleanly.

mod actor;
mod intensity;
mod neighbour;
mod places;
mod script;

use std::collections::BTreeSet;
use std::time::Duration;

use rand::seq::SliceRandom;
use tempfile::TempDir;
use tokio::time::timeout;

use super::Trying;
use crate::broken::{Arm, Place, Told, Visit};
use crate::chaos::outcome::Outcome;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use actor::Tally;
use neighbour::Neighbour;
use script::Script;

/// Panics of one life of the server. More of them at one place would be too many for its supervisor,
/// which is tried by itself.
const PLACES_A_LIFE: usize = 4;
/// Places of the short form.
const PLACES_SHORT: usize = 8;
/// How long it may take until a request that met a panic is carried out.
const REPAIRED_WITHIN_MS: f64 = 5_000.0;
/// The longest time for one place.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome = Outcome::new("panics put into the same server, built into this program");
        let mut sum = Sum::default();
        if let Err(why) = everywhere(&setting, &mut sum, &mut outcome).await {
            outcome.flaw(why);
        }
        outcome.figure("places", sum.places);
        outcome.figure("panics", sum.panics);
        outcome.figure("failures counted by the server", sum.failures);
        outcome.figure("requests", sum.tally.requests);
        outcome.figure("repeated", sum.tally.repeated);
        outcome.figure("sessions sent away", sum.tally.sent_away);
        outcome.must_be_zero("lost", sum.lost);
        outcome.must_be_zero("answered twice", sum.tally.answered_twice);
        outcome.must_be_zero("neighbours that noticed", sum.noticed);
        let repair = sum.tally.longest_repair_ms as f64;
        outcome.at_most("longest repair ms", repair, REPAIRED_WITHIN_MS);
        Ok(outcome)
    })
}

/// Panics at every place, and then too often.
async fn everywhere(setting: &Setting, sum: &mut Sum, outcome: &mut Outcome) -> Result<(), String> {
    let folder = setting.folder()?;
    let places = if setting.is_short() {
        some(setting)
    } else {
        visited(setting, &folder, outcome).await?
    };
    let is_wanted = |place: &Place| setting.wants(&place.to_string());
    let places: Vec<Place> = places.into_iter().filter(is_wanted).collect();
    for (life, group) in places.chunks(PLACES_A_LIFE).enumerate() {
        let mut server = start(setting, &folder)?;
        for (number, place) in group.iter().enumerate() {
            setting.at(format!("{} {}", place.actor, place.handler));
            setting.progress(sum.places, places.len());
            let pass = life * PLACES_A_LIFE + number + 1;
            let one = one(&mut server, place, pass, sum, outcome);
            let done = timeout(PATIENCE, one).await;
            done.map_err(|_| format!("{place} took longer than {PATIENCE:?}"))??;
        }
        sum.failures += failures(&server).await?;
    }
    intensity::exceeded(setting, &folder, outcome).await
}

/// Of all places.
#[derive(Debug, Default)]
struct Sum {
    places: usize,
    panics: u64,
    failures: u64,
    lost: u64,
    noticed: u64,
    tally: Tally,
}

fn start(setting: &Setting, folder: &TempDir) -> Result<Server, String> {
    Start::new(setting, folder.path())?
        // So that owners go to sleep while the script runs, and sessions give way to others.
        .set("sessions.per_client", "2")
        // A session looks at the time four times in that.
        .set("sessions.heartbeat_seconds", "4")
        .set("rooms.idle_seconds", "1")
        .broken("panics")?
        .go()
}

/// Goes once through everything without a panic, and says where the server was.
async fn visited(
    setting: &Setting,
    folder: &TempDir,
    outcome: &mut Outcome,
) -> Result<Vec<Place>, String> {
    let mut server = start(setting, folder)?;
    let mut script = Script::begin(0, None);
    script.play(&server).await?;
    script.check(&server).await?;
    let visits = visits(&mut server)?;
    let found: BTreeSet<Place> = visits.into_iter().map(|visit| visit.place).collect();
    let expected: BTreeSet<Place> = places::expected();
    for place in expected.difference(&found) {
        outcome.flaw(format!("the script does not reach: {place}"));
    }
    for place in found.difference(&expected) {
        outcome.flaw(format!("{place} is not on the list of places"));
    }
    Ok(found.into_iter().collect())
}

/// In the short form, some of those that are come to quickly; which, is a matter of the seed.
fn some(setting: &Setting) -> Vec<Place> {
    let quick = places::expected().into_iter();
    let mut quick: Vec<Place> = quick.filter(|place| !script::is_slow(place)).collect();
    quick.shuffle(&mut setting.random(0));
    quick.truncate(PLACES_SHORT);
    quick
}

/// A panic at one place, while the script goes through everything and the neighbours go on.
async fn one(
    server: &mut Server,
    place: &Place,
    pass: usize,
    sum: &mut Sum,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let neighbour = Neighbour::begin(server, pass).await?;
    let before = panics_at(server, place)?;
    let mut script = Script::begin(pass, Some(place));
    let arm = Arm {
        place: place.clone(),
        spares: Some(neighbour::PREFIX.to_owned()),
        after: 0,
        times: 1,
    };
    server.wish(&Told::Arm(arm))?;
    let played = script.play(server).await;
    if let Err(why) = played {
        outcome.flaw(format!("{place}: {why}"));
    } else if let Err(why) = script.check(server).await {
        sum.lost += 1;
        outcome.flaw(format!("{place}: {why}"));
    }
    let panics = panics_at(server, place)? - before;
    if panics != 1 {
        outcome.flaw(format!("{place}: {panics} panics"));
    }
    let noticed = neighbour.end().await?;
    // What is shared by everybody may make everybody repeat something, and lose nothing.
    if let Some(what) = noticed.filter(|_| !places::is_shared(place)) {
        sum.noticed += 1;
        outcome.flaw(format!("{place}: a neighbour noticed: {what}"));
    }
    if let Some(status) = server.ended()? {
        return Err(format!("{place}: the server ended with {status}"));
    }
    sum.places += 1;
    sum.panics += panics;
    sum.tally.add(&script.tally());
    Ok(())
}

fn visits(server: &mut Server) -> Result<Vec<Visit>, String> {
    let said = server.wish(&Told::Visits)?;
    serde_json::from_str(&said).map_err(|why| format!("visits: {why}: {said}"))
}

fn panics_at(server: &mut Server, place: &Place) -> Result<u64, String> {
    let visits = visits(server)?;
    let found = visits.into_iter().find(|visit| visit.place == *place);
    Ok(found.map_or(0, |visit| visit.panics))
}

/// What the server's supervisor has counted.
async fn failures(server: &Server) -> Result<u64, String> {
    let stats = server.operator()?.get(&["v1", "admin", "stats"], &[]).await;
    let stats = stats.map_err(|why| why.to_string())?;
    let parts = stats["actors"]["parts"].as_array().cloned();
    let parts = parts.ok_or("the server's statistics have no actors")?;
    let failures = parts.iter().filter_map(|part| part["failures"].as_u64());
    Ok(failures.sum())
}
