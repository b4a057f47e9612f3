//! What follows elsewhere from each kind of record.

use bridge_core::aggregate::system;
use bridge_core::command::Key;
use bridge_core::event::{About, Envelope, Event, MessageStored, Posted, ReceiptKept, Stream};
use bridge_core::mailbox::{KeepReceipt, MailboxCommand, Replied};
use bridge_core::message::{Body, MessageKind, Outgoing, Priority, Recipients, Stage, Trace};
use bridge_core::text::{MessageText, Metadata, Reason};
use bridge_core::{ClientId, IdempotencyKey, Reject, RoomId, limits};
use serde_json::json;

use crate::actors::bridge::Bridge;
use crate::wire::encode::Receipt;

/// Brings about everything that follows from a record.
pub(super) async fn bring_about(bridge: &Bridge, record: &Envelope) -> Result<(), Reject> {
    match (&record.event, &record.stream) {
        (Event::Posted(posted), Stream::Room(room)) => mention(bridge, record, room, posted).await,
        (Event::MessageStored(stored), Stream::Mailbox(mailbox)) => {
            complete(bridge, record, mailbox, stored).await?;
            finish_question(bridge, record, stored).await
        }
        (Event::MessageDone(done), Stream::Mailbox(by)) => {
            report(bridge, record, by, &done.about, Stage::Done, None).await
        }
        (Event::MessageExpired(expired), Stream::Mailbox(by)) => {
            let why = expired.why.as_str();
            report(
                bridge,
                record,
                by,
                &expired.about,
                Stage::Expired,
                Some(why),
            )
            .await
        }
        (Event::MessageDied(died), Stream::Mailbox(by)) => {
            let why = died.failures.last().map(|failure| failure.ending.as_str());
            report(bridge, record, by, &died.about, Stage::Dead, why).await
        }
        _ => Ok(()),
    }
}

/// A key that only this effect of this record has.
fn key_of(record: &Envelope, effect: &str) -> Result<IdempotencyKey, Reject> {
    let word = format!("{effect}:{}:{}", record.stream, record.seq);
    word.parse().map_err(|why| Reject::Internal {
        detail: format!("the key {word:?}: {why}"),
    })
}

/// Members who are mentioned and have no session in the room find a notice in their mailbox. It
/// says where to look; what was said stays in the room, which its members may read.
async fn mention(
    bridge: &Bridge,
    record: &Envelope,
    room: &RoomId,
    posted: &Posted,
) -> Result<(), Reject> {
    let handle = bridge.room(room)?;
    let mentioned = posted.mentions.clone();
    let by = record.by.clone();
    let absent = handle.members_absent(mentioned, by).await?;
    for client in absent {
        let message = notice(bridge, record, room, posted, &client)?;
        let key = Key::new(key_of(record, "mention")?, &message.metadata);
        let sent = bridge.deliver_as(system(), &client, message, key).await;
        match sent {
            // Who has ten thousand messages to read does not need to know of one more.
            Ok(_) | Err(Reject::MailboxFull { .. } | Reject::UnknownRecipient { .. }) => {}
            Err(reject) => return Err(reject),
        }
    }
    Ok(())
}

fn notice(
    bridge: &Bridge,
    record: &Envelope,
    room: &RoomId,
    posted: &Posted,
    client: &ClientId,
) -> Result<Outgoing, Reject> {
    let text = format!(
        "{} mentioned you in the room {room}, channel {}",
        record.by, posted.channel
    );
    let text: MessageText = text.parse().map_err(|why| Reject::Internal {
        detail: format!("a notice: {why}"),
    })?;
    let place = json!({
        "event": "mention", "room": room, "channel": posted.channel, "seq": record.seq,
        "message": posted.id, "by": record.by,
    });
    let metadata = Metadata::try_from(place).map_err(|why| Reject::Internal {
        detail: format!("a notice: {why}"),
    })?;
    Ok(Outgoing {
        id: bridge.new_message(),
        to: Recipients::one(client.clone()),
        body: Body::Text(text),
        kind: MessageKind::Notice,
        priority: Priority::default(),
        ttl_seconds: limits::TTL_SECONDS_DEFAULT,
        reply_to: None,
        expects_reply: None,
        keep: false,
        trace_given: None,
        trace: Trace::begin(bridge.ids().uuid()),
        metadata: Some(metadata),
    })
}

/// A message to several is in its home's mailbox: it is in all of them, even if the server died
/// before it had come to the others.
async fn complete(
    bridge: &Bridge,
    record: &Envelope,
    mailbox: &ClientId,
    stored: &MessageStored,
) -> Result<(), Reject> {
    let is_home = stored.to.named().len() > 1 && stored.to.home() == Some(mailbox);
    let Some(key) = record.key.clone().filter(|_| is_home) else {
        return Ok(());
    };
    bridge
        .deliver_to_others(&record.by, mailbox, stored, &key)
        .await
}

/// An answer makes its question done, if that wanted one.
async fn finish_question(
    bridge: &Bridge,
    record: &Envelope,
    stored: &MessageStored,
) -> Result<(), Reject> {
    let Some(question) = stored.reply_to else {
        return Ok(());
    };
    if record.by == ClientId::system() {
        return Ok(());
    }
    let replied = Replied {
        id: question,
        reply: stored.id,
        to: stored.to.named().to_vec(),
        found: None,
    };
    let command = MailboxCommand::Replied(replied);
    bridge
        .ask_mailbox(&record.by, command, system(), None)
        .await
        .map(drop)
}

/// The end of a message is told to its sender: now, if it is connected; else when it comes back.
async fn report(
    bridge: &Bridge,
    record: &Envelope,
    by: &ClientId,
    about: &About,
    stage: Stage,
    reason: Option<&'static str>,
) -> Result<(), Reject> {
    if about.from == ClientId::system() {
        return Ok(());
    }
    let reason: Option<Reason> = reason.and_then(|word| word.parse().ok());
    let receipt = Receipt {
        id: about.id,
        stage,
        by: by.clone(),
        at: record.at,
        reason: reason.clone(),
    };
    let sender = bridge.mailbox(&about.from)?;
    if sender.report(receipt).await? {
        return Ok(());
    }
    let receipt = ReceiptKept {
        id: about.id,
        stage,
        by: by.clone(),
        reached_at: record.at,
        reason,
    };
    let key = Key::new(key_of(record, "receipt")?, &receipt);
    let command = MailboxCommand::KeepReceipt(KeepReceipt { receipt });
    bridge
        .ask_mailbox(&about.from, command, system(), Some(key))
        .await
        .map(drop)
}
