//! A client that does not give up: it comes back when it is sent away, and repeats what was not
//! answered under the same key.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use crate::chaos::http::{Answer, Http};
use crate::chaos::peer::Peer;
use crate::chaos::server::Server;
use crate::clock::Clock;
use reqwest::Method;

/// Tries of one request.
const TRIES_MAX: u32 = 60;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// What happened to a client's requests.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) repeated: u64,
    pub(super) sent_away: u64,
    pub(super) answered_twice: u64,
    pub(super) longest_repair_ms: u64,
}

/// One client, with a session when it needs one.
#[derive(Debug)]
pub(super) struct Actor {
    name: String,
    is_operator: bool,
    peer: Option<Peer>,
    connections: u32,
    /// By the connection and the request's `ref`.
    answered: HashSet<(u32, String)>,
    /// What its sessions were told besides answers.
    heard: VecDeque<Value>,
    pub(super) tally: Tally,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.repeated += other.repeated;
        self.sent_away += other.sent_away;
        self.answered_twice += other.answered_twice;
        self.longest_repair_ms = self.longest_repair_ms.max(other.longest_repair_ms);
    }
}

impl Actor {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            is_operator: false,
            peer: None,
            connections: 0,
            answered: HashSet::new(),
            heard: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    /// Who may administer the server, over REST.
    pub(super) fn operator() -> Self {
        let mut operator = Self::new("operator".to_owned());
        operator.is_operator = true;
        operator
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sends a frame until it is answered for good. The key makes every repeat the same request.
    pub(super) async fn frame(&mut self, server: &Server, frame: Value) -> Result<Value, String> {
        self.tally.requests += 1;
        let clock = Clock::start();
        for tries in 0..TRIES_MAX {
            match self.try_frame(server, &frame).await {
                Ok(answer) if answer["type"] != "rejected" => {
                    self.repaired(tries, clock);
                    return Ok(answer);
                }
                Ok(refusal) if refusal["temporary"] != true => {
                    return Err(format!("{frame} was refused: {refusal}"));
                }
                Ok(_) => {}
                Err(why) if why.contains("took longer") => {
                    return Err(format!("{frame} was not answered: {why}"));
                }
                Err(_) => {
                    self.tally.sent_away += 1;
                    self.peer = None;
                }
            }
            self.tally.repeated += 1;
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!("{frame} was not carried out in {TRIES_MAX} tries"))
    }

    async fn try_frame(&mut self, server: &Server, frame: &Value) -> Result<Value, String> {
        let mut peer = match self.peer.take() {
            Some(peer) => peer,
            None => {
                let mut peer = Peer::connect(server, &self.name).await?;
                self.connections += 1;
                let welcome = peer.ask(json!({"type": "hello"})).await?;
                if welcome["type"] != "welcome" {
                    return Ok(welcome);
                }
                peer
            }
        };
        let answer = peer.ask(frame.clone()).await?;
        self.note(&mut peer);
        let reference = (self.connections, answer["ref"].to_string());
        if !self.answered.insert(reference) {
            self.tally.answered_twice += 1;
        }
        self.peer = Some(peer);
        Ok(answer)
    }

    /// Looks through what came besides: another answer to something that was answered is one too
    /// many.
    fn note(&mut self, peer: &mut Peer) {
        while let Some(frame) = peer.next_kept() {
            if frame["ref"].is_null() {
                self.heard.push_back(frame);
            } else {
                self.tally.answered_twice += 1;
            }
        }
    }

    /// The next frame of a type that its session is told, waiting for what is not there yet.
    pub(super) async fn told(
        &mut self,
        server: &Server,
        kind: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let clock = Clock::start();
        for tries in 0..TRIES_MAX {
            if self.peer.is_none() {
                self.frame(server, json!({"type": "ping"})).await?;
            }
            while let Some(frame) = self.heard.pop_front() {
                if frame["type"] == kind && is_it(&frame) {
                    return Ok(frame);
                }
            }
            let Some(peer) = &mut self.peer else { continue };
            loop {
                match peer.next().await {
                    Ok(frame) if frame["type"] == kind && is_it(&frame) => {
                        self.repaired(tries, clock);
                        return Ok(frame);
                    }
                    Ok(_) => {}
                    Err(why) if why.contains("took longer") => {
                        return Err(format!("{} was not told {kind}: {why}", self.name));
                    }
                    Err(_) => break,
                }
            }
            self.tally.sent_away += 1;
            self.peer = None;
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!("{} was not told {kind}", self.name))
    }

    /// Sends a frame that must be refused with this code.
    pub(super) async fn refused(
        &mut self,
        server: &Server,
        frame: Value,
        code: &str,
    ) -> Result<(), String> {
        match self.frame(server, frame).await {
            Err(why) if why.contains(code) => Ok(()),
            Err(why) => Err(why),
            Ok(answer) => Err(format!("{answer}, and {code} was expected")),
        }
    }

    /// Opens as many sessions beside its own as it may have, so that its own has to go.
    pub(super) async fn crowd_out(&mut self, server: &Server) -> Result<(), String> {
        let (mut one, mut other) = (Self::new(self.name.clone()), Self::new(self.name.clone()));
        for actor in [&mut one, &mut other] {
            actor.frame(server, json!({"type": "ping"})).await?;
        }
        self.leave();
        self.tally.add(&one.tally);
        self.tally.add(&other.tally);
        Ok(())
    }

    /// Ends its session.
    pub(super) fn leave(&mut self) {
        self.peer = None;
        self.heard.clear();
    }

    /// Reads something over REST.
    pub(super) async fn get(&mut self, server: &Server, path: &str) -> Result<Value, String> {
        self.rest(server, Method::GET, path, None, None).await
    }

    /// Makes something over REST; without a key, something that takes none.
    pub(super) async fn post(
        &mut self,
        server: &Server,
        path: &str,
        key: &str,
        body: Value,
    ) -> Result<Value, String> {
        let key = Some(key).filter(|key| !key.is_empty());
        self.rest(server, Method::POST, path, key, Some(&body))
            .await
    }

    /// Asks over REST until it is answered for good.
    pub(super) async fn rest(
        &mut self,
        server: &Server,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        self.tally.requests += 1;
        let http = if self.is_operator {
            Http::operator(server)?
        } else {
            Http::new(server, &self.name)?
        };
        let clock = Clock::start();
        for tries in 0..TRIES_MAX {
            let answer = http.ask(method.clone(), path, key, body).await;
            match answer {
                Ok(Answer { status, body, .. }) if status < 300 => {
                    self.repaired(tries, clock);
                    return Ok(body);
                }
                Ok(Answer { status, body, .. })
                    if status < 500 && body["error"]["temporary"] != true =>
                {
                    return Err(format!("{method} {path} was refused with {status}: {body}"));
                }
                // Every answer has a body that says what it is, a panic's too.
                Ok(Answer { status, body, .. }) if body["error"]["code"].is_null() => {
                    return Err(format!("{method} {path}: {status} without an error"));
                }
                Ok(_) => {}
                Err(why) => return Err(format!("{method} {path} was not answered: {why}")),
            }
            self.tally.repeated += 1;
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!(
            "{method} {path} was not carried out in {TRIES_MAX} tries"
        ))
    }

    fn repaired(&mut self, tries: u32, clock: Clock) {
        if tries > 0 {
            let took = clock.nanos() / 1_000_000;
            self.tally.longest_repair_ms = self.tally.longest_repair_ms.max(took);
        }
    }
}
