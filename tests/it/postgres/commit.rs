//! A connection that is lost: what was under way is neither lost nor done twice.

use bridge_core::owner::Answer;
use bridge_core::ports::LogFailure;

use super::proxy::{Cut, Proxy};
use super::{append, head, open};
use crate::support::postgres::Database;

struct Lost {
    database: Database,
    proxy: Proxy,
}

impl Lost {
    fn new() -> Self {
        let database = Database::new();
        let proxy = Proxy::to(database.port());
        Self { database, proxy }
    }

    fn url(&self) -> String {
        self.proxy.url(self.database.url(), self.database.port())
    }
}

#[test]
fn a_commit_that_was_done_and_not_answered_is_found_out() {
    let lost = Lost::new();
    let mut opened = open(&lost.url());
    lost.proxy.cut(Cut::Committed);
    let answers = append(&mut opened.log, 1).expect("it is in the log");
    assert!(lost.proxy.has_cut());
    assert_eq!(answers, [Answer::Stored]);
    assert_eq!(head(&opened), 1);
    let next = append(&mut opened.log, 2).expect("connected again");
    assert_eq!(next, [Answer::Stored]);
}

/// Only one side knows that the connection is lost. The other one would hold the lock until its
/// keepalives tell it.
#[test]
fn a_commit_is_found_out_although_the_database_takes_the_connection_for_good() {
    let lost = Lost::new();
    let mut opened = open(&lost.url());
    lost.proxy.cut(Cut::CommittedInSilence);
    let answers = append(&mut opened.log, 1).expect("it is in the log");
    assert!(lost.proxy.has_cut());
    assert_eq!(answers, [Answer::Stored]);
    let next = append(&mut opened.log, 2).expect("connected again");
    assert_eq!(next, [Answer::Stored]);
    assert_eq!(head(&opened), 2);
}

#[test]
fn a_commit_that_never_arrived_is_found_out() {
    let lost = Lost::new();
    let mut opened = open(&lost.url());
    append(&mut opened.log, 1).expect("it is connected");
    lost.proxy.cut(Cut::Commit);
    let failed = append(&mut opened.log, 2).expect_err("it is not in the log");
    assert!(lost.proxy.has_cut());
    assert!(matches!(failed, LogFailure::Aborted(_)), "{failed:?}");
    assert!(failed.certainly_aborted());
    assert_eq!(head(&opened), 1);
    let again = append(&mut opened.log, 2).expect("connected again");
    assert_eq!(again, [Answer::Stored]);
}

#[test]
fn a_connection_that_was_lost_long_ago_costs_nobody_anything() {
    let lost = Lost::new();
    let mut opened = open(&lost.url());
    append(&mut opened.log, 1).expect("it is connected");
    lost.proxy.cut(Cut::Next);
    let answers = append(&mut opened.log, 2).expect("a new connection");
    assert!(lost.proxy.has_cut());
    assert_eq!(answers, [Answer::Stored]);
    assert_eq!(head(&opened), 2);
}
