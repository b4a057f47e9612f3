//! One table for every number of the protocol. A number never changes its meaning, and a row that
//! is no longer used stays: clients remember numbers longer than we do.

use bridge_core::RejectCode;
use bridge_core::session::CloseReason;

/// How a refusal is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectRow {
    /// For programs.
    pub number: u16,
    /// For people who write programs.
    pub word: &'static str,
    /// For REST.
    pub http: u16,
    /// When it is worth trying again, in milliseconds; only for what passes by itself.
    pub retry_after_ms: Option<u64>,
}

const fn row(number: u16, word: &'static str, http: u16) -> RejectRow {
    RejectRow {
        number,
        word,
        http,
        retry_after_ms: None,
    }
}

const fn passing(number: u16, word: &'static str, http: u16, retry_after_ms: u64) -> RejectRow {
    RejectRow {
        number,
        word,
        http,
        retry_after_ms: Some(retry_after_ms),
    }
}

/// The row of a refusal.
#[must_use]
pub const fn reject(code: RejectCode) -> RejectRow {
    match code {
        RejectCode::BadJson => row(1001, "bad_json", 400),
        RejectCode::UnknownType => row(1002, "unknown_type", 400),
        RejectCode::InvalidField => row(1003, "invalid_field", 400),
        RejectCode::TooLarge => row(1004, "too_large", 413),
        RejectCode::HelloExpected => row(1005, "hello_expected", 400),

        RejectCode::Unauthorized => row(1100, "unauthorized", 401),
        RejectCode::Forbidden => row(1101, "forbidden", 403),
        RejectCode::ScopeMissing => row(1102, "scope_missing", 403),

        RejectCode::RoomNotFound => row(1200, "room_not_found", 404),
        RejectCode::NotAMember => row(1201, "not_a_member", 403),
        RejectCode::RoomClosed => row(1202, "room_closed", 409),
        RejectCode::AlreadyAMember => row(1203, "already_a_member", 409),
        RejectCode::RoleNotAllowed => row(1204, "role_not_allowed", 403),
        RejectCode::WrongPassword => row(1205, "wrong_password", 403),
        RejectCode::RoomExists => row(1206, "room_exists", 409),
        RejectCode::ChannelNotFound => row(1207, "channel_not_found", 404),
        RejectCode::RoomQuarantined => row(1208, "room_quarantined", 503),
        RejectCode::ChannelExists => row(1209, "channel_exists", 409),
        RejectCode::RoomFull => row(1210, "room_full", 409),
        RejectCode::TooManyRooms => row(1211, "too_many_rooms", 409),

        RejectCode::UnknownRecipient => row(1300, "unknown_recipient", 404),
        RejectCode::MailboxFull => passing(1301, "mailbox_full", 503, 5_000),
        RejectCode::MessageNotFound => row(1302, "message_not_found", 404),
        RejectCode::StageBackwards => row(1303, "stage_backwards", 409),
        RejectCode::MailboxQuarantined => row(1304, "mailbox_quarantined", 503),

        RejectCode::KeyReused => row(1400, "key_reused", 409),

        RejectCode::DecisionNotFound => row(1500, "decision_not_found", 404),
        RejectCode::StaleVersion => row(1501, "stale_version", 409),
        RejectCode::NotInElectorate => row(1502, "not_in_electorate", 403),
        RejectCode::DecisionClosed => row(1503, "decision_closed", 409),
        RejectCode::NoVetoPower => row(1504, "no_veto_power", 403),
        RejectCode::CritiqueNotFound => row(1505, "critique_not_found", 404),
        RejectCode::AmendmentNotFound => row(1506, "amendment_not_found", 404),
        RejectCode::BallotsCast => row(1507, "ballots_cast", 409),

        RejectCode::Busy => passing(1601, "busy", 503, 200),
        RejectCode::Retry => passing(1602, "retry", 503, 100),
        RejectCode::OutcomeUnknown => passing(1603, "outcome_unknown", 503, 500),
        RejectCode::StorageFull => passing(1604, "storage_full", 503, 5_000),
        RejectCode::LoopStopped => row(1605, "loop_stopped", 409),
        RejectCode::ServerFull => passing(1606, "server_full", 503, 5_000),

        RejectCode::Internal => row(1900, "internal", 500),
    }
}

/// HTTP only: nothing is at this path, or not for this method.
pub const NO_ROUTE: RejectRow = row(1006, "no_such_route", 404);
/// HTTP only: the server is stopping. When to come back is said to each request by itself.
pub const DRAINING: RejectRow = passing(1607, "draining", 503, 1_000);
/// HTTP only: an upgrade without a subprotocol that the server speaks.
pub const NO_SUBPROTOCOL: RejectRow = row(1007, "subprotocol_required", 426);
/// HTTP only: backups are made one at a time. When it is worth asking again is a guess.
pub const BACKUP_UNDER_WAY: RejectRow = passing(1608, "backup_under_way", 503, 10_000);
/// HTTP only: the server's database has tools of its own for backups.
pub const BACKUP_BY_DATABASE: RejectRow = row(1609, "backup_by_database", 409);

/// How the end of a session is told. Numbers from 4000 to 4499 come back after a pause, those from
/// 4500 to 4999 do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseRow {
    /// The close frame's number, and `bye`'s.
    pub number: u16,
    /// For people.
    pub reason: &'static str,
    /// When to come back, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl CloseRow {
    /// Whether the client should come back by itself.
    #[must_use]
    pub const fn reconnect(&self) -> bool {
        self.number < 4500
    }
}

/// The row of a session's end.
#[must_use]
pub const fn close(reason: CloseReason) -> CloseRow {
    let (number, reason, retry_after_ms) = match reason {
        CloseReason::Draining => (4001, "the server is stopping", Some(1_000)),
        CloseReason::Slow => (4002, "too slow; resume from your last seq", Some(1_000)),
        CloseReason::ServerError => (
            4003,
            "the server failed; resume from your last seq",
            Some(1_000),
        ),
        // 4004 moved belongs to several nodes.
        CloseReason::ServerFull => (
            4005,
            "the server holds as many sessions as it may",
            Some(5_000),
        ),
        CloseReason::Silent => (
            4006,
            "no sign of life; resume from your last seq",
            Some(1_000),
        ),
        CloseReason::Expired => (4500, "the token has expired", None),
        // 4501 token_revoked belongs to revocation.
        CloseReason::ProtocolError => (4502, "protocol error", None),
        CloseReason::Replaced => (4503, "replaced by a newer session of the same client", None),
        CloseReason::Gone => (1000, "goodbye", None),
    };
    CloseRow {
        number,
        reason,
        retry_after_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The protocol's own list. Rows may be added; a changed one breaks every client.
    #[test]
    fn numbers_never_change() {
        let table = [
            (RejectCode::BadJson, 1001, "bad_json"),
            (RejectCode::UnknownType, 1002, "unknown_type"),
            (RejectCode::InvalidField, 1003, "invalid_field"),
            (RejectCode::TooLarge, 1004, "too_large"),
            (RejectCode::HelloExpected, 1005, "hello_expected"),
            (RejectCode::Unauthorized, 1100, "unauthorized"),
            (RejectCode::Forbidden, 1101, "forbidden"),
            (RejectCode::ScopeMissing, 1102, "scope_missing"),
            (RejectCode::RoomNotFound, 1200, "room_not_found"),
            (RejectCode::NotAMember, 1201, "not_a_member"),
            (RejectCode::RoomClosed, 1202, "room_closed"),
            (RejectCode::AlreadyAMember, 1203, "already_a_member"),
            (RejectCode::RoleNotAllowed, 1204, "role_not_allowed"),
            (RejectCode::WrongPassword, 1205, "wrong_password"),
            (RejectCode::RoomExists, 1206, "room_exists"),
            (RejectCode::ChannelNotFound, 1207, "channel_not_found"),
            (RejectCode::RoomQuarantined, 1208, "room_quarantined"),
            (RejectCode::ChannelExists, 1209, "channel_exists"),
            (RejectCode::RoomFull, 1210, "room_full"),
            (RejectCode::TooManyRooms, 1211, "too_many_rooms"),
            (RejectCode::UnknownRecipient, 1300, "unknown_recipient"),
            (RejectCode::MailboxFull, 1301, "mailbox_full"),
            (RejectCode::MessageNotFound, 1302, "message_not_found"),
            (RejectCode::StageBackwards, 1303, "stage_backwards"),
            (RejectCode::MailboxQuarantined, 1304, "mailbox_quarantined"),
            (RejectCode::KeyReused, 1400, "key_reused"),
            (RejectCode::Busy, 1601, "busy"),
            (RejectCode::Retry, 1602, "retry"),
            (RejectCode::OutcomeUnknown, 1603, "outcome_unknown"),
            (RejectCode::StorageFull, 1604, "storage_full"),
            (RejectCode::LoopStopped, 1605, "loop_stopped"),
            (RejectCode::ServerFull, 1606, "server_full"),
            (RejectCode::Internal, 1900, "internal"),
        ];
        for (code, number, word) in table {
            let row = reject(code);
            assert_eq!((row.number, row.word), (number, word));
        }
        let closes = [
            (CloseReason::Draining, 4001),
            (CloseReason::Slow, 4002),
            (CloseReason::ServerError, 4003),
            (CloseReason::ServerFull, 4005),
            (CloseReason::Silent, 4006),
            (CloseReason::Expired, 4500),
            (CloseReason::ProtocolError, 4502),
            (CloseReason::Replaced, 4503),
        ];
        for (reason, number) in closes {
            let row = close(reason);
            assert_eq!(row.number, number);
            assert_eq!(row.reconnect(), row.retry_after_ms.is_some(), "{reason:?}");
        }
    }
}
