//! What comes from the server, and what it means for the session.

use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::client::error::ClientError;
use crate::wire::frame::{Bye, ServerFrame};

/// `bye` with this code is a goodbye without a complaint.
const NORMAL: u16 = 1000;
/// The first close code of the protocol.
const CLOSE_CODES_FROM: u16 = 4000;
/// The first close code after which a client does not come back.
const FOR_GOOD_FROM: u16 = 4500;

/// Whether a frame is the answer to the request with this `ref`.
pub(super) fn is_answer(frame: &ServerFrame, expected: &str) -> bool {
    let reference = match frame {
        // It answers the only request that may come first.
        ServerFrame::Welcome(_) => return true,
        ServerFrame::Joined(joined) => &joined.reference,
        ServerFrame::Event(event) => &event.reference,
        ServerFrame::Pong { reference, .. } => reference,
        ServerFrame::Stored(stored) => &stored.reference,
        ServerFrame::Unchanged { reference } => reference,
        ServerFrame::Rejected(rejected) => &rejected.reference,
        ServerFrame::Message(_)
        | ServerFrame::Receipt(_)
        | ServerFrame::Presence { .. }
        | ServerFrame::Bye(_)
        | ServerFrame::Unknown => return false,
    };
    reference.as_deref() == Some(expected)
}

/// A frame; the last words become the end of the session.
pub(super) fn frame(text: &str) -> Result<Option<ServerFrame>, ClientError> {
    match serde_json::from_str(text) {
        Ok(ServerFrame::Bye(bye)) if bye.code == NORMAL => Ok(None),
        Ok(ServerFrame::Bye(bye)) => Err(ClientError::Closed(Box::new(bye))),
        Ok(frame) => Ok(Some(frame)),
        Err(why) => Err(ClientError::Protocol(why.to_string())),
    }
}

/// A close frame that came without `bye` before it.
pub(super) fn closed(close: Option<CloseFrame>) -> Result<Option<ServerFrame>, ClientError> {
    let Some(CloseFrame { code, reason }) = close else {
        return Err(ClientError::Lost(
            "it was closed without a reason".to_owned(),
        ));
    };
    let (code, reason) = (u16::from(code), reason.to_string());
    match code {
        NORMAL => Ok(None),
        CLOSE_CODES_FROM.. => {
            let reconnect = code < FOR_GOOD_FROM;
            let bye = Bye {
                code,
                reason,
                reconnect,
                retry_after_ms: None,
            };
            Err(ClientError::Closed(Box::new(bye)))
        }
        _ => Err(ClientError::Lost(format!(
            "it was closed with {code}: {reason}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::error::Exit;

    fn exit(code: u16) -> Option<Exit> {
        let reason = "x".into();
        let close = CloseFrame {
            code: code.into(),
            reason,
        };
        closed(Some(close)).err().map(|why| why.exit())
    }

    #[test]
    fn a_close_frame_without_last_words_is_understood() {
        assert_eq!(exit(1000), None);
        assert_eq!(exit(1011), Some(Exit::Unreachable));
        assert_eq!(exit(4001), Some(Exit::Temporary));
        assert_eq!(exit(4500), Some(Exit::Unauthorized));
        assert_eq!(exit(4503), Some(Exit::Refused));
        assert!(closed(None).is_err_and(|why| why.may_pass()));
    }

    #[test]
    fn a_frame_of_a_newer_server_is_no_error() {
        let text = r#"{"type":"weather","sun":true}"#;
        assert!(matches!(frame(text), Ok(Some(ServerFrame::Unknown))));
        assert!(matches!(frame("{"), Err(ClientError::Protocol(_))));
    }
}
