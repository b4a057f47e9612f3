//! The second part of the story: one agent asks another something, by direct message.
//!
//! The one who asks is told each stage that its question reaches, and reads its whole way at the
//! end.

use std::time::Duration;

use bridge_core::message::{AckStage, Body, MessageKind, Recipients, ReplyWanted, Stage};
use bridge_core::{ClientId, MessageId, Seq};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::agent::Stage as Scene;
use super::screen::{Shown, show};
use super::words::surprise;
use crate::client::session::within;
use crate::client::{ClientError, Looks, Mail, NewMessage, RestClient, Session, Token};
use crate::wire::frame::{Message, ServerFrame};
use crate::wire::time;

const TITLE: &str = "One question, one answer, by direct message";
const QUESTION: &str = "Rosa, which event of our room was the last that you received?";
/// How long an answer may take: more than the story needs on a busy machine.
const DEADLINE_SECONDS: u32 = 120;

/// What the one who asked knows at the end.
#[derive(Debug)]
pub(super) struct Answered {
    /// The stages of its receipts, in the order in which they came.
    pub(super) receipts: Vec<Stage>,
    /// From the question's time to the answer's, by the server's clock.
    pub(super) took: Duration,
}

impl Answered {
    pub(super) fn stages(&self) -> Vec<&'static str> {
        self.receipts.iter().map(|stage| stage.as_str()).collect()
    }
}

/// Somebody with a mailbox.
struct Friend<'a> {
    scene: &'a Scene<'a>,
    client: ClientId,
    rest: RestClient,
    session: Session,
    lines: mpsc::Sender<Shown>,
}

/// Asks, and answers. `last` is what the answer is about, from the log of the one who answers.
///
/// # Errors
/// Whatever the server refused, and what did not happen in time.
pub(super) async fn play(
    scene: &Scene<'_>,
    [asking, answering]: [(ClientId, Token); 2],
    last: Seq,
    lines: mpsc::Sender<Shown>,
) -> Result<Answered, ClientError> {
    show(&lines, Shown::Title(TITLE))?;
    let (to, from) = (answering.0.clone(), asking.0.clone());
    let asking = Friend::connect(scene, asking, lines.clone()).await?;
    let answering = Friend::connect(scene, answering, lines).await?;
    let (answered, ()) = tokio::try_join!(ask(asking, to), answer(answering, from, last))?;
    Ok(answered)
}

async fn ask(mut maya: Friend<'_>, to: ClientId) -> Result<Answered, ClientError> {
    maya.think(1).await;
    let question = NewMessage {
        expects_reply: Some(ReplyWanted {
            deadline_seconds: Some(DEADLINE_SECONDS),
        }),
        ..message(to.clone(), QUESTION)?
    };
    let stored = maya.session.send_message(&question).await?;
    maya.mail(&stored.at, format!("→ {to}  {QUESTION}"), true)?;
    let words = format!("stored: {} is on the disk", stored.id);
    maya.mail(&stored.at, words, false)?;
    let (reply, receipts) = maya.hear_of(stored.id).await?;
    let done = AckStage::Done;
    maya.session.acknowledge(reply.id, done, None).await?;

    let until = Instant::now() + maya.scene.patience();
    let rest = &maya.rest;
    let tracked = rest.until_ended(stored.id, until, Looks::Seldom, |_| {});
    let facts = tracked.await?.facts;
    if facts.recipients.first().and_then(|way| way.reply()) != Some(reply.id) {
        return Err(surprise("the question's way does not end with its answer"));
    }
    show(&maya.lines, Shown::Way(Box::new(facts)))?;
    maya.session.close().await;
    let took = took(&stored.at, &reply.at);
    let took = took.ok_or_else(|| surprise("an answer that is older than its question"))?;
    Ok(Answered { receipts, took })
}

async fn answer(mut rosa: Friend<'_>, from: ClientId, last: Seq) -> Result<(), ClientError> {
    let question = rosa.next_message(&from).await?;
    let attempt = question.attempt.unwrap_or_default();
    let words = format!("has the question in her session, attempt {attempt}");
    rosa.mail(&question.at, words, false)?;
    rosa.think(2).await;
    let seen = AckStage::Seen;
    rosa.session.acknowledge(question.id, seen, None).await?;
    rosa.think(2).await;
    let reply = NewMessage {
        kind: MessageKind::Response,
        reply_to: Some(question.id),
        ..message(
            from,
            &format!("It was #{last}, and I have them all from #1 on."),
        )?
    };
    rosa.session.send_message(&reply).await?;
    rosa.session.close().await;
    Ok(())
}

impl<'a> Friend<'a> {
    async fn connect(
        scene: &'a Scene<'a>,
        (client, token): (ClientId, Token),
        lines: mpsc::Sender<Shown>,
    ) -> Result<Self, ClientError> {
        let rest = RestClient::new(scene.address, &token)?;
        let mut session = Session::connect(scene.address, &client, &token).await?;
        session.hello(None, Mail::Taken).await?;
        Ok(Self {
            scene,
            client,
            rest,
            session,
            lines,
        })
    }

    async fn think(&self, beats: u32) {
        tokio::time::sleep(self.scene.pace.saturating_mul(beats)).await;
    }

    /// Listens until a question has been answered, and every receipt of it has come.
    async fn hear_of(&mut self, id: MessageId) -> Result<(Message, Vec<Stage>), ClientError> {
        let patience = self.scene.patience();
        let hearing = async {
            let (mut reply, mut receipts) = (None, Vec::new());
            loop {
                match self.session.next().await? {
                    Some(ServerFrame::Receipt(receipt)) if receipt.id == id => {
                        let words = format!("receipt: {} by {}", receipt.stage, receipt.by);
                        self.mail(&receipt.at, words, false)?;
                        receipts.push(receipt.stage);
                    }
                    Some(ServerFrame::Message(message)) if message.reply_to == Some(id) => {
                        let text = message.text.as_deref().unwrap_or_default();
                        let words = format!("← {}  {text}", message.from);
                        self.mail(&message.at, words, true)?;
                        reply = Some(*message);
                    }
                    Some(_) => {}
                    None => return Err(ClientError::Lost("the server said goodbye".to_owned())),
                }
                let has_ended = receipts.last().is_some_and(|stage| stage.is_terminal());
                if let Some(reply) = reply.take_if(|_| has_ended) {
                    return Ok((reply, receipts));
                }
            }
        };
        within(patience, "the answer", hearing).await
    }

    async fn next_message(&mut self, from: &ClientId) -> Result<Message, ClientError> {
        let hearing = async {
            loop {
                match self.session.next().await? {
                    Some(ServerFrame::Message(message)) if message.from == from.as_str() => {
                        return Ok(*message);
                    }
                    Some(_) => {}
                    None => return Err(ClientError::Lost("the server said goodbye".to_owned())),
                }
            }
        };
        within(self.scene.patience(), "the question", hearing).await
    }

    fn mail(&self, at: &str, words: String, is_speech: bool) -> Result<(), ClientError> {
        let mail = Shown::Mail {
            at: at.to_owned(),
            who: self.client.clone(),
            words,
            is_speech,
        };
        show(&self.lines, mail)
    }
}

fn message(to: ClientId, text: &str) -> Result<NewMessage, ClientError> {
    let text = text.parse().map_err(|_| surprise("a text that is none"))?;
    Ok(NewMessage::new(Recipients::one(to), Body::Text(text)))
}

fn took(from: &str, to: &str) -> Option<Duration> {
    let (from, to) = (time::from_text(from)?, time::from_text(to)?);
    let millis = u64::try_from(to.as_millis() - from.as_millis()).ok()?;
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_is_the_servers() {
        let (from, to) = ("2026-11-22T08:15:30.250Z", "2026-11-22T08:15:32.000Z");
        assert_eq!(took(from, to), Some(Duration::from_millis(1_750)));
        assert_eq!(took(to, from), None);
        assert_eq!(took("soon", to), None);
    }
}
