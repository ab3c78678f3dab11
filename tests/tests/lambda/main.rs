//! The Lambda host under the real `lambda_runtime`, in a process of its own, against a fake of the Lambda
//! Runtime API.

mod concurrent;
mod encryption;
mod malformed;
mod memory;
mod middleware;
mod runtime;
mod support;
