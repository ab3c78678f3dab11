//! What is written, and what is not, when functions run on the local engine.

mod buffer;
mod canary;
mod correlation;
mod failures;
mod json;
mod keys;
mod reference;
mod replay;
mod requests;
mod sampling;
mod support;
mod traces;
mod unsaid;
mod writers;
