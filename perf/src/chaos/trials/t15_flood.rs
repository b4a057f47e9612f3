//! Trial 15: receivers get more than they can bear at the lowest priority, and now and then something
//! urgent; and the other way round, for longer than three steps of ageing.

mod inbox;
mod order;
mod senders;
mod there;

use std::ops::Range;
use std::time::Duration;

use bridge_core::limits::PRIORITY_STEP;
use tokio::time::sleep;

use super::Trying;
use crate::chaos::memory::Watch;
use crate::chaos::outcome::Outcome;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::figures::{Latencies, Quantiles, Spread};
use senders::Flow;
use there::{Crowd, There, Way};

/// A caller calls so often, for so many messages: it can bear 100 a second.
const CALLS_EVERY: Duration = Duration::from_millis(40);
const CALLS_FOR: usize = 4;
/// One with a session hears everything at once, and is done with as many.
const DONE_EVERY: Duration = Duration::from_millis(10);
const BEARS_A_SECOND: i64 = 100;
const TRICKLES_EVERY: Duration = Duration::from_millis(40);
/// How often longer the urgent may take: the median of the turns. In the short form, with a turn or two
/// on a busy machine, it is shown and not judged; only that the flood does not hold them up is.
const RATIO: f64 = 2.0;
/// What calls and answers add to the oldest message.
const SLACK: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(900);

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let form = "half of the receivers call for a few at a time, half hear all over a session";
        let mut outcome = Outcome::new(form);
        let folder = setting.folder()?;
        let server = Start::new(&setting, folder.path())?.go()?;
        let crowd = Crowd {
            receivers: setting.pick(3, 12),
            flood: 0,
            trickle: 3,
            backlog: setting.pick(120, 300) as i64,
        };
        let memory = Watch::begin(server.pid());
        for way in [Way::Calls, Way::Listens] {
            let there = crowd.come(&server, way)?;
            let told = turns(there, &setting).await?;
            told.tell(&mut outcome, &setting, crowd.backlog);
        }
        outcome.memory = Some(memory.end(&setting).await);
        if setting.is_short() {
            outcome.figure(
                "starvation",
                "only in the long form: it takes three minutes",
            );
        } else {
            starve(&setting, &server, &mut outcome).await?;
        }
        Ok(outcome)
    })
}

/// The trickle alone and during the flood, by turns.
async fn turns(there: There, setting: &Setting) -> Result<Told, String> {
    let time = Duration::from_secs(setting.pick(2, 3) as u64);
    let mut spans: [Vec<Range<u64>>; 2] = Default::default();
    for turn in 0..setting.pick(2, 40) {
        let is_flooded = turn % 2 == 1;
        let what = if is_flooded { "a flood" } else { "a trickle" };
        setting.at(format!("{what} for a {}", there.way.name()));
        let flow = if is_flooded { Flow::On } else { Flow::Off };
        there.flow.send_replace(flow);
        if !is_flooded {
            there.until_calm().await;
        }
        // It has begun, or it has gone by.
        sleep(time / 4).await;
        let began = there.clock.nanos();
        sleep(time).await;
        spans[usize::from(is_flooded)].push(began..there.clock.nanos());
    }
    let (way, inboxes) = there.end().await?;
    let of = |spans: &[Range<u64>], is_urgent: bool| -> Vec<Quantiles> {
        let of_span = |span: &Range<u64>| {
            let mut latencies = Latencies::new();
            let took = inboxes
                .iter()
                .flat_map(|inbox| inbox.took(span.clone(), is_urgent));
            took.for_each(|nanos| latencies.record(nanos));
            latencies.quantiles()
        };
        spans.iter().map(of_span).collect()
    };
    Ok(Told {
        way,
        alone: of(&spans[0], true),
        during: of(&spans[1], true),
        flood: of(&spans[1], false),
        out_of_order: inboxes.iter().map(|inbox| inbox.out_of_order()).sum(),
        out_of_order_backwards: inboxes
            .iter()
            .map(|inbox| inbox.out_of_order_backwards())
            .sum(),
        missing: inboxes.iter().map(|inbox| inbox.missing()).sum(),
    })
}

/// What was found of one kind of receivers, turn by turn.
struct Told {
    way: Way,
    alone: Vec<Quantiles>,
    during: Vec<Quantiles>,
    flood: Vec<Quantiles>,
    out_of_order: u64,
    out_of_order_backwards: u64,
    missing: u64,
}

impl Told {
    fn tell(&self, outcome: &mut Outcome, setting: &Setting, backlog: i64) {
        let median = |turns: &[Quantiles], of: fn(&Quantiles) -> f64| {
            Spread::of(turns.iter().map(of)).map_or(f64::NAN, |spread| spread.median)
        };
        let p99 = |turns: &[Quantiles]| median(turns, |turn| turn.p99_ms);
        let (alone, during) = (p99(&self.alone), p99(&self.during));
        outcome.figure(
            match self.way {
                Way::Calls => "callers: p99 alone ms",
                Way::Listens => "listeners: p99 alone ms",
            },
            alone.round(),
        );
        outcome.figure("during ms", during.round());
        let urgent = self.during.iter().map(|turn| turn.count).sum::<u64>();
        outcome.figure("urgent ones", urgent);
        if setting.is_short() {
            outcome.figure("ratio", (during / alone * 100.0).round() / 100.0);
        } else {
            outcome.at_most("ratio", during / alone, RATIO);
        }
        let waits = median(&self.flood, |turn| turn.p50_ms);
        outcome.figure("the flood's p50 ms", waits.round());
        outcome.figure("its p99 ms", p99(&self.flood).round());
        if self.way == Way::Calls {
            outcome.at_most("of that the urgent wait a share of", during / waits, 0.5);
        }
        // All that can be before a message of the flood when it is sent, and the urgent ones that come
        // meanwhile.
        let bound = backlog as f64 / BEARS_A_SECOND as f64 * 2.0 + SLACK.as_secs_f64();
        let oldest = self.flood.iter().map(|turn| turn.max_ms);
        outcome.at_most(
            "its oldest ms",
            oldest.fold(0.0, f64::max).round(),
            bound * 1e3,
        );
        outcome.must_be_zero("missing", self.missing);
        outcome.must_be_zero("out of order", self.out_of_order);
        if self.way == Way::Calls {
            let found = self.out_of_order_backwards;
            outcome.control(
                "the calls, read backwards",
                format!("{found} out of order"),
                found > 0,
            );
        }
        if waits.is_nan() || alone.is_nan() || urgent == 0 {
            outcome.flaw("there was nothing to measure");
        }
    }
}

/// A flood at the highest priority, and a few at the lowest: they wait for three steps, and for what
/// was before them then, and no longer.
async fn starve(setting: &Setting, server: &Server, outcome: &mut Outcome) -> Result<(), String> {
    let crowd = Crowd {
        receivers: 4,
        flood: 3,
        trickle: 0,
        backlog: 300,
    };
    let there = crowd.come(server, Way::Calls)?;
    there.flow.send_replace(Flow::On);
    let steps = PRIORITY_STEP * 3;
    let queue = Duration::from_secs((2 * crowd.backlog / BEARS_A_SECOND).unsigned_abs());
    let time = steps + queue + SLACK;
    let began = there.clock.nanos();
    for second in 0..time.as_secs() {
        setting.at(format!(
            "a flood at 3, and what is at 0: {second} of {} s",
            time.as_secs()
        ));
        sleep(Duration::from_secs(1)).await;
        if second == 5 {
            // Those are enough; more would be a flood of their own when their time has come.
            there.stop_trickle.send_replace(true);
        }
    }
    let until = there.clock.nanos();
    let (_, inboxes) = there.end().await?;
    let took = inboxes
        .iter()
        .flat_map(|inbox| inbox.took(began..until, true));
    // A histogram of latencies does not go so far.
    let seconds: Vec<f64> = took.map(|nanos| nanos as f64 / 1e9).collect();
    let found = Spread::of(seconds.iter().copied()).ok_or("there was nothing to measure")?;
    outcome.figure("messages at 0 in a flood at 3", seconds.len());
    outcome.at_most(
        "the longest that one waited s",
        found.max,
        time.as_secs_f64(),
    );
    outcome.at_least("and the median s", found.median, steps.as_secs_f64() * 0.9);
    let missing = inboxes.iter().map(|inbox| inbox.missing()).sum();
    outcome.must_be_zero("missing", missing);
    let out_of_order = inboxes.iter().map(|inbox| inbox.out_of_order()).sum();
    outcome.must_be_zero("out of order", out_of_order);
    Ok(())
}
