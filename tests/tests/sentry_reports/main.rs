//! Failures in Sentry: over real HTTP, in a stack with encryption, and read back from a real server.
//!
//! `bugsink` needs a Python virtual environment with the package of `backends/requirements.txt`, which the variable
//! `HOOKSTACK_BUGSINK` names. Without it that test is skipped and says so; with `CI` set it fails then.
//!
//! The crate's name must not be `sentry`: frames of a crate of that name are taken for the SDK's.

mod bugsink;
mod canary;
mod down;
mod functions;
mod over_http;
