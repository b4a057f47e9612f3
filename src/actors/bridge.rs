//! The server's inside, as its transports see it: one cheap handle with methods.

mod acknowledge;
mod clients;
mod correspondents;
mod decisions;
mod drain;
mod history;
mod mailbox;
mod measure;
mod messages;
mod near;
mod read;
mod supervision;
mod threads;
mod todo;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bridge_core::command::{CreateRoom, Join, Key, PasswordProof, RoomCommand, room_named_after};
use bridge_core::event::Stream;
use bridge_core::id::Incarnation;
use bridge_core::mailbox::{MailboxCommand, Rules};
use bridge_core::policy::{Policy, Role};
use bridge_core::ports::{Ids, Store};
use bridge_core::room::RoomView;
use bridge_core::text::Topic;
use bridge_core::{ClientId, IdempotencyKey, MessageId, Principal, Reject, RoomId, limits};
use tokio::sync::watch;

use super::broadcast::{self, BroadcastKind};
use super::faults::Faults;
use super::follower::{self, Follower};
use super::handle::{BroadcastHandle, MailboxHandle, RoomHandle};
use super::mailbox::MailboxKind;
use super::reads::Reads;
use super::registry::{Awake, Sessions};
use super::room::{self, RoomKind};
use super::supervisor::{Child, Tree};
use super::ticket::{About, Answered, Receipt, Ticket, answered};
use super::timekeeper::{self, Timekeeper};
use crate::clock::ServerClock;
use crate::log_writer::LogHandle;
use crate::passwords::Passwords;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::spans::Spans;

pub use acknowledge::Acknowledgement;
pub use decisions::Shown;
pub use drain::Chance;
pub use history::MessageHistory;
pub use mailbox::{Confirmed, MailboxAsked, MailboxPage};
pub use messages::Sent;
pub use read::{EventsAsked, EventsPage, PostsPage};
pub use todo::Todo;

/// What an operator, or a test, may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// Sessions of one client.
    pub sessions_per_client: usize,
    /// Sessions in all.
    pub sessions_total: usize,
    /// Between two pings of the server.
    pub heartbeat: Duration,
    /// How long frames may wait for a socket that takes none of them.
    pub write_within: Duration,
    /// How long a room, or a mailbox, that nobody uses stays awake.
    pub room_idle: Duration,
    /// Leases and attempts of messages.
    pub rules: Rules,
    /// For tests.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sessions_per_client: limits::SESSIONS_PER_CLIENT,
            sessions_total: limits::SESSIONS_TOTAL,
            heartbeat: limits::HEARTBEAT,
            write_within: limits::WRITE_WITHIN,
            room_idle: limits::ROOM_IDLE,
            rules: Rules::default(),
            faults: Faults::default(),
        }
    }
}

/// What the server's inside is made of.
pub struct Parts {
    /// The writing side of the log.
    pub log: LogHandle,
    /// Its reading side.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: ServerClock,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Room passwords.
    pub passwords: Passwords,
    /// What somebody chose.
    pub options: Options,
    /// What is measured.
    pub metrics: Metrics,
    /// Where messages are followed.
    pub spans: Spans,
}

/// The server's inside.
#[derive(Clone)]
pub struct Bridge(Arc<Inside>);

struct Inside {
    log: LogHandle,
    reads: Reads,
    clock: ServerClock,
    ids: Arc<dyn Ids>,
    passwords: Passwords,
    options: Options,
    metrics: Metrics,
    spans: Spans,
    rooms: Awake<RoomId, RoomKind>,
    mailboxes: Awake<ClientId, MailboxKind>,
    broadcasts: Awake<(), BroadcastKind>,
    known: clients::Known,
    timekeeper: Timekeeper,
    follower: Follower,
    sessions: Sessions,
    draining: watch::Sender<Option<drain::ComeBack>>,
    incarnations: AtomicU64,
    tree: Tree,
}

impl std::fmt::Debug for Bridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bridge").finish_non_exhaustive()
    }
}

/// A room that somebody wants to make.
#[derive(Debug)]
pub struct NewRoom {
    /// Its id; without one the server makes one.
    pub room: Option<RoomId>,
    /// What it is about.
    pub topic: Topic,
    /// What one must know to join, if anything.
    pub password: Option<String>,
    /// Who may do what.
    pub policy: Policy,
}

impl Bridge {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inside {
            log: parts.log,
            reads: Reads::new(parts.store, parts.metrics.clone()),
            clock: parts.clock,
            ids: parts.ids,
            passwords: parts.passwords,
            options: parts.options,
            metrics: parts.metrics,
            spans: parts.spans,
            rooms: Awake::new("rooms", limits::ROOMS_AWAKE_MAX),
            mailboxes: Awake::new("mailboxes", limits::MAILBOXES_AWAKE_MAX),
            broadcasts: Awake::new("broadcast", 1),
            known: clients::Known::default(),
            timekeeper: Timekeeper::default(),
            follower: Follower::default(),
            sessions: Sessions::default(),
            draining: watch::Sender::new(None),
            incarnations: AtomicU64::new(0),
            tree: Tree::new(),
        }))
    }

    pub(super) fn log(&self) -> &LogHandle {
        &self.0.log
    }

    pub(super) fn reads(&self) -> &Reads {
        &self.0.reads
    }

    pub(super) fn rooms(&self) -> &Awake<RoomId, RoomKind> {
        &self.0.rooms
    }

    pub(super) fn mailboxes(&self) -> &Awake<ClientId, MailboxKind> {
        &self.0.mailboxes
    }

    pub(super) fn broadcasts(&self) -> &Awake<(), BroadcastKind> {
        &self.0.broadcasts
    }

    fn known(&self) -> &clients::Known {
        &self.0.known
    }

    pub(super) fn timekeeper(&self) -> &Timekeeper {
        &self.0.timekeeper
    }

    pub(super) fn follower(&self) -> &Follower {
        &self.0.follower
    }

    /// The broadcast stream, awake. It must be called on a thread that runs actors.
    pub(super) fn broadcast(&self) -> Result<BroadcastHandle, Reject> {
        let may_start = |has_died| self.may_start::<BroadcastKind>(&Stream::Broadcast, has_died);
        let start = || broadcast::wake(self);
        let stream = self.0.broadcasts.get(&(), may_start, start);
        stream.map(BroadcastHandle::from)
    }

    /// Carries out a command to a mailbox and waits until its outcome is durable.
    pub(super) async fn ask_mailbox(
        &self,
        client: &ClientId,
        command: MailboxCommand,
        by: Principal,
        key: Option<Key>,
    ) -> Answered {
        self.mailbox(client)?.ask(command, by, key).await
    }

    /// Tells a client's sessions what became of a message that it sent, if it has any.
    pub(super) fn report_if_awake(&self, client: &ClientId, receipt: crate::wire::encode::Receipt) {
        if let Some(mailbox) = self.0.mailboxes.find(client) {
            MailboxHandle::from(mailbox).report_now(receipt);
        }
    }

    /// What runs in the background for as long as the server does: the clock of what is due, and
    /// the effects that records have on other streams.
    pub async fn run_background(self) {
        let (tree, clock) = (self.tree(), self.clock());
        tokio::join!(
            tree.keep_running(Child::Timekeeper, clock, || timekeeper::run(self.clone())),
            tree.keep_running(Child::Follower, clock, || follower::run(self.clone())),
        );
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &ServerClock {
        &self.0.clock
    }

    /// New ids.
    #[must_use]
    pub fn ids(&self) -> &dyn Ids {
        &*self.0.ids
    }

    /// What somebody chose.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// What is measured.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Where messages are followed.
    #[must_use]
    pub fn spans(&self) -> &Spans {
        &self.0.spans
    }

    /// Which life of the log it is.
    #[must_use]
    pub fn epoch(&self) -> bridge_core::Epoch {
        self.0.reads.epoch()
    }

    /// A new message's id.
    #[must_use]
    pub fn new_message(&self) -> MessageId {
        self.0.ids.message()
    }

    pub(super) fn next_incarnation(&self) -> Incarnation {
        Incarnation::new(self.0.incarnations.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Where a test makes the server fail.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.options.faults
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.0.tree
    }

    /// Rooms that are awake.
    #[must_use]
    pub fn rooms_awake(&self) -> usize {
        self.0.rooms.count()
    }

    /// Live sessions.
    #[must_use]
    pub fn sessions_total(&self) -> usize {
        self.0.sessions.total()
    }

    /// Whether the log can still be written, and what it has done.
    #[must_use]
    pub fn log_health(&self) -> &Arc<crate::log_writer::Health> {
        self.0.log.health()
    }

    /// A room, awake. It must be called on a thread that runs actors.
    ///
    /// # Errors
    /// When too many rooms are awake.
    pub fn room(&self, room: &RoomId) -> Result<RoomHandle, Reject> {
        let stream = || Stream::Room(room.clone());
        let may_start = |has_died| self.may_start::<RoomKind>(&stream(), has_died);
        let handle = self
            .0
            .rooms
            .get(room, may_start, || room::wake(self, room))?;
        Ok(RoomHandle::from(handle))
    }

    /// Carries out a command and waits until its outcome is durable.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn command(
        &self,
        room: &RoomId,
        command: RoomCommand,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Answered {
        let enters = matches!(command, RoomCommand::Create(_) | RoomCommand::Join(_));
        let about = About::Room(room.clone());
        let (ticket, answer) = Ticket::caller(about, enters.then(|| by.clone()));
        let ticket = ticket.measured(self.measure_command(room, &command, &by));
        let key = key.map(|word| Key::new(word, &command));
        self.room(room)?.submit(command, by, key, ticket);
        answered(answer).await
    }

    /// Makes a room.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn create_room(
        &self,
        new: NewRoom,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Answered {
        let room = match (new.room, &key) {
            (Some(room), _) => room,
            (None, Some(key)) => room_named_after(by.client(), key),
            (None, None) => self.made_up_name(),
        };
        by.allows(bridge_core::principal::Action::UseRoom(&room))?;
        self.may_enter_another_room(&room, &by, key.as_ref())
            .await?;
        let password = match new.password {
            Some(password) => Some(self.0.passwords.hash(password).await?),
            None => None,
        };
        let NewRoom { topic, policy, .. } = new;
        let create = CreateRoom {
            room: room.clone(),
            topic,
            policy,
            password,
        };
        self.command(&room, RoomCommand::Create(create), by, key)
            .await
    }

    /// The end of a fresh id is random.
    fn made_up_name(&self) -> RoomId {
        let digits = self.0.ids.uuid().simple().to_string();
        let name = format!("room-{}", &digits[20..]);
        name.parse()
            .expect("letters, digits and a hyphen make a good name")
    }

    /// Becomes a member of a room.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn join_room(
        &self,
        room: &RoomId,
        role: Option<Role>,
        password: Option<String>,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Answered {
        self.may_enter_another_room(room, &by, key.as_ref()).await?;
        let proof = self.prove(room, password, &by).await?;
        self.command(room, RoomCommand::Join(Join { role, proof }), by, key)
            .await
    }

    async fn prove(
        &self,
        room: &RoomId,
        password: Option<String>,
        by: &Principal,
    ) -> Result<PasswordProof, Reject> {
        let Some(password) = password else {
            return Ok(PasswordProof::None);
        };
        by.allows(bridge_core::principal::Action::UseRoom(room))?;
        // A room that is not visible refuses the join itself, after it has looked at the key.
        let hash = match self.room(room)?.password(by.clone()).await {
            Ok(Some(hash)) => hash,
            Ok(None) | Err(Reject::RoomNotFound(_)) => return Ok(PasswordProof::None),
            Err(reject) => return Err(reject),
        };
        let fits = self.0.passwords.fits(password, hash.clone()).await?;
        Ok(if fits {
            PasswordProof::Matches(hash)
        } else {
            PasswordProof::Wrong
        })
    }

    /// All of a client's rooms go live at its hello, so their number is bounded. A repeat of what
    /// reached the bound gets its receipt.
    async fn may_enter_another_room(
        &self,
        room: &RoomId,
        by: &Principal,
        key: Option<&IdempotencyKey>,
    ) -> Result<(), Reject> {
        let (client, key) = (by.client().clone(), key.cloned());
        let stream = Stream::Room(room.clone());
        let read = move |store: &dyn Store| {
            if store.membership_count(&client)? < limits::CLIENT_ROOMS_MAX as u64 {
                return Ok(true);
            }
            match key {
                Some(word) => store
                    .key(&stream, &client, &word)
                    .map(|found| found.is_some()),
                None => Ok(false),
            }
        };
        if self.0.reads.run(read).await? {
            return Ok(());
        }
        Err(Reject::TooManyRooms {
            max: limits::CLIENT_ROOMS_MAX,
        })
    }

    /// What a principal may see of a room.
    ///
    /// # Errors
    /// When it may not know that there is one.
    pub async fn view(&self, room: &RoomId, by: Principal) -> Result<RoomView, Reject> {
        by.allows(bridge_core::principal::Action::UseRoom(room))?;
        let view = self.room(room)?.view(by).await;
        view.map_err(|reject| reject.as_asked(room))
    }
}

/// What a caller gets of a receipt for a command that enters a room.
///
/// # Errors
/// When the receipt was made without it.
pub fn view_of(receipt: &Receipt) -> Result<&RoomView, Reject> {
    receipt.view.as_ref().ok_or_else(|| Reject::Internal {
        detail: "a receipt without its room".into(),
    })
}
