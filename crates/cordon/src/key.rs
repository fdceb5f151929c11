//! Private keys: made of random bytes, written where only their owner can read them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use cordon_model::note::Signer;

use crate::outcome::Failure;

/// Makes 32 random bytes.
pub(crate) fn secret() -> Result<[u8; 32], Failure> {
    let mut secret = [0u8; 32];
    getrandom::fill(&mut secret)
        .map_err(|error| Failure::config(format!("no random bytes: {error}"), "try again"))?;
    Ok(secret)
}

/// Writes a private key; a file that is there is never replaced.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::path(path, &error))
}

/// Makes a key and writes it.
pub(crate) fn make(path: &Path, name: &str) -> Result<Signer, Failure> {
    let signer = Signer::new(name, secret()?);
    write_private(path, &signer.text())?;
    Ok(signer)
}

/// Reads a private key.
pub(crate) fn read(path: &Path) -> Result<Signer, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::path(path, &error))?;
    let help = "a private key is one line that `cordon journal keygen` wrote";
    Signer::parse(&text)
        .map_err(|error| Failure::input(format!("{}: {error}", path.display()), help))
}
