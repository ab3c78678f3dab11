//! The pool, and a transaction that lives for one call.

use hookstack::inject::{Dep, Ended};
use hookstack::prelude::*;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::Mutex;

/// Where the database is.
pub(crate) struct Settings {
    pub(crate) url: String,
}

/// Once in each process, when the first call needs it; `main` warms it.
pub(crate) async fn connect(settings: Dep<Settings>) -> Result<SqlitePool> {
    let options: SqliteConnectOptions = settings.url.parse()?;
    // A database in memory belongs to its one connection, and calls wait for each other's transactions. One in
    // a file takes more connections.
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    for statement in [
        "CREATE TABLE IF NOT EXISTS products (sku TEXT PRIMARY KEY)",
        "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL)",
        // That the product exists is checked when the transaction commits.
        "CREATE TABLE IF NOT EXISTS items (order_id INTEGER NOT NULL REFERENCES orders (id), sku TEXT NOT NULL REFERENCES products (sku) DEFERRABLE INITIALLY DEFERRED)",
        "INSERT OR IGNORE INTO products (sku) VALUES ('tea'), ('pot')",
    ] {
        sqlx::query(statement).execute(&pool).await?;
    }
    Ok(pool)
}

pub(crate) async fn disconnect(pool: Dep<SqlitePool>, _: Ended) -> Result {
    pool.close().await;
    Ok(())
}

/// The transaction of a call. What is injected is shared, so a lock is around it.
pub(crate) struct Tx(pub(crate) Mutex<Transaction<'static, Sqlite>>);

pub(crate) async fn begin(pool: Dep<SqlitePool>) -> Result<Tx> {
    Ok(Tx(Mutex::new(pool.begin().await?)))
}

/// Runs before the response: if the commit fails, the call fails, and its output is discarded.
pub(crate) async fn finish(tx: Dep<Tx>, ended: Ended) -> Result {
    let held = |_| Error::message("a `Dep<Tx>` was kept beyond the call");
    let tx = Dep::try_unwrap(tx).map_err(held)?.0.into_inner();
    if ended.is_ok() {
        tx.commit().await?
    } else {
        tx.rollback().await?
    }
    Ok(())
}
