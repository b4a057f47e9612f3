//! Reaching a mailbox.

use bridge_core::command::Key;
use bridge_core::mailbox::{Mailbox, MailboxCommand};
use bridge_core::{Principal, Reject, Seq, SessionId, limits};

use super::{Permitted, SessionHandle, StreamHandle, tell};
use crate::actors::mailbox::{
    Attach, Detach, MailboxKind, Place, Report, Reserve, Senders, Sweep, What, Written,
};
use crate::actors::ticket::{About, Answered, Ticket, answered};
use crate::wire::encode::Receipt;

/// A mailbox that is awake. Whoever holds one keeps it awake.
#[derive(Debug, Clone)]
pub(in crate::actors) struct MailboxHandle(StreamHandle<MailboxKind>);

impl From<StreamHandle<MailboxKind>> for MailboxHandle {
    fn from(handle: StreamHandle<MailboxKind>) -> Self {
        Self(handle)
    }
}

impl MailboxHandle {
    /// Whether its actor has died. Nobody answers there any more.
    pub(in crate::actors) fn is_dead(&self) -> bool {
        self.0.is_dead()
    }

    /// It was held back, and gets another chance.
    pub(in crate::actors) fn release(&self) {
        self.0.release();
    }

    /// Hands in a command, in the order of the calls, and says where its answer comes. `origin` is
    /// the session that asks, if one does.
    pub(in crate::actors) fn order(
        &self,
        command: MailboxCommand,
        by: Principal,
        key: Option<Key>,
        origin: Option<SessionId>,
    ) -> tokio::sync::oneshot::Receiver<Answered> {
        let (ticket, answer) = Ticket::caller(About::Message, None);
        self.0.submit(command, by, key, ticket.asked_by(origin));
        answer
    }

    /// Carries out a command and waits until its outcome is durable.
    ///
    /// # Errors
    /// Why it was refused.
    pub(in crate::actors) async fn ask(
        &self,
        command: MailboxCommand,
        by: Principal,
        key: Option<Key>,
    ) -> Answered {
        let answer = self.order(command, by, key, None);
        answered(answer).await
    }

    /// Looks at the committed mailbox.
    ///
    /// # Errors
    /// When it cannot be read, or cannot take more requests.
    pub(in crate::actors) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Mailbox) -> T + Send + 'static,
    ) -> Result<T, Reject> {
        self.0.look(move |mailbox, _| Ok(look(mailbox))).await
    }

    /// How far its client has read the broadcast stream.
    ///
    /// # Errors
    /// When it cannot be read, or cannot take more requests.
    pub(in crate::actors) async fn broadcasts_read(&self) -> Result<Seq, Reject> {
        let look = |mailbox: &Mailbox, kind: &MailboxKind| Ok(kind.broadcasts_read(mailbox));
        self.0.look(look).await
    }

    /// The messages that wait, the most urgent first, each with how often it was handed over.
    ///
    /// # Errors
    /// When it cannot be read, or cannot take more requests.
    pub(in crate::actors) async fn waiting(
        &self,
        only_from: Senders,
        messages_max: usize,
    ) -> Result<Vec<(Seq, u32)>, Reject> {
        let look = move |mailbox: &Mailbox| {
            let senders = only_from.as_ref();
            let may_see = |from: &_| senders.is_none_or(|senders| senders.contains(from));
            let first = mailbox.in_order(may_see, messages_max, limits::PAGE_BYTES_MAX);
            let first = first.into_iter();
            first
                .map(|held| (held.about.message, held.attempts))
                .collect()
        };
        self.look(look).await
    }

    /// A place for one message of several, which is kept for as long as the answer is.
    ///
    /// # Errors
    /// When the client is not known and the message not to be kept, or the mailbox is full.
    pub(in crate::actors) async fn reserve(&self, keep: bool) -> Result<Place, Reject> {
        self.0.ask(|reply| Reserve { keep, reply }).await
    }

    /// Makes a session get its client's messages.
    ///
    /// # Errors
    /// When the mailbox cannot be read, or cannot take more requests.
    pub(in crate::actors) async fn attach(
        &self,
        session: SessionHandle,
        only_from: Senders,
    ) -> Result<(), Reject> {
        let attach = |reply| Attach {
            session,
            only_from,
            reply,
        };
        self.0.ask(attach).await
    }

    /// Ends what [`MailboxHandle::attach`] began.
    pub(in crate::actors) fn detach(&self, session: SessionId) {
        tell(self.0.addr(), Detach { session });
    }

    /// Tells the client's sessions what became of a message that it sent. Whether there was one.
    ///
    /// # Errors
    /// When the mailbox cannot be read, or cannot take more requests.
    pub(in crate::actors) async fn report(&self, receipt: Receipt) -> Result<bool, Reject> {
        self.0.ask(|reply| Report { receipt, reply }).await
    }

    /// The same, without waiting for it: a client that is away is not told.
    pub(in crate::actors) fn report_now(&self, receipt: Receipt) {
        // The answer goes nowhere.
        drop(self.0.asking(|reply| Report { receipt, reply }));
    }

    /// Something may be due.
    pub(in crate::actors) fn sweep(&self) {
        // A mailbox that is too busy to hear it is told again.
        if let Some(permit) = self.0.permit() {
            tell(self.0.addr(), Permitted::new(Sweep, permit));
        }
    }

    /// The last record that was told, as it changes.
    pub(in crate::actors) fn head(&self) -> tokio::sync::watch::Receiver<Seq> {
        self.0.shown().head.clone()
    }

    /// Changes whenever a message may have become ready to be handed over, or a receipt was kept.
    pub(in crate::actors) fn ready(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.shown().ready.clone()
    }
}

impl StreamHandle<MailboxKind> {
    /// Something was written to a session's socket. As many notes are under way as the windows of
    /// the client's sessions hold.
    pub(in crate::actors) fn written(&self, session: SessionId, what: What) {
        tell(self.addr(), Written { session, what });
    }
}
