//! Reaching a room.

use bridge_core::aggregate::system;
use bridge_core::command::{Key, RoomCommand};
use bridge_core::decision::Motion;
use bridge_core::room::RoomView;
use bridge_core::text::PasswordHash;
use bridge_core::{ClientId, DecisionId, Principal, Reject, RoomId, Seq, SessionId};

use super::{Attached, SessionHandle, StreamHandle};
use crate::actors::room::RoomKind;
use crate::actors::ticket::{About, Ticket};

/// A room that is awake. Whoever holds one keeps it awake.
#[derive(Debug, Clone)]
pub struct RoomHandle(StreamHandle<RoomKind>);

impl From<StreamHandle<RoomKind>> for RoomHandle {
    fn from(handle: StreamHandle<RoomKind>) -> Self {
        Self(handle)
    }
}

impl RoomHandle {
    /// It was held back, and gets another chance.
    pub(in crate::actors) fn release(&self) {
        self.0.release();
    }

    /// Whether its actor has died. Nobody answers there any more.
    pub(in crate::actors) fn is_dead(&self) -> bool {
        self.0.is_dead()
    }

    /// Hands in a request. The ticket is answered, whatever happens.
    pub fn submit(&self, command: RoomCommand, by: Principal, key: Option<Key>, ticket: Ticket) {
        self.0.submit(command, by, key, ticket);
    }

    /// Makes a session live after a position, if the room remembers that far back.
    ///
    /// # Errors
    /// When the session's client is no member, or the room cannot take more requests.
    pub async fn attach(&self, session: SessionHandle, after: Seq) -> Result<Attached, Reject> {
        self.0.attach(session, after).await
    }

    /// Ends what [`RoomHandle::attach`] began.
    pub fn detach(&self, session: SessionId) {
        self.0.detach(session);
    }

    /// Waits until the room has a record after this position.
    pub async fn wait_for_record_after(&self, seq: Seq) {
        self.0.wait_for_record_after(seq).await;
    }

    /// What a principal may see of the room.
    ///
    /// # Errors
    /// When it may not know that there is one.
    pub async fn view(&self, by: Principal) -> Result<RoomView, Reject> {
        let look = self.0.look(move |room, kind| {
            let is_online = |client: &ClientId| kind.is_online(client);
            room.view(&by, is_online)
        });
        look.await
    }

    /// The room's last record, for a member.
    ///
    /// # Errors
    /// When the principal is none, or may not know that there is such a room.
    pub async fn head_for_member(&self, by: Principal) -> Result<Seq, Reject> {
        let look = self.0.look(move |room, _| {
            if room.is_member(by.client()) {
                return Ok(room.head());
            }
            Err(room.stranger(&by))
        });
        look.await
    }

    /// Time may have decided something in it. A room that cannot do it now is told again.
    pub(in crate::actors) fn conclude(&self, room: &RoomId) {
        let (ticket, answer) = Ticket::caller(About::Room(room.clone()), None);
        // Nobody waits for it: what is still due is told again.
        drop(answer);
        self.0.submit_own(RoomCommand::Conclude, system(), ticket);
    }

    /// Its open motions, or one of them, with its last record; for a member, or an administrator.
    ///
    /// # Errors
    /// When the principal is neither, or may not know that there is such a room.
    pub(in crate::actors) async fn open_motions(
        &self,
        by: Principal,
        only: Option<DecisionId>,
    ) -> Result<(Seq, Vec<Motion>), Reject> {
        let look = self.0.look(move |room, _| {
            let may_read =
                room.is_member(by.client()) || (by.is_admin() && room.is_visible_to(&by));
            if !may_read {
                return Err(room.stranger(&by));
            }
            let motions = room.open_motions();
            let wanted = motions.filter(|motion| only.is_none_or(|only| motion.id == only));
            Ok((room.head(), wanted.cloned().collect()))
        });
        look.await
    }

    /// Those of some members who have no session in the room, but for the one who caused it.
    ///
    /// # Errors
    /// When the room cannot be read, or cannot take more requests.
    pub(in crate::actors) async fn members_absent(
        &self,
        among: Vec<ClientId>,
        by: ClientId,
    ) -> Result<Vec<ClientId>, Reject> {
        let look = self.0.look(move |room, kind| {
            let is_absent = |client: &ClientId| {
                *client != by && room.is_member(client) && !kind.is_online(client)
            };
            Ok(among.into_iter().filter(is_absent).collect())
        });
        look.await
    }

    /// All its members.
    ///
    /// # Errors
    /// When the room cannot be read, or cannot take more requests.
    pub(in crate::actors) async fn members(&self) -> Result<Vec<ClientId>, Reject> {
        let look = self
            .0
            .look(|room, _| Ok(room.members().keys().cloned().collect()));
        look.await
    }

    /// The hash of the room's password, to verify a password against; for a client that may see
    /// the room.
    ///
    /// # Errors
    /// When the client may not know that there is such a room.
    pub async fn password(&self, by: Principal) -> Result<Option<PasswordHash>, Reject> {
        let look = self.0.look(move |room, _| {
            if room.is_visible_to(&by) {
                return Ok(room.password().cloned());
            }
            Err(room.stranger(&by))
        });
        look.await
    }
}
