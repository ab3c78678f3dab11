//! A factory that returns the bare value.

use hookstack_inject::{Container, Dep};

struct Settings;
struct Client;

fn main() {
    let _ = Container::builder().singleton(async |_: Dep<Settings>| Client);
}
