//! A transaction per call on a real SQLite database.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use hookstack_core::{Call, Error, Middleware, Next, Outcome, Result};
use hookstack_inject::{Container, Dep, Deps, Ended, Provider, Resolve};
use hookstack_inngest::engine::{Engine, RunRecord};
use hookstack_inngest::{App, Step};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Row, Sqlite, SqlitePool, Transaction};
use tokio::sync::Mutex;

use support::{Log, app, event, fail, function, run};

mod support;

/// A database in a file of its own, removed at the end.
struct Database {
    path: PathBuf,
    pool: SqlitePool,
}

impl Database {
    async fn create() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("hookstack-inject-{}-{number}.sqlite", std::process::id());
        let path = std::env::temp_dir().join(name);
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let pool =
            SqlitePoolOptions::new().max_connections(4).connect_with(options).await.expect("opens");
        for statement in [
            "CREATE TABLE orders (id INTEGER PRIMARY KEY)",
            // Checked by the commit.
            "CREATE TABLE items (order_id INTEGER NOT NULL REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED)",
        ] {
            sqlx::query(statement).execute(&pool).await.expect("the schema is valid");
        }
        Database { path, pool }
    }

    async fn count(&self, table: &'static str) -> i64 {
        let query = match table {
            "orders" => "SELECT count(*) FROM orders",
            _ => "SELECT count(*) FROM items",
        };
        sqlx::query(query).fetch_one(&self.pool).await.expect("the database is not locked").get(0)
    }

    fn container(&self) -> Container {
        Container::builder()
            .value(self.pool.clone())
            .provide(Provider::call(begin).before_response(finish))
            .call(async |tx: Dep<Tx>| Dep::new(Orders(tx)))
            .build()
            .expect("valid")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Tx(Mutex<Transaction<'static, Sqlite>>);

async fn begin(pool: Dep<SqlitePool>) -> Result<Tx> {
    Ok(Tx(Mutex::new(pool.begin().await?)))
}

async fn finish(tx: Dep<Tx>, ended: Ended) -> Result {
    let tx = Dep::try_unwrap(tx).map_err(|_| Error::message("somebody holds the transaction"))?;
    match ended {
        Ended::Ok | Ended::Suspended => tx.0.into_inner().commit().await?,
        _ => tx.0.into_inner().rollback().await?,
    }
    Ok(())
}

struct Orders(Dep<Tx>);

impl Orders {
    async fn insert(&self, id: i64) -> Result {
        let mut tx = self.0.0.lock().await;
        sqlx::query("INSERT INTO orders (id) VALUES (?)").bind(id).execute(&mut **tx).await?;
        Ok(())
    }

    async fn insert_item(&self, order: i64) -> Result {
        let mut tx = self.0.0.lock().await;
        sqlx::query("INSERT INTO items (order_id) VALUES (?)")
            .bind(order)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

fn responses(run: &RunRecord) -> String {
    run.calls.iter().map(|call| String::from_utf8_lossy(&call.response).into_owned()).collect()
}

#[tokio::test]
async fn a_call_that_succeeds_keeps_its_writes() {
    let database = Database::create().await;
    let handler = async |orders: Dep<Orders>| {
        orders.insert(1).await?;
        orders.insert(2).await?;
        Ok::<_, Error>("done")
    };
    let run = run(app(&database.container()).function(function().handler(handler))).await;
    assert_eq!(run.output.as_deref(), Some(r#""done""#));
    assert_eq!(database.count("orders").await, 2);
}

#[tokio::test]
async fn a_call_that_fails_after_its_writes_leaves_nothing_behind() {
    let database = Database::create().await;
    let handler = async |orders: Dep<Orders>| {
        orders.insert(1).await?;
        fail::<()>("out of stock")
    };
    let run = run(app(&database.container()).function(function().handler(handler))).await;
    assert!(run.error.expect("failed").contains("out of stock"));
    assert_eq!(database.count("orders").await, 0);
}

#[tokio::test]
async fn a_call_that_panics_after_its_writes_leaves_nothing_behind() {
    let database = Database::create().await;
    let handler = async |orders: Dep<Orders>| -> Result<()> {
        orders.insert(1).await?;
        panic!("broken")
    };
    run(app(&database.container()).function(function().handler(handler))).await;
    assert_eq!(database.count("orders").await, 0);
}

#[tokio::test]
async fn a_failed_commit_fails_the_call_and_discards_its_output() {
    let database = Database::create().await;
    let handler = async |orders: Dep<Orders>| {
        orders.insert(1).await?;
        // No such order: SQLite says so when the transaction commits.
        orders.insert_item(99).await?;
        Ok::<_, Error>("the output")
    };
    let run = run(app(&database.container()).function(function().handler(handler))).await;
    assert_eq!(run.output, None);
    let error = run.error.as_ref().expect("failed");
    assert!(error.contains("teardown of `Tx`") && error.contains("FOREIGN KEY"), "{error}");
    assert!(!responses(&run).contains("the output"));
    assert_eq!((database.count("orders").await, database.count("items").await), (0, 0));
}

#[tokio::test]
async fn a_failed_commit_discards_the_result_of_the_step_that_wrote() {
    let database = Database::create().await;
    let handler = async |deps: Deps, step: Step| {
        let body = deps.inject(async |orders: Dep<Orders>| {
            orders.insert_item(99).await?;
            Ok::<_, Error>("the output".to_owned())
        });
        step.run("write", body).await
    };
    let run = run(app(&database.container()).function(function().handler(handler))).await;
    assert!(run.steps.is_empty() && !responses(&run).contains("the output"), "{run:?}");
    assert_eq!(database.count("items").await, 0);
}

#[tokio::test]
async fn each_call_of_a_durable_run_commits_by_itself() {
    let database = Database::create().await;
    let handler = async |deps: Deps, step: Step| {
        let write = |id: i64| deps.inject(async move |orders: Dep<Orders>| orders.insert(id).await);
        step.run("first", write(1)).await?;
        let second = deps.inject(async |orders: Dep<Orders>| {
            orders.insert(2).await?;
            fail::<()>("declined")
        });
        step.run("second", second).await?;
        Ok::<_, Error>(())
    };
    run(app(&database.container()).function(function().handler(handler))).await;
    assert_eq!(database.count("orders").await, 1, "the step that failed left nothing behind");
}

#[tokio::test]
async fn middleware_write_in_the_same_transaction() {
    struct Outbox;
    impl Middleware for Outbox {
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            let outcome = next.run(cx).await;
            let written = async { cx.get::<Orders>().await?.insert(2).await };
            match written.await {
                Ok(()) => outcome,
                Err(error) => error.into(),
            }
        }
    }
    for (succeeds, expected) in [(true, 2), (false, 0)] {
        let database = Database::create().await;
        let handler = move |orders: Dep<Orders>| async move {
            orders.insert(1).await?;
            if succeeds { Ok(()) } else { fail("out of stock") }
        };
        let app = App::builder("app").with(database.container()).with(Outbox);
        run(app.function(function().handler(handler))).await;
        assert_eq!(database.count("orders").await, expected);
    }
}

#[tokio::test]
async fn a_dropped_call_rolls_back() {
    let database = Database::create().await;
    let log = Log::default();
    let waiting = log.clone();
    let handler = move |orders: Dep<Orders>| {
        let log = waiting.clone();
        async move {
            orders.insert(1).await?;
            log.add("written");
            std::future::pending::<Result<()>>().await
        }
    };
    let engine = Engine::start(app(&database.container()).function(function().handler(handler)))
        .expect("valid");
    engine.inject(event()).expect("a plain event");
    let written = async {
        while log.lines().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = engine.run_until_idle() => panic!("the function waits for ever"),
        _ = written => {}
    }
    drop(engine);
    // A writer gets the lock only when the transaction is over.
    sqlx::query("INSERT INTO orders (id) VALUES (7)")
        .execute(&database.pool)
        .await
        .expect("the lock is free");
    let ids: Vec<i64> = sqlx::query("SELECT id FROM orders")
        .fetch_all(&database.pool)
        .await
        .expect("readable")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(ids, [7]);
}

#[tokio::test]
async fn a_kept_handle_does_not_commit_behind_the_calls_back() {
    let database = Database::create().await;
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
    let keep = kept.clone();
    let handler = move |tx: Dep<Tx>, orders: Dep<Orders>| {
        *keep.lock().expect("no panic while held") = Some(tx);
        async move { orders.insert(1).await }
    };
    let run = run(app(&database.container()).function(function().handler(handler))).await;
    assert!(run.error.expect("failed").contains("somebody holds the transaction"));
    drop(kept.lock().expect("no panic while held").take());
    assert_eq!(database.count("orders").await, 0);
}
