//! Bodies that nobody reads.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use bridge_core::limits;

use super::socket;

/// Ends the connection of a body in chunks that is not read to its end. The web server would go on
/// reading it, to be able to take the next request, and such a body has no end that it must keep to.
/// One with a length is different: there the web server closes by itself.
pub(super) async fn end(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let is_unwanted = matches!(*request.method(), Method::GET | Method::HEAD);
    let hang_up = is_chunked.then(|| socket::hang_up(request.request()));
    let mut response = next.call(request).await?;
    let is_refused = response.status().is_client_error() || response.status().is_server_error();
    if let Some(hang_up) = hang_up.filter(|_| is_refused || is_unwanted) {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
        // A moment for the answer to be read, and for the body to come to its end, if it does.
        actix_web::rt::spawn(async move {
            tokio::time::sleep(limits::UNREAD_BODY_WITHIN).await;
            hang_up();
        });
    }
    Ok(response)
}
