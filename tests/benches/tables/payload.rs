//! The same JSON for all: a list of orders of about the wanted size.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
pub(crate) struct Orders {
    pub(crate) orders: Vec<Order>,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Order {
    id: String,
    customer: String,
    amount: u64,
    paid: bool,
    note: String,
}

pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) text: Vec<u8>,
}

/// Makes the payload and writes it where the peers can read it.
pub(crate) fn file(size: usize) -> io::Result<File> {
    let text = text(size)?;
    let path = std::env::temp_dir().join(format!("hookstack-speed-{size}.json"));
    std::fs::write(&path, &text)?;
    Ok(File { path, text })
}

pub(crate) fn text(size: usize) -> io::Result<Vec<u8>> {
    let of_one = serde_json::to_vec(&order(0))?.len() + 1;
    let orders = Orders { orders: (0..size / of_one).map(|number| order(number as u64)).collect() };
    Ok(serde_json::to_vec(&orders)?)
}

fn order(number: u64) -> Order {
    Order {
        id: format!("order-{number:08}"),
        customer: format!("customer-{:04}@example.org", number % 977),
        amount: 10_000 + number * 7919 % 90_000,
        paid: number.is_multiple_of(3),
        note: "left at the \"back\" door, the bell does not ring".to_owned(),
    }
}
