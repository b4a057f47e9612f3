//! Who may import whom. Cargo keeps the core apart; this keeps the folders of
//! the server apart.

use super::Violation;
use super::lexer::code;
use super::paths::{Path, paths};
use super::repository::is_rust;

/// A layer of `src`, and the modules it must not know.
const WALLS: &[(&str, &[&str])] = &[
    (
        "wire",
        &[
            "storage",
            "actors",
            "transport",
            "app",
            "log_writer",
            "cli",
            "config",
        ],
    ),
    ("storage", &["wire", "transport", "actors", "app", "cli"]),
    (
        "log_writer",
        &["wire", "storage", "transport", "actors", "app", "cli"],
    ),
    ("actors", &["storage", "transport", "app", "cli"]),
    ("transport", &["storage", "app", "cli"]),
    (
        "client",
        &[
            "storage",
            "actors",
            "transport",
            "app",
            "log_writer",
            "cli",
            "config",
        ],
    ),
];

/// Actors send events as bytes and refusals as codes, so they need this much of
/// the wire. They never decode.
const ACTORS_MAY_USE_OF_WIRE: &[&str] = &["encode", "codes", "frame"];

const CORE: &str = "crates/bridge-core/src/";
const CORE_MANIFEST: &str = "crates/bridge-core/Cargo.toml";
const NOT_IN_THE_CORE: &[&str] = &["actix", "diesel", "tokio", "rand", "chrono"];
const IMPURE: &[&[&str]] = &[
    &["SystemTime"],
    &["Instant", "now"],
    &["std", "fs"],
    &["std", "net"],
    &["thread", "spawn"],
];

/// What has to exist for the rules of this file to mean anything.
pub(super) const PLACES: &[&str] = &[
    "src/main.rs",
    "src/app",
    "src/cli",
    "src/wire",
    "src/storage",
    "src/log_writer",
    "src/actors",
    "src/transport",
    "crates/bridge-core/src",
    CORE_MANIFEST,
];

pub(super) fn imports(path: &str, text: &str) -> Vec<Violation> {
    let Some(module) = module(path) else {
        return Vec::new();
    };
    // `main.rs` is the root of the binary, and the only file without a layer
    // that may use `app`.
    let layer = if path == "src/main.rs" {
        "main"
    } else {
        module.first().copied().unwrap_or("")
    };
    let code = code(text);
    let mut violations = Vec::new();
    for found in paths(&code) {
        let target = resolve(&found, &module);
        if let Some(rule) = refusal(layer, &target) {
            violations.push(Violation::new(path, found.line, rule, found.text()));
        }
    }
    violations
}

/// `src/wire/encode.rs` is the module `wire::encode`. `None` outside `src`.
fn module(path: &str) -> Option<Vec<&str>> {
    let mut names: Vec<_> = path
        .strip_prefix("src/")?
        .strip_suffix(".rs")?
        .split('/')
        .collect();
    let is_root = names == ["main"] || names == ["lib"];
    if is_root || names.last() == Some(&"mod") {
        names.pop();
    }
    Some(names)
}

/// The path from the root of the crate; empty when it leads elsewhere.
fn resolve<'a>(path: &Path<'a>, module: &[&'a str]) -> Vec<&'a str> {
    let mut target = [module, &path.modules].concat();
    match path.segments[0] {
        "crate" | "agent_bridge" => target.clear(),
        "self" | "super" => {}
        _ => return Vec::new(),
    }
    for segment in &path.segments {
        match *segment {
            "crate" | "agent_bridge" | "self" => {}
            "super" => drop(target.pop()),
            name => target.push(name),
        }
    }
    target
}

fn refusal(layer: &str, target: &[&str]) -> Option<&'static str> {
    let first = *target.first()?;
    if first == "app" && !may_import_app(layer) {
        return Some("only src/main.rs and src/cli may import the wiring in `app`");
    }
    let (_, forbidden) = WALLS.iter().find(|(name, _)| *name == layer)?;
    if first == "*" {
        return Some("a layer must not import the whole crate: name what it needs");
    }
    if forbidden.contains(&first) {
        return Some("this layer must not import that one (see WALLS in tests/it/tidy/layers.rs)");
    }
    let of_wire = target.get(1).copied().unwrap_or("*");
    if layer == "actors" && first == "wire" && !ACTORS_MAY_USE_OF_WIRE.contains(&of_wire) {
        return Some("of `wire`, actors may only use encode, codes and frame");
    }
    None
}

fn may_import_app(layer: &str) -> bool {
    layer == "main" || layer == "cli" || layer.starts_with("app")
}

pub(super) fn core_manifest(path: &str, text: &str) -> Vec<Violation> {
    let rule = "bridge-core is pure: no runtime, no database, no clock, no random source";
    let mut violations = Vec::new();
    if path != CORE_MANIFEST {
        return violations;
    }
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        if line.starts_with("description") {
            continue;
        }
        for word in line.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_') {
            if NOT_IN_THE_CORE.iter().any(|name| is_of_family(word, name)) {
                violations.push(Violation::new(path, at + 1, rule, word));
            }
        }
    }
    violations
}

/// `actix-web` and `actix_rt` belong to `actix`; `random` does not to `rand`.
fn is_of_family(word: &str, name: &str) -> bool {
    word.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

pub(super) fn core_purity(path: &str, text: &str) -> Vec<Violation> {
    let rule = "bridge-core reads no clock, does no I/O and starts no thread: pass the value in";
    let mut violations = Vec::new();
    if !path.starts_with(CORE) || !is_rust(path) {
        return violations;
    }
    for found in paths(&code(text)) {
        if IMPURE.iter().any(|segments| found.names(segments)) {
            violations.push(Violation::new(path, found.line, rule, found.text()));
        }
    }
    violations
}

#[test]
fn a_forbidden_import_is_found_in_every_spelling() {
    let samples = [
        "use crate::storage::Store;",
        "use crate::{wire::encode, storage};",
        "use agent_bridge::storage;",
        "fn f() { crate::storage::open() }",
        "use super::super::storage;",
        "mod tests { use super::super::super::storage; }",
        "use crate::*;",
        "use crate::app::App;",
        "use crate::wire::decode;",
        "use crate::wire;",
        "use crate::wire::{encode, *};",
    ];
    for sample in samples {
        let text = format!("// first line\n{sample}");
        assert_eq!(
            super::lines(imports, "src/actors/room.rs", &text),
            [2],
            "{sample}"
        );
    }
}

#[test]
fn an_allowed_import_is_left_alone() {
    let text = "
        // crate::storage is explained here
        use crate::{log_writer::LogHandle, wire::{codes, encode::Encoded, frame as f}};
        use super::{handle, self as storage};
        use bridge_core::storage;
        pub(crate) fn f(&self) { self.storage() }
        mod tests { use super::*; }
    ";
    assert!(super::lines(imports, "src/actors/room.rs", text).is_empty());
}

#[test]
fn each_wall_stands() {
    for (layer, forbidden) in WALLS {
        for name in *forbidden {
            let text = format!("use crate::{name}::Thing;");
            for path in [format!("src/{layer}.rs"), format!("src/{layer}/part.rs")] {
                assert_eq!(super::lines(imports, &path, &text), [1], "{path}: {text}");
            }
        }
    }
}

#[test]
fn app_is_only_for_main_and_cli() {
    let text = "use agent_bridge::app::App;";
    for path in [
        "src/main.rs",
        "src/cli/serve.rs",
        "src/app.rs",
        "src/app/stop.rs",
    ] {
        assert!(super::lines(imports, path, text).is_empty(), "{path}");
    }
    for path in [
        "src/lib.rs",
        "src/config.rs",
        "src/telemetry.rs",
        "src/storage/mod.rs",
    ] {
        assert_eq!(super::lines(imports, path, text), [1], "{path}");
    }
}

#[test]
fn a_runtime_in_the_core_manifest_is_found() {
    let text = "description = \"no tokio\"\n# no actix\nbytes = \"1\"\nrandom = \"1\"\n\
                tokio-util = \"0.7\"\nx = { package = \"rand\" }\n[dev-dependencies.diesel]";
    assert_eq!(super::lines(core_manifest, CORE_MANIFEST, text), [5, 6, 7]);
    assert!(super::lines(core_manifest, "Cargo.toml", text).is_empty());
}

#[test]
fn impure_code_in_the_core_is_found() {
    let samples = [
        "use std::time::SystemTime;",
        "use std::time::{Duration, SystemTime};",
        "let now = Instant::now();",
        "use std::{fs, sync::Arc};",
        "use std::net::IpAddr;",
        "thread::spawn(f);",
    ];
    for sample in samples {
        assert_eq!(
            super::lines(core_purity, "crates/bridge-core/src/x.rs", sample),
            [1],
            "{sample}"
        );
    }
    let pure = "use std::time::{Duration, Instant}; /// unlike std::fs\nfn f(now: Instant) {}";
    assert!(super::lines(core_purity, "crates/bridge-core/src/x.rs", pure).is_empty());
    assert!(super::lines(core_purity, "src/clock.rs", samples[0]).is_empty());
}
