//! Providers that export by OTLP over HTTP, for programs that have none.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry::global;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::config::OpenTelemetryBuilder;
use crate::error::InitError;
use crate::middleware::OpenTelemetry;
use crate::sdk::for_runs;

/// How much a collector's answer may hold; it says what it did not take.
const MAX_ANSWER: u64 = 64 * 1024;

/// Sets up traces and metrics for the whole program, by OTLP over HTTP: makes the providers and installs them
/// as the global ones. For other settings, or without anything global, see [`Telemetry::builder`].
///
/// The collector is where `OTEL_EXPORTER_OTLP_ENDPOINT` says, `http://localhost:4318` if nothing does. The
/// other `OTEL_*` variables of the SDK and its exporters hold too: `OTEL_SERVICE_NAME` over the name given here,
/// `OTEL_TRACES_SAMPLER` (the ratios, always on and off), `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_…`.
///
/// ```no_run
/// use hookstack_core::Stack;
///
/// let telemetry = hookstack_opentelemetry::init("shop")?;
/// let stack = Stack::builder().with(telemetry.middleware().build()).build();
/// // … serve …
/// telemetry.shutdown()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`InitError`] when a variable or the system's certificates cannot be used. A collector that cannot be
/// reached is no error: what it does not take is dropped.
pub fn init(service_name: &str) -> Result<Telemetry, InitError> {
    let telemetry = Telemetry::builder(service_name).build()?;
    telemetry.install();
    Ok(telemetry)
}

/// A tracer and a meter provider that export by OTLP over HTTP.
#[derive(Clone)]
#[must_use = "what it has not exported yet is lost unless it is shut down"]
pub struct Telemetry {
    tracer_provider: SdkTracerProvider,
    meter_provider: SdkMeterProvider,
    ratio: f64,
}

impl Telemetry {
    /// With other settings than [`init`].
    pub fn builder(service_name: &str) -> TelemetryBuilder {
        let service_name = service_name.to_owned();
        TelemetryBuilder { service_name, endpoint: None, ratio: None, timeout: None }
    }

    /// The middleware with these providers, for more settings.
    pub fn middleware(&self) -> OpenTelemetryBuilder {
        OpenTelemetry::builder()
            .sdk_tracer_provider(&self.tracer_provider)
            .sdk_meter_provider(&self.meter_provider)
            .sample_ratio(self.ratio)
    }

    /// Makes the providers the global ones, for spans and metrics of the program's own.
    pub fn install(&self) {
        global::set_tracer_provider(self.tracer_provider.clone());
        global::set_meter_provider(self.meter_provider.clone());
    }

    /// The tracer provider.
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.tracer_provider
    }

    /// The meter provider.
    pub fn meter_provider(&self) -> &SdkMeterProvider {
        &self.meter_provider
    }

    /// Exports what is left of both, at the same time, and ends the background threads. It blocks, for the five
    /// seconds at most that the SDK gives a shutdown, whatever the limit of an export: off the executor in an
    /// async program (`tokio::task::spawn_blocking`).
    ///
    /// # Errors
    /// When something could not be exported in that time, or the providers were shut down before.
    pub fn shutdown(&self) -> Result<(), OTelSdkError> {
        std::thread::scope(|scope| {
            let name = "hookstack-otel-shutdown".to_owned();
            let metrics = std::thread::Builder::new()
                .name(name)
                .spawn_scoped(scope, || self.meter_provider.shutdown());
            let traces = self.tracer_provider.shutdown();
            let metrics = match metrics.map(|thread| thread.join()) {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(OTelSdkError::InternalFailure("it panicked".to_owned())),
                // No thread could be started.
                Err(_) => self.meter_provider.shutdown(),
            };
            traces.and(metrics)
        })
    }
}

/// Not the providers: their exporters know headers, which may authorise.
impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("ratio", &self.ratio).finish_non_exhaustive()
    }
}

/// Puts [`Telemetry`] together.
#[derive(Clone, Debug)]
#[must_use = "the providers are made with `build()`"]
pub struct TelemetryBuilder {
    service_name: String,
    endpoint: Option<String>,
    ratio: Option<f64>,
    timeout: Option<Duration>,
}

impl TelemetryBuilder {
    /// The address of the collector, for instance `http://localhost:4318`; its path is added. Unless set it is
    /// what `OTEL_EXPORTER_OTLP_ENDPOINT` says.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Which share of the runs is traced, and of all other traces that begin here. Unless set it is what
    /// `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say, else 1.
    pub fn sample_ratio(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// How long one export may take; unless set what `OTEL_EXPORTER_OTLP_TIMEOUT` says, else 10 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Makes the providers.
    ///
    /// # Errors
    /// As [`init`].
    pub fn build(self) -> Result<Telemetry, InitError> {
        let client = Client::new(self.timeout.unwrap_or_else(timeout))?;
        let name = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
        let name = name.unwrap_or(self.service_name);
        let resource = Resource::builder().with_service_name(name).build();
        let address = |path| {
            self.endpoint.as_ref().map(|origin| format!("{}{path}", origin.trim_end_matches('/')))
        };
        let mut spans = SpanExporter::builder().with_http().with_http_client(client.clone());
        let mut metrics = MetricExporter::builder().with_http().with_http_client(client);
        if let Some(address) = address("/v1/traces") {
            spans = spans.with_endpoint(address);
        }
        if let Some(address) = address("/v1/metrics") {
            metrics = metrics.with_endpoint(address);
        }
        if let Some(timeout) = self.timeout {
            spans = spans.with_timeout(timeout);
            metrics = metrics.with_timeout(timeout);
        }
        let variable = |name: &str| std::env::var(name).ok();
        let ratio = self.ratio.unwrap_or_else(|| ratio(variable));
        let others = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
        let tracer_provider = for_runs(SdkTracerProvider::builder(), others)
            .with_resource(resource.clone())
            .with_batch_exporter(spans.build().map_err(InitError::exporter)?)
            .build();
        let meter_provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(
                PeriodicReader::builder(metrics.build().map_err(InitError::exporter)?).build(),
            )
            .build();
        Ok(Telemetry { tracer_provider, meter_provider, ratio })
    }
}

/// The share of traces, as the variables have it.
fn ratio(variable: impl Fn(&str) -> Option<String>) -> f64 {
    let argument = || variable("OTEL_TRACES_SAMPLER_ARG").and_then(|text| text.trim().parse().ok());
    match variable("OTEL_TRACES_SAMPLER").as_deref() {
        Some("always_off" | "parentbased_always_off") => 0.0,
        Some("traceidratio" | "parentbased_traceidratio") => argument().unwrap_or(1.0),
        _ => 1.0,
    }
}

/// How long an export may take, as the variables have it.
fn timeout() -> Duration {
    let variable = std::env::var("OTEL_EXPORTER_OTLP_TIMEOUT").ok();
    let milliseconds = variable.and_then(|text| text.trim().parse().ok());
    Duration::from_millis(milliseconds.unwrap_or(10_000))
}

/// A blocking client: the exporters work on threads of their own.
#[derive(Clone, Debug)]
struct Client(reqwest::blocking::Client);

impl Client {
    fn new(timeout: Duration) -> Result<Self, InitError> {
        let problem = |error: &dyn fmt::Display| InitError::Client(error.to_string());
        let tls = tls()?;
        // A blocking client must not be made on a thread of an async runtime.
        let made = std::thread::spawn(move || {
            reqwest::blocking::Client::builder()
                .tls_backend_preconfigured(tls)
                .timeout(timeout)
                // A redirect would carry the headers elsewhere.
                .redirect(reqwest::redirect::Policy::none())
                .build()
        });
        match made.join() {
            Ok(client) => client.map(Client).map_err(|error| problem(&error)),
            Err(_) => Err(problem(&"it panicked")),
        }
    }
}

/// The cryptography is named here, so nothing depends on a provider that the process installed.
fn tls() -> Result<ClientConfig, InitError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| InitError::Client(error.to_string()))
    };
    match builder()?.with_platform_verifier() {
        Ok(verified) => Ok(verified.with_no_client_auth()),
        // A system without certificates can still reach a collector without TLS.
        Err(_) => {
            Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        use std::io::Read;

        let (parts, body) = request.into_parts();
        let answer = self
            .0
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body)
            .send()?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        answer.take(MAX_ANSWER).read_to_end(&mut body)?;
        let mut response = http::Response::new(Bytes::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_variables() {
        let of = |sampler: &'static str, argument: &'static str| {
            ratio(move |name| {
                let value = if name.ends_with("ARG") { argument } else { sampler };
                (!value.is_empty()).then(|| value.to_owned())
            })
        };
        assert_eq!(of("", "0.5"), 1.0);
        assert_eq!(of("traceidratio", "0.5"), 0.5);
        assert_eq!(of("parentbased_traceidratio", " 0.25 "), 0.25);
        assert_eq!(of("traceidratio", "half"), 1.0);
        assert_eq!(of("parentbased_always_off", ""), 0.0);
        assert_eq!(of("always_on", "0.5"), 1.0);
    }
}
