//! The repository checks itself: rules that neither the compiler nor clippy
//! can state.
//!
//! Every rule is a pure function from a path and a text to a list of
//! violations. Here each one is held against the whole repository; next to
//! each one, a bad sample shows that it can fail.

mod lexer;
mod paths;

mod habits;
mod layers;
mod leftovers;
mod logs;
mod repository;

use std::fmt;

/// One broken rule, at one place.
#[derive(Debug)]
struct Violation {
    path: String,
    line: usize,
    /// What is asked for, as a sentence that helps to repair it.
    rule: &'static str,
    /// What was found.
    found: String,
}

impl Violation {
    fn new(path: &str, line: usize, rule: &'static str, found: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            found: found.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: found `{}`: {}",
            self.path, self.line, self.found, self.rule
        )
    }
}

/// A rule. The path is relative to the repository, with forward slashes; the
/// rule itself knows which paths it is about.
type Rule = fn(path: &str, text: &str) -> Vec<Violation>;

fn hold(rule: Rule) {
    let mut report = String::new();
    for file in repository::text_files() {
        for violation in rule(&file.path, &file.text) {
            report.push_str("\n  ");
            report.push_str(&violation.to_string());
        }
    }
    assert!(report.is_empty(), "the repository is not tidy:{report}");
}

/// The lines a rule complains about: what the tests of the rules compare.
fn lines(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    rule(path, text)
        .iter()
        .map(|violation| violation.line)
        .collect()
}

/// A rule about a place that was renamed would hold for ever, unnoticed.
#[test]
fn every_place_the_rules_speak_of_exists() {
    let files = repository::text_files();
    for place in [layers::PLACES, habits::PLACES, logs::PLACES].concat() {
        let (folder, file) = (format!("{place}/"), format!("{place}.rs"));
        let is_here = |path: &str| path == place || path == file || path.starts_with(&folder);
        assert!(
            files.iter().any(|f| is_here(&f.path)),
            "{place} is gone, but rules below tests/it/tidy are about it"
        );
    }
}

#[test]
fn layers_import_only_what_is_below_them() {
    hold(layers::imports);
}

#[test]
fn the_core_depends_on_no_runtime() {
    hold(layers::core_manifest);
}

#[test]
fn the_core_has_no_clock_no_io_and_no_threads() {
    hold(layers::core_purity);
}

#[test]
fn messages_go_through_handles() {
    hold(habits::do_send);
}

#[test]
fn every_channel_has_a_bound() {
    hold(habits::unbounded);
}

#[test]
fn the_deprecated_socket_crate_stays_in_one_place() {
    hold(habits::socket_crate);
}

#[test]
fn a_silenced_lint_says_why() {
    hold(habits::allow_attribute);
}

#[test]
fn tests_wait_for_events() {
    hold(habits::sleep_in_tests);
}

#[test]
fn no_file_is_too_long() {
    hold(habits::long_file);
}

#[test]
fn nothing_panics_without_a_proof() {
    hold(habits::unproven_panic);
}

#[test]
fn a_thing_has_one_name_in_the_log() {
    hold(logs::fields);
}

#[test]
fn unfinished_work_has_an_issue() {
    hold(leftovers::unfinished);
}

#[test]
fn no_file_names_a_path_of_the_authors_machine() {
    hold(leftovers::foreign_path);
}

#[test]
fn a_violation_names_file_line_and_rule() {
    let violation = Violation::new("src/x.rs", 7, "say why", "y");
    assert_eq!(violation.to_string(), "src/x.rs:7: found `y`: say why");
}
