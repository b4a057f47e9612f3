//! A room beside the one that fails, in which two talk as if nothing had happened.

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::chaos::peer::Peer;
use crate::chaos::server::Server;

/// How the names of what does not fail begin.
pub(super) const PREFIX: &str = "quiet-";

/// Two in a room.
#[derive(Debug)]
pub(super) struct Neighbour {
    stop: watch::Sender<bool>,
    talking: JoinHandle<Option<String>>,
}

impl Neighbour {
    /// Begins to talk.
    pub(super) async fn begin(server: &Server, pass: usize) -> Result<Self, String> {
        let room = format!("{PREFIX}{pass}");
        let mut one = Peer::connect(server, &format!("{PREFIX}{pass}-1")).await?;
        let mut other = Peer::connect(server, &format!("{PREFIX}{pass}-2")).await?;
        let hello = json!({"type": "hello", "messages": false});
        one.must(hello.clone()).await?;
        other.must(hello).await?;
        one.must(json!({"type": "create_room", "room": room}))
            .await?;
        other.must(json!({"type": "join", "room": room})).await?;
        let (stop, stopped) = watch::channel(false);
        let talking = tokio::spawn(talk(one, other, room, stopped));
        Ok(Self { stop, talking })
    }

    /// Ends it, and says what they noticed.
    pub(super) async fn end(self) -> Result<Option<String>, String> {
        self.stop.send_replace(true);
        self.talking.await.map_err(|why| why.to_string())
    }
}

async fn talk(
    mut one: Peer,
    mut other: Peer,
    room: String,
    stopped: watch::Receiver<bool>,
) -> Option<String> {
    let mut said = 0_u64;
    // Two posts each until they are told to stop, and one more.
    loop {
        let is_last = *stopped.borrow();
        let post = json!({"type": "post", "room": room, "text": format!("{said}"), "key": said.to_string()});
        match one.ask(post).await {
            Ok(event) if event["type"] == "event" => {}
            Ok(other) => return Some(other.to_string()),
            Err(why) => return Some(why),
        }
        match heard(&mut other, said).await {
            Ok(()) => {}
            Err(why) => return Some(why),
        }
        said += 1;
        if is_last {
            return None;
        }
    }
}

async fn heard(peer: &mut Peer, said: u64) -> Result<(), String> {
    loop {
        let frame: Value = peer.next().await?;
        if frame["type"] == "bye" || frame["type"] == "rejected" {
            return Err(frame.to_string());
        }
        if frame["kind"] == "posted" {
            let text = said.to_string();
            if frame["text"] == text {
                return Ok(());
            }
            return Err(format!("instead of {said} came {frame}"));
        }
    }
}
