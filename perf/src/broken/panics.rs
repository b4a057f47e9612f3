//! A server that panics where and when it is told to.
//!
//! It reads a line of JSON from standard input for each wish, and answers each with a line.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_bridge::actors::{self, Guard};
use bridge_core::Seq;
use bridge_core::event::Stream;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Snapshot};
use serde::{Deserialize, Serialize};

/// A place where the server can panic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) actor: String,
    pub(crate) handler: String,
    /// Whether nothing catches the panic below the actor, which dies of it.
    pub(crate) kills: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { actor, handler, .. } = self;
        let end = if self.kills {
            ", and the actor dies"
        } else {
            ""
        };
        write!(f, "{actor}: {handler}{end}")
    }
}

/// What is wished.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// Panic at a place; nowhere else.
    Arm(Arm),
    /// Say where the server has been.
    Visits,
}

/// Where to panic, and how often.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Arm {
    pub(crate) place: Place,
    /// Those whose names begin like this are spared.
    pub(crate) spares: Option<String>,
    /// Visits that are let through first.
    pub(crate) after: u32,
    /// Panics, one at each visit from then on.
    pub(crate) times: u32,
}

/// How often the server was at a place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Visit {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) visits: u64,
    pub(crate) panics: u64,
}

#[derive(Debug)]
struct State {
    armed: Option<Arm>,
    visits: BTreeMap<Place, (u64, u64)>,
}

static STATE: Mutex<State> = Mutex::new(State {
    armed: None,
    visits: BTreeMap::new(),
});

/// It is consistent between any two statements that could panic.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hook: counts, and panics when it is armed here.
pub(super) fn place(at: &actors::Place<'_>) {
    let place = Place {
        actor: at.actor.to_owned(),
        handler: at.handler.to_owned(),
        kills: at.guard == Guard::Outside,
    };
    assert!(!is_due(place, at.who), "injected");
}

/// The lock is let go of before anything panics.
fn is_due(place: Place, who: &str) -> bool {
    let mut state = state();
    let is_due = match &mut state.armed {
        Some(arm) if arm.place == place && !arm.spares(who) => arm.is_due(),
        _ => false,
    };
    let (visits, panics) = state.visits.entry(place).or_default();
    *visits += 1;
    *panics += u64::from(is_due);
    is_due
}

impl Arm {
    fn spares(&self, who: &str) -> bool {
        self.spares
            .as_ref()
            .is_some_and(|prefix| who.starts_with(prefix))
    }

    const fn is_due(&mut self) -> bool {
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        if self.times == 0 {
            return false;
        }
        self.times -= 1;
        true
    }
}

/// Reads wishes until standard input ends.
pub(super) fn obey_standard_input() -> Result<(), String> {
    let reading = std::thread::Builder::new().name("wishes".to_owned());
    let started = reading.spawn(|| {
        for line in std::io::stdin().lock().lines() {
            let answer = match line {
                Ok(line) => obey(&line),
                Err(why) => Err(why.to_string()),
            };
            let answer = answer.unwrap_or_else(|why| format!("{why:?}"));
            if writeln!(std::io::stdout(), "{answer}").is_err() {
                return;
            }
        }
    });
    started.map(drop).map_err(|why| why.to_string())
}

fn obey(line: &str) -> Result<String, String> {
    let told: Told = serde_json::from_str(line).map_err(|why| why.to_string())?;
    match told {
        Told::Arm(arm) => {
            state().armed = Some(arm);
            Ok("\"armed\"".to_owned())
        }
        Told::Visits => {
            let visits = state().visits.clone().into_iter();
            let visits: Vec<Visit> = visits
                .map(|(place, (visits, panics))| Visit {
                    place,
                    visits,
                    panics,
                })
                .collect();
            serde_json::to_string(&visits).map_err(|why| why.to_string())
        }
    }
}

/// A log with places before and after each of its steps.
pub(super) struct Fragile {
    log: Box<dyn Log>,
}

impl Fragile {
    pub(super) const fn new(log: Box<dyn Log>) -> Self {
        Self { log }
    }

    fn around<T>(&mut self, step: &str, work: impl FnOnce(&mut dyn Log) -> T) -> T {
        at_log(&format!("{step}, before"));
        let done = work(&mut *self.log);
        at_log(&format!("{step}, after"));
        done
    }
}

fn at_log(handler: &str) {
    place(&actors::Place {
        actor: "log",
        who: "",
        handler,
        guard: Guard::Outside,
    });
}

impl Log for Fragile {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        self.around("append", |log| log.append(batch))
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.around("save_snapshot", |log| log.save_snapshot(stream, snapshot))
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        self.around("follow_ups_done", |log| log.follow_ups_done(done))
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        self.around("upkeep", |log| log.upkeep(idle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_panics_at_the_place_that_is_armed_and_as_often() {
        let at = |handler: &str| Place {
            actor: "room".to_owned(),
            handler: handler.to_owned(),
            kills: false,
        };
        let wish = Told::Arm(Arm {
            place: at("submit"),
            spares: Some("quiet".to_owned()),
            after: 1,
            times: 2,
        });
        obey(&serde_json::to_string(&wish).expect("JSON")).expect("a wish");
        assert!(!is_due(at("submit"), "quiet-1"), "it is spared");
        let due: Vec<bool> = (0..5).map(|_| is_due(at("submit"), "loud")).collect();
        assert_eq!(due, [false, true, true, false, false]);
        assert!(!is_due(at("look"), "loud"));
        let said = obey("\"visits\"").expect("a wish");
        let visits: Vec<Visit> = serde_json::from_str(&said).expect("visits");
        let submit = visits.iter().find(|visit| visit.place == at("submit"));
        let submit = submit.expect("it was there");
        assert_eq!((submit.visits, submit.panics), (6, 2));
        assert!(obey("{}").is_err());
    }
}
