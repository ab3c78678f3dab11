//! What a newcomer meets first is true: the picture of the lifecycle, the snippets of the documentation, the commands of
//! the README.

mod commands;
mod fences;
mod markdown;
mod peers;
mod picture;
mod repository;
mod source;
mod svg;
