//! One agent: a session, and everything that came out of it.

use std::time::Duration;

use bridge_core::policy::Role;
use bridge_core::{ClientId, Epoch, RoomId, Seq};
use tokio::sync::{mpsc, watch};

use super::screen::{Shown, show};
use crate::client::session::within;
use crate::client::{Address, ClientError, Mail, NewPost, Session, Token};
use crate::wire::frame::{ResumeBody, ResumedBody, RoomEvent, ServerFrame};

/// How long an agent waits for what it reacts to, the others' thinking not counted. On loopback
/// everything takes milliseconds; this is for a busy machine with a slow disk.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// Beats of thinking in the whole story, with some to spare.
const BEATS_MAX: u32 = 100;

/// What the agents share.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    /// The server.
    pub(super) address: &'a Address,
    /// How long a beat of thinking is.
    pub(super) pace: Duration,
    /// The last event that the observer has received. It tells an agent without a connection what
    /// it could not know, so that the story needs no blind waiting.
    pub(super) head: watch::Sender<Seq>,
}

impl Stage<'_> {
    /// The longest time that anybody has to wait for anything.
    pub(super) fn patience(&self) -> Duration {
        WAIT_MAX + self.pace.saturating_mul(BEATS_MAX)
    }

    /// Waits until the observer has received this event.
    pub(super) async fn reaches(&self, seq: Seq, what: &'static str) -> Result<(), ClientError> {
        let mut head = self.head.subscribe();
        within(self.patience(), what, async {
            let reached = head.wait_for(|head| *head >= seq).await.map(drop);
            reached.map_err(|_| ClientError::Lost("the observer is gone".to_owned()))
        })
        .await
    }
}

/// One agent.
#[derive(Debug)]
pub(super) struct Agent<'a> {
    stage: &'a Stage<'a>,
    client: ClientId,
    token: Token,
    lines: mpsc::Sender<Shown>,
    is_observer: bool,
    session: Option<Session>,
    sessions: u64,
    epoch: Option<Epoch>,
    room: Option<RoomId>,
    log: Vec<RoomEvent>,
    /// How much of the log this agent has reacted to.
    mark: usize,
}

/// What an agent received.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) client: ClientId,
    pub(super) sessions: u64,
    pub(super) events: Vec<RoomEvent>,
}

impl<'a> Agent<'a> {
    pub(super) fn new(
        stage: &'a Stage<'a>,
        (client, token): (ClientId, Token),
        lines: mpsc::Sender<Shown>,
    ) -> Self {
        Self {
            stage,
            client,
            token,
            lines,
            is_observer: false,
            session: None,
            sessions: 0,
            epoch: None,
            room: None,
            log: Vec::new(),
            mark: 0,
        }
    }

    /// What this agent's session receives is what the screen shows.
    pub(super) fn into_observer(mut self) -> Self {
        self.is_observer = true;
        self
    }

    pub(super) const fn stage(&self) -> &'a Stage<'a> {
        self.stage
    }

    /// Everything that was received, in order.
    pub(super) fn log(&self) -> &[RoomEvent] {
        &self.log
    }

    /// The last event that was received.
    pub(super) fn cursor(&self) -> Seq {
        self.log.last().map_or(Seq::ZERO, |event| event.seq)
    }

    /// Opens a session. In a room already, it goes on after the last event of the log.
    pub(super) async fn connect(&mut self) -> Result<Option<ResumedBody>, ClientError> {
        let stage = self.stage;
        let mut session = Session::connect(stage.address, &self.client, &self.token).await?;
        let resume = self.room.clone().map(|room| ResumeBody {
            epoch: self.epoch,
            rooms: [(room, self.cursor())].into(),
            broadcast: None,
        });
        let welcome = session.hello(resume.as_ref(), Mail::Left).await?;
        self.epoch = Some(welcome.epoch);
        self.session = Some(session);
        self.sessions += 1;
        let resumed = self
            .room
            .as_ref()
            .and_then(|room| welcome.resumed.get(room))
            .cloned();
        if resume.is_none() {
            self.note(format!("connected: session {}", welcome.session))?;
        }
        Ok(resumed)
    }

    /// Connects, and becomes a member who reads everything from the first event on.
    pub(super) async fn enter(&mut self, room: &RoomId, role: Role) -> Result<(), ClientError> {
        self.connect().await?;
        self.room = Some(room.clone());
        self.session()?
            .join(room, Some(role), None, Some(Seq::ZERO))
            .await?;
        Ok(())
    }

    /// The room that this agent has made.
    pub(super) fn made(&mut self, room: RoomId) {
        self.room = Some(room);
    }

    pub(super) fn room(&self) -> Result<RoomId, ClientError> {
        self.room
            .clone()
            .ok_or_else(|| ClientError::Lost("there is no room yet".to_owned()))
    }

    /// The session, which is there but for the time between a cut and a comeback.
    pub(super) fn session(&mut self) -> Result<&mut Session, ClientError> {
        self.session
            .as_mut()
            .ok_or_else(|| ClientError::Lost("there is no session".to_owned()))
    }

    /// Cuts the connection without a word to the server.
    pub(super) fn cut(&mut self) {
        self.session = None;
    }

    pub(super) async fn goodbye(mut self) -> Self {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
        self
    }

    pub(super) fn into_log(self) -> Log {
        Log {
            client: self.client,
            sessions: self.sessions,
            events: self.log,
        }
    }

    /// Thinks for some beats, and listens meanwhile.
    pub(super) async fn think(&mut self, beats: u32) -> Result<(), ClientError> {
        let thought = tokio::time::sleep(self.stage.pace.saturating_mul(beats));
        tokio::pin!(thought);
        loop {
            tokio::select! {
                biased;
                () = &mut thought => return Ok(()),
                heard = self.hear() => heard?,
            }
        }
    }

    /// Says something in the room.
    pub(super) async fn say(&mut self, post: &NewPost) -> Result<RoomEvent, ClientError> {
        let room = self.room()?;
        self.session()?.post(&room, post).await
    }

    /// Waits for the first event that fits, among those that it has not reacted to yet.
    pub(super) async fn wait_for(
        &mut self,
        what: &'static str,
        fits: impl Fn(&RoomEvent) -> bool,
    ) -> Result<RoomEvent, ClientError> {
        let patience = self.stage.patience();
        let search = async {
            loop {
                while let Some(event) = self.log.get(self.mark) {
                    self.mark += 1;
                    if fits(event) {
                        return Ok(event.clone());
                    }
                }
                self.hear().await?;
            }
        };
        within(patience, what, search).await
    }

    /// Listens until it has received this event.
    pub(super) async fn catch_up(&mut self, to: Seq) -> Result<(), ClientError> {
        let patience = self.stage.patience();
        let reading = async {
            while self.cursor() < to {
                self.hear().await?;
            }
            Ok(())
        };
        within(patience, "catching up", reading).await
    }

    /// Tells the screen something about this agent that no event says.
    pub(super) fn note(&self, text: String) -> Result<(), ClientError> {
        self.show(Shown::Note {
            who: self.client.clone(),
            text,
        })
    }

    /// Takes in one frame. It can be given up at any time: nothing happens between receiving a
    /// frame and keeping it.
    async fn hear(&mut self) -> Result<(), ClientError> {
        let Some(frame) = self.session()?.next().await? else {
            return Err(ClientError::Lost("the server said goodbye".to_owned()));
        };
        match frame {
            ServerFrame::Event(event) if self.room.as_ref() == Some(&event.room) => {
                if self.is_observer {
                    self.show(Shown::Event(event.clone()))?;
                    self.stage.head.send_replace(event.seq);
                }
                self.log.push(event);
                Ok(())
            }
            ServerFrame::Presence {
                client,
                online,
                rooms,
            } if self.is_observer => {
                let is_here = self.room.as_ref().is_some_and(|room| rooms.contains(room));
                if is_here {
                    self.show(Shown::Presence { client, online })
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    fn show(&self, shown: Shown) -> Result<(), ClientError> {
        show(&self.lines, shown)
    }
}
