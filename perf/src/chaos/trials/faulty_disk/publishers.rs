//! Clients that post with keys, as fast as they are acknowledged, and remember what they were told,
//! and how long the machine's journal was then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::chaos::peer::Peer;
use crate::chaos::server::Server;

/// Posts of one client that are not answered yet.
const IN_FLIGHT: usize = 4;
/// How long a client is silent that was refused.
const AFTER_REFUSAL: Duration = Duration::from_millis(50);
/// How long publishers that were told to stop may take for what is under way.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// An event that somebody was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chaos::trials) struct Told {
    pub(in crate::chaos::trials) room: usize,
    pub(in crate::chaos::trials) seq: u64,
    /// The text of a post; of other events their kind.
    pub(in crate::chaos::trials) what: String,
    /// Which client was told. It was a member then.
    pub(in crate::chaos::trials) client: usize,
    /// Whether it is the answer to that client's post.
    pub(in crate::chaos::trials) is_answer: bool,
    /// Bytes of the machine's journal, at the latest: what made this durable is among them.
    pub(in crate::chaos::trials) journal: u64,
}

/// What all of them were told.
#[derive(Debug, Default)]
pub(in crate::chaos::trials) struct Said {
    pub(in crate::chaos::trials) told: Vec<Told>,
    /// Texts of posts that were refused for certain, and the words of all refusals.
    pub(in crate::chaos::trials) refused: Vec<String>,
    pub(in crate::chaos::trials) refusals: BTreeMap<String, u64>,
    /// Posts that nobody answered.
    pub(in crate::chaos::trials) unanswered: u64,
    /// How connections ended that were not closed by their client.
    pub(in crate::chaos::trials) ended: BTreeMap<String, u64>,
}

impl Said {
    pub(in crate::chaos::trials) fn acknowledged(&self) -> u64 {
        let own = self.told.iter().filter(|told| told.is_answer);
        own.count() as u64
    }

    fn add(&mut self, other: Self) {
        self.told.extend(other.told);
        self.refused.extend(other.refused);
        self.unanswered += other.unanswered;
        for (word, times) in other.refusals {
            *self.refusals.entry(word).or_default() += times;
        }
        for (why, times) in other.ended {
            *self.ended.entry(why).or_default() += times;
        }
    }
}

/// How far they are.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::chaos::trials) struct Progress {
    /// Clients that are members of their room.
    pub(in crate::chaos::trials) entered: usize,
    pub(in crate::chaos::trials) acknowledged: u64,
    pub(in crate::chaos::trials) refused: u64,
    /// Clients whose connection has ended.
    pub(in crate::chaos::trials) ended: usize,
}

/// All of them, while they post.
pub(in crate::chaos::trials) struct Publishers {
    tasks: JoinSet<Said>,
    progress: watch::Receiver<Progress>,
    stop: watch::Sender<bool>,
}

pub(in crate::chaos::trials) fn room_name(number: usize) -> String {
    format!("room-{number}")
}

pub(in crate::chaos::trials) fn client_name(number: usize) -> String {
    format!("writer-{number}")
}

impl Publishers {
    /// They come in, make their rooms and post, spread evenly.
    pub(in crate::chaos::trials) fn begin(
        server: &Arc<Server>,
        clients: usize,
        rooms: usize,
        journal: Option<&Path>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (sender, progress) = watch::channel(Progress::default());
        let sender = Arc::new(sender);
        let mut tasks = JoinSet::new();
        for number in 0..clients {
            let publisher = Publisher {
                number,
                room: number % rooms,
                journal: journal.map(Path::to_owned),
                posts: 0,
                open: BTreeSet::new(),
                said: Said::default(),
                progress: Arc::clone(&sender),
            };
            tasks.spawn(publisher.run(Arc::clone(server), stopped.clone()));
        }
        Self {
            tasks,
            progress,
            stop,
        }
    }

    pub(in crate::chaos::trials) fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Waits until it is so.
    pub(in crate::chaos::trials) async fn until(
        &mut self,
        what: &str,
        within: Duration,
        is_so: impl FnMut(&Progress) -> bool,
    ) -> Result<Progress, String> {
        let waiting = async { self.progress.wait_for(is_so).await.map(|found| *found) };
        match tokio::time::timeout(within, waiting).await {
            Ok(Ok(progress)) => Ok(progress),
            Ok(Err(_)) => Err(format!("every publisher ended before {what}")),
            Err(_) => Err(format!(
                "{what} did not happen within {within:?}: {:?}",
                self.progress()
            )),
        }
    }

    /// Lets them finish what is under way, and returns what they were told.
    pub(in crate::chaos::trials) async fn stop(mut self) -> Result<Said, String> {
        self.stop.send_replace(true);
        let mut all = Said::default();
        let ending = async {
            while let Some(ended) = self.tasks.join_next().await {
                all.add(ended.map_err(|why| format!("a publisher: {why}"))?);
            }
            Ok::<(), String>(())
        };
        let ended = tokio::time::timeout(STOPPED_WITHIN, ending).await;
        ended.map_err(|_| "a publisher did not come to its end".to_owned())??;
        Ok(all)
    }
}

struct Publisher {
    number: usize,
    room: usize,
    journal: Option<PathBuf>,
    posts: u64,
    /// Posts that are not answered, by their `ref`, which is their text.
    open: BTreeSet<String>,
    said: Said,
    progress: Arc<watch::Sender<Progress>>,
}

impl Publisher {
    async fn run(mut self, server: Arc<Server>, mut stopped: watch::Receiver<bool>) -> Said {
        let posting = async {
            let mut peer = self.enter(&server).await?;
            self.progress.send_modify(|progress| progress.entered += 1);
            self.post(&mut peer, &mut stopped).await
        };
        if let Err(why) = posting.await {
            *self.said.ended.entry(why).or_default() += 1;
            self.progress.send_modify(|progress| progress.ended += 1);
        }
        self.said.unanswered += self.open.len() as u64;
        self.said
    }

    /// Makes the room, or joins it when another one was faster.
    async fn enter(&mut self, server: &Server) -> Result<Peer, String> {
        let mut peer = Peer::watching(server, &client_name(self.number)).await?;
        let room = room_name(self.room);
        let made = peer
            .ask(json!({"type": "create_room", "room": room, "key": "made"}))
            .await?;
        if made["type"] == "rejected" {
            let join = json!({"type": "join", "room": room, "key": "joined"});
            peer.must(join).await?;
        } else {
            self.take(&made)?;
        }
        Ok(peer)
    }

    async fn post(
        &mut self,
        peer: &mut Peer,
        stopped: &mut watch::Receiver<bool>,
    ) -> Result<(), String> {
        let mut is_stopping = false;
        loop {
            while !is_stopping && self.open.len() < IN_FLIGHT {
                let text = format!("{}/{}", client_name(self.number), self.posts);
                self.posts += 1;
                self.open.insert(text.clone());
                peer.send(&self.frame(&text)).await?;
            }
            if self.open.is_empty() {
                return Ok(());
            }
            tokio::select! {
                came = peer.next() => {
                    if self.take(&came?)? == Taken::Refusal {
                        tokio::time::sleep(AFTER_REFUSAL).await;
                    }
                }
                _ = stopped.changed(), if !is_stopping => is_stopping = true,
            }
        }
    }

    fn frame(&self, text: &str) -> Value {
        let room = room_name(self.room);
        json!({"type": "post", "room": room, "text": text, "key": text, "ref": text})
    }

    /// Takes in what came.
    fn take(&mut self, frame: &Value) -> Result<Taken, String> {
        match frame["type"].as_str() {
            Some("event") => self.told(frame),
            Some("rejected") => Ok(self.rejected(frame)),
            Some("bye") => Err(format!("bye {}", frame["code"])),
            _ => Ok(Taken::Else),
        }
    }

    fn told(&mut self, frame: &Value) -> Result<Taken, String> {
        let seq = frame["seq"].as_u64().ok_or("an event without a seq")?;
        let what = frame["text"].as_str().or_else(|| frame["kind"].as_str());
        let what = what.ok_or("an event without a kind")?.to_owned();
        let is_answer = self.open.remove(&what);
        let journal = match &self.journal {
            Some(path) => path
                .metadata()
                .map_err(|why| format!("{}: {why}", path.display()))?
                .len(),
            None => 0,
        };
        self.said.told.push(Told {
            room: self.room,
            seq,
            what,
            client: self.number,
            is_answer,
            journal,
        });
        if is_answer {
            self.progress
                .send_modify(|progress| progress.acknowledged += 1);
        }
        Ok(Taken::Else)
    }

    fn rejected(&mut self, frame: &Value) -> Taken {
        let code = frame["code"].as_str().unwrap_or("no code");
        *self.said.refusals.entry(code.to_owned()).or_default() += 1;
        if let Some(text) = frame["ref"].as_str()
            && self.open.remove(text)
        {
            // The outcome of the others is known: they were not carried out.
            if code != "outcome_unknown" {
                self.said.refused.push(text.to_owned());
            }
        }
        self.progress.send_modify(|progress| progress.refused += 1);
        Taken::Refusal
    }
}

#[derive(PartialEq, Eq)]
enum Taken {
    Refusal,
    Else,
}
