//! What must not be written, or only in one place.

use super::Violation;
use super::lexer::{Kind, Token, code, outside_test_modules, starts_with};
use super::paths::{Path, paths};
use super::repository::{is_product_code, is_rust, is_test_file};

const HANDLE: &str = "src/actors/handle.rs";
const SOCKET: &str = "src/transport/socket";

/// What has to exist for the rules of this file to mean anything.
pub(super) const PLACES: &[&str] = &[HANDLE, SOCKET];

const FILE_LINES_MAX: usize = 500;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[&str] = &[
    // A table of every bound, which is to stay in one place.
    "crates/bridge-core/src/limits.rs",
];

/// Shorter than this, a message cannot say why a panic is impossible.
const PROOF_CHARS_MIN: usize = 20;

/// On the line of a sleep: it is part of a loop that looks at a condition and
/// gives up after a while, because the event cannot be awaited.
const BOUNDED_POLL: &str = "// tidy: bounded poll";

pub(super) fn do_send(path: &str, text: &str) -> Vec<Violation> {
    let rule = "only src/actors/handle.rs may do this: it counts the permits; call the handle";
    if !is_product_code(path) || path == HANDLE {
        return Vec::new();
    }
    naming(path, text, rule, |found| found.names(&["do_send"]))
}

pub(super) fn unbounded(path: &str, text: &str) -> Vec<Violation> {
    let rule = "every queue has a bound, from crates/bridge-core/src/limits.rs";
    if !is_rust(path) || !path.starts_with("src/") {
        return Vec::new();
    }
    naming(path, text, rule, |found| {
        found.segments.iter().any(|name| is_unbounded(name))
    })
}

/// `UnboundedSender` and the like, but not `std::ops::Bound::Unbounded`.
fn is_unbounded(name: &str) -> bool {
    let is_type = name.starts_with("Unbounded") && name != "Unbounded";
    is_type || name == "unbounded" || name.starts_with("unbounded_")
}

pub(super) fn socket_crate(path: &str, text: &str) -> Vec<Violation> {
    let rule = "deprecated by its authors: only src/transport/socket may use it, to be replaceable";
    let is_socket = path
        .strip_prefix(SOCKET)
        .is_some_and(|rest| rest.starts_with(['.', '/']));
    if !is_rust(path) || is_socket {
        return Vec::new();
    }
    naming(path, text, rule, |found| found.names(&["actix_web_actors"]))
}

/// The places that name something, in code.
fn naming(
    path: &str,
    text: &str,
    rule: &'static str,
    is_wanted: impl Fn(&Path<'_>) -> bool,
) -> Vec<Violation> {
    let code = code(text);
    let found = paths(&code).into_iter().filter(is_wanted);
    found
        .map(|found| Violation::new(path, found.line, rule, found.text()))
        .collect()
}

pub(super) fn allow_attribute(path: &str, text: &str) -> Vec<Violation> {
    let rule = "use #[expect(…, reason = \"…\")]: it says why, and complains when it is needless";
    if !is_product_code(path) {
        return Vec::new();
    }
    matching(path, &code(text), rule, |rest| {
        starts_with(rest, &["[", "allow", "("])
    })
}

pub(super) fn sleep_in_tests(path: &str, text: &str) -> Vec<Violation> {
    let rule = "wait for the event, not for time (a polling loop: `// tidy: bounded poll`)";
    if !is_rust(path) || !is_test_file(path) {
        return Vec::new();
    }
    let mut violations = naming(path, text, rule, |found| {
        found.names(&["sleep"]) || found.names(&["sleep_until"])
    });
    violations.retain(|found| !line(text, found.line).contains(BOUNDED_POLL));
    violations
}

fn line(text: &str, number: usize) -> &str {
    text.lines().nth(number - 1).unwrap_or_default()
}

pub(super) fn long_file(path: &str, text: &str) -> Vec<Violation> {
    let rule = "think again at 500 lines: which concept wants a file of its own?";
    let is_ours = path.starts_with("src/") || path.starts_with("crates/");
    let lines = text.lines().count();
    let is_exempt = is_test_file(path) || LONG_FILES.contains(&path);
    if !is_ours || !is_rust(path) || is_exempt || lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![Violation::new(
        path,
        FILE_LINES_MAX + 1,
        rule,
        format!("{lines} lines"),
    )]
}

pub(super) fn unproven_panic(path: &str, text: &str) -> Vec<Violation> {
    let rule =
        "return an error, or prove it impossible: .expect(\"at least 20 characters of why\")";
    let in_crate = path.starts_with("crates/") && path.contains("/src/");
    let is_ours = path.starts_with("src/") || in_crate;
    if !is_ours || !is_rust(path) || is_test_file(path) {
        return Vec::new();
    }
    let code = outside_test_modules(&code(text));
    matching(path, &code, rule, |rest| {
        let is_expect = starts_with(rest, &[".", "expect", "("]);
        let is_unwrap = starts_with(rest, &[".", "unwrap", "("]);
        is_unwrap || is_expect && !rest.get(3).is_some_and(is_proof)
    })
}

fn is_proof(token: &Token<'_>) -> bool {
    let inside = token
        .text
        .split_once('"')
        .and_then(|(_, rest)| rest.rsplit_once('"'));
    let words = inside.map_or("", |(inside, _)| inside);
    token.kind == Kind::Str && words.trim().chars().count() >= PROOF_CHARS_MIN
}

/// The places where the rest of the code looks like this.
fn matching(
    path: &str,
    code: &[Token<'_>],
    rule: &'static str,
    is_wanted: impl Fn(&[Token<'_>]) -> bool,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (at, token) in code.iter().enumerate() {
        if is_wanted(&code[at..]) {
            let found: String = code[at..].iter().take(4).map(|token| token.text).collect();
            violations.push(Violation::new(path, token.line, rule, found));
        }
    }
    violations
}

#[test]
fn do_send_outside_the_handle_is_found() {
    let text = "// do_send is explained here\nfn f() {\n    room.do_send(Post);\n}";
    assert_eq!(super::lines(do_send, "src/actors/session.rs", text), [3]);
    assert_eq!(super::lines(do_send, "perf/src/main.rs", text), [3]);
    assert!(super::lines(do_send, HANDLE, text).is_empty());
}

#[test]
fn an_unbounded_channel_is_found() {
    let text = "use tokio::sync::mpsc::unbounded_channel;\nlet x: UnboundedSender<u8>;\n\
                let (a, b) = flume::unbounded();\nlet range = Bound::Unbounded;";
    assert_eq!(
        super::lines(unbounded, "src/actors/outbox.rs", text),
        [1, 2, 3]
    );
}

#[test]
fn the_socket_crate_elsewhere_is_found() {
    let text = "use actix_web_actors::ws;";
    assert_eq!(
        super::lines(socket_crate, "src/transport/rest/rooms.rs", text),
        [1]
    );
    assert_eq!(
        super::lines(socket_crate, "src/transport/sockets.rs", text),
        [1]
    );
    assert!(super::lines(socket_crate, "src/transport/socket.rs", text).is_empty());
    assert!(super::lines(socket_crate, "src/transport/socket/body.rs", text).is_empty());
}

#[test]
fn an_allow_attribute_is_found() {
    let text = "#![allow(dead_code)]\n#[allow(unused)]\n#[expect(unused, reason = \"x\")]\n\
                fn f() { principal.allow(x) }";
    assert_eq!(super::lines(allow_attribute, "src/lib.rs", text), [1, 2]);
}

#[test]
fn a_sleep_in_a_test_is_found() {
    let text = "use tokio::time::{sleep, timeout};\nthread::sleep(x);\n\
                tokio::time::sleep(x).await;\n\
                tokio::time::sleep(x).await; // tidy: bounded poll\n// no sleep here\n";
    assert_eq!(
        super::lines(sleep_in_tests, "tests/it/rooms.rs", text),
        [1, 2, 3]
    );
    assert!(super::lines(sleep_in_tests, "src/actors/room.rs", text).is_empty());
}

#[test]
fn a_long_file_is_found() {
    let text = "x\n".repeat(FILE_LINES_MAX);
    assert!(super::lines(long_file, "src/x.rs", &text).is_empty());
    let text = text + "x\n";
    assert_eq!(
        super::lines(long_file, "src/x.rs", &text),
        [FILE_LINES_MAX + 1]
    );
    assert!(super::lines(long_file, "src/room/tests.rs", &text).is_empty());
}

#[test]
fn a_panic_without_a_proof_is_found() {
    let text = "a.unwrap();\nb.expect(\"short\");\nc.expect(WHY);\nd\n    .unwrap();\n\
                e.expect(\"the list was filled two lines above\");\nf.unwrap_or(0);\n\
                #[cfg(test)]\nmod tests { fn g() { h.unwrap() } }\n/// i.unwrap()\n";
    assert_eq!(super::lines(unproven_panic, "src/x.rs", text), [1, 2, 3, 5]);
    assert_eq!(
        super::lines(unproven_panic, "crates/bridge-core/src/x.rs", text),
        [1, 2, 3, 5]
    );
    assert!(super::lines(unproven_panic, "src/room/tests.rs", text).is_empty());
    assert!(super::lines(unproven_panic, "perf/src/main.rs", text).is_empty());
}
