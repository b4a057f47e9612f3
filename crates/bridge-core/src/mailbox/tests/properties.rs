//! Whatever happens, in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Send(u8, Option<u32>),
    Hand(usize),
    Lose(usize, Ending),
    Ack(u128, AckStage),
    Take(usize, bool),
    Sweep,
    Turn(i64),
    Restart,
    Wake,
}

fn step() -> impl Strategy<Value = Step> {
    let deadline = prop::option::weighted(0.3, 1_u32..2_000);
    let ending = prop::sample::select(vec![Ending::ConnectionLost, Ending::ServerRestarted]);
    let stage = prop::sample::select(vec![AckStage::Seen, AckStage::Done, AckStage::Failed]);
    prop_oneof![
        4 => (0_u8..=3, deadline).prop_map(|(p, d)| Step::Send(p, d)),
        4 => (0_usize..8).prop_map(Step::Hand),
        2 => (0_usize..8, ending).prop_map(|(n, e)| Step::Lose(n, e)),
        4 => (1_u128..30, stage).prop_map(|(n, s)| Step::Ack(n, s)),
        3 => (1_usize..5, any::<bool>()).prop_map(|(n, c)| Step::Take(n, c)),
        2 => Just(Step::Sweep),
        3 => (0_i64..20 * MINUTE).prop_map(Step::Turn),
        1 => Just(Step::Restart),
        1 => Just(Step::Wake),
    ]
}

/// Takes a step, and says which messages were handed over in it.
fn take(scene: &mut Scene, step: &Step, sent: &mut u128, batch: &mut Option<Batch>) -> Vec<Event> {
    let nth = |scene: &Scene, n: usize| scene.mailbox().open().nth(n).cloned();
    match step {
        Step::Send(priority, deadline) => {
            *sent += 1;
            let message = match deadline {
                Some(seconds) => question(*sent, Some(*seconds)),
                None => urgent(*sent, *priority),
            };
            scene.send(message);
            Vec::new()
        }
        // The shell hands over what is ready, and nothing else.
        Step::Hand(n) => match nth(scene, *n).filter(|held| held.is_ready(scene.at())) {
            Some(held) => scene.hand(&[held.about.message]),
            None => Vec::new(),
        },
        Step::Lose(n, ending) => match nth(scene, *n) {
            Some(held) => scene.lose(&[(held.about.message, held.attempts)], *ending),
            None => Vec::new(),
        },
        Step::Ack(n, stage) => scene.ack(*n, *stage).unwrap_or_default(),
        Step::Take(max, confirms) => {
            let events = scene.take(batch.filter(|_| *confirms), *max);
            let taken = delivered(&events).len() as u64;
            let last = scene.mailbox().head();
            *batch = (taken > 0).then(|| Batch {
                first: Seq::new(last.get() + 1 - taken),
                last,
            });
            events
        }
        Step::Sweep => scene.sweep(),
        Step::Turn(millis) => {
            scene.turn(*millis);
            Vec::new()
        }
        Step::Restart => {
            *scene = scene.restarted();
            Vec::new()
        }
        Step::Wake => {
            *scene = scene.woken();
            Vec::new()
        }
    }
}

fn is_end(event: &Event) -> bool {
    matches!(
        event,
        Event::MessageDone(_) | Event::MessageExpired(_) | Event::MessageDied(_)
    )
}

/// What the whole log must say of each message.
fn check(scene: &Scene) -> Result<(), TestCaseError> {
    let mut ended: BTreeMap<Seq, &'static str> = BTreeMap::new();
    for record in &scene.log {
        let Some(about) = record.event.about() else {
            continue;
        };
        prop_assert!(
            !ended.contains_key(&about.message),
            "{} after {}",
            record.event.kind(),
            ended[&about.message]
        );
        let Event::MessageStored(stored) = &scene.log[about.message.get() as usize - 1].event
        else {
            return Err(TestCaseError::fail("it is about no message"));
        };
        match &record.event {
            Event::MessageDelivered(_) => {
                prop_assert!(record.at < stored.ends_at(), "delivered after its end");
            }
            Event::MessageExpired(_) => {
                prop_assert!(record.at >= stored.ends_at(), "expired too early");
            }
            Event::MessageDied(died) => {
                prop_assert_eq!(died.failures.len(), 5);
            }
            _ => {}
        }
        if is_end(&record.event) {
            ended.insert(about.message, record.event.kind());
        }
    }
    Ok(())
}

proptest! {
    /// Each message has at most one end, is never delivered after it, never expires early, and in
    /// the end has one. What is read from the log is what was held.
    #[test]
    fn every_message_has_exactly_one_end(steps in prop::collection::vec(step(), 1..80)) {
        let mut scene = Scene::known();
        let mut sent = 0;
        let mut batch = None;
        for step in &steps {
            take(&mut scene, step, &mut sent, &mut batch);
            let held: Vec<_> = scene.mailbox().open().cloned().collect();
            let again = scene.restarted();
            let read: Vec<_> = again.mailbox().open().cloned().collect();
            prop_assert_eq!(held, read);
        }
        check(&scene)?;
        // Long after everything: nothing is left open.
        for _ in 0..2 {
            scene.turn(60 * 60 * MINUTE);
            scene.sweep();
        }
        check(&scene)?;
        let ends = scene.log.iter().filter(|record| is_end(&record.event)).count();
        prop_assert_eq!(ends as u128, sent);
        prop_assert_eq!(scene.mailbox().waiting(), 0);
    }
}
