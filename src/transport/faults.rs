//! Where a test makes the handlers of requests fail.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};

use super::State;
use crate::actors::{Faults, Guard};

/// The place in front of every handler, and the one behind it.
pub(super) async fn places(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let faults = faults(&request);
    let Some(faults) = faults.filter(|faults| faults.at.is_some()) else {
        return next.call(request).await;
    };
    let route = request.match_pattern().unwrap_or_default();
    let handler = format!("{} {route}", request.method());
    faults.at("before", "", &handler, Guard::Inside);
    let response = next.call(request).await;
    faults.at("after", "", &handler, Guard::Inside);
    response
}

fn faults(request: &ServiceRequest) -> Option<Faults> {
    let state = request.app_data::<web::Data<State>>()?;
    Some(*state.bridge.faults())
}
