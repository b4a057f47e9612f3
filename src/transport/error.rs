//! The only place where a refusal becomes HTTP.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use bridge_core::{Reject, RejectCode};
use serde_json::{Map, Value};

use crate::wire::codes::{self, RejectRow};
use crate::wire::encode;
use crate::wire::frame::Rejected;
use crate::wire::rest::{ErrorBody, ErrorFields};

/// Why a request over HTTP was not carried out.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The domain says no.
    Reject(Reject),
    /// There is nothing at this path, or not for this method.
    NoRoute,
    /// The upgrade does not name a protocol that this server speaks.
    NoSubprotocol,
    /// Another backup is being made.
    BackupUnderWay,
    /// Backups of this database are made by its own tools.
    BackupByDatabase,
    /// The server is stopping.
    Draining {
        /// When to come back, in milliseconds.
        retry_after_ms: u64,
    },
}

impl From<Reject> for ApiError {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.body().message)
    }
}

impl ApiError {
    fn row(&self) -> RejectRow {
        match self {
            Self::Reject(reject) => codes::reject(reject.code()),
            Self::NoRoute => codes::NO_ROUTE,
            Self::NoSubprotocol => codes::NO_SUBPROTOCOL,
            Self::BackupUnderWay => codes::BACKUP_UNDER_WAY,
            Self::BackupByDatabase => codes::BACKUP_BY_DATABASE,
            Self::Draining { .. } => codes::DRAINING,
        }
    }

    /// Its stable word.
    pub(super) fn word(&self) -> &'static str {
        self.row().word
    }

    fn body(&self) -> Rejected {
        let row = self.row();
        let message = match self {
            Self::Reject(reject) => return encode::rejected_body(None, reject),
            Self::Draining { .. } => "the server is stopping; repeat it later",
            Self::NoSubprotocol => {
                "this server speaks the WebSocket subprotocol agent-bridge.v1; ask for it in \
                 Sec-WebSocket-Protocol"
            }
            Self::BackupUnderWay => "another backup is under way; ask again when it is done",
            Self::BackupByDatabase => {
                "this server's database is PostgreSQL: make its backups with pg_dump, and when one \
                 is put back, run `agent-bridge restore --new-epoch` before the server starts"
            }
            Self::NoRoute => "there is nothing at this path for this method",
        };
        Rejected {
            reference: None,
            code: row.word.to_owned(),
            number: row.number,
            message: message.to_owned(),
            temporary: self.retry_after_ms().is_some(),
            retry_after_ms: self.retry_after_ms(),
        }
    }

    const fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Draining { retry_after_ms } => Some(*retry_after_ms),
            Self::BackupUnderWay => codes::BACKUP_UNDER_WAY.retry_after_ms,
            Self::Reject(_) | Self::NoRoute | Self::NoSubprotocol | Self::BackupByDatabase => None,
        }
    }

    /// The answer, with the id under which the log has more.
    pub(super) fn response(&self, request_id: &str) -> HttpResponse {
        let error = self.body();
        let mut response = HttpResponse::build(self.status_code());
        if let Some(millis) = error.retry_after_ms {
            response.insert_header((RETRY_AFTER, millis.div_ceil(1_000).to_string()));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if self.status_code() == StatusCode::UPGRADE_REQUIRED {
            response.insert_header((ALLOW, "GET"));
            response.insert_header(("Sec-WebSocket-Protocol", super::socket::SUBPROTOCOL));
        }
        if matches!(self, Self::Draining { .. }) {
            // A connection that stays open would hold up the stop.
            response.force_close();
        }
        response.json(ErrorBody {
            error: ErrorFields {
                rejected: error,
                details: self.details(),
            },
            request_id: request_id.to_owned(),
        })
    }

    fn details(&self) -> Map<String, Value> {
        let (name, value) = match self {
            Self::Reject(Reject::InvalidField { field, .. }) => ("field", field.as_str().into()),
            Self::Reject(Reject::ScopeMissing { scope }) => ("scope", scope.as_str().into()),
            Self::Reject(Reject::TooLarge { max }) => ("bytes_max", (*max).into()),
            Self::Reject(Reject::UnknownRecipient { near, .. }) => {
                let names = near.iter().map(|client| Value::from(client.as_str()));
                ("near", names.collect())
            }
            Self::Reject(Reject::StaleVersion { current, .. }) => ("version", (*current).into()),
            Self::Reject(Reject::DecisionClosed { state, .. }) => ("state", state.as_str().into()),
            _ => return Map::new(),
        };
        Map::from_iter([(name.to_owned(), value)])
    }

    /// What the log should have of it.
    pub(super) fn log(&self, request_id: &str) {
        let Self::Reject(reject) = self else { return };
        let detail = reject.detail().unwrap_or_default();
        if reject.code() == RejectCode::Internal {
            tracing::error!(request_id, detail, "a request failed");
        } else {
            tracing::debug!(request_id, %reject, detail, "a request was refused");
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        let http = match self {
            Self::Reject(reject) => codes::reject(reject.code()).http,
            Self::NoRoute => codes::NO_ROUTE.http,
            Self::NoSubprotocol => codes::NO_SUBPROTOCOL.http,
            Self::BackupUnderWay => codes::BACKUP_UNDER_WAY.http,
            Self::BackupByDatabase => codes::BACKUP_BY_DATABASE.http,
            Self::Draining { .. } => codes::DRAINING.http,
        };
        StatusCode::from_u16(http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Replaced by one with the request's id on its way out.
    fn error_response(&self) -> HttpResponse {
        self.response("")
    }
}
