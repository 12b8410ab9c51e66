//! The events that an app records.

use std::collections::{BTreeMap, HashMap};

/// An amount of money.
pub type Price = jalon::Price;

/// An amount of money.
#[uniffi::remote(Record)]
pub struct Price {
    /// In minor units: 13076 is 130.76 EUR.
    pub minor: i64,
    /// ISO 4217: three capital letters. Any other text makes the event invalid.
    pub currency: String,
}

/// A product, as the app's catalogue knows it.
pub type Product = jalon::Product;

/// A product, as the app's catalogue knows it.
#[uniffi::remote(Record)]
pub struct Product {
    /// The catalogue's id. At most 128 bytes, never blank.
    pub id: String,
    /// Its name, as the customer reads it. At most 256 bytes.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Its category, such as `electronics.smartphone`. At most 128 bytes.
    #[uniffi(default = None)]
    pub category: Option<String>,
    /// Its brand. At most 64 bytes.
    #[uniffi(default = None)]
    pub brand: Option<String>,
    /// Its price.
    #[uniffi(default = None)]
    pub price: Option<Price>,
}

/// An order.
pub type Order = jalon::Order;

/// An order.
#[uniffi::remote(Record)]
pub struct Order {
    /// The shop's id. At most 128 bytes, never blank.
    pub id: String,
    /// Its status, in the shop's words. At most 64 bytes.
    pub status: String,
    /// The total amount.
    #[uniffi(default = None)]
    pub total: Option<Price>,
}

/// A value of a custom event.
pub type Value = jalon::Value;

/// A value of a custom event.
#[uniffi::remote(Enum)]
pub enum Value {
    /// A text of at most 256 bytes.
    Text(String),
    /// A finite number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

/// The values of a custom event, by name.
pub type Custom = BTreeMap<String, Value>;

uniffi::custom_type!(Custom, HashMap<String, Value>, {
    remote,
    lower: |values| values.into_iter().collect(),
    try_lift: |values| Ok(values.into_iter().collect()),
});

/// Something the customer did or saw.
pub type Event = jalon::Event;

/// Something the customer did or saw, as the app records it.
///
/// Texts are cut at their limit, and the event says which were. A blank text where one is required
/// makes the event invalid: it is dropped and counted, and the log says so once.
#[uniffi::remote(Enum)]
pub enum Event {
    /// A screen was shown. The SDK adds the previous screen and how long it was shown.
    ScreenView {
        /// A route pattern, such as `product/{id}`: never a URL. At most 128 bytes.
        screen: String,
    },
    /// The customer looked at a product.
    ProductView {
        /// The product.
        product: Product,
    },
    /// The customer searched.
    Search {
        /// What was typed; recorded only if the configuration allows it.
        #[uniffi(default = None)]
        query: Option<String>,
        /// How many results were found.
        #[uniffi(default = None)]
        results: Option<u32>,
    },
    /// A product was put into the cart or taken out of it.
    CartChange {
        /// The product.
        product: Product,
        /// How many were put in; below zero for taken out.
        delta: i32,
    },
    /// An order was placed or changed.
    Order {
        /// The order.
        order: Order,
    },
    /// The customer saw something go wrong.
    Failure {
        /// The app's error code, such as `payment_declined`. At most 64 bytes.
        code: String,
        /// The screen it was shown on; the current one if not given.
        #[uniffi(default = None)]
        screen: Option<String>,
    },
    /// Anything else that helps an agent.
    Custom {
        /// Its name. At most 64 bytes.
        name: String,
        /// At most 16 values, each name at most 64 bytes.
        values: Custom,
    },
}
