//! What a newcomer meets first is true: the picture of the lifecycle, the snippets of the documentation, the commands of
//! the README, its links and versions.

mod commands;
mod fences;
mod guide;
mod markdown;
mod pages;
mod peers;
mod picture;
mod repository;
mod source;
mod svg;
