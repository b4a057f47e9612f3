//! What can be seen from outside: messages and members over REST.

use serde_json::Value;

use super::{LOOK_EVERY, PATIENCE, Trial, holder};
use crate::clock::nanos;

impl Trial {
    /// When all messages of those who do not come back by themselves had been returned.
    pub(super) async fn released(
        &self,
        messages: &[String],
        from: usize,
        at: u64,
    ) -> Result<u64, String> {
        let clock = self.world.clock;
        tokio::time::sleep(clock.until(at + nanos(2 * self.heartbeat))).await;
        let stays: Vec<String> = (0..from).map(holder).collect();
        let is_returned = |recipient: &Value| {
            let steps = recipient["history"].as_array().into_iter().flatten();
            let mut steps = steps.map(|step| step["stage"].as_str().unwrap_or_default());
            steps.any(|stage| stage == "returned")
        };
        for message in messages {
            self.until("every lease is released", async || {
                let shown = self.get(&["v1", "messages", message]).await?;
                let recipients = shown["recipients"].as_array().into_iter().flatten();
                let mut others = recipients.filter(|one| {
                    let client = one["client"].as_str().unwrap_or_default();
                    !stays.iter().any(|name| name == client)
                });
                Ok(others.all(is_returned))
            })
            .await?;
        }
        Ok(clock.nanos())
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

/// Members of a room who are there. Its creator has no session.
pub(super) fn online(room: &Value) -> usize {
    let members = room["members"].as_array().into_iter().flatten();
    members.filter(|member| member["online"] == true).count()
}
