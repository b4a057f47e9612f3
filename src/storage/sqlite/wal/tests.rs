//! When what is done.

use bridge_core::limits::{WAL_FRAMES_FINISHED, WAL_FRAMES_MAX};

use super::*;

const LITTLE: u64 = WAL_FRAMES_FINISHED;
const MUCH: u64 = 10_000;
const TOO_LONG: u64 = WAL_FRAMES_MAX;

fn step(phase: Phase, written: u64, open: u64) -> [Step; 2] {
    let copied = written - open;
    let frames = Frames { written, copied };
    [false, true].map(|is_idle| phase.step(frames, MUCH, is_idle))
}

#[test]
fn the_bulk_is_copied_beside_the_writer_and_the_rest_by_it() {
    use Step::{Begin, Finish, Nothing};
    let copied = |times| Phase::Copied { times };
    for (phase, written, open, under_load, at_rest) in [
        (Phase::Growing, 0, 0, Nothing, Nothing),
        (Phase::Growing, 1, 1, Nothing, Finish),
        (Phase::Growing, LITTLE, LITTLE, Nothing, Finish),
        (Phase::Growing, MUCH - 1, MUCH - 1, Nothing, Begin),
        (Phase::Growing, MUCH, MUCH, Begin, Begin),
        (Phase::Growing, TOO_LONG, MUCH, Begin, Begin),
        (Phase::Growing, TOO_LONG, TOO_LONG, Begin, Begin),
        (copied(1), MUCH, 0, Nothing, Nothing),
        (copied(1), MUCH, 1, Finish, Finish),
        (copied(1), MUCH, LITTLE, Finish, Finish),
        (copied(1), MUCH, LITTLE + 1, Begin, Begin),
        (copied(2), MUCH, LITTLE + 1, Finish, Finish),
        (copied(4), MUCH, 4 * LITTLE + 1, Begin, Begin),
        (copied(1), TOO_LONG, LITTLE + 1, Finish, Finish),
        // Somebody reads on, and it is tried again when it has grown by as much.
        (
            Phase::Hindered { at: MUCH },
            2 * MUCH - 1,
            MUCH,
            Nothing,
            Begin,
        ),
        (Phase::Hindered { at: MUCH }, 2 * MUCH, MUCH, Begin, Begin),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + 1,
            TOO_LONG,
            Nothing,
            Begin,
        ),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + MUCH,
            TOO_LONG,
            Begin,
            Begin,
        ),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + MUCH,
            LITTLE,
            Begin,
            Finish,
        ),
        // It has begun anew since.
        (
            Phase::Hindered { at: TOO_LONG },
            MUCH - 1,
            1,
            Nothing,
            Finish,
        ),
        (Phase::Hindered { at: TOO_LONG }, MUCH, 1, Begin, Finish),
    ] {
        let found = step(phase, written, open);
        let what = format!("{phase:?} {written} {open}");
        assert_eq!(found, [under_load, at_rest], "{what}");
    }
}

#[test]
fn a_copy_that_does_not_keep_up_is_waited_for() {
    let frames = |written| Frames { written, copied: 0 };
    for (phase, written, waits) in [
        (Phase::Growing, TOO_LONG - 1, false),
        (Phase::Growing, TOO_LONG, true),
        (Phase::Copied { times: 3 }, TOO_LONG, true),
        (Phase::Hindered { at: MUCH }, 9 * TOO_LONG, false),
    ] {
        assert_eq!(phase.waits(frames(written)), waits, "{phase:?} {written}");
    }
}
