//! One database, one server that writes.

use std::sync::mpsc::sync_channel;
use std::thread;

use agent_bridge::storage::Which;
use agent_bridge::storage::postgres::{self, Place};
use bridge_core::Epoch;
use bridge_core::owner::Answer;
use bridge_core::ports::{Log, LogFailure, Reader};
use private_postgres::{Cluster, Durability};
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

/// Ends every other connection to the database.
fn cut_off(database: &Database) {
    database.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

/// The term goes on from what it was in the dump, so it may come to be the term of the server that
/// has not noticed anything.
#[test]
fn who_owned_the_database_before_it_was_put_back_is_no_owner_of_it() {
    let database = Database::new();
    let mut opened = open(database.url());
    append(&mut opened.log, 1).expect("the owner writes");
    cut_off(&database);
    let before = database.sql("SELECT term FROM owner");
    database.sql("UPDATE owner SET term = term - 1");
    let which = Which::Postgres(Place::parse(database.url()).expect("a good URL"));
    let epoch = Epoch::from_uuid(Uuid::from_u128(2));
    which.begin_new_epoch(epoch).expect("nobody is in the way");
    assert_eq!(database.sql("SELECT term FROM owner"), before);
    let failed = append(&mut opened.log, 2).expect_err("it is fenced");
    assert!(matches!(failed, LogFailure::Broken(_)), "{failed:?}");
    assert_eq!(head(&opened), 1);
}

/// A server that only listens must not take itself for the owner for ever.
#[test]
fn who_has_nothing_to_do_finds_out_too() {
    let database = Database::new();
    let mut opened = open(database.url());
    cut_off(&database);
    assert_eq!(opened.log.upkeep(true), Ok(()), "connected again");
    database.sql("UPDATE owner SET term = term + 1");
    assert_eq!(opened.log.upkeep(false), Ok(()), "it has something to do");
    let failed = opened.log.upkeep(true).expect_err("it is fenced");
    assert!(matches!(failed, LogFailure::Broken(_)), "{failed:?}");
}

#[test]
fn who_stands_by_does_so_over_a_restart_of_the_database() {
    let place = std::env::temp_dir();
    let mut cluster = Cluster::start(&place, Durability::Fast).expect("a PostgreSQL server");
    let url = cluster.database().expect("a database");
    let first = open(&url);
    let (tell, told) = sync_channel(1);
    let its_url = url.clone();
    let second = thread::spawn(move || {
        let place = Place::parse(&its_url).expect("a good URL");
        let epoch = Epoch::from_uuid(Uuid::from_u128(2));
        let stands_by = || tell.send(()).expect("the test waits for it");
        let mut opened = postgres::open(place, epoch, stands_by).expect("a database");
        append(&mut opened.log, 1)
    });
    told.recv_timeout(PATIENCE).expect("it stands by");
    cluster.crash().expect("it ends");
    drop(first);
    cluster.go().expect("it is back");
    assert_eq!(second.join().expect("no panic"), Ok(vec![Answer::Stored]));
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
