//! Dependencies by type in the routes of a service: an SQLite pool, and a transaction for each request.
//!
//! ```text
//! cargo run --example http-inject
//! ```
//!
//! The transaction begins in each request whose handler asks for it. It commits before the response: a commit
//! that fails is a 500, not a success that was lost. It rolls back when the handler fails or panics. The
//! program places orders that go well, fail after they have written, and panic; then it looks into the database.

mod drive;

use axum::body::Body;
use axum::routing::post;
use axum::{Json, Router};
use hookstack_core::{Error, Result, Stack};
use hookstack_http::{Arg, ConfigError, HandlerError, HttpError, HttpLayer, layer};
use hookstack_inject::{Container, Dep, Ended, PlatformRequest, Provider};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::Mutex;

use crate::drive::{expect, serve};

async fn connect() -> Result<SqlitePool> {
    let options: SqliteConnectOptions = "sqlite::memory:".parse()?;
    // A database in memory belongs to its one connection.
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let table = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, sku TEXT, agent TEXT)";
    sqlx::query(table).execute(&pool).await?;
    Ok(pool)
}

/// The transaction of a request. What is injected is shared, so a lock is around it.
struct Tx(Mutex<Transaction<'static, Sqlite>>);

async fn begin(pool: Dep<SqlitePool>) -> Result<Tx> {
    Ok(Tx(Mutex::new(pool.begin().await?)))
}

async fn finish(tx: Dep<Tx>, ended: Ended) -> Result {
    let kept = |_| Error::message("a `Dep<Tx>` was kept beyond the request");
    let tx = Dep::try_unwrap(tx).map_err(kept)?.0.into_inner();
    if ended.is_ok() {
        tx.commit().await?
    } else {
        tx.rollback().await?
    }
    Ok(())
}

/// With which program the customer orders: what a factory needs of the request it asks for.
struct Agent(String);

async fn agent(parts: PlatformRequest<Parts>) -> Result<Agent> {
    let agent = parts.headers.get("user-agent").and_then(|value| value.to_str().ok());
    Ok(Agent(agent.unwrap_or("unknown").to_owned()))
}

#[derive(Deserialize)]
struct Order {
    customer: String,
    sku: String,
}

async fn place(
    Arg(tx): Arg<Dep<Tx>>,
    Arg(agent): Arg<Dep<Agent>>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<i64>), HandlerError> {
    let insert = sqlx::query("INSERT INTO orders (customer, sku, agent) VALUES (?, ?, ?)")
        .bind(&order.customer)
        .bind(&order.sku)
        .bind(&agent.0);
    let id = insert.execute(&mut **tx.0.lock().await).await?.last_insert_rowid();
    match order.sku.as_str() {
        // After the write: an error rolls back what a response of the same status would not.
        "unobtainium" => Err(HttpError::new(StatusCode::CONFLICT, "there is none of it"))?,
        "dynamite" => panic!("nobody sells dynamite"),
        _ => Ok((StatusCode::CREATED, Json(id))),
    }
}

fn hooks(container: &Container) -> Result<HttpLayer, ConfigError> {
    layer(Stack::builder().with(container.clone()))
}

#[tokio::main]
async fn main() -> Result {
    let container = Container::builder()
        .singleton(connect)
        .provide(Provider::call(begin).before_response(finish))
        .call(agent)
        .build()?;
    println!("{}", container.describe());
    let router = Router::new().route("/orders", post(place)).layer(hooks(&container)?);
    let service = serve(router).await?;
    for (sku, status) in [("tea", 201), ("unobtainium", 409), ("dynamite", 500), ("pot", 201)] {
        let order = serde_json::json!({ "customer": "ada", "sku": sku });
        let request = http::Request::post("/orders")
            .header("content-type", "application/json")
            .header("user-agent", "example")
            .body(Body::from(order.to_string()))?;
        let reply = service.send(request).await?;
        let (kind, text) = (reply.header("content-type"), reply.text());
        println!("POST /orders {sku}: {} {kind} {text}", reply.status);
        expect(sku, reply.status.as_u16() == status)?;
    }
    let pool = container.get::<SqlitePool>().await?;
    let select = "SELECT sku, agent FROM orders ORDER BY id";
    let rows: Vec<(String, String)> = sqlx::query_as(select).fetch_all(&*pool).await?;
    println!("in the database: {rows:?}");
    let by_example = |sku: &str| (sku.to_owned(), "example".to_owned());
    expect("what was committed", rows == [by_example("tea"), by_example("pot")])?;
    drop(pool);
    container.shutdown().await
}
