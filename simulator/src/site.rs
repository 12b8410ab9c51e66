//! The contact centre's side: the real collector, its routes called in process, and the agents who
//! look calls up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::http::Request as HttpRequest;
use http_body_util::BodyExt as _;
use jalon::{Method, Request, Response};
use jalon_collector::{Collector, KeyKind, Options};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::clock::SimClock;
use crate::disk::Disk;

const APP: &str = "com.example.shop";

/// A collector on a folder, and what it takes to play with it.
pub(crate) struct Site {
    /// The collector's clock.
    pub clock: Arc<SimClock>,
    /// The key of the app.
    pub write_key: String,
    runtime: Runtime,
    folder: PathBuf,
    centre_key: String,
    running: Option<(Collector, Router)>,
    reader: Option<Connection>,
}

/// The folder of a collector that has its tables, its secret and its keys, and no customer yet.
struct Prepared {
    files: Disk,
    write_key: String,
    centre_key: String,
}

/// Made once in a process: to set a collector up takes longer than a short run. Its chances come from a
/// seed of its own, so that every process makes the same.
static PREPARED: OnceLock<Prepared> = OnceLock::new();

impl Site {
    /// Opens a collector in a new folder.
    ///
    /// # Errors
    /// Whatever keeps it from opening.
    pub(crate) fn open(folder: &Path, true_ms: i64, seed: u64) -> Result<Self> {
        let prepared = prepared()?;
        prepared.files.put_back(folder)?;
        let mut site = Self::new(folder, true_ms, seed)?;
        site.write_key.clone_from(&prepared.write_key);
        site.centre_key.clone_from(&prepared.centre_key);
        site.start()?;
        Ok(site)
    }

    fn new(folder: &Path, true_ms: i64, seed: u64) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        Ok(Self {
            clock: Arc::new(SimClock::new(true_ms, seed)),
            write_key: String::new(),
            runtime,
            folder: folder.to_owned(),
            centre_key: String::new(),
            running: None,
            reader: None,
        })
    }

    fn start(&mut self) -> Result<()> {
        let options = Options::new(&self.folder);
        let clock = Arc::clone(&self.clock);
        let collector = self.runtime.block_on(Collector::open(options, clock))?;
        let router = collector.router();
        self.running = Some((collector, router));
        Ok(())
    }

    fn collector(&self) -> Result<&Collector> {
        let (collector, _) = self.running.as_ref().context("the collector does not run")?;
        Ok(collector)
    }

    fn stop(&mut self) {
        self.reader = None;
        self.running = None;
    }

    /// Ends the collector and starts it again.
    ///
    /// # Errors
    /// Whatever keeps it from opening.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.stop();
        self.start()
    }

    /// Copies the collector's folder to `to`, while it does not run.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn back_up(&mut self, to: &Path) -> Result<()> {
        self.stop();
        copy(&self.folder, to)?;
        self.start()
    }

    /// Puts a backup back.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn restore(&mut self, from: &Path) -> Result<()> {
        self.stop();
        copy(from, &self.folder)?;
        self.start()
    }

    /// Removes what has expired.
    ///
    /// # Errors
    /// An error of its store.
    pub(crate) fn expire(&self) -> Result<()> {
        let collector = self.collector()?.clone();
        Ok(self.runtime.block_on(async move { collector.expire().await })?)
    }

    /// The database, to be read behind the collector's back.
    ///
    /// # Errors
    /// An error of SQLite.
    pub(crate) fn database(&mut self) -> Result<&Connection> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => Connection::open(self.folder.join("collector.db"))?,
        };
        Ok(self.reader.insert(reader))
    }

    /// Answers a phone's request.
    ///
    /// # Errors
    /// A request that is not HTTP.
    pub(crate) fn answer(&self, request: &Request) -> Result<Response> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        };
        let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
        let mut http = HttpRequest::builder()
            .method(method)
            .uri(format!("/{path}"))
            .header("authorization", format!("Bearer {}", request.key));
        if request.body.is_some() {
            http =
                http.header("content-type", "application/json").header("content-encoding", "gzip");
        }
        let body = request.body.clone().unwrap_or_default();
        let (status, retry_after, body) = self.send(http.body(Body::from(body))?)?;
        Ok(Response { status, retry_after_ms: retry_after.map(|s| s * 1_000), body })
    }

    /// Looks a call up, as a contact centre does. Returns the status and the JSON.
    ///
    /// # Errors
    /// A failure of the route.
    pub(crate) fn resolve(&self, call_id: &str, handle: &Handle) -> Result<(u16, Value)> {
        let mut body = json!({"call_id": call_id});
        match handle {
            Handle::Code(code) => body["code"] = json!(code),
            Handle::Token(token) => body["token"] = json!(token),
            Handle::Claimed => {}
        }
        let request = HttpRequest::post("/v1/contexts/resolve")
            .header("authorization", format!("Bearer {}", self.centre_key))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))?;
        let (status, _, body) = self.send(request)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    fn send(&self, request: HttpRequest<Body>) -> Result<(u16, Option<u64>, Vec<u8>)> {
        let (_, router) = self.running.as_ref().context("the collector does not run")?;
        self.runtime.block_on(async {
            let response = router.clone().oneshot(request).await?;
            let status = response.status().as_u16();
            let retry_after = response.headers().get("retry-after");
            let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
            let body = response.into_body().collect().await?.to_bytes().to_vec();
            Ok((status, retry_after, body))
        })
    }
}

fn prepared() -> Result<&'static Prepared> {
    if let Some(prepared) = PREPARED.get() {
        return Ok(prepared);
    }
    let folder = tempfile::tempdir()?;
    let mut site = Site::new(folder.path(), 0, 0)?;
    site.start()?;
    let collector = site.collector()?.clone();
    let write_key = site.runtime.block_on(collector.create_key(KeyKind::Write, APP))?;
    let centre_key = site.runtime.block_on(collector.create_key(KeyKind::ContactCentre, APP))?;
    drop(collector);
    site.stop();
    let made = Prepared { files: Disk::of(folder.path()), write_key, centre_key };
    Ok(PREPARED.get_or_init(|| made))
}

/// The thing by which an agent looks a call up.
#[derive(Clone)]
pub(crate) enum Handle {
    /// The digits that were dialled or read.
    Code(String),
    /// The token that a SIP header carried.
    Token(String),
    /// Nothing: the call id claimed the call before.
    Claimed,
}

/// Makes `to` hold the files of `from`, and nothing else.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        fs::remove_file(entry?.path())?;
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
