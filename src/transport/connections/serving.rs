//! A request from its head to the last byte of its answer.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use bytes::Bytes;

use super::{Place, Serving};
use crate::transport::State;
use crate::transport::error::ApiError;

/// What a server that stops still answers: whether it lives, and that it is not ready.
const ANSWERED_TO_THE_END: [&str; 2] = ["/health", "/ready"];

/// Notes that the connection serves a request, and sends it away when the server is stopping.
pub(in crate::transport) async fn attend(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let serving = request.conn_data::<Rc<Place>>().map(|place| place.serve());
    let response = match come_back(&request) {
        Some(retry_after_ms) => {
            let error = ApiError::Draining { retry_after_ms };
            request.error_response(error).map_into_boxed_body()
        }
        None => next.call(request).await?.map_into_boxed_body(),
    };
    Ok(response.map_body(|_, body| Attended::new(body, serving)))
}

/// When a request that came too late should come back, in milliseconds.
fn come_back(request: &ServiceRequest) -> Option<u64> {
    let state = request.app_data::<web::Data<State>>()?;
    let is_late = state.bridge.is_draining() && !ANSWERED_TO_THE_END.contains(&request.path());
    is_late.then(|| state.bridge.come_back_after())
}

/// The body of an answer, and that it is not over.
struct Attended {
    body: BoxBody,
    serving: Option<Serving>,
}

impl Attended {
    fn new(body: BoxBody, mut serving: Option<Serving>) -> Self {
        if let Some(serving) = &mut serving {
            serving.waits_for_the_socket();
        }
        Self { body, serving }
    }
}

impl MessageBody for Attended {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(cx);
        if let Some(serving) = &mut this.serving {
            // It is asked for more only when the socket has taken enough of what there was.
            match polled {
                Poll::Pending => serving.waits_for_us(),
                Poll::Ready(_) => serving.waits_for_the_socket(),
            }
        }
        polled
    }
}
