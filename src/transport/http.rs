//! The default transport: reqwest over rustls, with ring and Mozilla's root certificates.
//!
//! One thread with a current-thread runtime serves both lanes, and starts with the first request.
//! Each lane has its own client, and so its own connection; a third client keeps none. Retries
//! nothing.

use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use tokio::sync::mpsc;

use super::{Done, Lane, Method, Request, Response, SendError, Transport};
use crate::config::{ANSWER_BYTES_MAX, Config};

/// Long enough for 64 KiB over a bad 2G link, short enough to notice a half-open connection.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A call is sent again long before this; a connection over a bad link with its TLS handshake and a
/// snapshot take less.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than the minute or two after which a carrier's NAT forgets an idle connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(55);

type Job = (Lane, Request, Done);

/// The default [`Transport`], public for apps that wrap it or bring their own clock.
///
/// Trusts Mozilla's root certificates and `Config::extra_roots`, uses no proxy but `Config::proxy`,
/// follows no redirect, and gives up after 30 s, for a call after 10 s. Its thread starts with the first request.
pub struct HttpTransport {
    extra_roots: Vec<Vec<u8>>,
    proxy: Option<String>,
    /// Made with the first request, since reading the root certificates takes a millisecond and may
    /// fail.
    jobs: OnceCell<mpsc::UnboundedSender<Job>>,
}

impl HttpTransport {
    /// Takes the root certificates and the proxy from the options. Opens no connection.
    pub fn new(config: &Config) -> Self {
        Self {
            extra_roots: config.extra_roots.clone(),
            proxy: config.proxy.clone(),
            jobs: OnceCell::new(),
        }
    }

    fn start(&self) -> Result<mpsc::UnboundedSender<Job>, SendError> {
        let tls = self.tls()?;
        let clients = Clients {
            backlog: self.client(tls.clone(), REQUEST_TIMEOUT, 1)?,
            call: self.client(tls.clone(), CALL_TIMEOUT, 1)?,
            unpooled: self.client(tls, CALL_TIMEOUT, 0)?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| SendError::Setup)?;
        let (jobs, mut incoming) = mpsc::unbounded_channel::<Job>();
        let serve = async move {
            // Bounded by the worker: a batch or an erasure of each, a call twice, and one to warm.
            while let Some((lane, request, done)) = incoming.recv().await {
                let client = clients.of(lane, request.new_connection).clone();
                tokio::spawn(async move { done.call(exchange(&client, request).await) });
            }
        };
        std::thread::Builder::new()
            .name("jalon-net".to_owned())
            .spawn(move || runtime.block_on(serve))
            .map_err(|_| SendError::Setup)?;
        Ok(jobs)
    }

    fn tls(&self) -> Result<rustls::ClientConfig, SendError> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in &self.extra_roots {
            roots.add(root.clone().into()).map_err(|_| SendError::Setup)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| SendError::Setup)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(config)
    }

    /// Makes a client that keeps up to `idle_max` connections for its next requests.
    fn client(
        &self,
        tls: rustls::ClientConfig,
        timeout: Duration,
        idle_max: usize,
    ) -> Result<reqwest::Client, SendError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(idle_max)
            .no_proxy();
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|_| SendError::Setup)?);
        }
        builder.build().map_err(|_| SendError::Setup)
    }
}

struct Clients {
    backlog: reqwest::Client,
    call: reqwest::Client,
    /// Opens a connection for each request.
    unpooled: reqwest::Client,
}

impl Clients {
    fn of(&self, lane: Lane, new_connection: bool) -> &reqwest::Client {
        match lane {
            _ if new_connection => &self.unpooled,
            Lane::Backlog => &self.backlog,
            Lane::Call => &self.call,
        }
    }
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpTransport(..)")
    }
}

impl Transport for HttpTransport {
    fn send(&self, lane: Lane, request: Request, done: Done) {
        match self.jobs.get_or_try_init(|| self.start()) {
            // If the thread is gone, the job is dropped, and `done` with it reports a broken
            // connection.
            Ok(jobs) => drop(jobs.send((lane, request, done))),
            Err(error) => done.call(Err(error)),
        }
    }
}

async fn exchange(client: &reqwest::Client, request: Request) -> Result<Response, SendError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut builder = client
        .request(method, &request.url)
        .header(AUTHORIZATION, format!("Bearer {}", request.key));
    if let Some(body) = request.body {
        builder = builder
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_ENCODING, "gzip")
            .body(body);
    }
    let mut response = builder.send().await.map_err(|error| cause(&error))?;
    let retry_after_ms = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
        .map(|seconds| seconds.saturating_mul(1_000));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    Ok(Response { status: response.status().as_u16(), retry_after_ms, body })
}

fn cause(error: &reqwest::Error) -> SendError {
    if error.is_connect() {
        SendError::Connect
    } else if error.is_timeout() {
        SendError::Timeout
    } else {
        SendError::Broken
    }
}
