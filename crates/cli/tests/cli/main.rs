//! The program, run as its users run it.
#![allow(missing_docs, unreachable_pub, reason = "tests document themselves")]

mod decrypt;
mod inspect;
mod keygen;
mod quoted;
mod rotate;
mod served;
mod tool;
mod usage;
