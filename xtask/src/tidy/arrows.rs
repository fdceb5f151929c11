//! Which crate may use which, and what each must declare.

use super::Findings;
use super::tree::{Crate, Tree};

/// The arrows of ARCHITECTURE.md: a crate and what it may use of ours. What is not here is not allowed.
const ARROWS: &[(&str, &[&str])] = &[
    ("cordon-model", &[]),
    ("cordon-wire", &[]),
    ("cordon-policy", &["cordon-model"]),
    ("cordon-proof", &["cordon-model", "cordon-policy"]),
    ("cordon-trust", &["cordon-model"]),
    ("cordon-core", &["cordon-model", "cordon-wire"]),
    ("cordon-journal", &["cordon-model"]),
    (
        "cordon-sim",
        &[
            "cordon-model",
            "cordon-wire",
            "cordon-policy",
            "cordon-trust",
            "cordon-core",
            "cordon-journal",
        ],
    ),
    (
        "cordon-control",
        &[
            "cordon-model",
            "cordon-wire",
            "cordon-policy",
            "cordon-trust",
            "cordon-core",
            "cordon-journal",
        ],
    ),
    (
        "cordon-gateway",
        &["cordon-model", "cordon-wire", "cordon-trust", "cordon-core", "cordon-journal"],
    ),
    (
        "cordon",
        &[
            "cordon-model",
            "cordon-wire",
            "cordon-policy",
            "cordon-proof",
            "cordon-trust",
            "cordon-core",
            "cordon-journal",
            "cordon-control",
            "cordon-sim",
        ],
    ),
    ("xtask", &[]),
];

/// A family of crates that only some of ours may use.
struct Wall {
    /// The name of the family; what begins with it and a `-` belongs to it.
    family: &'static str,
    behind: &'static [&'static str],
    why: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        family: "cedar-policy",
        behind: &["cordon-policy", "cordon-proof"],
        why: "the policy language must not reach an enforcement point, nor be used past `cordon-policy`",
    },
    Wall {
        family: "tokio",
        behind: &["cordon-proof", "cordon", "cordon-control", "cordon-gateway"],
        why: "only shells wait",
    },
    Wall { family: "mio", behind: SHELLS, why: "only shells open sockets" },
    Wall { family: "socket2", behind: SHELLS, why: "only shells open sockets" },
    Wall { family: "hyper", behind: SHELLS, why: "only shells open sockets" },
    Wall { family: "rustls", behind: SHELLS, why: "only shells open sockets" },
    Wall { family: "ureq", behind: SHELLS, why: "only shells open sockets" },
    Wall { family: "axum", behind: SHELLS, why: "only shells open sockets" },
    Wall { family: "tonic", behind: SHELLS, why: "only shells open sockets" },
];

const SHELLS: &[&str] = &["cordon", "cordon-control", "cordon-gateway"];

/// Crates that decide: what they need of chance comes in as an argument.
const PURE: &[&str] =
    &["cordon-model", "cordon-wire", "cordon-policy", "cordon-trust", "cordon-core", "cordon-sim"];

const CHANCE: &[&str] = &["rand", "getrandom", "fastrand"];

/// An arrow that nobody decided on is how a pure core comes to know its shell: each stands in the table or is not there.
pub(super) fn arrow(tree: &Tree, findings: &mut Findings) {
    for one in &tree.crates {
        let row = ARROWS.iter().find(|(name, _)| *name == one.name);
        let Some((_, allowed)) = row else {
            findings.add(
                &one.manifest(),
                1,
                format!("`{}` has no row in the table of arrows", one.name),
            );
            continue;
        };
        let ours = |name: &&String| tree.crates.iter().any(|other| other.name == **name);
        for name in one.dependencies.iter().filter(ours) {
            if !allowed.contains(&name.as_str()) {
                let message = format!("`{}` must not use `{name}`", one.name);
                findings.add(&one.manifest(), line_of(tree, one, name), message);
            }
        }
    }
}

/// A heavy or impure dependency in the wrong crate ends up in every program above it: it stays behind its wall.
pub(super) fn wall(tree: &Tree, findings: &mut Findings) {
    for one in &tree.crates {
        for name in &one.dependencies {
            let mut complain = |why: &str| {
                let message = format!("`{}` must not use `{name}`: {why}", one.name);
                findings.add(&one.manifest(), line_of(tree, one, name), message);
            };
            let wall = WALLS.iter().find(|wall| is_of(name, wall.family));
            if let Some(wall) = wall.filter(|wall| !wall.behind.contains(&one.name.as_str())) {
                complain(wall.why);
            }
            if PURE.contains(&one.name.as_str()) && CHANCE.iter().any(|family| is_of(name, family))
            {
                complain("what decides takes random bytes or a seed as an argument");
            }
        }
    }
}

/// Lints are settled once, in the root manifest: a crate that does not inherit them has none.
pub(super) fn workspace_lints(tree: &Tree, findings: &mut Findings) {
    for one in &tree.crates {
        let manifest = one.manifest();
        let table = tree.text(&manifest).and_then(|text| text.parse::<toml::Table>().ok());
        let lints = table.as_ref().and_then(|table| table.get("lints"));
        let inherits = lints.and_then(|lints| lints.get("workspace")?.as_bool());
        if inherits != Some(true) {
            findings.add(&manifest, 1, "lacks `[lints]` with `workspace = true`");
        }
    }
}

/// A pure crate that reads a clock or may panic on an index is pure in name only: its bans are the same everywhere.
pub(super) fn pure_lints(tree: &Tree, findings: &mut Findings) {
    let bans = |one: &Crate| tree.text(&format!("{}/clippy.toml", one.folder));
    let pure: Vec<_> = tree.crates.iter().filter(|one| PURE.contains(&one.name.as_str())).collect();
    let model = pure.iter().find_map(|one| bans(one));
    for one in pure {
        if bans(one).is_none() || bans(one) != model {
            let file = format!("{}/clippy.toml", one.folder);
            findings.add(&file, 1, "must be there and the same as in the other pure crates");
        }
        let root = format!("{}/src/lib.rs", one.folder);
        let text = tree.text(&root).unwrap_or_default();
        let denied: String = text.lines().filter(|line| line.starts_with("#![deny(")).collect();
        for lint in ["clippy::indexing_slicing", "clippy::string_slice"] {
            if !denied.contains(lint) {
                findings.add(&root, 1, format!("lacks `#![deny({lint})]`"));
            }
        }
    }
}

fn is_of(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

fn line_of(tree: &Tree, one: &Crate, dependency: &str) -> usize {
    let text = tree.text(&one.manifest()).unwrap_or_default();
    text.lines().position(|line| line.starts_with(dependency)).map_or(1, |index| index + 1)
}
