//! Real rows: an extract of REES46's public clickstream (see `data/README.md`).

use anyhow::{Context as _, Result};
use jalon::{Event, Order, Price, Product};

/// The four busiest customers, one after the other.
const CUSTOMERS: &str = include_str!("../data/customers.csv");
/// The first rows of the day, of many customers.
const MIXED: &str = include_str!("../data/mixed.csv");

/// What a row says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The customer looked at the product.
    View,
    /// The customer put it into the cart.
    Cart,
    /// The customer bought it.
    Purchase,
}

/// A row.
#[derive(Debug, Clone)]
pub struct ShopRow {
    /// When, in ms since the Unix epoch. The file says seconds; the ms are made up, since a real
    /// clock has them and they cost bytes.
    pub at_ms: i64,
    /// What happened.
    pub deed: Deed,
    /// The product's id.
    pub product: String,
    /// Its category; empty where the file has none.
    pub category: String,
    /// Its brand; empty where the file has none.
    pub brand: String,
    /// Its price, in cents.
    pub cents: i64,
    /// The shop's session.
    pub session: String,
}

/// The rows of the busiest customers, 50 each at most.
///
/// # Errors
/// When the extract is not of its form.
pub fn customers() -> Result<Vec<ShopRow>> {
    read(CUSTOMERS)
}

/// 100 rows as they come.
///
/// # Errors
/// When the extract is not of its form.
pub fn mixed() -> Result<Vec<ShopRow>> {
    read(MIXED)
}

fn read(csv: &str) -> Result<Vec<ShopRow>> {
    let row = |(at, line)| row(at, line).with_context(|| format!("line {} is no row", at + 2));
    csv.lines().skip(1).enumerate().map(row).collect()
}

fn row(at: usize, line: &str) -> Option<ShopRow> {
    let cells: Vec<&str> = line.split(',').collect();
    let [time, deed, product, _, category, brand, price, _, session] = cells[..] else {
        return None;
    };
    let deed = match deed {
        "view" => Deed::View,
        "cart" => Deed::Cart,
        "purchase" => Deed::Purchase,
        _ => return None,
    };
    // Spread like real ones, and the same in every run.
    let made_up_ms = (at as i64 * 389 + 131) % 1_000;
    Some(ShopRow {
        at_ms: seconds(time)? * 1_000 + made_up_ms,
        deed,
        product: product.to_owned(),
        category: category.to_owned(),
        brand: brand.to_owned(),
        cents: (price.parse::<f64>().ok()? * 100.0).round() as i64,
        session: session.to_owned(),
    })
}

/// `2019-10-01 00:00:01 UTC`: all rows are of one day.
fn seconds(time: &str) -> Option<i64> {
    const DAY_S: i64 = 1_569_888_000;
    let clock = time.strip_prefix("2019-10-01 ")?.strip_suffix(" UTC")?;
    clock
        .split(':')
        .try_fold(0, |sum, part| Some(sum * 60 + part.parse::<i64>().ok()?))
        .map(|s| DAY_S + s)
}

impl ShopRow {
    /// What an app would record: the screen, then what happened on it.
    pub fn events(&self) -> Vec<Event> {
        let deed = match self.deed {
            Deed::View => Event::ProductView { product: self.product() },
            Deed::Cart => Event::CartChange { product: self.product(), delta: 1 },
            Deed::Purchase => Event::Order {
                order: Order {
                    id: self.session.clone(),
                    status: "placed".to_owned(),
                    total: Some(self.price()),
                },
            },
        };
        match self.deed {
            Deed::View => vec![Event::ScreenView { screen: "product/{id}".to_owned() }, deed],
            Deed::Cart | Deed::Purchase => vec![deed],
        }
    }

    /// The row's product.
    pub fn product(&self) -> Product {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Product {
            id: self.product.clone(),
            name: None,
            category: given(&self.category),
            brand: given(&self.brand),
            price: Some(self.price()),
        }
    }

    fn price(&self) -> Price {
        Price { minor: self.cents, currency: "USD".to_owned() }
    }
}
