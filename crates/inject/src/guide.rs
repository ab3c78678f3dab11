#![doc = include_str!("../docs/guide.md")]

#[doc = include_str!("../docs/performance.md")]
pub mod performance {}
