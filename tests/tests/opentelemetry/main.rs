//! OpenTelemetry over real HTTP: a run in several processes, collectors that do not work, what leaves the
//! process, and another program's reading of it.

mod canary;
mod collectors;
mod processes;
mod rotel;
