//! The last part of the story: the five agree on something.
//!
//! They act over REST. What the screen shows is what the room's log says of it, as one session
//! receives it.

use std::collections::HashMap;

use bridge_core::decision::{Choice, Consent, Severity, Side, State, Target, VoteType};
use bridge_core::text::{Evidence, MessageText};
use bridge_core::{ClientId, DecisionId, RoomId, Seq};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::agent::Stage as Scene;
use super::screen::{Shown, show};
use super::words::surprise;
use crate::cli::gate::Gate;
use crate::client::session::within;
use crate::client::{
    ClientError, DecisionFacts, Follow, Followed, NewCritique, NewDecision, RestClient, Token,
};
use crate::wire::frame::RoomEvent;

const TITLE: &str = "One decision, by consensus";
const FIRST: &str = "We keep our data in SQLite.";
const CRITIQUE: &str = "What if two servers have to write to it?";
const OTHER: &str = "We keep our data in PostgreSQL.";
const FOR: &str = "Many may write to it at the same time.";
const EVIDENCE: &str = "https://www.postgresql.org/docs/current/mvcc.html";
const AGAINST: &str = "On a laptop, it is one thing more to run.";
const BETTER: &str = "We keep our data in PostgreSQL, and on a laptop in SQLite.";
/// How long the motions may be voted on: more than the story needs on a busy machine.
const DEADLINE_SECONDS: u32 = 600;

/// What came of it, counted from what was received.
#[derive(Debug)]
pub(super) struct Agreed {
    /// Motions that were put to the vote.
    pub(super) motions: u64,
    /// Ballots in all.
    pub(super) ballots: u64,
    /// Ballots that were void, because the text had changed.
    pub(super) void: u64,
    /// What was approved.
    pub(super) approved: DecisionFacts,
    /// What the gate said before, and at the end.
    pub(super) gate: [Gate; 2],
}

/// Somebody with a vote.
struct Seat {
    client: ClientId,
    rest: RestClient,
}

/// Where the five meet.
struct Council<'a> {
    scene: &'a Scene<'a>,
    room: &'a RoomId,
    follow: Follow,
    lines: mpsc::Sender<Shown>,
    events: Vec<RoomEvent>,
}

/// Plays it. `last` is the room's last event before.
///
/// # Errors
/// Whatever the server refused, and what did not happen in time.
pub(super) async fn play(
    scene: &Scene<'_>,
    cast: [(ClientId, Token); 5],
    (room, last): (&RoomId, Seq),
    lines: mpsc::Sender<Shown>,
) -> Result<Agreed, ClientError> {
    show(&lines, Shown::Title(TITLE))?;
    let [(observer, token), ..] = &cast;
    let cursors = HashMap::from([(room.clone(), last)]);
    let mut council = Council {
        scene,
        room,
        follow: Follow::new(scene.address, observer, token, cursors, None),
        lines,
        events: Vec::new(),
    };
    let mut seats = Vec::new();
    for (client, token) in cast {
        let rest = RestClient::new(scene.address, &token)?;
        seats.push(Seat { client, rest });
    }
    let [maya, ravi, chen, rosa, tomas] = <[Seat; 5]>::try_from(seats)
        .map_err(|_| surprise("a council of another size than its cast"))?;

    let first = council.propose(&maya, FIRST, None).await?;
    council.criticise(&rosa, first).await?;
    let other = council.propose(&ravi, OTHER, Some(first)).await?;
    let before = council.gate(&tomas, other).await?;

    let until = Instant::now() + scene.patience();
    let waiting = tomas.rest.until_decided(other, until, |_| {});
    let agreeing = council.agree(other, [&maya, &ravi, &chen, &rosa, &tomas]);
    let (awaited, ()) = tokio::try_join!(waiting, agreeing)?;
    let approved = awaited.decision.facts;
    let after = Gate::from(approved.state);
    council.at_the_gate(&tomas, other, after)?;
    council.ended(approved, [before, after]).await
}

impl Council<'_> {
    /// Puts a motion to the vote.
    async fn propose(
        &mut self,
        by: &Seat,
        words: &str,
        alternative_to: Option<DecisionId>,
    ) -> Result<DecisionId, ClientError> {
        self.think(2).await;
        let new = NewDecision {
            vote_type: Some(VoteType::Consensus),
            deadline_seconds: Some(DEADLINE_SECONDS),
            alternative_to,
            ..NewDecision::new(text(words)?)
        };
        let proposed = by.rest.propose(self.room, &new).await?;
        self.hear("proposed").await?;
        Ok(proposed.facts.decision)
    }

    async fn criticise(&mut self, by: &Seat, id: DecisionId) -> Result<(), ClientError> {
        self.think(2).await;
        let critique = NewCritique {
            room: self.room,
            target: Target::Decision(id),
            severity: Severity::Blocking,
            text: &text(CRITIQUE)?,
        };
        by.rest.critique(critique, None).await?;
        self.hear("critiqued").await
    }

    /// What the gate says at this moment.
    async fn gate(&mut self, by: &Seat, id: DecisionId) -> Result<Gate, ClientError> {
        self.think(1).await;
        let looked = by.rest.until_decided(id, Instant::now(), |_| {}).await?;
        let gate = Gate::from(looked.decision.facts.state);
        self.at_the_gate(by, id, gate)?;
        Ok(gate)
    }

    fn at_the_gate(&self, who: &Seat, id: DecisionId, gate: Gate) -> Result<(), ClientError> {
        let code = gate as u8;
        self.note(who, format!("runs gate --decision {id}: exit code {code}"))
    }

    /// From arguments over an amendment to a consensus.
    async fn agree(
        &mut self,
        id: DecisionId,
        [maya, ravi, chen, rosa, tomas]: [&Seat; 5],
    ) -> Result<(), ClientError> {
        self.argue(chen, id, Side::For, FOR).await?;
        self.argue(tomas, id, Side::Against, AGAINST).await?;
        for voter in [ravi, chen] {
            self.approve(voter, id, 1).await?;
        }
        let amendment = self.amend(chen, id).await?;
        for voter in [rosa, tomas, chen] {
            self.adopt(voter, id, amendment).await?;
        }
        self.hear("amended").await?;
        self.is_stale(ravi, id).await?;
        for voter in [ravi, chen, tomas, maya, rosa] {
            self.approve(voter, id, 2).await?;
        }
        // The motion's own verdict, and that of its rival.
        self.hear("decided").await?;
        self.hear("decided").await
    }

    async fn argue(
        &mut self,
        by: &Seat,
        id: DecisionId,
        side: Side,
        words: &str,
    ) -> Result<(), ClientError> {
        self.think(2).await;
        let evidence: Vec<Evidence> = match side {
            Side::For => EVIDENCE.parse().into_iter().collect(),
            Side::Against => Vec::new(),
        };
        let said = (side, &text(words)?);
        by.rest
            .argue((self.room, id), said, &evidence, None)
            .await?;
        self.hear("argued").await
    }

    async fn approve(
        &mut self,
        by: &Seat,
        id: DecisionId,
        version: u32,
    ) -> Result<(), ClientError> {
        self.think(1).await;
        let place = (self.room, id);
        by.rest.vote(place, version, Choice::Approve, None).await?;
        self.hear("voted").await
    }

    async fn amend(&mut self, by: &Seat, id: DecisionId) -> Result<u32, ClientError> {
        self.think(2).await;
        let place = (self.room, id);
        let answer = by.rest.amend(place, 1, &text(BETTER)?, None).await?;
        self.hear("amendment_proposed").await?;
        let number = answer["amendment"].as_u64();
        let number = number.and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| surprise("an amendment without a number"))
    }

    async fn adopt(
        &mut self,
        by: &Seat,
        id: DecisionId,
        amendment: u32,
    ) -> Result<(), ClientError> {
        self.think(1).await;
        let place = (self.room, id);
        by.rest.adopt(place, amendment, Consent::Approve).await?;
        self.hear("amendment_voted").await
    }

    /// Whoever votes on the text that he has read does not vote on another one.
    async fn is_stale(&mut self, by: &Seat, id: DecisionId) -> Result<(), ClientError> {
        self.think(1).await;
        let place = (self.room, id);
        match by.rest.vote(place, 1, Choice::Approve, None).await {
            Err(why) if why.refused_as() == Some("stale_version") => self.note(
                by,
                "votes on version 1 once more: refused, stale_version".to_owned(),
            ),
            Err(why) => Err(why),
            Ok(_) => Err(surprise("a ballot on an old text was taken")),
        }
    }

    /// Listens until the next event of a kind, and shows everything that comes.
    async fn hear(&mut self, kind: &str) -> Result<(), ClientError> {
        let patience = self.scene.patience();
        let hearing = async {
            loop {
                let Followed::Event(event) = self.follow.next().await? else {
                    continue;
                };
                show(&self.lines, Shown::Event(event.clone()))?;
                let is_it = event.kind == kind;
                self.events.push(event);
                if is_it {
                    return Ok(());
                }
            }
        };
        within(patience, "what the room decides", hearing).await
    }

    async fn think(&self, beats: u32) {
        tokio::time::sleep(self.scene.pace.saturating_mul(beats)).await;
    }

    fn note(&self, who: &Seat, text: String) -> Result<(), ClientError> {
        let who = who.client.clone();
        show(&self.lines, Shown::Note { who, text })
    }

    async fn ended(self, approved: DecisionFacts, gate: [Gate; 2]) -> Result<Agreed, ClientError> {
        self.follow.close().await;
        let of_kind = |kind: &str| self.events.iter().filter(|e| e.kind == kind).count() as u64;
        let ballots = of_kind("voted");
        let counted = u64::from(approved.tally.approve);
        let is_agreed = approved.state == State::Approved && approved.text == BETTER;
        if !is_agreed || gate != [Gate::Undecided, Gate::Approved] {
            return Err(surprise("what everybody approved is not approved"));
        }
        Ok(Agreed {
            motions: of_kind("proposed"),
            ballots,
            void: ballots.saturating_sub(counted),
            approved,
            gate,
        })
    }
}

fn text(words: &str) -> Result<MessageText, ClientError> {
    words.parse().map_err(|_| surprise("a text that is none"))
}
