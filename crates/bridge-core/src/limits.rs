//! Every bound in the system: a named constant, its unit, and why it is what it is.
//!
//! The unit is the last word but one of the name. A bound that an operator may change has its
//! default here and its key in `config/default.toml`.

use std::time::Duration;

// ---- what people write ---------------------------------------------------------------------

/// Characters in a client, room or channel name: fits a terminal column and a file name.
pub const NAME_CHARS_MAX: usize = 64;
/// Characters in an idempotency key: a UUID or a hash with a prefix.
pub const KEY_CHARS_MAX: usize = 128;
/// Characters in a `ref`: it is only echoed, so it needs no more than a counter or a UUID.
pub const REF_CHARS_MAX: usize = 128;
/// Characters in a message's text: several pages; longer things are files.
pub const TEXT_CHARS_MAX: usize = 10_000;
/// Characters in the topic of a room or channel.
pub const TOPIC_CHARS_MAX: usize = 256;
/// Characters in a reason.
pub const REASON_CHARS_MAX: usize = 1_000;
/// Characters in a room's password: a passphrase; longer ones only make hashing dearer.
pub const PASSWORD_CHARS_MAX: usize = 256;
/// Bytes of a payload or of a message's metadata, as compact JSON.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// Levels of nesting in any JSON that comes in: deeper ones are only ever an attack.
pub const JSON_DEPTH_MAX: usize = 32;
/// Members mentioned in one message: beyond this the text is a list, not a call.
pub const MENTIONS_MAX: usize = 50;

// ---- time ----------------------------------------------------------------------------------

/// By one part in how many the server's time is slower than time itself while the wall clock, which
/// was set back, catches up with it: a lease of a quarter of an hour is a second longer, and an hour
/// is made good in six weeks, or by the next start.
pub const CLOCK_SLOWER_BY_ONE_IN: u64 = 1_000;
/// How much further than time itself the wall clock must have gone to have been set: more than
/// what a clock that is disciplined over the network is put right by.
pub const CLOCK_STEP_MIN: Duration = Duration::from_secs(1);
/// How often the wall clock was set forward is remembered up to this number, the latest times: it is
/// an accident, or a lid that is closed, and a lease outlasts few of them.
pub const CLOCK_STEPS_REMEMBERED_MAX: usize = 64;

/// How far the log may be ahead of the wall clock for a start to go on from the log: a clock that was
/// set back, by hand or over the network. Further, and one of the two is so wrong that it is better
/// to trust the clock that people see.
pub const CLOCK_BEHIND_LOG_MAX: Duration = Duration::from_secs(24 * 3_600);
/// By how much what the store says of its newest record may be too early: it is noted at most this
/// often.
pub const LATEST_NOTED_EVERY: Duration = Duration::from_secs(1);

// ---- what a room holds ---------------------------------------------------------------------

/// Members of a room: a room's state is held and copied whole.
pub const ROOM_MEMBERS_MAX: usize = 2_000;
/// Standing grants of a room to clients, members or not.
pub const ROOM_GRANTS_MAX: usize = 4_000;
/// Channels of a room, `main` included.
pub const ROOM_CHANNELS_MAX: usize = 200;
/// Rooms of one client: all of them go live at its `hello`.
pub const CLIENT_ROOMS_MAX: usize = 1_000;
/// Recent idempotency keys that a room keeps in memory; older ones are found by the log's index.
pub const RECENT_KEYS_MAX: usize = 1_024;
/// Recent message ids that a room keeps in memory to check `reply_to`; older ones are looked up.
pub const RECENT_MESSAGES_MAX: usize = 1_024;
/// Vote weight of a role: enough to say "decides alone", small enough for exact sums.
pub const VOTE_WEIGHT_MILLI_MAX: u32 = 1_000_000;

// ---- what a decision holds -----------------------------------------------------------------

/// Motions of a room that are not decided yet: each holds its electorate and its texts in memory.
pub const OPEN_DECISIONS_MAX: usize = 64;
/// Of these, motions of one proposer: nobody alone keeps others from proposing.
pub const OPEN_DECISIONS_OF_ONE_MAX: usize = 8;
/// Voters of all open motions of a room together: when a room is closed, all of them end in one append.
pub const OPEN_VOTERS_MAX: usize = 20_000;
/// Motions of which a room remembers how they ended; of older ones the log knows.
pub const CLOSED_DECISIONS_REMEMBERED: usize = 10_000;
/// Seconds until a motion's deadline when its proposer does not say: a day.
pub const DECISION_SECONDS_DEFAULT: u32 = 24 * 3_600;
/// Seconds until a motion's deadline at most: ninety days.
pub const DECISION_SECONDS_MAX: u32 = 90 * 24 * 3_600;
/// Seconds that veto holders have to vote when the policy does not say.
pub const VETO_WINDOW_SECONDS_DEFAULT: u32 = 60;
/// Seconds that a policy may give them at most: a week.
pub const VETO_WINDOW_SECONDS_MAX: u32 = 7 * 24 * 3_600;
/// Clients whom a policy may name as veto holders: each is looked for in it at every proposal.
pub const VETO_CLIENTS_MAX: usize = 100;
/// Amendments of a motion that are neither adopted nor lapsed: each holds a text in memory.
pub const OPEN_AMENDMENTS_MAX: usize = 8;
/// Of these, amendments of one author.
pub const OPEN_AMENDMENTS_OF_ONE_MAX: usize = 2;
/// Amendments of a motion in all.
pub const AMENDMENTS_MAX: u32 = 100;
/// Records of a motion, first ballots, vetoes and blocking critiques beyond it not counted: whoever asks
/// for it is told all of them.
pub const DECISION_RECORDS_MAX: usize = 5_000;
/// Of these, records of one member: nobody alone uses up what all have.
pub const RECORDS_OF_ONE_MAX: usize = 50;
/// Arguments of one side about a motion.
pub const ARGUMENTS_OF_A_SIDE_MAX: usize = 100;
/// Arguments of one member about a motion.
pub const ARGUMENTS_OF_ONE_MAX: usize = 10;
/// Critiques of a motion by one member, in all.
pub const CRITIQUES_OF_ONE_MAX: usize = 20;
/// Blocking critiques of a motion by one member that stand: a majority waives each by itself.
pub const BLOCKING_OF_ONE_MAX: usize = 3;
/// Critiques of a room's messages that are neither resolved nor waived.
pub const OPEN_CRITIQUES_MAX: usize = 1_000;
/// Of these, critiques of one member.
pub const OPEN_CRITIQUES_OF_ONE_MAX: usize = 50;
/// Sums of weights that are looked at to tell one voter's real power: some milliseconds.
pub const POWER_SUMS_MAX: usize = 1_000_000;
/// Messages of a thread that are told, the oldest ones: whoever asks for one page of it has it put
/// together as far as that.
pub const THREAD_POSTS_MAX: usize = 1_000;
/// Answers upon answers in a thread that are followed, up and down: each may be a look-up.
pub const THREAD_DEPTH_MAX: usize = 200;
/// Things that wait for a client which it is told at once: more than anybody gets through before it
/// asks again.
pub const TODO_ITEMS_MAX: usize = 100;
/// Characters of the text of one of them: enough to know it again. Who acts reads the whole.
pub const TODO_TEXT_CHARS_MAX: usize = 200;
/// Open motions of a client's rooms that are looked at to tell what waits for it, the most urgent first.
pub const TODO_MOTIONS_MAX: usize = 500;
/// Rooms that are asked for it: each may have to be read.
pub const TODO_ROOMS_MAX: usize = 100;
/// Bytes of the open motions that a room's state shows: whoever joins is told them in one frame, with
/// the members, and an outbox must hold it. Who wants more asks for the list.
pub const OPEN_DECISIONS_BYTES_MAX: usize = 512 * 1024;
/// Pieces of evidence for one argument.
pub const EVIDENCE_MAX: usize = 10;
/// Characters of one of them: enough for addresses that people use.
pub const EVIDENCE_CHARS_MAX: usize = 1_024;

// ---- direct messages -----------------------------------------------------------------------

/// The most urgent priority.
pub const PRIORITY_MAX: u8 = 3;
/// By how much one step of priority is worth an earlier arrival: a message of priority 0 waits at
/// most three of these behind a flood of priority 3, and is then as urgent as what comes in.
pub const PRIORITY_STEP: Duration = Duration::from_secs(60);
/// Clients in one list of recipients: more than that is a room.
pub const RECIPIENTS_MAX: usize = 100;
/// Bytes of a message times its recipients: each gets a copy, and its sender reads all of them.
pub const COPIES_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Messages of a mailbox that are neither seen nor ended; then senders are told `mailbox_full`.
pub const MAILBOX_MESSAGES_MAX: usize = 10_000;
/// Messages that left a mailbox's memory lately and whose stage it still knows; for older ones the
/// store is asked.
pub const RECENT_STAGES_MAX: usize = 4_096;
/// Receipts kept for a client that is away. Older ones give way: every stage can be read for as
/// long as the log is kept.
pub const RECEIPTS_KEPT_MAX: usize = 1_000;
/// Seconds for which a message waits when its sender does not say: a week.
pub const TTL_SECONDS_DEFAULT: u32 = 7 * 24 * 3_600;
/// Seconds for which a message to `all` is news when its sender does not say.
pub const BROADCAST_TTL_SECONDS_DEFAULT: u32 = 3_600;
/// Seconds for which a message may wait at most: 30 days.
pub const TTL_SECONDS_MAX: u32 = 30 * 24 * 3_600;
/// Messages in a causal chain: a long conversation fits, a storm does not last.
pub const TRACE_HOPS_MAX: u32 = 100;
/// How long a session's client may take to confirm a message. Default of `messages.lease_seconds`.
pub const LEASE: Duration = Duration::from_secs(300);
/// How long a caller may take to call again: a model may think for twenty minutes. Default of
/// `messages.call_lease_seconds`.
pub const CALL_LEASE: Duration = Duration::from_secs(3_600);
/// Attempts that may fail before a message is a dead letter. Default of `messages.attempts`.
pub const ATTEMPTS_MAX: u32 = 5;
/// How long a message waits after an attempt of which its recipient said that it failed, by how
/// often it has failed.
pub const RETRY_AFTER_FAILED: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];
/// How long it waits after an attempt that was cut off. The first time not at all: whoever comes
/// back finds what it missed. Then longer, so that neither a network that flaps nor a message that
/// kills its reader uses up the attempts within seconds.
pub const RETRY_AFTER_CUT: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
];
/// Attempts that were cut off after which a message is taken to be what cuts them off, and is handed
/// over without another such one beside it: once happens to everybody, and what is handed over with
/// a message that kills its reader is cut off with it.
pub const CUTS_BEFORE_ALONE: usize = 2;
/// Records that follow from one sweep over what is due in a mailbox; the rest follows at once.
pub const DUE_RECORDS_MAX: usize = 256;
/// Messages on their way into the socket of one session: few enough that an urgent one does not
/// wait behind many, enough to fill a write.
pub const DELIVERY_WINDOW_MESSAGES: usize = 32;
/// Bytes of those messages.
pub const DELIVERY_WINDOW_BYTES: usize = 256 * 1024;
/// Names that are offered for a recipient that is not known.
pub const NEAR_NAMES_MAX: usize = 3;
/// By how many characters the length of such a name may differ: two slips of the finger.
pub const NEAR_NAMES_CHARS_APART_MAX: usize = 2;
/// Known clients that are looked at for those.
pub const NEAR_NAMES_LOOKED_AT_MAX: usize = 5_000;
/// Records of handing one message over that are remembered, the latest ones, so that a call's
/// confirmation finds its messages.
pub const DELIVERIES_REMEMBERED_MAX: usize = 16;
/// Attempts that an operator may allow: the report of a dead letter has a line for each.
pub const ATTEMPTS_ALLOWED_MAX: u32 = 16;

// ---- the log -------------------------------------------------------------------------------

/// Rows in one transaction: past this the fsync is already shared enough.
pub const BATCH_ROWS_MAX: usize = 512;
/// Bytes in one transaction, so that large messages do not make a batch slow.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Drafts queued for the writer: sixteen full batches, a fraction of a second's work.
pub const LOG_QUEUE_DRAFTS_MAX: usize = 8_192;
/// Bytes queued for the writer.
pub const LOG_QUEUE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Errands (fences, snapshots) queued for the writer, apart from the drafts.
pub const LOG_ERRANDS_MAX: usize = 2_048;
/// Records between two snapshots of a room: bounds how long it takes to wake it.
pub const SNAPSHOT_EVERY_RECORDS: u64 = 1_000;
/// Frames (pages of 4 KiB) of write-ahead log from which on it is copied into the database: 128 MiB.
/// The more at once, the fewer pages are written in all. A start after a crash reads them.
pub const WAL_FRAMES_COPIED_FROM: u64 = 32_768;
/// Frames that may be left then, to be copied while nothing is written: 1 MiB, and as many more each time.
pub const WAL_FRAMES_FINISHED: u64 = 256;
/// Frames from which on it begins anew whatever is left, and its file is cut: 256 MiB.
pub const WAL_FRAMES_MAX: u64 = 65_536;
/// How long the writer is idle before it checkpoints what it wrote.
pub const CHECKPOINT_IDLE: Duration = Duration::from_millis(250);
/// How long the writer waits for readers when it cuts a write-ahead log: they hold it for a page.
pub const CHECKPOINT_WAIT: Duration = Duration::from_millis(100);
/// How long the writer goes on looking for what became of a commit that PostgreSQL did not answer,
/// before the outcome counts as unknown and clients repeat: a restart of the database. The last look
/// may take some ten seconds more.
pub const COMMIT_RESOLVED_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks for it.
pub const COMMIT_LOOKED_FOR_EVERY: Duration = Duration::from_millis(100);
/// Between two looks whether a store that did not answer is there again.
pub const STORE_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);
/// Between two times that a store with nothing to do is asked whether it is there, and still ours.
pub const STORE_ASKED_EVERY: Duration = Duration::from_secs(5);
/// Bytes of a filter that says what is logged: some dozens of modules.
pub const LOG_FILTER_BYTES_MAX: usize = 1_024;
/// Between two times that what was measured is worked off: each measurement takes eight bytes.
pub const METRICS_UPKEEP_EVERY: Duration = Duration::from_secs(1);
/// Greatest value of `metrics.identity_values_max`: names or pairs of them, up to seven series each.
pub const IDENTITY_VALUES_MAX: usize = 1_000;
/// Spans that wait to be taken to a collector; more are dropped, and counted. A few hundred bytes each.
pub const SPANS_QUEUE_MAX: usize = 4_096;
/// Spans in one request to a collector.
pub const SPANS_AT_ONCE_MAX: usize = 512;
/// How long a span waits for others, to be taken with them.
pub const SPANS_GATHERED_FOR: Duration = Duration::from_millis(200);
/// How long a collector may take for a request.
pub const SPANS_TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a collector's answer that are read: it says how many spans it did not take.
pub const SPANS_ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Rest after a request that a collector did not take.
pub const SPANS_REST_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Between two lines of the log that say that a collector takes nothing.
pub const SPANS_COMPLAINED_EVERY: Duration = Duration::from_secs(60);
/// How long the spans that are left when the server stops may take.
pub const SPANS_LAST_WITHIN: Duration = Duration::from_secs(1);
/// Sessions whose getting a post, or a message to all, has a span of its own. There may be thousands.
pub const SPANS_OF_RECEIVERS_MAX: usize = 16;
/// How long one batch may be on its way to the disk before the server says that it is not ready, and
/// takes nothing more to be written: a hundred times a slow fsync. What waits is not given up; disks
/// do come back.
pub const LOG_STALLED_AFTER: Duration = Duration::from_secs(10);
/// How long a call waits for its outcome; then it is told that it is not known. Longer than a log
/// may take to be called stalled, and less than the half minute after which callers give up.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Records in one page of the log that is read back at once.
pub const PAGE_RECORDS_MAX: usize = 500;
/// Records in a page when the reader names no number.
pub const PAGE_RECORDS_DEFAULT: usize = 50;
/// Bytes of stored bodies in one page: a page of large messages must not be a large allocation.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Streams whose head the writer keeps in memory; the others are read again.
pub const HEADS_CACHED_MAX: usize = 65_536;

// ---- rooms in memory -----------------------------------------------------------------------

/// Rooms that are awake at once; more are answered `busy` until one has gone to sleep.
pub const ROOMS_AWAKE_MAX: usize = 20_000;
/// Commands that wait in one room.
pub const ROOM_QUEUE_COMMANDS_MAX: usize = 4_096;
/// Bytes of commands that wait in one room.
pub const ROOM_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Framed events that a room keeps for readers who are nearly current.
pub const TAIL_RECORDS_MAX: usize = 256;
/// Bytes of those frames.
pub const TAIL_BYTES_MAX: usize = 256 * 1024;
/// How long a room with no session and no command stays awake.
pub const ROOM_IDLE: Duration = Duration::from_secs(300);
/// Messages that the owner of a stream handles before it lets its neighbours on the same thread have
/// their turn: a hot room must not hold up the others for longer than a millisecond or two.
pub const TURN_MESSAGES_MAX: u32 = 64;

// ---- supervision ---------------------------------------------------------------------------

/// Failures of one child in [`RESTART_WITHIN`] before its supervisor gives up on it. For the log's
/// writing side that is the end of the process.
pub const RESTARTS_MAX: usize = 5;
/// The window of [`RESTARTS_MAX`].
pub const RESTART_WITHIN: Duration = Duration::from_secs(30);
/// How long a child rests after its second failure; it doubles with each one. After the first it
/// begins anew at once.
pub const RESTART_REST: Duration = Duration::from_millis(100);
/// The longest rest.
pub const RESTART_REST_MAX: Duration = Duration::from_secs(5);
/// Children that may be given up in [`GIVEN_UP_WITHIN`]. More than that is no accident of one room:
/// the process ends, and whoever watches it starts it anew.
pub const GIVEN_UP_MAX: usize = 3;
/// The window of [`GIVEN_UP_MAX`].
pub const GIVEN_UP_WITHIN: Duration = Duration::from_secs(60);
/// Streams that are held back. When there are more, the oldest one gets another chance.
pub const QUARANTINED_MAX: usize = 1_000;
/// Failing children whose failures are remembered. Beyond it the calm ones are forgotten, and then
/// the others, which forgives them.
pub const FAILING_REMEMBERED_MAX: usize = 1_000;

// ---- mailboxes in memory -------------------------------------------------------------------

/// Mailboxes that are awake at once; more are answered `busy` until one has gone to sleep.
pub const MAILBOXES_AWAKE_MAX: usize = 20_000;
/// Commands that wait in one mailbox, or on the broadcast stream.
pub const MAILBOX_QUEUE_COMMANDS_MAX: usize = 4_096;
/// Bytes of commands that wait in one of them.
pub const MAILBOX_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of messages that a mailbox keeps in memory after they were stored, so that a session that
/// is there gets them without a read.
pub const MAILBOX_BODIES_BYTES_MAX: usize = 256 * 1024;
/// Attempts that one command ends: a session that is lost may have had thousands of messages.
pub const RETURNED_AT_ONCE_MAX: usize = 256;
/// Clients that the server remembers to be known, so that a request need not ask their mailbox.
pub const CLIENTS_REMEMBERED_MAX: usize = 100_000;
/// Mailboxes that are told at once that something is due in them.
pub const DUE_MAILBOXES_MAX: usize = 256;
/// Rooms that are told at once that time has decided something in them: each may have to be read.
pub const DUE_ROOMS_MAX: usize = 64;
/// Before a message is offered again that was changing when its turn came, in milliseconds: for the
/// case that the change does not land. One that lands offers it at once.
pub const CHANGING_LOOK_AGAIN_MILLIS: i64 = 1_000;
/// Between two looks at what is due: what comes together is told together.
pub const DUE_LOOKS_APART: Duration = Duration::from_millis(10);
/// Before a mailbox, or a room, is told again that something is overdue in it: what was told needs a
/// moment. It doubles while nothing comes of it.
pub const DUE_LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Before another look when the store could not be asked what is due.
pub const DUE_RETRY: Duration = Duration::from_secs(1);
/// Longest sleep while nothing is due.
pub const DUE_SLEEP_MAX: Duration = Duration::from_secs(60);
/// Longest sleep until something is due without a look at the clock: it may have been set forward.
pub const DUE_CLOCK_LOOK: Duration = Duration::from_secs(1);
/// Longest time until a mailbox, or a room, is told again in which something stays overdue: it is out
/// of order, or the disk is full.
pub const DUE_OVERDUE_SLEEP_MAX: Duration = Duration::from_secs(5);
/// Longest sleep until the end of a back-off, for clocks that jump.
pub const RETRY_SLEEP_MAX: Duration = Duration::from_secs(60);
/// Before what was written to a session is handed to the log again, when it could not take it.
pub const HANDED_AGAIN: Duration = Duration::from_millis(200);
/// Records with effects on other streams that are read at once.
pub const FOLLOW_UPS_PAGE_MAX: usize = 64;
/// Effects that are brought about side by side.
pub const FOLLOW_UPS_AT_ONCE_MAX: usize = 8;
/// Before an effect that could not be brought about is tried again, the first time; it doubles.
pub const FOLLOW_UPS_RETRY: Duration = Duration::from_secs(1);
/// Longest time between two tries of one effect, and between two looks at all of them.
pub const FOLLOW_UPS_RETRY_MAX: Duration = Duration::from_secs(60);
/// Effects of which the follower remembers that they failed, or are done and not forgotten yet; past
/// this it begins anew, which brings some about once more.
pub const FOLLOW_UPS_REMEMBERED_MAX: usize = 10_000;
/// Mailboxes that get a message to several side by side.
pub const MAILBOXES_AT_ONCE_MAX: usize = 8;

// ---- presence ------------------------------------------------------------------------------

/// How long presence changes gather before they are told, so that a reconnect is not news.
pub const PRESENCE_EVERY: Duration = Duration::from_secs(1);
/// Changes told in one round; the rest waits for the next.
pub const PRESENCE_CHANGES_MAX: usize = 32;
/// Sessions in a room beyond which presence is only read, never pushed: pushing it to everybody
/// costs the square of the members.
pub const PRESENCE_SESSIONS_MAX: usize = 128;

// ---- sessions ------------------------------------------------------------------------------

/// Sessions of one client; the newest replaces the stalest. Default of `sessions.per_client`.
pub const SESSIONS_PER_CLIENT: usize = 10;
/// Sessions in all; then new ones are refused. Default of `sessions.total`.
pub const SESSIONS_TOTAL: usize = 1_000;
/// How long a new session may take to say `hello`.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// Between two pings of the server. Default of `sessions.heartbeat_seconds`.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// Heartbeats without a sign of life after which a session is dead.
pub const HEARTBEATS_MISSED_MAX: u32 = 2;
/// Bytes of one inbound frame, and of one message made of several: a payload, its text and names,
/// escaped.
pub const FRAME_BYTES_MAX: usize = 512 * 1024;
/// Requests of one session that are not answered yet; the socket is not read beyond them.
pub const IN_FLIGHT_REQUESTS_MAX: usize = 1_024;
/// Bytes of those requests.
pub const IN_FLIGHT_BYTES_MAX: usize = 1024 * 1024;
/// Notices from rooms that a session has not looked at yet: one for each of its rooms, and back.
pub const SESSION_NOTICES_MAX: usize = 2 * CLIENT_ROOMS_MAX;
/// Frames that wait for a session's socket.
pub const OUTBOX_FRAMES_MAX: usize = 4_096;
/// Bytes that wait for a session's socket. More than two of the largest frames.
pub const OUTBOX_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes kept back in every outbox for the last words: `rejected`, `bye`, pong, close.
pub const OUTBOX_RESERVE_BYTES: usize = 16 * 1024;
/// Bytes of one write to a socket: many frames a write are worth four times the throughput.
pub const WRITE_BYTES_MAX: usize = 32 * 1024;
/// Bytes of one read from a session's socket. Each thread has one buffer for all of its sessions.
pub const READ_BYTES_MAX: usize = 64 * 1024;
/// How long a session that catches up, or a stream of events, may stand still before it counts as
/// slow.
pub const CATCH_UP_STALL: Duration = Duration::from_secs(30);
/// How long frames may wait for a session's socket that takes none of them: longer than a hiccup of
/// a network or a pause of a client, and shorter than the two heartbeats after which one that says
/// nothing is dead.
pub const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Looks at a session's socket within [`WRITE_WITHIN`]: a stall is found a quarter late at most.
pub const WRITE_LOOKS: u32 = 4;
/// How long a closing session may take to write its last words before its socket is shut down.
pub const GOODBYE_WITHIN: Duration = Duration::from_secs(5);
/// How long a client that was told `bye` may take to close before its socket is shut down.
pub const AFTER_BYE: Duration = Duration::from_millis(500);
/// How long the last bytes may take into the socket of a client that closed first.
pub const AFTER_GOODBYE: Duration = Duration::from_millis(20);

// ---- connections ---------------------------------------------------------------------------

/// Connections besides those of all sessions and streams of events: requests over REST, and those
/// who are told that there is no more room. Beyond the sum a connection waits in the system's queue.
pub const CONNECTIONS_SPARE: usize = 512;
/// Connections where nothing but `/metrics` is served: a handful of scrapers and curious people.
pub const METRICS_CONNECTIONS_MAX: usize = 32;
/// Descriptors of one connection: its socket, and a second one by which it is shut down.
pub const CONNECTION_DESCRIPTORS: usize = 2;
/// Descriptors that are no connections: databases, threads, timers, logs.
pub const DESCRIPTORS_SPARE: usize = 128;
/// Bytes that the system may hold for each direction of a connection; it counts them twice, for what
/// it needs itself. Left to itself it holds many megabytes for a client that does not read. This is
/// 5 MB/s to somebody on the other side of the world.
pub const SOCKET_BUFFER_BYTES: usize = 256 * 1024;
/// How long the head of a connection's first request may take to come: a few packets, resent twice.
pub const REQUEST_HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may be idle between two requests, and how long the end of an answer may
/// stand still before it is cut.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a connection that is being closed is still read, so that its client gets the last
/// answer and not a reset.
pub const DISCONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long a connection may serve nothing, whatever it is doing: beginning a second request and
/// not ending it, or taking the rest of its last answer. A full page passes at 10 kB/s.
pub const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(120);
/// Between two looks at the connections that serve nothing.
pub const CONNECTIONS_LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long what was sent may go unacknowledged, or the other side's window stay shut, before the
/// system gives a connection up (Linux). Longer than two heartbeats and [`WRITE_WITHIN`], which say
/// goodbye first; it ends what they do not see, an answer over REST that nobody reads. Three
/// heartbeats where those are longer.
pub const UNACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(60);

// ---- REST ----------------------------------------------------------------------------------

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = FRAME_BYTES_MAX;
/// How long a request's body may take to come: half a megabyte over a slow line does.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a body that was refused may go on before its connection is shut down: its client reads
/// the refusal meanwhile.
pub const UNREAD_BODY_WITHIN: Duration = Duration::from_secs(1);
/// Bytes in pieces, of a body or a frame, for which no room is made ahead: nearly all are smaller.
pub const GATHERED_BYTES_FEW: usize = 16 * 1024;
/// Longest wait of a long poll: below the 60 s at which many clients and proxies give up.
pub const LONG_POLL_MAX: Duration = Duration::from_secs(55);
/// Streams of events in all; then new ones are refused. Each reads the log for itself, where
/// sessions share what a room tells, so there are fewer. Default of `sessions.event_streams`.
pub const EVENT_STREAMS_TOTAL: usize = 256;
/// Requests that read the database at once; as many connections are in the pool.
pub const READS_AT_ONCE_MAX: usize = 8;
/// How long a read waits for another connection to the database to be opened, which takes
/// milliseconds unless the system has no files to give.
pub const READ_CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long PostgreSQL may work on one statement that reads; then it gives up.
pub const READ_STATEMENT_WITHIN: Duration = Duration::from_secs(10);
/// How long a read waits for its turn. Reads take milliseconds: the ones in front of it hang.
pub const READ_TURN_WITHIN: Duration = Duration::from_secs(5);
/// How long whoever reads waits in all: for a turn, a connection and a statement. A database that
/// gives up by itself has done so by then; one that hangs has not.
pub const READ_WITHIN: Duration = Duration::from_secs(20);
/// How long `/ready` waits for the database to be read: less than what asks usually waits.
pub const READY_READ_WITHIN: Duration = Duration::from_secs(2);
/// Requests that wait to read the database.
pub const READS_WAITING_MAX: usize = 1_024;
/// Of those, how many may be of sessions that catch up. When all come back at once the others of them
/// wait for their turn, and requests still find a place.
pub const READS_IN_TURN_MAX: usize = 256;
/// Before another try to read when requests have taken every place.
pub const READ_AGAIN: Duration = Duration::from_millis(20);
/// Passwords hashed at once: hashing is memory-hard, so its sum must be small.
pub const PASSWORDS_AT_ONCE_MAX: usize = 2;
/// Passwords that wait to be hashed.
pub const PASSWORDS_WAITING_MAX: usize = 64;

// ---- tokens --------------------------------------------------------------------------------

/// Bytes of a token: ours are below 500.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Scopes in a token.
pub const TOKEN_SCOPES_MAX: usize = 32;
/// Seconds by which two machines' clocks may differ when a token is checked.
pub const TOKEN_LEEWAY_SECONDS: u64 = 5;
/// How long a ticket is good: a page opens its WebSocket at once, and a ticket is seen by whoever
/// logs addresses.
pub const TICKET_LIFE: Duration = Duration::from_secs(30);
/// Unused tickets of one client: more than its sessions, so that all of them can come back at once.
pub const CLIENT_TICKETS_MAX: usize = 16;
/// Tickets in all: for as many clients at once as have a place on the server, and some of each.
pub const TICKETS_MAX: usize = 4_096;

// ---- backups and checks --------------------------------------------------------------------

/// Backups that are made at once: each copies the whole database, and takes as much of the disk.
pub const BACKUPS_AT_ONCE_MAX: usize = 1;
/// Bytes that must be free beside a copy of the database before one is begun: the server goes on
/// writing meanwhile, and a full disk stops it.
pub const BACKUP_SPARE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a file that are read at once, to be sent or copied.
pub const FILE_CHUNK_BYTES: usize = 256 * 1024;
/// Findings of a check that are kept and shown: one cause often has thousands of them.
pub const FINDINGS_KEPT_MAX: usize = 100;
/// Bytes of one line of an export: the largest body, which is kept as it is, and its frame.
pub const EXPORT_LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

// ---- start and stop ------------------------------------------------------------------------

/// How long what a session has asked may take to be answered before the server that stops says
/// `bye`: many times a commit, and an answer that takes longer than this is stuck.
pub const DRAIN_ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// How long a client may take to read up to the `bye` of a server that stops. Shorter than
/// [`GOODBYE_WITHIN`]: nobody should hold up a stop, and whoever is cut off here resumes.
pub const DRAIN_GOODBYE_WITHIN: Duration = Duration::from_secs(3);
/// How long a stopping server waits for its connections to end; what is left is shut down. The two
/// above, a moment, and some.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(7);
/// How long the last bytes of the last answers may take after that.
pub const LAST_BYTES_WITHIN: Duration = Duration::from_secs(1);
/// How long the listener's threads may take after that. They look once a second.
pub const SHUTDOWN_WITHIN: Duration = Duration::from_secs(2);
/// How long the log writer may take to write what is queued.
pub const WRITER_ENDS_WITHIN: Duration = Duration::from_secs(10);
/// The shortest time after which a client of a server that stops is asked to come back: a quick
/// restart takes this long.
pub const COME_BACK_MILLIS_MIN: u64 = 500;
/// The longest one when there are few: they need not wait, but should not come in one instant.
pub const COME_BACK_MILLIS_FEW: u64 = 5_000;
/// By how much each session makes the longest one longer: half a thousand come back in a second,
/// each of whom wants a token checked and its rooms looked up.
pub const COME_BACK_MILLIS_EACH: u64 = 2;
/// The longest one however many there are. Clients wait up to a minute when they are asked to.
pub const COME_BACK_MILLIS_MAX: u64 = 30_000;
