//! Clients that send each other messages while the server is killed: each message ends once, and
//! none comes after its recipient was told that it is done.

use std::collections::HashSet;
use std::sync::Arc;

use agent_bridge::client::RestClient;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::within;
use crate::chaos::correspondent::{Correspondent, Flaws, name};
use crate::chaos::life::Life;
use crate::chaos::server::Server;

const MEMBERS: usize = 8;
/// Messages that are looked at side by side.
const LOOKS_AT_ONCE: usize = 8;
/// Seconds that a look may wait for a message's end, and how often: a minute in all.
const WAIT_SECONDS: u64 = 15;
const WAITS_MAX: usize = 4;

/// All of them. Between two lives of the server they are at home.
#[derive(Debug)]
pub(super) struct Ring {
    members: Vec<Correspondent>,
    /// Who sent which, as far as its end was looked at.
    looked_at: HashSet<(usize, u64)>,
    flaws: Flaws,
    told: Vec<String>,
}

/// They are out.
#[derive(Debug)]
pub(super) struct Out {
    lives: JoinSet<Correspondent>,
    stop: watch::Sender<bool>,
    idle: Vec<watch::Receiver<bool>>,
}

/// A message that somebody sent: its number, its id.
type Sent = (usize, u64, String);

impl Ring {
    /// Makes them known.
    pub(super) async fn begin(server: &Server) -> Result<Self, String> {
        for number in 0..MEMBERS {
            let known = server.rest(&name(number))?.peek(1).await;
            known.map_err(|why| format!("{}: {why}", name(number)))?;
        }
        let members = (0..MEMBERS).map(|number| Correspondent::new(number, MEMBERS));
        Ok(Self {
            members: members.collect(),
            looked_at: HashSet::new(),
            flaws: Flaws::default(),
            told: Vec::new(),
        })
    }

    /// Everybody connects; they write if they may.
    pub(super) fn send_out(
        &mut self,
        server: &Server,
        life: &Arc<Life>,
        may_write: bool,
    ) -> Result<Out, String> {
        let stop = watch::Sender::new(false);
        let mut lives = JoinSet::new();
        let mut idle = Vec::new();
        for member in self.members.drain(..) {
            let token = server.token(&name(member.number))?;
            idle.push(member.goes_out());
            lives.spawn(member.live(Arc::clone(life), token, may_write, stop.subscribe()));
        }
        Ok(Out { lives, stop, idle })
    }

    /// Everybody comes home, because the server is gone or they are told to.
    pub(super) async fn come_home(&mut self, mut out: Out) -> Result<(), String> {
        out.stop.send_replace(true);
        while let Some(home) = within("a member to come home", out.lives.join_next()).await? {
            self.members
                .push(home.map_err(|why| format!("a member failed: {why}"))?);
        }
        self.members.sort_by_key(|member| member.number);
        Ok(())
    }

    /// Goes on until nothing is open and every message has ended.
    pub(super) async fn settle(&mut self, server: &Server, life: &Arc<Life>) -> Result<(), String> {
        // What was open is answered first, so that it is known which messages there are.
        self.until_idle(server, life).await?;
        let fresh = self.sent(|_, _| true);
        let mut out = self.send_out(server, life, false)?;
        self.ends(server, fresh).await?;
        until_all_idle(&mut out.idle).await?;
        self.come_home(out).await
    }

    async fn until_idle(&mut self, server: &Server, life: &Arc<Life>) -> Result<(), String> {
        let mut out = self.send_out(server, life, false)?;
        until_all_idle(&mut out.idle).await?;
        self.come_home(out).await
    }

    /// Looks at the messages whose recipients were told that they are done with them.
    pub(super) async fn look(&mut self, server: &Server) -> Result<(), String> {
        let fresh = self.sent(|recipient, id| recipient.done.contains(id));
        self.ends(server, fresh).await
    }

    /// What was sent and not looked at.
    fn sent(&self, is_wanted: impl Fn(&Correspondent, &str) -> bool) -> Vec<Sent> {
        let mut sent = Vec::new();
        for member in &self.members {
            let recipient = &self.members[(member.number + 1) % MEMBERS];
            for (&number, id) in &member.sent {
                let is_fresh = !self.looked_at.contains(&(member.number, number));
                if is_fresh && is_wanted(recipient, id) {
                    sent.push((member.number, number, id.clone()));
                }
            }
        }
        sent
    }

    /// Each must have ended once, and be done.
    async fn ends(&mut self, server: &Server, sent: Vec<Sent>) -> Result<(), String> {
        let mut looks = JoinSet::new();
        for (by, number, id) in sent {
            if looks.len() == LOOKS_AT_ONCE {
                self.looked(looks.join_next().await)?;
            }
            let rest = server.rest(&name(by))?;
            looks.spawn(async move { (by, number, end(&rest, &id).await) });
        }
        while let Some(looked) = looks.join_next().await {
            self.looked(Some(looked))?;
        }
        Ok(())
    }

    fn looked(
        &mut self,
        looked: Option<Result<Look, tokio::task::JoinError>>,
    ) -> Result<(), String> {
        let Some(looked) = looked else {
            return Ok(());
        };
        let (by, number, ends) = looked.map_err(|why| format!("a look failed: {why}"))?;
        self.looked_at.insert((by, number));
        match ends {
            Ok(ends) if ends == ["done"] => {}
            Ok(ends) => {
                self.flaws.not_ended_once += 1;
                self.told
                    .push(format!("message {number} of {} ended {ends:?}", name(by)));
            }
            Err(why) => {
                self.flaws.lost += 1;
                self.told
                    .push(format!("message {number} of {}: {why}", name(by)));
            }
        }
        Ok(())
    }

    /// What became of all of them. Only when everything has settled.
    pub(super) fn judge(&self) -> (Flaws, Vec<String>) {
        let (mut flaws, mut told) = (self.flaws.clone(), self.told.clone());
        for member in &self.members {
            flaws.late += member.flaws.late;
            flaws.twice += member.flaws.twice;
            told.extend(member.told.iter().cloned());
            let recipient = &self.members[(member.number + 1) % MEMBERS];
            let sent: HashSet<&String> = member.sent.values().collect();
            let never = sent
                .iter()
                .filter(|id| !recipient.handed.contains_key(**id));
            flaws.lost += never.count() as u64;
            let is_open = |number: &&u64| !self.looked_at.contains(&(member.number, **number));
            flaws.not_ended_once += member.sent.keys().filter(is_open).count() as u64;
            let strangers = recipient.handed.keys().filter(|id| !sent.contains(id));
            flaws.strangers += strangers.count() as u64;
        }
        (flaws, told)
    }

    /// How often they were refused for now.
    pub(super) fn refused(&self) -> u64 {
        self.members.iter().map(|member| member.refused).sum()
    }

    /// How many were sent, and how often one was handed over once more.
    pub(super) fn counts(&self) -> (u64, u64) {
        let sent: usize = self.members.iter().map(|member| member.sent.len()).sum();
        let times = self
            .members
            .iter()
            .flat_map(|member| member.handed.values());
        (sent as u64, times.map(|times| times - 1).sum())
    }
}

/// A message's sender, its number, and its ends.
type Look = (usize, u64, Result<Vec<String>, String>);

/// The ends in a message's history, once there is one.
async fn end(rest: &RestClient, id: &str) -> Result<Vec<String>, String> {
    let mut ends = Vec::new();
    for _ in 0..WAITS_MAX {
        let query = [("wait", WAIT_SECONDS.to_string())];
        let shown = rest.get(&["v1", "messages", id], &query).await;
        ends = ends_of(&shown.map_err(|why| why.to_string())?);
        if !ends.is_empty() {
            break;
        }
    }
    Ok(ends)
}

fn ends_of(shown: &Value) -> Vec<String> {
    let recipients = shown["recipients"].as_array().into_iter().flatten();
    let steps = recipients.flat_map(|recipient| recipient["history"].as_array());
    let stages = steps.flatten().filter_map(|step| step["stage"].as_str());
    let is_end = |stage: &&str| matches!(*stage, "done" | "expired" | "dead");
    stages.filter(is_end).map(str::to_owned).collect()
}

async fn until_all_idle(idle: &mut [watch::Receiver<bool>]) -> Result<(), String> {
    for member in idle {
        let settled = member.wait_for(|is_idle| *is_idle);
        let settled = within("a member to have nothing open", settled).await?;
        settled.map_err(|_| "a member is gone".to_owned())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_ends_of_a_message_are_counted() {
        let shown = |stages: &[&str]| {
            let history: Vec<Value> = stages.iter().map(|stage| json!({"stage": stage})).collect();
            json!({"recipients": [{"client": "bob", "history": history}]})
        };
        assert_eq!(ends_of(&shown(&["stored", "delivered", "done"])), ["done"]);
        assert_eq!(ends_of(&shown(&["stored", "done", "expired"])).len(), 2);
        assert!(ends_of(&shown(&["stored", "delivered"])).is_empty());
    }

    #[test]
    fn every_flaw_of_a_message_is_counted() {
        let judge = |tamper: fn(&mut Ring)| {
            let mut ring = Ring {
                members: (0..MEMBERS)
                    .map(|n| Correspondent::new(n, MEMBERS))
                    .collect(),
                looked_at: HashSet::new(),
                flaws: Flaws::default(),
                told: Vec::new(),
            };
            ring.members[0].sent.insert(1, "msg_1".to_owned());
            ring.members[1].handed.insert("msg_1".to_owned(), 1);
            ring.looked(Some(Ok((0, 1, Ok(vec!["done".to_owned()])))))
                .expect("a look");
            tamper(&mut ring);
            ring.judge().0
        };
        assert_eq!(judge(|_| ()), Flaws::default());
        assert_eq!(judge(|ring| ring.members[1].handed.clear()).lost, 1);
        let stranger = |ring: &mut Ring| {
            ring.members[1].handed.insert("msg_2".to_owned(), 1);
        };
        assert_eq!(judge(stranger).strangers, 1);
        let twice = |ring: &mut Ring| {
            let ends = vec!["done".to_owned(), "expired".to_owned()];
            ring.looked(Some(Ok((0, 1, Ok(ends))))).expect("a look");
        };
        assert_eq!(judge(twice).not_ended_once, 1);
        assert_eq!(judge(|ring| ring.looked_at.clear()).not_ended_once, 1);
        let gone = |ring: &mut Ring| {
            ring.looked(Some(Ok((0, 1, Err("not found".to_owned())))))
                .expect("a look");
        };
        assert_eq!(judge(gone).lost, 1);
    }
}
