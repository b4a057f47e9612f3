//! `/v1/admin/backup`

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web::Data;
use bridge_core::Reject;
use bridge_core::principal::Action;

use super::Answer;
use crate::backups::{CopyFailure, NoBackup};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::error::ApiError;
use crate::wire::rest::EPOCH;

/// `POST /v1/admin/backup`: a copy of the whole database as of now, sealed.
pub(in crate::transport) async fn make(state: Data<State>, caller: Caller) -> Answer {
    caller.principal.allows(Action::Administer)?;
    let backup = state.backups.make().await?;
    let bytes = backup.bytes();
    tracing::info!(client = %caller.principal.client(), bytes, "a backup is sent");
    Ok(HttpResponse::Ok()
        .content_type(ContentType::octet_stream())
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((EPOCH, state.bridge.epoch().to_string()))
        // A connection that stays open after it would hold up a stop.
        .force_close()
        .body(SizedStream::new(bytes, backup.into_chunks())))
}

impl From<NoBackup> for ApiError {
    fn from(why: NoBackup) -> Self {
        match why {
            NoBackup::OwnTools => Self::BackupByDatabase,
            NoBackup::UnderWay => Self::BackupUnderWay,
            NoBackup::Failed(CopyFailure::Full(why)) => {
                tracing::warn!(error = why, "there is no room for a backup");
                Self::Reject(Reject::StorageFull)
            }
            NoBackup::Failed(CopyFailure::Failed(detail)) => {
                Self::Reject(Reject::Internal { detail })
            }
        }
    }
}
