use bridge_core::fake::ManualClock;

use super::*;

const AT: Timestamp = Timestamp::from_millis(1_000);

/// It stands still, so that what fails here fails at once.
fn clock() -> ServerClock {
    ServerClock::new(Arc::new(ManualClock::at(1_000)), Timestamp::default())
}

fn room(name: &str) -> Child {
    Child::Owner(Stream::Room(name.parse().expect("a name")))
}

fn give_up(tree: &Tree, child: &Child) {
    for _ in 0..limits::RESTARTS_MAX {
        assert_ne!(tree.failed(child, Cause::Code, &clock()), Verdict::GiveUp);
    }
    assert_eq!(tree.failed(child, Cause::Code, &clock()), Verdict::GiveUp);
}

#[test]
fn a_stream_that_fails_too_often_is_held_back_until_it_is_released() {
    let tree = Tree::new();
    let Child::Owner(stream) = room("alpha") else {
        unreachable!("rooms have streams")
    };
    give_up(&tree, &room("alpha"));
    assert!(tree.is_quarantined(&stream));
    assert!(!tree.is_quarantined(&Stream::Broadcast));
    let report = tree.report(|branch| (branch == Branch::Rooms).then_some(7));
    let rooms = &report.branches[0];
    assert_eq!((rooms.branch, rooms.live), (Branch::Rooms, Some(7)));
    assert_eq!(rooms.failures, limits::RESTARTS_MAX as u64 + 1);
    assert_eq!(rooms.quarantined[0].since, AT);
    assert!(
        report.branches[1..]
            .iter()
            .all(|b| b.quarantined.is_empty())
    );
    assert!(tree.release(&stream));
    assert!(!tree.release(&stream), "twice");
    assert!(!tree.is_quarantined(&stream));
    assert_ne!(
        tree.failed(&room("alpha"), Cause::Code, &clock()),
        Verdict::GiveUp,
        "a fresh start"
    );
}

#[tokio::test]
async fn too_many_at_once_end_the_process_and_a_few_do_not() {
    let tree = Tree::new();
    for name in ["a", "b", "c"] {
        give_up(&tree, &room(name));
    }
    assert!(tree.until_given_up().now_or_never().is_none());
    give_up(&tree, &room("d"));
    let why = tree.until_given_up().await;
    assert!(why.contains("room:d"), "{why}");
    assert_eq!(tree.report(|_| None).given_up, Some(why));
}

#[test]
fn the_memory_of_failures_and_of_quarantine_is_bounded() {
    let tree = Tree::new();
    for number in 0..2 * limits::FAILING_REMEMBERED_MAX {
        tree.failed(&room(&format!("r{number}")), Cause::Code, &clock());
    }
    assert!(tree.lock().failing.len() <= limits::FAILING_REMEMBERED_MAX);
    let mut state = tree.lock();
    for number in 0..=limits::QUARANTINED_MAX {
        let name = format!("r{number}").parse().expect("a name");
        state.quarantine(&Stream::Room(name), AT);
    }
    assert_eq!(state.quarantined.len(), limits::QUARANTINED_MAX);
}

#[tokio::test(start_paused = true)]
async fn what_never_ends_begins_anew_and_is_given_up_with_the_process() {
    let tree = Tree::new();
    let runs = AtomicU64::new(0);
    let make = || async {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        assert_ne!(run % 2, 0, "injected");
    };
    let clock = clock();
    tokio::select! {
        () = tree.keep_running(Child::Follower, &clock, make) => unreachable!("it goes on"),
        why = tree.until_given_up() => assert!(why.contains("follower"), "{why}"),
    }
    // Six failures each until it is given up, four times.
    assert_eq!(runs.load(Ordering::Relaxed), 24);
    assert_eq!(tree.report(|_| None).branches[5].failures, 24);
}

#[tokio::test]
async fn corrupt_logs_are_held_back_and_do_not_end_the_process() {
    let tree = Tree::new();
    for number in 0..2 * limits::GIVEN_UP_MAX {
        let child = room(&format!("r{number}"));
        while tree.failed(&child, Cause::Log, &clock()) != Verdict::GiveUp {}
    }
    assert_eq!(tree.quarantined().len(), 2 * limits::GIVEN_UP_MAX);
    assert!(tree.until_given_up().now_or_never().is_none());
}
