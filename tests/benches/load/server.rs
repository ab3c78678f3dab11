//! The served app, and the events for it.

use std::io;
use std::sync::{Arc, Mutex};

use hookstack_core::host::BoxFuture;
use hookstack_core::{Error, Event, NonRetriable, Sent};
use hookstack_encryption::{Encryption, Keyset};
use hookstack_inngest::{App, Config, Data, EventTransport, Function, Step, serve as serve_app};
use serde::{Deserialize, Serialize};

/// The variable with the encryption keys: the one that services use.
pub(crate) const KEYS: &str = "HOOKSTACK_ENCRYPTION_KEYS";

#[derive(Deserialize, Serialize)]
struct Order {
    number: u64,
    secret: String,
}

/// Checks for itself that every value comes back as it was: the generator sees sealed ones only.
async fn two_steps(Data(order): Data<Order>, step: Step) -> Result<String, Error> {
    let double = async || Ok::<_, Error>(format!("{} {}", order.number * 2, order.secret));
    let first: String = step.run("first step", double).await?;
    let append = async || Ok::<_, Error>(format!("{first}!"));
    let second: String = step.run("second step", append).await?;
    if second != format!("{} {}!", order.number * 2, order.secret) {
        return Err(NonRetriable::new("a value was changed on its way").into());
    }
    Ok(second)
}

fn app(keys: &str) -> hookstack_inngest::AppBuilder {
    let keys = Keyset::from_text(keys).expect("valid keys");
    let function = Function::builder("two-steps").on_event("load/started").handler(two_steps);
    App::builder("load").with(Encryption::new(keys)).function(function)
}

/// Serves on a free port, which is printed.
pub(crate) fn serve() -> io::Result<()> {
    let keys = std::env::var(KEYS).map_err(io::Error::other)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let app = app(&keys).build().map_err(io::Error::other)?;
        let config =
            Config::builder().variables(|_| None).dev().build().map_err(io::Error::other)?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        serve_app(app).config(config).run(listener, "/api/inngest").await
    })
}

/// Events as they leave an app: sealed, as JSON.
pub(crate) async fn sealed_events(keys: &str, count: usize) -> Result<Vec<String>, Error> {
    let sent = Arc::new(Recording::default());
    let app = app(keys)
        .transport(sent.clone())
        .build()
        .map_err(|error| Error::message(error.to_string()))?;
    for number in 0..count {
        let order = Order { number: number as u64, secret: super::conversation::canary(number) };
        app.send(Event::new("load/started", &order)?).await.into_result()?;
    }
    Ok(std::mem::take(&mut *sent.0.lock().expect("nobody panicked")))
}

#[derive(Default)]
struct Recording(Mutex<Vec<String>>);

impl EventTransport for Recording {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        let json = |event: &Event| {
            let (name, id) = (&event.name, event.id.as_deref().unwrap_or_default());
            let (ts, data) = (event.ts.unwrap_or_default(), event.data.text());
            let data = String::from_utf8_lossy(&data).into_owned();
            format!(r#"{{"name":"{name}","id":"{id}","ts":{ts},"data":{data}}}"#)
        };
        self.0.lock().expect("nobody panicked").extend(events.iter().map(json));
        Box::pin(async { Sent::accepted(Vec::new()) })
    }
}
