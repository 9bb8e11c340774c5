//! The keys and certificates of a cluster, all signed by one authority of its own.

use std::fs;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use crate::error::Error;
use crate::files;
use crate::plan::Plan;

/// Makes all of them, as PEM files in the cluster's `pki` folder.
pub(crate) fn make(plan: &Plan) -> Result<(), Error> {
    let folder = plan.pki();
    let authority = authority()?;
    files::write(&folder.join("ca.crt"), authority.pem())?;
    for subject in subjects(plan) {
        let key = KeyPair::generate()?;
        let certificate = subject.certificate()?.signed_by(&key, &authority)?;
        files::write(&folder.join(format!("{}.crt", subject.file)), certificate.pem())?;
        files::write(&folder.join(format!("{}.key", subject.file)), key.serialize_pem())?;
    }
    let tokens = KeyPair::generate()?;
    files::write(&folder.join("service-account.key"), tokens.serialize_pem())?;
    files::write(&folder.join("service-account.pub"), tokens.public_key_pem())
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
            authority: read("ca.crt".to_owned())?,
            certificate: read(format!("{user}.crt"))?,
            key: read(format!("{user}.key"))?,
        })
    }
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
        Subject {
            alternative_names: vec![
                plan.apiserver_address().to_string(),
                FIRST_SERVICE_ADDRESS.to_owned(),
                "127.0.0.1".to_owned(),
                "localhost".to_owned(),
                "kubernetes".to_owned(),
                "kubernetes.default".to_owned(),
                "kubernetes.default.svc".to_owned(),
            ],
            ..Subject::client("apiserver", None, "kube-apiserver")
        },
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

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "duckduckgoose-testbed");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// Kubernetes gives the first address of [`crate::plan::SERVICE_RANGE`] to the API server.
const FIRST_SERVICE_ADDRESS: &str = "10.96.0.1";
