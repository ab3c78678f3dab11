//! A factory whose future holds what cannot go to another thread.

use std::rc::Rc;

use hookstack_inject::{Container, Dep};

struct Client;

async fn connect() -> Dep<Client> {
    let shared = Rc::new(());
    std::future::ready(()).await;
    drop(shared);
    Dep::new(Client)
}

fn main() {
    let _ = Container::builder().singleton(connect);
}
