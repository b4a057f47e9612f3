//! What can be seen from outside: messages and members over REST.

use std::time::Duration;

use agent_bridge::system::SystemClock;
use agent_bridge::wire::time;
use bridge_core::Timestamp;
use bridge_core::ports::Clock as _;
use serde_json::Value;

use super::{LOOK_EVERY, PATIENCE, Trial, holder};
use crate::clock::nanos;

impl Trial {
    /// When each lease ended of those who do not come back by themselves, by the server's own record
    /// of it. They are looked at when they should have ended.
    pub(super) async fn released(
        &self,
        messages: &[String],
        from: usize,
        look_at: u64,
    ) -> Result<Vec<(String, u64)>, String> {
        tokio::time::sleep(self.world.clock.until(look_at)).await;
        let stays: Vec<String> = (0..from).map(holder).collect();
        let mut all = Vec::new();
        for message in messages {
            let mut released = Vec::new();
            self.until("every lease is released", async || {
                let shown = self.get(&["v1", "messages", message]).await?;
                let recipients = shown["recipients"].as_array().into_iter().flatten();
                let leases = recipients.map(|one| {
                    let client = one["client"].as_str().unwrap_or_default().to_owned();
                    (client, returned_at(one))
                });
                let others = leases.filter(|(client, _)| !stays.contains(client));
                released = others.collect();
                Ok(released.iter().all(|(_, at)| at.is_some()))
            })
            .await?;
            let moments = released.into_iter();
            all.extend(moments.filter_map(|(client, at)| Some((client, self.moment(at?)))));
        }
        Ok(all)
    }

    /// A time of the wall clock as one of ours. Both are of this machine.
    pub(super) fn moment(&self, at: Timestamp) -> u64 {
        let (wall, own) = (SystemClock.now(), self.world.clock.nanos());
        let ago = u64::try_from(wall.millis_since(at)).unwrap_or_default();
        own.saturating_sub(nanos(Duration::from_millis(ago)))
    }

    pub(super) async fn until_all(&self, messages: &[String], stage: &str) -> Result<(), String> {
        for message in messages {
            let path = ["v1", "messages", message];
            let has_come = async || {
                let shown = self.get(&path).await?;
                let mut recipients = shown["recipients"].as_array().into_iter().flatten();
                Ok(recipients.all(|one| one["stage"] == stage))
            };
            self.until(&format!("everybody's message is {stage}"), has_come)
                .await?;
        }
        Ok(())
    }

    /// Looks again and again; says when it was so.
    pub(super) async fn until(
        &self,
        what: &str,
        mut is_so: impl AsyncFnMut() -> Result<bool, String>,
    ) -> Result<u64, String> {
        let deadline = self.world.clock.nanos() + nanos(PATIENCE);
        while !is_so().await? {
            if self.world.clock.nanos() > deadline {
                return Err(format!("it never came to this: {what}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(self.world.clock.nanos())
    }

    pub(super) async fn post(&self, path: &[&str], body: Value) -> Result<Value, String> {
        let answer = self.host.post(path, &body, None).await;
        answer.map_err(|why| why.to_string())
    }

    pub(super) async fn get(&self, path: &[&str]) -> Result<Value, String> {
        let answer = self.host.get(path, &[]).await;
        answer.map_err(|why| why.to_string())
    }
}

/// When a recipient's attempt ended without a confirmation.
fn returned_at(recipient: &Value) -> Option<Timestamp> {
    let mut steps = recipient["history"].as_array()?.iter();
    let returned = steps.find(|step| step["stage"] == "returned")?;
    time::from_text(returned["at"].as_str()?)
}

/// Members of a room who are there. Its creator has no session.
pub(super) fn online(room: &Value) -> usize {
    let members = room["members"].as_array().into_iter().flatten();
    members.filter(|member| member["online"] == true).count()
}
