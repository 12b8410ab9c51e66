//! The reference collector of Jalon: what the SDK talks to, and what the agent sees.
//!
//! [`Collector`] is the whole of it: it opens a data folder, and its [`router`](Collector::router)
//! answers the phones, the contact centres and the agents' browsers. The binary
//! `jalon-collector` serves it; a test can call it without a socket:
//!
//! ```
//! # use std::sync::Arc;
//! # use jalon_collector::{Collector, KeyKind, Options};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let clock = Arc::new(jalon::clock::SystemClock);
//! let collector = Collector::open(Options::new(folder.path()), clock).await?;
//! let key = collector.create_key(KeyKind::Write, "com.example.shop").await?;
//! let router: axum::Router = collector.router();
//! # let _ = (key, router);
//! # Ok(())
//! # }
//! ```
//!
//! An upload goes `http::ingest` → `ingest` (judged, timed) → `store` (one writer, one commit for
//! many requests) and is answered once that commit is on disk. A look-up goes `http::contexts` →
//! `store` (claimed, noted in the audit log) → `view`. The desk's pages are of the crate
//! `jalon-desk`.
//!
//! It does not speak TLS (a proxy in front does), has no accounts for agents, and no way to browse
//! customers.

pub mod attribution;
mod collector;
pub mod config;
pub mod event;
mod http;
mod ingest;
pub mod keys;
mod labels;
pub mod limits;
pub mod link;
mod lookup;
mod metrics;
mod narration;
pub mod proof;
pub mod secret;
mod state;
pub mod store;
mod stored_event;
mod streams;
pub mod throttle;
mod view;
pub mod wire;

pub use collector::{Collector, CollectorError};
pub use config::Options;
pub use keys::KeyKind;
