//! A bridge without a network, and a session that a test plays.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bridge_core::command::{Post, RoomCommand};
use bridge_core::fake::{CountingIds, Fault, MemoryLog, MemoryStore};
use bridge_core::message::{AckStage, Body, MessageKind, Outgoing, Priority, Recipients, Trace};
use bridge_core::policy::Policy;
use bridge_core::ports::{Clock, Ids, Log};
use bridge_core::text::Topic;
use bridge_core::{
    ChannelName, Epoch, MessageId, Moment, Principal, Reject, RoomId, Scopes, Seq, Timestamp,
};
use bytes::BytesMut;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::actors::bridge::{Acknowledgement, NewRoom, Parts, Sent};
use crate::actors::outbox::OutboxBody;
use crate::actors::ticket::Answered;
use crate::actors::{Bridge, Connection, Faults, Gate, Inbound, Options, open};
use crate::clock::ServerClock;
use crate::log_writer;
use crate::passwords::{Cost, Passwords};
use crate::system::SystemClock;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::spans::Spans;
use crate::wire::frame::{
    AckFrame, ClientFrame, Hello, InRoom, Inbound as Asked, PostBody, Ref, ResumeBody, RoomRequest,
};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bridge, its store and its clock.
pub(super) struct House {
    pub(super) bridge: Bridge,
    pub(super) store: MemoryStore,
    pub(super) clock: SetForward,
}

/// The machine's clock, which a test sets forward. No time goes by when it does.
#[derive(Debug, Clone, Default)]
pub(super) struct SetForward(Arc<AtomicI64>);

impl SetForward {
    pub(super) fn by(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for SetForward {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::Relaxed);
        SystemClock.now().plus_millis(ahead)
    }

    fn moment(&self) -> Moment {
        SystemClock.moment()
    }
}

/// Runs a test where actors can run.
pub(super) fn run(test: impl Future<Output = ()>) {
    actix::System::new().block_on(async {
        tokio::time::timeout(6 * PATIENCE, test)
            .await
            .expect("the test ends");
    });
}

pub(super) fn house(faults: &[Fault], hooks: Faults, room_idle: Duration) -> House {
    let store = MemoryStore::new(Epoch::from_uuid(Uuid::from_u128(1)));
    let mut log = MemoryLog::new(store.clone());
    for fault in faults {
        log.inject(*fault);
    }
    let reopen = Box::new(|| Err("there is no other log".to_owned()));
    house_with(store, Box::new(log), reopen, hooks, room_idle)
}

/// With a log of the test's own over the store.
pub(super) fn house_with(
    store: MemoryStore,
    log: Box<dyn Log>,
    reopen: log_writer::Reopen,
    hooks: Faults,
    room_idle: Duration,
) -> House {
    let options = Options {
        room_idle,
        faults: hooks,
        ..Options::default()
    };
    house_at(SetForward::default(), store, log, reopen, options)
}

/// By a clock of the test's own.
fn house_at(
    clock: SetForward,
    store: MemoryStore,
    log: Box<dyn Log>,
    reopen: log_writer::Reopen,
    options: Options,
) -> House {
    let metrics = Metrics::new();
    let (log, _thread) =
        log_writer::start(log, reopen, metrics.log()).expect("a thread for the log");
    let bridge = Bridge::new(Parts {
        log,
        store: Arc::new(store.clone()),
        clock: ServerClock::new(Arc::new(clock.clone()), Timestamp::default()),
        ids: Arc::new(CountingIds::default()) as Arc<dyn Ids>,
        passwords: Passwords::new(Cost {
            memory_kib: 8,
            passes: 1,
        })
        .expect("a cheap cost"),
        options,
        metrics,
        spans: Spans::off(),
    });
    House {
        bridge,
        store,
        clock,
    }
}

pub(super) fn somebody(name: &str) -> Principal {
    Principal::new(name.parse().expect("a name"), Scopes::default())
}

pub(super) fn room(name: &str) -> RoomId {
    name.parse().expect("a name")
}

impl House {
    /// Another process on the same store. This one must not be used any more.
    pub(super) fn restarted(&self) -> Self {
        let log = Box::new(MemoryLog::new(self.store.clone()));
        let reopen = Box::new(|| Err("there is no other log".to_owned()));
        let options = self.bridge.options().clone();
        house_at(self.clock.clone(), self.store.clone(), log, reopen, options)
    }

    pub(super) async fn create(&self, name: &str, by: &str) -> Answered {
        let new = NewRoom {
            room: Some(room(name)),
            topic: Topic::none(),
            password: None,
            policy: Policy::default(),
        };
        self.bridge.create_room(new, somebody(by), None).await
    }

    /// Somebody shows a token for the first time.
    pub(super) async fn meet(&self, name: &str) {
        self.bridge.meet(&somebody(name)).await;
    }

    pub(super) async fn send(
        &self,
        to: &[&str],
        by: &str,
        text: &str,
        key: Option<&str>,
    ) -> Result<Sent, Reject> {
        let to = to.iter().map(|name| name.parse().expect("a name"));
        let message = Outgoing {
            id: self.bridge.new_message(),
            to: Recipients::clients(to.collect()).expect("some clients"),
            body: Body::Text(text.parse().expect("a text")),
            kind: MessageKind::Message,
            priority: Priority::default(),
            ttl_seconds: 3_600,
            reply_to: None,
            expects_reply: None,
            keep: false,
            trace_given: None,
            trace: Trace::begin(Uuid::from_u128(1)),
            metadata: None,
        };
        let key = key.map(|word| word.parse().expect("a key"));
        self.bridge.send(message, somebody(by), key).await
    }

    pub(super) async fn ack(
        &self,
        id: MessageId,
        by: &str,
        stage: AckStage,
    ) -> Result<Sent, Reject> {
        let reason = None;
        let said = Acknowledgement { id, stage, reason };
        self.bridge.acknowledge(said, somebody(by), None).await
    }

    /// Somebody asks something of a room.
    pub(super) async fn ask(&self, name: &str, by: &str, command: RoomCommand) -> Answered {
        let by = somebody(by);
        self.bridge.command(&room(name), command, by, None).await
    }

    pub(super) async fn post(
        &self,
        name: &str,
        by: &str,
        text: &str,
        key: Option<&str>,
    ) -> Answered {
        let post = RoomCommand::Post(Post {
            id: self.bridge.new_message(),
            channel: ChannelName::main(),
            text: text.parse().expect("a text"),
            reply_to: None,
            reply_seq: None,
            metadata: None,
        });
        let key = key.map(|word| word.parse().expect("a key"));
        self.bridge
            .command(&room(name), post, somebody(by), key)
            .await
    }
}

/// A session whose client is the test.
pub(super) struct Player {
    requests: mpsc::Sender<Inbound>,
    body: OutboxBody,
    gate: Gate,
    bytes: BytesMut,
    frames: VecDeque<Value>,
}

impl Player {
    /// Connects and says hello.
    pub(super) async fn connect(house: &House, name: &str) -> Self {
        Self::resume(house, name, &[]).await
    }

    /// Connects and says up to where it has read.
    pub(super) async fn resume(house: &House, name: &str, read: &[(&str, u64)]) -> Self {
        let (requests, mut inbound) = mpsc::channel(100);
        let connection = Connection {
            principal: somebody(name),
            expires_at: Timestamp::from_millis(i64::MAX),
            hang_up: Box::new(|| {}),
        };
        let mut gate = None;
        let body = open(&house.bridge, connection, |its| {
            gate = Some(its);
            futures_util::stream::poll_fn(move |cx| inbound.poll_recv(cx))
        });
        let gate = gate.expect("the session has a gate");
        let (bytes, frames) = (BytesMut::new(), VecDeque::new());
        let mut player = Self {
            requests,
            body,
            gate,
            bytes,
            frames,
        };
        let rooms = read.iter().map(|(name, seq)| (room(name), Seq::new(*seq)));
        let resume = ResumeBody {
            epoch: None,
            broadcast: None,
            rooms: rooms.collect(),
        };
        let hello = Hello {
            messages: true,
            resume: Some(resume),
        };
        player.ask(None, ClientFrame::Hello(hello)).await;
        player.expect("welcome").await;
        player
    }

    /// Posts, under a word to know the answer by.
    pub(super) async fn post(&self, name: &str, text: &str, reference: &str) {
        self.answer(name, text, None, reference).await;
    }

    /// Posts an answer to a message.
    pub(super) async fn answer(
        &self,
        name: &str,
        text: &str,
        reply_to: Option<MessageId>,
        reference: &str,
    ) {
        let post = PostBody {
            channel: ChannelName::main(),
            text: text.parse().expect("a text"),
            reply_to,
            metadata: None,
        };
        let asked = InRoom {
            room: Some(room(name)),
            key: None,
            request: RoomRequest::Post(post),
        };
        self.ask(Some(reference), ClientFrame::InRoom(asked)).await;
    }

    /// Says what it has to say of a message.
    pub(super) async fn ack(&self, id: MessageId, stage: AckStage, reference: &str) {
        let reason = None;
        let ack = AckFrame { id, stage, reason };
        self.ask(Some(reference), ClientFrame::Ack(None, ack)).await;
    }

    async fn ask(&self, reference: Option<&str>, frame: ClientFrame) {
        let window = Arc::clone(self.gate.window()).acquire_owned().await;
        let asked = Asked {
            reference: reference.map(|word| Ref(word.into())),
            frame,
        };
        let request = Inbound::Request(Ok(asked), window.expect("the window is open"));
        self.requests
            .send(request)
            .await
            .expect("the session lives");
    }

    /// The next frame of a type; events come in order, so others of them may not be skipped.
    pub(super) async fn expect(&mut self, kind: &str) -> Value {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.next())
                .await
                .unwrap_or_else(|_| panic!("no {kind} came"));
            if frame["type"] == kind {
                return frame;
            }
            assert_eq!(frame["type"], "presence", "waiting for {kind}: {frame}");
        }
    }

    async fn next(&mut self) -> Value {
        while self.frames.is_empty() {
            let chunk = self.body.next().await.expect("the body goes on");
            self.bytes
                .extend_from_slice(&chunk.expect("it cannot fail"));
            self.take_frames();
        }
        self.frames.pop_front().expect("there is one")
    }

    fn take_frames(&mut self) {
        while self.bytes.len() >= 2 {
            let (start, len) = match self.bytes[1] {
                126 if self.bytes.len() >= 4 => (
                    4,
                    usize::from(u16::from_be_bytes([self.bytes[2], self.bytes[3]])),
                ),
                126 | 127 => return,
                short => (2, usize::from(short)),
            };
            if self.bytes.len() < start + len {
                return;
            }
            let is_text = self.bytes[0] == 0x81;
            let frame = self.bytes.split_to(start + len);
            if is_text {
                let frame = serde_json::from_slice(&frame[start..]).expect("JSON");
                self.frames.push_back(frame);
            }
        }
    }
}

/// Waits for something that nobody announces.
pub(super) async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await; // tidy: bounded poll
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it comes true");
}
