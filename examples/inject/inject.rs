//! Dependencies by type: a durable function on an SQLite pool, with a transaction per call.
//!
//! ```text
//! cargo run --example inject
//! cargo test --example inject        # with a fake repository and without a database
//! ```
//!
//! The pool is made once in each process. A transaction begins in each call that asks for the
//! repository; it commits before the call's response, and rolls back when the call fails. The program
//! places three orders: one that succeeds, one that fails after it has written, and one whose commit
//! fails. Then it prints what is in the database.

mod database;
mod orders;

use std::sync::Arc;

use hookstack::inject::{Container, ContainerBuilder, Provider};
use hookstack::inngest::AppBuilder;
use hookstack::inngest::engine::{Engine, RunStatus};
use hookstack::prelude::*;
use sqlx::SqlitePool;

use crate::database::Settings;
use crate::orders::{Orders, SqliteOrders, place};

/// The graph. Tests replace what they do not want of it.
fn container() -> ContainerBuilder {
    Container::builder()
        .value(Settings { url: "sqlite::memory:".to_owned() })
        .provide(Provider::singleton(database::connect).eager().at_shutdown(database::disconnect))
        .provide(Provider::call(database::begin).before_response(database::finish))
        .call(SqliteOrders::new)
        .bind(|orders: Arc<SqliteOrders>| -> Arc<dyn Orders> { orders })
}

fn app(container: &Container) -> AppBuilder {
    App::builder("shop").with(container.clone()).function(
        Function::builder("place").on_event("shop/order.placed").retries(1).handler(place),
    )
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let container = container().build()?;
    println!("{}", container.describe());
    // A wrong address is found here and not by the first call.
    container.warm().await?;

    let engine = Engine::start(app(&container))?;
    for (customer, items) in
        [("ada", vec!["tea", "pot"]), ("bob", vec![]), ("eve", vec!["tea", "unobtainium"])]
    {
        let data = serde_json::json!({ "customer": customer, "items": items });
        engine.send(Event::new("shop/order.placed", &data)?).await.into_result()?;
    }
    engine.run_until_idle().await?;
    for (run, customer) in engine.runs().iter().zip(["ada", "bob", "eve"]) {
        match run.status {
            RunStatus::Completed => {
                println!("{customer}: {}", run.output.as_deref().unwrap_or_default())
            }
            _ => println!("{customer}: failed: {}", run.error.as_deref().unwrap_or_default()),
        }
    }

    let pool = container.get::<SqlitePool>().await?;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT customer, sku FROM orders JOIN items ON order_id = id ORDER BY items.rowid",
    )
    .fetch_all(&*pool)
    .await?;
    let (orders,): (i64,) = sqlx::query_as("SELECT count(*) FROM orders").fetch_one(&*pool).await?;
    println!("\nin the database: {orders} order, items {rows:?}");
    drop(pool);
    container.shutdown().await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;

    /// Notes what would be written.
    #[derive(Default)]
    struct FakeOrders(Mutex<Vec<String>>);

    #[async_trait]
    impl Orders for FakeOrders {
        async fn insert(&self, customer: &str) -> Result<i64> {
            self.0.lock().expect("no panic while held").push(format!("order of {customer}"));
            Ok(7)
        }

        async fn add_item(&self, order: i64, sku: &str) -> Result {
            self.0.lock().expect("no panic while held").push(format!("{sku} for {order}"));
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_order_is_written_with_its_items() {
        let fake = Arc::new(FakeOrders::default());
        let orders: Arc<dyn Orders> = fake.clone();
        // Neither the pool nor a transaction is made: nobody needs them any more.
        let container =
            container().replace(Provider::shared(orders)).build().expect("the graph is complete");
        let engine = Engine::start(app(&container)).expect("the app is valid");
        let data = serde_json::json!({ "customer": "ada", "items": ["tea", "pot"] });
        let event = Event::new("shop/order.placed", &data).expect("it serialises");
        engine.send(event).await.into_result().expect("it is sent");
        engine.run_until_idle().await.expect("it ends");
        assert_eq!(engine.runs()[0].output.as_deref(), Some(r#""order 7 with 2 items""#));
        let written = fake.0.lock().expect("no panic while held").clone();
        assert_eq!(written, ["order of ada", "tea for 7", "pot for 7"]);
    }
}
