//! What `framehub --version` says about its build: commit, profile, target, features. Whoever builds without git may give
//! the commit in FRAMEHUB_COMMIT; without both, it is left out.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=FRAMEHUB_COMMIT");
    let given = env::var("FRAMEHUB_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(|| {
        // Each commit adds a line to it.
        let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
        println!("cargo::rerun-if-changed={log}");
        git(&["rev-parse", "--short=10", "HEAD"])
    });
    let features: Vec<String> = env::vars()
        .filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase()))
        .collect();
    let facts = [commit, env::var("PROFILE").ok(), env::var("TARGET").ok()];
    let facts: Vec<String> = facts.into_iter().flatten().chain(features).collect();
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo::rustc-env=FRAMEHUB_BUILD={version} ({})", facts.join(", "));
}

/// The answer's first line; `None` without git, or where this is no repository of its own.
fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}
