//! Who the server is: a certificate, and the authority that signed it.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// A certificate for 127.0.0.1, of an authority of its own.
pub struct Identity {
    /// The authority's certificate, as PEM.
    pub authority: String,
    pub acceptor: TlsAcceptor,
}

impl Identity {
    pub fn new() -> Identity {
        let key = || KeyPair::generate().expect("ring makes keys");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, key()).expect("it signs itself");
        let server = key();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
        let certificate = params.signed_by(&server, &authority).expect("the authority signs");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(server.serialize_der()).into(),
            )
            .expect("the key is the certificate's");
        Identity { authority: authority.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}
