//! Which measures there are: with what each is made, exactly, and what is to be reached. This is the
//! only place that says so.

use super::measure::{Better, Figure, From, Load, Measure, On, Repeats, Source};

const fn load(
    scenario: &'static str,
    repeats: Repeats,
    words: &'static str,
    quick: &'static str,
) -> Load {
    Load {
        scenario,
        words,
        quick,
        repeats,
        fills: false,
    }
}

const fn filled(load: Load) -> Load {
    Load {
        fills: true,
        ..load
    }
}

/// Closed loop: P5, P10 and P12 are of the same runs.
static SATURATED: Load = load(
    "rooms",
    Repeats::RunsAndAttempts,
    "--clients 100 --rooms 50 --in-flight 16 --text-bytes 300 --warm-up 2 --seconds 10",
    "--clients 20 --rooms 5 --in-flight 4 --text-bytes 300 --warm-up 0 --seconds 1",
);
static STORE: Load = load(
    "store",
    Repeats::Runs,
    "--posts 500000 --rooms 50 --text-bytes 300",
    "--posts 2000 --rooms 50 --text-bytes 300",
);
static STEADY: Load = load(
    "rooms",
    Repeats::RunsAndAttempts,
    "--clients 100 --rooms 50 --rate 5000 --text-bytes 300 --warm-up 2 --seconds 10",
    "--clients 20 --rooms 5 --rate 200 --text-bytes 300 --warm-up 0 --seconds 1",
);
static IDLE: Load = load(
    "idle",
    Repeats::Anew,
    "--sessions 5000 --seconds 30",
    "--sessions 50 --seconds 1",
);
static RESTART: Load = filled(load(
    "restart",
    Repeats::Itself,
    "--messages 1000000 --rooms 100 --text-bytes 300 --runs 10",
    "--messages 2000 --rooms 5 --text-bytes 300 --runs 2",
));
static ALONE: Load = load(
    "durable",
    Repeats::Itself,
    "--text-bytes 300 --seconds 2 --slices 10",
    "--text-bytes 300 --seconds 1 --slices 1",
);
static ONE_ROOM: Load = load(
    "fanout",
    Repeats::RunsAndAttempts,
    "--members 100 --publishers 100 --in-flight 16 --text-bytes 300 --warm-up 2 --seconds 10",
    "--members 20 --publishers 20 --in-flight 2 --text-bytes 300 --warm-up 0 --seconds 1",
);
static GROWN: Load = filled(load(
    "growth",
    Repeats::Runs,
    "--messages 10000000 --rooms-stored 10000 --clients 100 --rooms 50 --in-flight 16 \
     --text-bytes 300 --warm-up 2 --seconds 10",
    "--messages 2000 --rooms-stored 20 --clients 20 --rooms 5 --in-flight 4 \
     --text-bytes 300 --warm-up 0 --seconds 1",
));
static OVER_REST: Load = load(
    "throughput",
    Repeats::RunsAndAttempts,
    "--clients 100 --over rest --rate 1000 --text-bytes 300 --warm-up 2 --seconds 60",
    "--clients 10 --over rest --rate 50 --text-bytes 300 --warm-up 0 --seconds 1",
);
static CONNECTIONS: Load = load(
    "connections",
    Repeats::Anew,
    "--sessions 500 --at-once 50 --seconds 30",
    "--sessions 20 --at-once 5 --seconds 2",
);
static ROOMS_OF_FIVE: Load = load(
    "rooms",
    Repeats::RunsAndAttempts,
    "--clients 250 --rooms 50 --rate 1000 --text-bytes 300 --warm-up 2 --seconds 60",
    "--clients 25 --rooms 5 --rate 50 --text-bytes 300 --warm-up 0 --seconds 1",
);

const fn of(load: &'static Load, pointer: &'static str) -> Source {
    Source { load, pointer }
}

const POSTS: Source = of(&SATURATED, "/summary/posts_per_second");

/// That everything that was asked was answered well.
const fn success(name: &'static str, source: Source) -> Figure {
    Figure {
        name,
        unit: "%",
        digits: 3,
        from: From::Scaled(source, 100.0),
        better: Better::MoreAlways,
        floor: Some(100.0),
        goal: Some(100.0),
    }
}

const fn millis(
    name: &'static str,
    source: Source,
    floor: Option<f64>,
    goal: Option<f64>,
) -> Figure {
    Figure {
        name,
        unit: "ms",
        digits: 2,
        from: From::Scaled(source, 1.0),
        better: Better::Less,
        floor,
        goal,
    }
}

const fn more(
    name: &'static str,
    unit: &'static str,
    digits: usize,
    from: From,
    [floor, goal]: [f64; 2],
) -> Figure {
    Figure {
        name,
        unit,
        digits,
        from,
        better: Better::More,
        floor: Some(floor),
        goal: Some(goal),
    }
}

const fn less(
    name: &'static str,
    unit: &'static str,
    digits: usize,
    from: From,
    [floor, goal]: [f64; 2],
) -> Figure {
    Figure {
        better: Better::Less,
        ..more(name, unit, digits, from, [floor, goal])
    }
}

/// All of them, in the order in which they are made.
pub(super) static MEASURES: &[Measure] = &[
    Measure {
        id: "P5",
        what: "durable posts, 100 clients, 16 in flight each, against the log by itself",
        on: On::Each,
        figures: &[more(
            "of the store's rate",
            "%",
            0,
            From::Ratio(POSTS, of(&STORE, "/posts_per_second"), 100.0),
            [35.0, 60.0],
        )],
    },
    Measure {
        id: "P7",
        what: "from post to delivery at 5,000 durable posts/s",
        on: On::Each,
        figures: &[millis(
            "delivery p99",
            of(&STEADY, "/summary/delivery_p99_ms"),
            Some(5.0),
            Some(2.0),
        )],
    },
    Measure {
        id: "P8",
        what: "memory of an idle session, of 5,000",
        on: On::Each,
        figures: &[less(
            "a session",
            "KB",
            1,
            From::Scaled(of(&IDLE, "/bytes_per_session"), 0.001),
            [16.0, 10.0],
        )],
    },
    Measure {
        id: "P9",
        what: "from a start on 1,000,000 messages to the first acknowledgement",
        on: On::Each,
        figures: &[less(
            "after kill -9",
            "ms",
            0,
            From::Scaled(of(&RESTART, "/first_acknowledgement_ms"), 1.0),
            [1_000.0, 150.0],
        )],
    },
    Measure {
        id: "P10",
        what: "commits for each acknowledged post, load of P5, checkpoints not counted",
        on: On::Each,
        figures: &[less(
            "commits a post",
            "",
            4,
            From::Inverse(of(&SATURATED, "/summary/posts_per_commit")),
            [0.02, 0.004],
        )],
    },
    Measure {
        id: "P11",
        what: "one publisher, one post in flight, beyond the disk's own fdatasync",
        on: On::Each,
        figures: &[millis(
            "added p50",
            of(&ALONE, "/summary/added_p50_ms"),
            Some(0.4),
            Some(0.15),
        )],
    },
    Measure {
        id: "P12",
        what: "posts/s of P5 on PostgreSQL against those on SQLite",
        on: On::Compared,
        figures: &[more("ratio", "", 2, From::Databases(POSTS), [0.5, 1.0])],
    },
    Measure {
        id: "P13",
        what: "100 clients in one room, all of whom post",
        on: On::Each,
        figures: &[more(
            "deliveries/s",
            "",
            0,
            From::Scaled(of(&ONE_ROOM, "/summary/deliveries_per_second"), 1.0),
            [80_000.0, 400_000.0],
        )],
    },
    Measure {
        id: "P14",
        what: "posts/s on 10,000,000 messages in 10,000 rooms against an empty log",
        on: On::Each,
        figures: &[more(
            "of the empty log's rate",
            "%",
            0,
            From::Scaled(of(&GROWN, "/summary/ratio"), 100.0),
            [80.0, 95.0],
        )],
    },
    Measure {
        id: "P15",
        what: "1,000 messages/s of 100 clients over REST; 500 connections; 1,000 posts/s in 50 rooms of 5",
        on: On::Each,
        figures: &[
            success("REST success", of(&OVER_REST, "/summary/success_rate")),
            millis(
                "REST p50",
                of(&OVER_REST, "/summary/acknowledgement_p50_ms"),
                None,
                Some(1.0),
            ),
            millis(
                "REST p99",
                of(&OVER_REST, "/summary/acknowledgement_p99_ms"),
                Some(20.0),
                Some(5.0),
            ),
            success("connections success", of(&CONNECTIONS, "/success_rate")),
            millis(
                "connections p99",
                of(&CONNECTIONS, "/delivery/p99_ms"),
                Some(20.0),
                Some(5.0),
            ),
            success("rooms success", of(&ROOMS_OF_FIVE, "/summary/success_rate")),
            millis(
                "rooms p50",
                of(&ROOMS_OF_FIVE, "/summary/delivery_p50_ms"),
                None,
                Some(1.0),
            ),
            millis(
                "rooms p99",
                of(&ROOMS_OF_FIVE, "/summary/delivery_p99_ms"),
                Some(20.0),
                Some(5.0),
            ),
        ],
    },
];
