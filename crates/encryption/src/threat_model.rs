#![doc = include_str!("../docs/threat-model.md")]
