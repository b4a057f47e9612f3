//! What fits, what is taken, and who is told of it.

use super::*;
use futures_util::{FutureExt, StreamExt};

fn frame(len: usize) -> Bytes {
    vec![b'x'; len].into()
}

#[test]
fn many_frames_go_in_one_write_and_none_is_lost() {
    let (outbox, mut body) = Outbox::new(Metrics::new());
    outbox
        .push((0..100).map(|n| Bytes::from(vec![n; 1_000])))
        .unwrap();
    let mut seen = Vec::new();
    let mut writes = 0;
    while let Some(Some(Ok(chunk))) = body.next().now_or_never() {
        assert!(chunk.len() <= limits::WRITE_BYTES_MAX);
        seen.extend_from_slice(&chunk);
        writes += 1;
    }
    let expected: Vec<u8> = (0..100).flat_map(|n| vec![n; 1_000]).collect();
    assert_eq!(seen, expected);
    assert_eq!((writes, outbox.taken()), (4, 100));
}

#[test]
fn a_full_outbox_takes_last_words_only() {
    let (outbox, mut body) = Outbox::new(Metrics::new());
    let big = limits::OUTBOX_BYTES_MAX - limits::OUTBOX_RESERVE_BYTES;
    outbox.push([frame(big)]).unwrap();
    outbox
        .reply(frame(100))
        .expect("the reserve is for replies");
    assert_eq!(outbox.push([frame(1)]), Err(Refused));
    assert_eq!(
        outbox.reply(frame(1)),
        Err(Refused),
        "contiguity is lost for ever"
    );
    assert_eq!(outbox.overflowed().now_or_never(), Some(true));
    outbox.finish(Bytes::from_static(b"bye"), Farewell::BYE);
    let mut last = Bytes::new();
    while let Some(chunk) = body.next().now_or_never().expect("it ends by itself") {
        last = chunk.unwrap();
    }
    assert!(last.ends_with(b"bye"));
}

#[test]
fn a_note_is_told_when_its_frame_is_taken_and_not_before() {
    let (told, heard) = std::sync::mpsc::sync_channel(8);
    let note = |name: &'static str| {
        let told = told.clone();
        Note::new(move || told.send(name).expect("room for a few"))
    };
    let (outbox, mut body) = Outbox::new(Metrics::new());
    outbox.push([frame(20_000)]).unwrap();
    outbox
        .push_noted(frame(20_000), None, note("second"))
        .unwrap();
    outbox
        .push_noted(frame(20_000), None, note("third"))
        .unwrap();
    assert!(body.next().now_or_never().is_some(), "the first frame");
    assert!(heard.try_recv().is_err());
    assert!(body.next().now_or_never().is_some());
    assert_eq!(heard.try_recv(), Ok("second"));
    assert!(heard.try_recv().is_err());
    drop(body);
    assert!(heard.try_recv().is_err(), "it was never taken");
    assert_eq!(
        outbox.push_noted(frame(1), None, note("late")),
        Err(Refused)
    );
}

#[test]
fn what_is_left_behind_or_did_not_fit_was_not_told() {
    let (outbox, mut body) = Outbox::new(Metrics::new());
    assert!(outbox.has_told_all());
    outbox.push([frame(1)]).unwrap();
    assert!(!outbox.has_told_all());
    assert!(body.next().now_or_never().is_some());
    assert!(outbox.has_told_all());
    outbox.push([frame(1)]).unwrap();
    drop(body);
    assert!(!outbox.has_told_all(), "its socket died with it");
    let (outbox, body) = Outbox::new(Metrics::new());
    drop(body);
    assert!(outbox.has_told_all(), "there was nothing more to tell");
    assert_eq!(outbox.push([frame(1)]), Err(Refused));
    assert!(!outbox.has_told_all(), "it came too late");
    let (outbox, _body) = Outbox::new(Metrics::new());
    assert_eq!(outbox.push([frame(limits::OUTBOX_BYTES_MAX)]), Err(Refused));
    assert!(!outbox.has_told_all(), "it did not fit");
}

#[test]
fn the_number_of_frames_is_bounded_too() {
    let (outbox, _body) = Outbox::new(Metrics::new());
    let frames = (0..limits::OUTBOX_FRAMES_MAX).map(|_| frame(1));
    outbox.push(frames).unwrap();
    assert_eq!(outbox.push([frame(1)]), Err(Refused));
}

#[test]
fn room_is_waited_for_and_an_abandoned_outbox_lets_go() {
    let (outbox, mut body) = Outbox::new(Metrics::new());
    assert!(outbox.has_room().now_or_never().is_some());
    outbox
        .push([frame(limits::OUTBOX_BYTES_MAX / 2 + 1)])
        .unwrap();
    let mut waiting = Box::pin(outbox.has_room());
    assert!(waiting.as_mut().now_or_never().is_none());
    assert!(body.next().now_or_never().is_some());
    assert_eq!(waiting.now_or_never(), Some(Ok(())));
    drop(body);
    assert_eq!(outbox.has_room().now_or_never(), Some(Err(Refused)));
    assert_eq!(outbox.push([frame(1)]), Err(Refused));
    assert_eq!(outbox.overflowed().now_or_never(), Some(false));
}

#[test]
fn pings_that_nobody_reads_the_answers_of_cost_one_frame() {
    let (outbox, mut body) = Outbox::new(Metrics::new());
    for number in 0..10 * limits::OUTBOX_FRAMES_MAX {
        outbox.pong(number.to_string().into());
    }
    outbox.push([frame(1)]).expect("there is room");
    let mut chunks = Vec::new();
    while let Some(Some(Ok(chunk))) = body.next().now_or_never() {
        chunks.push(chunk);
    }
    let last = (10 * limits::OUTBOX_FRAMES_MAX - 1).to_string();
    assert_eq!(chunks, [Bytes::from(last), frame(1)]);
    outbox.finish(frame(2), Farewell::BYE);
    outbox.pong(frame(3));
    assert_eq!(body.next().now_or_never(), Some(Some(Ok(frame(2)))));
    assert_eq!(
        body.next().now_or_never(),
        Some(None),
        "a pong is no last word"
    );
}

#[test]
fn the_end_is_told_or_lost() {
    let (outbox, mut body) = Outbox::new(Metrics::new());
    assert_eq!(outbox.finished().now_or_never(), None);
    outbox.finish(frame(1), Farewell::DRAINING);
    assert_eq!(outbox.finished().now_or_never(), Some(Farewell::DRAINING));
    outbox.finish(frame(1), Farewell::MUTUAL);
    assert_eq!(outbox.finished().now_or_never(), Some(Farewell::DRAINING));
    assert!(body.next().now_or_never().is_some());
    assert_eq!(
        outbox.over().now_or_never(),
        None,
        "it may end within a frame"
    );
    assert_eq!(body.next().now_or_never(), Some(None));
    assert_eq!(outbox.over().now_or_never(), Some(()));
    drop(body);
    assert_eq!(outbox.lost().now_or_never(), None, "it was told everything");

    let (outbox, mut body) = Outbox::new(Metrics::new());
    outbox.push([frame(1)]).unwrap();
    outbox.abandon();
    assert_eq!(body.next().now_or_never(), Some(None));
    assert_eq!(
        (outbox.over().now_or_never(), outbox.lost().now_or_never()),
        (Some(()), Some(()))
    );
    assert!(!outbox.has_told_all());
}

#[test]
fn what_waits_is_seen_with_how_far_the_socket_got() {
    let (outbox, mut body) = Outbox::new(Metrics::new());
    assert_eq!(outbox.waiting(), None);
    outbox.push([frame(20_000), frame(20_000)]).unwrap();
    assert_eq!(outbox.waiting(), Some(0));
    assert!(body.next().now_or_never().is_some());
    assert_eq!(outbox.waiting(), Some(1));
    assert!(body.next().now_or_never().is_some());
    assert_eq!(outbox.waiting(), None);
}
