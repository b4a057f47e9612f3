//! Notes with what the load generator is built. The server is built beside it, by the same command,
//! so a figure can say which compiler and which profile it belongs to.

use std::process::Command;

fn main() {
    let compiler = setting("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let version = Command::new(compiler).arg("--version").output();
    let version = version.map_or_else(
        |_| "an unknown rustc".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    let profile = setting("PROFILE").unwrap_or_default();
    println!("cargo::rustc-env=PERF_RUSTC={version}");
    println!("cargo::rustc-env=PERF_PROFILE={profile}");
    println!("cargo::rerun-if-changed=build.rs");
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is how cargo talks to a build script"
)]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
