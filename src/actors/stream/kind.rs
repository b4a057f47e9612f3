//! In what the owners of rooms, mailboxes and the broadcast stream differ.

use actix::Context;
use bridge_core::aggregate::Aggregate;
use bridge_core::event::{Envelope, Stream};
use bridge_core::owner::Draft;
use bridge_core::ports::{Store, StoreError};
use bridge_core::room::RoomView;
use bridge_core::{Reject, Seq};
use bytes::Bytes;

use super::StreamActor;
use crate::actors::bridge::{Bridge, Options};
use crate::actors::handle::StreamHandle;
use crate::actors::ticket::{Receipt, Ticket};
use crate::wire::frame::Ref;

/// What can be asked of a kind of stream.
pub(in crate::actors) type CommandOf<K> = <<K as Kind>::State as Aggregate>::Command;

/// What a kind of stream may have to have looked up.
pub(in crate::actors) type QuestionOf<K> = <<K as Kind>::State as Aggregate>::Question;

/// A kind of stream, and what its owner has besides the state: readers, timers, sessions to
/// deliver to. A value of it lives in the owner's actor.
///
/// Hooks that take the actor run within [`StreamActor::guarded`]: when one panics, everything is
/// dropped and read again.
pub(in crate::actors) trait Kind: Sized + 'static {
    /// What its log leads to.
    type State: Aggregate<Command: Send + 'static, Question: Send + 'static> + Send + 'static;
    /// What its handles show without asking it.
    type Shown: Send + Sync + 'static;
    /// What gathers during one round of effects, to be told in one go.
    type Telling: Default;
    /// What a look-up finds.
    type Found: Send + 'static;

    /// One such stream in a word, for the operator.
    const NAME: &'static str;
    /// Requests that may be under way at once.
    const QUEUE_COMMANDS_MAX: usize;
    /// Bytes of them.
    const QUEUE_BYTES_MAX: usize;

    /// Roughly how many bytes a command holds.
    fn weight_bytes(command: &CommandOf<Self>) -> usize;

    /// What everybody is told while it is held back.
    fn quarantined(stream: &Stream) -> Reject;

    /// Lets it go to sleep, unless somebody has got hold of it in the meantime.
    fn retire(bridge: &Bridge, stream: &Stream, own: StreamHandle<Self>) -> bool;

    /// A test's hook, run before a command is decided.
    fn on_command(_options: &Options) -> Option<fn(&CommandOf<Self>)> {
        None
    }

    /// A command has come. What has happened before it and is not with the owner yet is brought
    /// there now, by [`StreamActor::submit_now`].
    fn before(
        _actor: &mut StreamActor<Self>,
        _command: &CommandOf<Self>,
        _ctx: &mut Context<StreamActor<Self>>,
    ) {
    }

    /// Completes a command with what only the actor knows, before it is decided.
    fn prepare(&self, _command: &mut CommandOf<Self>) {}

    /// Looks up what a command depends on. Runs on a thread that may wait for the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find(
        store: &dyn Store,
        stream: &Stream,
        question: &QuestionOf<Self>,
    ) -> Result<Self::Found, StoreError>;

    /// Puts what was found into the command that depends on it, which is then decided again. It
    /// must not lead to the same question once more, unless what was found is out of date by then.
    ///
    /// # Errors
    /// When the command is refused because of what was found.
    fn fill(
        stream: &Stream,
        command: &mut CommandOf<Self>,
        question: QuestionOf<Self>,
        found: Self::Found,
    ) -> Result<(), Reject>;

    /// The frame by which a session hears that its request was carried out before, or that there
    /// was nothing to do; then the receipt has no envelopes.
    fn answer(receipt: &Receipt, reference: Option<&Ref>) -> Bytes;

    /// What an answer to a repeat shows besides the record.
    ///
    /// # Errors
    /// When the one who asks may not see it any more.
    fn view_for(_actor: &StreamActor<Self>, _ticket: &Ticket) -> Result<Option<RoomView>, Reject> {
        Ok(None)
    }

    /// The last record of which everybody has been told. What is committed behind it when the state
    /// is read again comes to [`Kind::loaded`].
    fn told(&self) -> Seq;

    /// Whether somebody needs it awake, although nobody asks for anything.
    fn is_in_use(&self) -> bool;

    /// Ends everybody who is told what happens: after a panic it is not certain what they have been
    /// told.
    fn end_readers(&mut self);

    /// The state cannot be read now; whoever waits for it, and is not known to the owner, is told.
    fn tell_waiting(&mut self, reject: &Reject);

    /// The state was read. The first time, and after [`Kind::end_readers`], nobody was told
    /// anything before; else `untold` is what has been committed behind [`Kind::told`].
    fn loaded(
        actor: &mut StreamActor<Self>,
        untold: Vec<Envelope>,
        is_first: bool,
        ctx: &mut Context<StreamActor<Self>>,
    );

    /// A draft has become durable: answer, and tell everybody, now or with the rest of the round in
    /// [`Kind::flush`]. The state is ahead by what else this round has committed. Nothing may be
    /// brought to the owner from here, since the round is not carried out yet.
    fn committed(
        actor: &mut StreamActor<Self>,
        draft: Draft,
        ticket: Ticket,
        telling: &mut Self::Telling,
        ctx: &mut Context<StreamActor<Self>>,
    );

    /// The round is carried out.
    fn flush(
        actor: &mut StreamActor<Self>,
        telling: Self::Telling,
        ctx: &mut Context<StreamActor<Self>>,
    );
}
