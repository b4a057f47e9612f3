//! The chaos trials in their short forms: against the real program, in seconds.
//!
//! A trial that is added gets a line here. What fails prints the seed with which it is repeated.

mod support;

use std::process::{Command, Output};

use support::server;

/// Trials that are not run here, and why.
const NOT_HERE: &[(u32, &str)] = &[(
    20,
    "it runs a test of bridge-core, `simulation`, which is run with all other tests anyway",
)];

/// Trials that are about PostgreSQL.
const ON_POSTGRES: &[u32] = &[2, 6, 7];

macro_rules! trials {
    ($($number:literal: $name:ident,)*) => {
        const HERE: &[u32] = &[$($number),*];
        $(
            #[test]
            fn $name() {
                must_hold($number);
            }
        )*
    };
}

trials! {
    1: what_was_acknowledged_survives_kill_9,
    2: what_was_acknowledged_survives_kill_9_on_postgres,
    3: what_was_told_survives_a_power_cut,
    4: nothing_is_acknowledged_that_the_disk_refused,
    5: a_full_disk_is_said_and_got_over,
    6: a_database_that_crashes_is_got_over,
    7: a_database_that_hangs_holds_nobody_up_for_long,
    8: a_client_that_is_gone_without_a_word_is_found,
    9: everybody_comes_back_to_what_they_missed,
    10: readers_that_stall_hold_nobody_up,
    11: a_lost_acknowledgement_is_found_again,
    12: all_readers_see_the_same_order,
    13: a_receiver_that_dies_gives_back_what_it_had,
    14: poison_takes_nothing_else_with_it,
    15: a_flood_drowns_nobody,
    16: what_expires_ends_once_whatever_is_done_to_the_clock,
    17: a_panic_anywhere_is_repaired,
    18: a_server_that_is_told_to_stop_loses_nothing,
    21: whatever_comes_in_the_server_stands,
}

fn must_hold(number: u32) {
    must_hold_on(database_of(number), number);
}

fn database_of(number: u32) -> &'static str {
    if ON_POSTGRES.contains(&number) {
        "postgres"
    } else {
        "sqlite"
    }
}

/// Of those that are made on both databases, the ones in which the log is repeated, raced for, and
/// failed upon.
#[test]
fn the_log_on_postgres_keeps_what_it_does_on_sqlite() {
    for number in [11, 12, 16, 17] {
        must_hold_on("postgres", number);
    }
}

fn must_hold_on(database: &str, number: u32) {
    let server = server();
    let output = perf(&[
        "--short",
        "--database",
        database,
        "--only",
        &number.to_string(),
        "--server",
        &server.display().to_string(),
        "--data-dir",
        env!("CARGO_TARGET_TMPDIR"),
    ]);
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    // A test's output is shown when it fails.
    println!("{said}{complained}");
    assert!(
        output.status.success(),
        "trial {number} did not hold on {database}"
    );
}

fn perf(arguments: &[&str]) -> Output {
    let perf = Command::new(env!("CARGO_BIN_EXE_perf"))
        .arg("chaos")
        .args(arguments)
        .output();
    perf.expect("the load generator runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The numbers in what `perf chaos --list` prints.
fn numbers(list: &str) -> Vec<u32> {
    let first_words = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    first_words.filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn every_trial_is_run_here_or_it_is_said_why_not() {
    let list = perf(&["--list"]);
    assert!(list.status.success(), "{}", text(&list.stderr));
    let known = numbers(&text(&list.stdout));
    let excused: Vec<u32> = NOT_HERE.iter().map(|(number, _)| *number).collect();
    assert!(NOT_HERE.iter().all(|(_, why)| why.len() > 20), "say why");
    for number in &known {
        let times = HERE.iter().chain(&excused).filter(|n| *n == number).count();
        assert_eq!(times, 1, "trial {number} wants one line in this file");
    }
    for number in HERE.iter().chain(&excused) {
        assert!(known.contains(number), "there is no trial {number}");
    }
}

#[test]
fn a_list_is_read() {
    let list = "  1  kill -9 while 64 publishers write\n     must hold: x\n 12  y\n";
    assert_eq!(numbers(list), [1, 12]);
}
