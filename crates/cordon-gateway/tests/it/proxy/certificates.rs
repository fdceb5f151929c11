//! Certificates for a test, made by openssl.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A certification authority and what it certified.
pub(crate) struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Makes an authority; none where openssl is missing, which is said.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("SKIPPED, NOTHING WAS TESTED: `openssl` is missing (Debian package openssl)");
            return None;
        }
        let made = Self { folder: tempfile::tempdir().unwrap() };
        made.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca \
             -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem",
        );
        Some(made)
    }

    /// Certifies names and gives the file with chain and key.
    pub(crate) fn certify(&self, file: &str, names: &str) -> PathBuf {
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={file} \
             -keyout {file}.key -out {file}.csr"
        ));
        std::fs::write(self.path("ext"), format!("subjectAltName={names}\n")).unwrap();
        self.openssl(&format!(
            "x509 -req -in {file}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile ext -out {file}.crt"
        ));
        let read = |name: String| std::fs::read_to_string(self.path(&name)).unwrap();
        let both = read(format!("{file}.crt")) + &read(format!("{file}.key"));
        let path = self.path(&format!("{file}.pem"));
        std::fs::write(&path, both).unwrap();
        path
    }

    /// Answers a request as its names ask for.
    pub(crate) fn answer(&self, request: &Path) -> PathBuf {
        self.openssl(&format!(
            "x509 -req -in {} -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -copy_extensions copy -out answer.pem",
            request.display()
        ));
        self.path("answer.pem")
    }

    pub(crate) fn roots(&self) -> PathBuf {
        self.path("ca.pem")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, args: &str) {
        let mut command = Command::new("openssl");
        command.args(args.split_whitespace()).current_dir(self.folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
