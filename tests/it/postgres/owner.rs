//! One database, one server that writes.

use std::sync::mpsc::sync_channel;
use std::thread;

use agent_bridge::storage::postgres::{self, Place};
use bridge_core::Epoch;
use bridge_core::owner::Answer;
use bridge_core::ports::{LogFailure, Reader};
use uuid::Uuid;

use super::{append, head, open};
use crate::support::postgres::Database;
use crate::support::wait::PATIENCE;

#[test]
fn a_second_server_stands_by_until_the_first_is_gone() {
    let database = Database::new();
    let mut first = open(database.url());
    append(&mut first.log, 1).expect("the owner writes");
    let (tell, told) = sync_channel(1);
    let url = database.url().to_owned();
    let second = thread::spawn(move || {
        let place = Place::parse(&url).expect("a good URL");
        let epoch = Epoch::from_uuid(Uuid::from_u128(2));
        let stands_by = || tell.send(()).expect("the test waits for it");
        postgres::open(place, epoch, stands_by).expect("a database")
    });
    told.recv_timeout(PATIENCE).expect("it stands by");
    append(&mut first.log, 2).expect("nobody is in the way");
    assert!(!second.is_finished());
    let epoch = first.store.epoch();
    drop(first);
    let mut second = second.join().expect("it takes over");
    assert_eq!(second.store.epoch(), epoch, "the same log");
    assert_eq!(head(&second), 2);
    assert_eq!(append(&mut second.log, 3), Ok(vec![Answer::Stored]));
}

/// A server whose connection was lost without its knowing, while another took over.
#[test]
fn who_is_no_owner_any_more_writes_nothing() {
    let database = Database::new();
    let mut opened = open(database.url());
    append(&mut opened.log, 1).expect("the owner writes");
    database.sql("UPDATE owner SET term = term + 1");
    let failed = append(&mut opened.log, 2).expect_err("it is fenced");
    assert!(matches!(failed, LogFailure::Broken(_)), "{failed:?}");
    assert_eq!(head(&opened), 1);
    let failed = append(&mut opened.log, 2).expect_err("and stays so");
    assert!(matches!(failed, LogFailure::Broken(_)), "{failed:?}");
    let refused = opened.reopen.log().expect_err("nor may it come back");
    assert!(refused.to_string().contains("taken over"), "{refused}");
}

#[test]
fn what_panicked_is_opened_again_under_the_same_term() {
    let database = Database::new();
    let opened = open(database.url());
    let term = || database.sql("SELECT term FROM owner");
    let before = term();
    drop(opened.log);
    // The database may need a moment to notice that the connection is gone.
    let again = std::iter::repeat_with(|| opened.reopen.log());
    let mut again = again
        .take(1_000)
        .find_map(Result::ok)
        .expect("it is opened again");
    assert_eq!(append(&mut again, 1), Ok(vec![Answer::Stored]));
    assert_eq!(term(), before);
}

#[test]
fn two_that_start_at_once_make_one_database() {
    let database = Database::new();
    let starts: Vec<_> = (0..2)
        .map(|_| {
            let url = database.url().to_owned();
            thread::spawn(move || {
                let mut opened = open(&url);
                let next = head(&opened) + 1;
                append(&mut opened.log, next).expect("it is its turn");
                opened.store.epoch()
            })
        })
        .collect();
    let epochs: Vec<_> = starts
        .into_iter()
        .map(|start| start.join().expect("no panic"))
        .collect();
    assert_eq!(epochs[0], epochs[1]);
    assert_eq!(head(&open(database.url())), 2);
}
