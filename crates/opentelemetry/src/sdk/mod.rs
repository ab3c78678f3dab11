//! What a provider of the OpenTelemetry SDK needs so that runs become whole traces.

mod generator;
mod sampler;

pub use generator::RunIdGenerator;
pub use sampler::RunSampler;

use opentelemetry_sdk::trace::{Sampler, TracerProviderBuilder};

/// Sets up a provider for runs: [`RunIdGenerator`], and [`RunSampler`] around a sampler for everything that
/// belongs to no run.
///
/// ```
/// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
///
/// let provider = hookstack_opentelemetry::for_runs(
///     SdkTracerProvider::builder(), // with your exporter and resource
///     Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
/// )
/// .build();
/// ```
pub fn for_runs(builder: TracerProviderBuilder, others: Sampler) -> TracerProviderBuilder {
    builder.with_id_generator(RunIdGenerator::new()).with_sampler(RunSampler::new(others))
}
