//! A factory whose argument is no dependency.

use hookstack_inject::{Container, Dep};

struct Settings;
struct Client;

async fn connect(_: Settings) -> Dep<Client> {
    Dep::new(Client)
}

fn main() {
    let _ = Container::builder().singleton(connect);
}
