//! The keys and certificates of a cluster, signed by authorities of its own: one for users, and two
//! for the API server, of which one is there for a change (see `rotation`).

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use crate::error::Error;
use crate::files;
use crate::plan::{FIRST_SERVICE_ADDRESS, Plan};

/// Makes all of them, as PEM files in the cluster's `pki` folder.
pub(crate) fn make(plan: &Plan) -> Result<(), Error> {
    let folder = plan.pki();
    let users = authority("users")?;
    files::write(&folder.join("ca.crt"), users.pem())?;
    for subject in subjects(plan) {
        subject.make(&folder, "", &users)?;
    }
    let mut trusted = String::new();
    for which in ["", NEXT] {
        let authority = authority(&format!("{which}{SERVING}"))?;
        files::write(&folder.join(format!("{which}{SERVING_AUTHORITY}.crt")), authority.pem())?;
        apiserver(plan).make(&folder, which, &authority)?;
        trusted += &authority.pem();
    }
    files::write(&folder.join(TRUSTED), trusted)?;
    let first = folder.join(format!("{SERVING_AUTHORITY}.crt"));
    fs::copy(&first, folder.join(PODS_AUTHORITIES)).map_err(Error::file(&first))?;
    make_token_key(&folder, TOKENS)
}

/// Makes the two halves of a key that tokens are signed with.
pub(crate) fn make_token_key(folder: &Path, name: &str) -> Result<(), Error> {
    let key = KeyPair::generate()?;
    files::write(&folder.join(format!("{name}.key")), key.serialize_pem())?;
    files::write(&folder.join(format!("{name}.pub")), key.public_key_pem())
}

/// A certificate and its key, as PEM.
pub(crate) struct Credentials {
    pub authority: Vec<u8>,
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

impl Credentials {
    /// What [`make`] has made for this user.
    pub fn of(plan: &Plan, user: &str) -> Result<Self, Error> {
        let read = |name: String| {
            let path = plan.pki().join(name);
            fs::read(&path).map_err(Error::file(&path))
        };
        Ok(Self {
            authority: trusted(plan)?,
            certificate: read(format!("{user}.crt"))?,
            key: read(format!("{user}.key"))?,
        })
    }
}

/// The authorities that whoever asks the API server is to trust.
pub(crate) fn trusted(plan: &Plan) -> Result<Vec<u8>, Error> {
    let path = plan.pki().join(TRUSTED);
    fs::read(&path).map_err(Error::file(&path))
}

/// The users that get a kubeconfig.
pub(crate) fn users(plan: &Plan) -> Vec<String> {
    let users = ["admin", "controller-manager", "scheduler", "proxy"].map(str::to_owned);
    users.into_iter().chain(plan.node_sites().into_iter().map(|node| node.site.name)).collect()
}

/// Who a certificate is for.
struct Subject {
    file: String,
    organisation: Option<&'static str>,
    common_name: String,
    alternative_names: Vec<String>,
}

impl Subject {
    fn client(file: &str, organisation: Option<&'static str>, common_name: &str) -> Self {
        Self {
            file: file.to_owned(),
            organisation,
            common_name: common_name.to_owned(),
            alternative_names: Vec::new(),
        }
    }

    /// Writes its certificate and key.
    fn make(
        &self,
        folder: &Path,
        which: &str,
        authority: &CertifiedIssuer<'static, KeyPair>,
    ) -> Result<(), Error> {
        let key = KeyPair::generate()?;
        let certificate = self.certificate()?.signed_by(&key, authority)?;
        let file = format!("{which}{}", self.file);
        files::write(&folder.join(format!("{file}.crt")), certificate.pem())?;
        files::write(&folder.join(format!("{file}.key")), key.serialize_pem())
    }

    fn certificate(&self) -> Result<CertificateParams, Error> {
        let mut params = CertificateParams::new(self.alternative_names.clone())?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(organisation) = self.organisation {
            params.distinguished_name.push(DnType::OrganizationName, organisation);
        }
        params.distinguished_name.push(DnType::CommonName, self.common_name.clone());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        Ok(params)
    }
}

/// The names are Kubernetes' own: its built-in roles are bound to them.
fn subjects(plan: &Plan) -> Vec<Subject> {
    let mut subjects = vec![
        Subject::client("admin", Some("system:masters"), "admin"),
        Subject::client("controller-manager", None, "system:kube-controller-manager"),
        Subject::client("scheduler", None, "system:kube-scheduler"),
        Subject::client("proxy", None, "system:kube-proxy"),
        Subject::client("front-proxy", None, "front-proxy-client"),
    ];
    for node in plan.node_sites() {
        let name = node.site.name;
        subjects.push(Subject {
            alternative_names: vec![name.clone(), node.site.address.to_string()],
            ..Subject::client(&name, Some("system:nodes"), &format!("system:node:{name}"))
        });
    }
    subjects
}

fn apiserver(plan: &Plan) -> Subject {
    Subject {
        alternative_names: vec![
            plan.apiserver_address().to_string(),
            FIRST_SERVICE_ADDRESS.to_string(),
            "127.0.0.1".to_owned(),
            "localhost".to_owned(),
            "kubernetes".to_owned(),
            "kubernetes.default".to_owned(),
            "kubernetes.default.svc".to_owned(),
        ],
        ..Subject::client(SERVING, None, "kube-apiserver")
    }
}

fn authority(of: &str) -> Result<CertifiedIssuer<'static, KeyPair>, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("duckduckgoose-testbed {of}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// The API server's own certificate.
pub(crate) const SERVING: &str = "apiserver";

/// Who has signed it.
pub(crate) const SERVING_AUTHORITY: &str = "serving-ca";

/// Before the names of what will be in use after a change.
pub(crate) const NEXT: &str = "next-";

/// Whom pods are told to trust.
pub(crate) const PODS_AUTHORITIES: &str = "root-ca.crt";

/// The key of service accounts' tokens.
pub(crate) const TOKENS: &str = "service-account";

/// Whom the cluster's programs and its administrator trust, at any time: they are no part of a change.
const TRUSTED: &str = "serving-cas.crt";
