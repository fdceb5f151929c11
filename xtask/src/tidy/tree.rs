//! What the rules look at: the files of the repository and the crates of the workspace.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;
use cargo_metadata::{DependencyKind, Metadata};

use crate::repo::{self, Repo};

/// Folders that are not part of the project where git cannot tell.
const NOT_OURS: &[&str] = &[".git", "target"];

/// The repository as the rules see it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Every file by its path from the root, with `/` between folders; `None` if it is no UTF-8.
    pub(super) files: BTreeMap<String, Option<String>>,
    pub(super) crates: Vec<Crate>,
}

/// A member of the workspace.
#[derive(Debug)]
pub(super) struct Crate {
    pub(super) name: String,
    /// Its folder from the root.
    pub(super) folder: String,
    /// The names of what it depends on outside tests.
    pub(super) dependencies: Vec<String>,
}

impl Crate {
    pub(super) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

/// A text file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    path: &'a str,
    text: &'a str,
}

impl<'a> File<'a> {
    pub(crate) fn path(self) -> &'a str {
        self.path
    }

    pub(crate) fn text(self) -> &'a str {
        self.text
    }

    pub(crate) fn is_rust(self) -> bool {
        self.has_ending("rs") && !self.is_fixture()
    }

    /// True of Rust code that is no test.
    pub(crate) fn is_source(self) -> bool {
        let test = |part: &str| matches!(part, "tests" | "tests.rs" | "benches");
        self.is_rust()
            && self.path.split('/').any(|part| part == "src")
            && !self.path.split('/').any(test)
    }

    /// True of what tests read as it is, whatever it looks like.
    pub(crate) fn is_fixture(self) -> bool {
        self.path.starts_with("fuzz/corpus/") || self.path.split('/').any(|part| part == "testdata")
    }

    pub(crate) fn has_ending(self, ending: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == ending)
    }

    /// The lines with their numbers, from 1.
    pub(crate) fn lines(self) -> impl Iterator<Item = (usize, &'a str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

impl Tree {
    /// Reads every file of the repository: those that git knows or would take.
    ///
    /// # Errors
    /// When files cannot be listed or read.
    pub(crate) fn load(repo: &Repo) -> anyhow::Result<Tree> {
        let mut files = BTreeMap::new();
        for path in list(repo)? {
            let full = repo.path(&path);
            // git also lists what was deleted and not yet committed.
            if full.is_file() {
                let bytes = fs::read(&full).with_context(|| path.clone())?;
                files.insert(path, String::from_utf8(bytes).ok());
            }
        }
        Ok(Tree { files, crates: crates(&repo.manifests()?) })
    }

    /// The text files.
    pub(crate) fn files(&self) -> impl Iterator<Item = File<'_>> {
        self.files.iter().filter_map(|(path, text)| Some(File { path, text: text.as_deref()? }))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// True if there is a file, or a folder with a file in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        let below = || self.files.range(folder.clone()..).next();
        self.files.contains_key(path)
            || below().is_some_and(|(found, _)| found.starts_with(&folder))
    }
}

fn list(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let mut git = repo.command("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    if repo.path(".git").exists()
        && let Ok(names) = repo::text(&mut git)
    {
        return Ok(names.split_terminator('\0').map(str::to_owned).collect());
    }
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(repo.path(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            match entry.file_type()? {
                kind if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) => open.push(path),
                kind if kind.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    Ok(found)
}

fn crates(metadata: &Metadata) -> Vec<Crate> {
    let member = |package: &cargo_metadata::Package| {
        let folder = package.manifest_path.parent()?.strip_prefix(&metadata.workspace_root).ok()?;
        let normal = |kind| kind == DependencyKind::Normal;
        let dependencies = package.dependencies.iter().filter(|one| normal(one.kind));
        Some(Crate {
            name: package.name.to_string(),
            folder: folder.as_str().replace('\\', "/"),
            dependencies: dependencies.map(|one| one.name.clone()).collect(),
        })
    };
    metadata.packages.iter().filter_map(member).collect()
}
