//! A page of a mailbox as JSON.

use bridge_core::Epoch;
use bridge_core::event::Envelope;
use serde::Serialize;

use super::json;
use super::message::{Receipt, message_text, receipt_body};
use crate::wire::frame::ReceiptBody;

/// What a page of a mailbox says.
#[derive(Debug)]
pub struct MailboxFacts<'a> {
    /// Messages with the numbers of their attempts.
    pub messages: &'a [(Envelope, Option<u32>)],
    /// What became of the client's own messages.
    pub receipts: &'a [Receipt],
    /// What the next call confirms.
    pub next: Option<String>,
    /// Which life of the log it is.
    pub epoch: Epoch,
    /// Whether what was to be confirmed could be.
    pub complete: bool,
}

/// The JSON text of a page: the same objects as the frames of a session.
#[must_use]
pub fn mailbox_text(facts: &MailboxFacts<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Rest<'a> {
        receipts: Vec<ReceiptBody>,
        next: Option<&'a str>,
        epoch: Epoch,
        complete: bool,
    }
    let mut text = b"{\"items\":[".to_vec();
    let messages = facts.messages.iter();
    let messages = messages.filter_map(|(record, attempt)| message_text(record, *attempt));
    for (place, message) in messages.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&message);
    }
    text.extend_from_slice(b"],");
    let rest = Rest {
        receipts: facts.receipts.iter().map(receipt_body).collect(),
        next: facts.next.as_deref(),
        epoch: facts.epoch,
        complete: facts.complete,
    };
    text.extend_from_slice(&json(&rest)[1..]);
    text
}
