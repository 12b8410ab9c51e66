//! The reference collector of Jalon: it stores what the SDK uploads and shows it to the agent.
//!
//! [`Collector`] opens a data folder, and its [`router`](Collector::router) answers phones, contact
//! centres and agents' browsers. The binary `jalon-collector` serves it; a test can call it without a
//! socket:
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
//! A request falls straight through the layers:
//!
//! - an upload: `http::ingest` (bytes, status) → `ingest` (quota, judging, proofs) → [`store`] (one
//!   writer, one commit for many requests). It is answered once that commit is on disk.
//! - a look-up: `http::contexts` → `lookup` (throttle, claim) → [`store`] (claimed, noted in the audit
//!   log, read) → `view` → `http::contexts`.
//!
//! All of them work on one `AppState`, which lies below the routes. The desk's pages are rendered by
//! the crate `jalon-desk`.
//!
//! The collector does not speak TLS (a proxy in front of it does), has no accounts for agents, and
//! offers no way to browse customers.

pub mod attribution;
mod collector;
pub mod config;
pub mod event;
mod http;
mod ingest;
mod key_cache;
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

pub use collector::{Collector, CollectorError, make_folder};
pub use config::Options;
pub use keys::KeyKind;
