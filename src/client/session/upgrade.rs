//! From an address to an open WebSocket, or to what the server said instead.

use std::time::Duration;

use bridge_core::{ClientId, limits};
use reqwest::StatusCode;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::{
    AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL,
};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::client::error::{ClientError, root_cause};
use crate::client::rest::refusal;
use crate::client::token::Token;
use crate::client::url::Address;

/// The protocol that this client speaks.
const PROTOCOL: HeaderValue = HeaderValue::from_static("agent-bridge.v1");
/// A server on the same planet accepts a connection within this, or not at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The server checks a token before it opens a session, which may wait behind other requests.
const UPGRADE_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of one frame from the server. The largest is the state of a full room in `joined`: names,
/// topics of four-byte characters, and everything escaped is below this.
const FRAME_BYTES_MAX: usize = 8 * limits::FRAME_BYTES_MAX;

pub(super) async fn open(
    address: &Address,
    client: &ClientId,
    token: &Token,
) -> Result<WebSocketStream<TcpStream>, ClientError> {
    let request = request(address, client, token)?;
    let stream = connect(address).await?;
    let config = WebSocketConfig::default()
        .max_frame_size(Some(FRAME_BYTES_MAX))
        .max_message_size(Some(FRAME_BYTES_MAX));
    let upgrade = client_async_with_config(request, stream, Some(config));
    match timeout(UPGRADE_WITHIN, upgrade).await {
        Ok(Ok((socket, _response))) => Ok(socket),
        Ok(Err(why)) => Err(refused(address, why)),
        Err(_) => Err(ClientError::TimedOut {
            what: "opening a session",
            after: UPGRADE_WITHIN,
        }),
    }
}

fn request(address: &Address, client: &ClientId, token: &Token) -> Result<Request, ClientError> {
    let mut request = address
        .socket(client)
        .into_client_request()
        .map_err(|why| ClientError::Input(format!("{address}: {why}")))?;
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, token.header()?);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    Ok(request)
}

async fn connect(address: &Address) -> Result<TcpStream, ClientError> {
    let unreachable = |why| ClientError::Unreachable {
        address: address.clone(),
        why,
    };
    let connecting = TcpStream::connect((address.host(), address.port()));
    let stream = match timeout(CONNECT_WITHIN, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(why)) => return Err(unreachable(why.to_string())),
        Err(_) => {
            let seconds = CONNECT_WITHIN.as_secs();
            return Err(unreachable(format!("no answer within {seconds} s")));
        }
    };
    // A frame is a whole thought; it must not wait for the next one.
    stream
        .set_nodelay(true)
        .map_err(|why| unreachable(why.to_string()))?;
    Ok(stream)
}

/// What the server said instead of opening a session.
fn refused(address: &Address, error: Error) -> ClientError {
    match error {
        Error::Http(response) => {
            let status = StatusCode::from_u16(response.status().as_u16())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            // The body is what came together with the head. Ours always does; should one be cut
            // off, the status alone says what to do.
            let body = response.into_body().unwrap_or_default();
            ClientError::Refused(Box::new(refusal(status, &body)))
        }
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
            ClientError::Protocol("it does not speak agent-bridge.v1".to_owned())
        }
        Error::Protocol(why) => ClientError::Protocol(why.to_string()),
        why => ClientError::Unreachable {
            address: address.clone(),
            why: root_cause(&why),
        },
    }
}
