//! A repository behind a trait, and the function that uses it.

use async_trait::async_trait;
use hookstack::inject::{Dep, Deps};
use hookstack::prelude::*;
use serde::Deserialize;

use crate::database::Tx;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NewOrder {
    pub(crate) customer: String,
    pub(crate) items: Vec<String>,
}

/// What the function needs of a database.
#[async_trait]
pub(crate) trait Orders: Send + Sync {
    async fn insert(&self, customer: &str) -> Result<i64>;
    async fn add_item(&self, order: i64, sku: &str) -> Result;
}

pub(crate) struct SqliteOrders(Dep<Tx>);

impl SqliteOrders {
    pub(crate) async fn new(tx: Dep<Tx>) -> Dep<Self> {
        Dep::new(SqliteOrders(tx))
    }
}

#[async_trait]
impl Orders for SqliteOrders {
    async fn insert(&self, customer: &str) -> Result<i64> {
        let mut tx = self.0.0.lock().await;
        let insert = sqlx::query("INSERT INTO orders (customer) VALUES (?)").bind(customer);
        Ok(insert.execute(&mut **tx).await?.last_insert_rowid())
    }

    async fn add_item(&self, order: i64, sku: &str) -> Result {
        let mut tx = self.0.0.lock().await;
        let insert = sqlx::query("INSERT INTO items (order_id, sku) VALUES (?, ?)");
        insert.bind(order).bind(sku).execute(&mut **tx).await?;
        Ok(())
    }
}

/// The step's body gets the repository of the call that executes it. In the call after that, which finds
/// the step memoized, there is neither a repository nor a transaction.
///
/// The body can run again when its transaction was committed: the process may die before the server has the
/// answer. Where an order must not be there twice, give it a unique column made of the run's id and the step,
/// and insert with `ON CONFLICT DO NOTHING`.
pub(crate) async fn place(Data(order): Data<NewOrder>, step: Step, deps: Deps) -> Result<String> {
    let items = order.items.len();
    let body = deps.inject(async move |orders: Dep<dyn Orders>| {
        let id = orders.insert(&order.customer).await?;
        for sku in &order.items {
            orders.add_item(id, sku).await?;
        }
        if order.items.is_empty() {
            // After the write: what was written is rolled back.
            return Err(Error::non_retriable("an order needs an item"));
        }
        Ok(id)
    });
    let id = step.run("place", body).await?;
    Ok(format!("order {id} with {items} items"))
}
