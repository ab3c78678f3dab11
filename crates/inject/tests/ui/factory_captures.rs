//! A factory that captures what should be an argument.

use hookstack_inject::{Container, Dep};

struct Client(String);

fn main() {
    let url = String::from("https://pay.example");
    let _ = Container::builder().singleton(async move || Dep::new(Client(url.clone())));
}
