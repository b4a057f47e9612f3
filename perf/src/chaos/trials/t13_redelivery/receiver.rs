//! A receiver that does with its one message as it planned, whatever becomes of the server meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use agent_bridge::client::message::{RecipientFacts, Step};
use agent_bridge::system::SystemClock;
use bridge_core::ports::Clock as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use super::plan::{Plan, Rules, Way};
use crate::chaos::mail::{Mailer, maybe_instant};
use crate::chaos::peer::Peer;
use crate::clock::{Clock, nanos};

/// How long after it is due a message is given up for lost.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// How long a server that was killed may stay away.
const AWAY_MAX: Duration = Duration::from_secs(20);
/// Every word for how an attempt may have ended.
const ANY: &[&str] = &[
    "server_restarted",
    "call_lost",
    "connection_lost",
    "lease_expired",
    "failed",
    "not_confirmed",
];

/// What all receivers share.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) rules: Rules,
    /// Which life of the server it is.
    pub(super) life: watch::Receiver<u32>,
}

/// One receiver.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) mailer: Mailer,
    pub(super) id: String,
    plan: Plan,
    world: World,
    /// Attempts that have failed, as far as it knows.
    failures: usize,
    /// The last attempt that it was handed.
    last: u32,
    before: Option<Way>,
    /// When it is to get it, and since when it could.
    due: Option<u64>,
    there: u64,
    pub(super) found: Found,
}

/// What it found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How each attempt may have ended.
    pub(super) endings: BTreeMap<u32, &'static [&'static str]>,
    /// Each time that it got the message again: how long after that was due.
    pub(super) late: Vec<u64>,
    pub(super) wrong_attempts: u64,
    pub(super) strangers: u64,
    /// What it did and saw, for whoever has to find out why.
    pub(super) diary: Vec<String>,
    /// It never came again: where that was.
    pub(super) lost: Option<String>,
}

impl Receiver {
    pub(super) fn new(mailer: Mailer, id: String, plan: Plan, world: World) -> Self {
        Self {
            mailer,
            id,
            plan,
            world,
            failures: 0,
            last: 0,
            before: None,
            due: None,
            there: 0,
            found: Found::default(),
        }
    }

    /// How late it may be.
    pub(super) const fn late(&self) -> Duration {
        self.world.rules.late
    }

    /// Goes through its plan. The server may be killed meanwhile, and be another one.
    pub(super) async fn run(mut self) -> Result<Self, String> {
        while let Err(why) = self.live().await {
            self.note(why.clone());
            let changed = timeout(AWAY_MAX, self.world.life.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                return Err(format!("{}: {why}", self.mailer.name));
            }
        }
        Ok(self)
    }

    /// One life of the server.
    async fn live(&mut self) -> Result<(), String> {
        let life = *self.world.life.borrow_and_update();
        if life > 0 {
            let way = self.mailer.way(&self.id, 0).await?;
            self.note(format!("life {life}: {} of {}", way.stage, way.attempts));
            if way.stage.is_terminal() {
                return Ok(());
            }
            self.look_back(&way)?;
        }
        let mut session = None;
        while self.failures < self.world.rules.attempts {
            let way = self.next_way();
            let attempt = match way.unwrap_or(Way::Silent).is_by_call() || self.must_call() {
                true => {
                    session = None;
                    self.call().await?
                }
                false => self.hear(&mut session).await?,
            };
            let Some(attempt) = attempt else {
                self.found.lost = Some(self.where_it_is());
                return Ok(());
            };
            self.note_arrival(attempt);
            self.note(format!("{attempt} for {way:?}"));
            let Some(way) = way else {
                self.mailer.ack(&self.id, "done").await?;
                return Ok(());
            };
            self.end(way, &mut session).await?;
        }
        // A session that holds it must stay until its lease is over.
        let wait = self.before.map_or(Duration::ZERO, |way| {
            way.wait(self.failures, &self.world.rules)
        });
        let patience = (wait + LOST_AFTER).as_secs().min(50);
        self.mailer.way(&self.id, patience).await.map(drop)
    }

    fn note(&mut self, what: String) {
        let seconds = self.world.clock.nanos() as f64 / 1e9;
        self.found.diary.push(format!("{seconds:.3} {what}"));
    }

    /// What it will do with it next time; nothing more, but be done with it.
    fn next_way(&self) -> Option<Way> {
        let way = self.plan.0.get(self.failures).copied()?;
        // Only where the plan was thrown over by a kill.
        let is_possible = !matches!(self.before, Some(Way::Call)) || !way.is_by_call();
        Some(if is_possible { way } else { Way::Silent })
    }

    /// Who calls again without confirming gets it by that call.
    const fn must_call(&self) -> bool {
        matches!(self.before, Some(Way::Unconfirmed))
    }

    /// Gets it over a session.
    async fn hear(&mut self, session: &mut Option<Peer>) -> Result<Option<u64>, String> {
        let peer = match session {
            Some(peer) => peer,
            None => {
                let peer = self.mailer.session().await?;
                self.there = self.world.clock.nanos();
                session.insert(peer)
            }
        };
        let until = self.due.unwrap_or_default().max(self.there) + nanos(LOST_AFTER);
        loop {
            let left = self.world.clock.until(until);
            let Ok(frame) = timeout(left, peer.came()).await else {
                return Ok(None);
            };
            let frame = frame?;
            if frame["type"] != "message" {
                continue;
            }
            if frame["id"] == self.id.as_str() {
                return Ok(frame["attempt"].as_u64());
            }
            self.found.strangers += 1;
        }
    }

    /// Gets it by a call.
    async fn call(&mut self) -> Result<Option<u64>, String> {
        self.there = self.world.clock.nanos();
        let until = self.due.unwrap_or_default().max(self.there) + nanos(LOST_AFTER);
        let wait = self.world.clock.until(until).as_secs().clamp(1, 55);
        let page = self.mailer.call(wait).await?;
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        let is_mine = |item: &&Value| item["id"] == self.id.as_str();
        self.found.strangers += items.iter().filter(|item| !is_mine(item)).count() as u64;
        let mine = items.iter().find(is_mine);
        Ok(mine.and_then(|item| item["attempt"].as_u64()))
    }

    fn where_it_is(&self) -> String {
        format!(
            "{} waited in vain after attempt {} and {} failures, the last by {:?}; its plan: {:?}",
            self.mailer.name, self.last, self.failures, self.before, self.plan.0
        )
    }

    fn note_arrival(&mut self, attempt: u64) {
        self.found.wrong_attempts += u64::from(attempt != u64::from(self.last) + 1);
        self.last = u32::try_from(attempt).unwrap_or(u32::MAX);
        if let Some(due) = self.due {
            let now = self.world.clock.nanos();
            self.found
                .late
                .push(now.saturating_sub(due.max(self.there)));
        }
    }

    /// The attempt goes wrong.
    async fn end(&mut self, way: Way, session: &mut Option<Peer>) -> Result<(), String> {
        match (way, session.as_mut()) {
            (Way::Failed, Some(peer)) => {
                self.found.endings.insert(self.last, ANY);
                let ack = json!({
                    "type": "ack", "id": self.id, "stage": "failed", "reason": "as planned",
                });
                peer.must(ack).await?;
            }
            (Way::Cut, _) => *session = None,
            _ => {}
        }
        self.failures += 1;
        self.found.endings.insert(self.last, way.words());
        self.before = Some(way);
        let wait = way.wait(self.failures, &self.world.rules);
        self.due = Some(self.world.clock.nanos() + nanos(wait));
        if way == Way::Unconfirmed && self.failures == self.world.rules.attempts {
            let page = self.mailer.call(0).await?;
            let items = page["items"].as_array().map_or(0, Vec::len);
            self.found.strangers += items as u64;
        }
        Ok(())
    }

    /// The server is another one, and knows more than what came here.
    fn look_back(&mut self, way: &RecipientFacts) -> Result<(), String> {
        self.failures = way.history.iter().filter(|step| counts(step)).count();
        self.last = way.attempts;
        self.before = None;
        self.due = None;
        // Of what was under way nobody here can say how it ended.
        self.found.endings.insert(self.last, ANY);
        let now = (self.world.clock.nanos(), SystemClock.now());
        let at = |time: Option<&String>| -> Result<u64, String> {
            let left = maybe_instant(time)?.millis_since(now.1);
            Ok(now.0 + u64::try_from(left).unwrap_or_default() * 1_000_000)
        };
        let Some(last) = way.history.last() else {
            return Err(format!("{} has no history", self.id));
        };
        match (last.stage.as_str(), last.via.as_deref()) {
            ("delivered", Some("call")) => {
                // The caller is taken to be thinking still.
                self.due = Some(at(last.until.as_ref())?);
                self.failures += 1;
                self.before = Some(Way::Call);
            }
            ("delivered", _) => self.due = Some(now.0),
            ("returned", _) => self.due = Some(at(last.not_before.as_ref())?),
            _ => {}
        }
        Ok(())
    }
}

/// Whether a step is an attempt that brings the message nearer to its end.
pub(super) fn counts(step: &Step) -> bool {
    let is_nobodys = matches!(
        step.reason.as_deref(),
        Some("server_restarted" | "call_lost")
    );
    step.stage == "returned" && !is_nobodys
}
