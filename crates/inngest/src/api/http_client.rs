//! The HTTP client, with TLS whose certificates the operating system vouches for.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::config::Config;
use crate::error::ConfigError;

/// # Errors
/// [`ConfigError::Setting`] if the system has no certificates and an address needs them.
pub(super) fn build(config: &Config) -> Result<reqwest::Client, ConfigError> {
    let refused = |_| ConfigError::setting("TLS", "the HTTP client could not be made");
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls(config)?)
        .timeout(super::TIMEOUT)
        // A redirect would carry the key elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(refused)
}

/// The cryptography is named here, so nothing depends on a provider that the process installed.
fn tls(config: &Config) -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|_| ConfigError::setting("TLS", "no protocol version is available"))
    };
    if let Ok(verified) = builder()?.with_platform_verifier() {
        return Ok(verified.with_no_client_auth());
    }
    let needs_tls = [config.api_origin(), config.event_api_origin()]
        .iter()
        .any(|origin| origin.starts_with("https"));
    if needs_tls {
        return Err(ConfigError::setting(
            "TLS",
            "the system has no certificates to check the server with; install them (`ca-certificates`)",
        ));
    }
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}
