//! The spans and metrics of functions on the local engine, as an exporter of the SDK gets them.

mod degraded;
mod errors;
mod flush;
mod gather;
mod metrics;
mod propagation;
mod replay;
mod requests;
mod sampling;
mod tree;
