#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::os::unix::fs::PermissionsExt as _;

use rcgen::{BasicConstraints, IsCa, Issuer};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

/// An authority, and the state folder of a point.
struct Stage {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        fs::write(folder.path().join("ca.pem"), root.pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// Certifies a name for a key, for two days from now.
    fn certify(&self, name: &str, key: &KeyPair) -> PathBuf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let now = SystemTime::now();
        (params.not_before, params.not_after) = ((now - DAY).into(), (now + 2 * DAY).into());
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        let path = self.path("answer.pem");
        fs::write(&path, certificate.pem()).unwrap();
        path
    }

    fn key(&self) -> KeyPair {
        KeyPair::from_pem(&fs::read_to_string(self.state().join(KEY)).unwrap()).unwrap()
    }

    fn install(&self, certificate: &Path, now: SystemTime) -> Result<Identity, EnrollError> {
        install(&self.state(), &gateway(), certificate, &self.path("ca.pem"), now)
    }
}

fn gateway() -> PointId {
    PointId::new("gw-a-001").unwrap()
}

#[test]
fn a_point_asks_once_and_takes_the_answer() {
    let stage = Stage::new();
    let now = SystemTime::now();
    let first = request(&stage.state(), &gateway()).unwrap();
    assert!(first.is_new && fs::read_to_string(&first.path).unwrap().contains("REQUEST"));
    let mode = fs::metadata(stage.state().join(KEY)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = stage.key().serialize_pem();
    assert!(!request(&stage.state(), &gateway()).unwrap().is_new);
    assert_eq!(stage.key().serialize_pem(), key, "the key stays");
    assert_eq!(identity(&stage.state(), &gateway(), now).unwrap(), None);
    let taken = stage.install(&stage.certify("gw-a-001", &stage.key()), now).unwrap();
    assert_eq!(identity(&stage.state(), &gateway(), now).unwrap(), Some(taken.clone()));
    assert!(taken.until > now + DAY && taken.until < now + 3 * DAY);
    let late = identity(&stage.state(), &gateway(), now + 3 * DAY);
    assert!(matches!(late, Err(EnrollError::Chain(_))), "{late:?}");
}

#[test]
fn what_is_not_for_this_key_this_point_or_of_this_authority_changes_nothing() {
    let stage = Stage::new();
    let now = SystemTime::now();
    request(&stage.state(), &gateway()).unwrap();
    let good = stage.install(&stage.certify("gw-a-001", &stage.key()), now).unwrap();
    let other_key = stage.certify("gw-a-001", &KeyPair::generate().unwrap());
    assert!(matches!(stage.install(&other_key, now), Err(EnrollError::Key)));
    let other_name = stage.certify("gw-a-002", &stage.key());
    let refused = stage.install(&other_name, now).unwrap_err();
    assert_eq!(refused.to_string(), "the certificate names gw-a-002, not `gw-a-001`");
    let stranger = Stage::new();
    let foreign = stranger.certify("gw-a-001", &stage.key());
    assert!(matches!(stage.install(&foreign, now), Err(EnrollError::Chain(_))));
    let late = stage.install(&stage.certify("gw-a-001", &stage.key()), now + 3 * DAY);
    assert!(matches!(late, Err(EnrollError::Chain(_))), "{late:?}");
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\u{0}"] {
        let path = stage.path("broken.pem");
        fs::write(&path, text).unwrap();
        let refused = stage.install(&path, now).unwrap_err();
        assert!(refused.is_refusal(), "{refused}");
    }
    assert_eq!(identity(&stage.state(), &gateway(), now).unwrap(), Some(good));
}
