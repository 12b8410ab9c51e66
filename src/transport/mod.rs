//! The way off the device: moves bytes, judges nothing.
//!
//! An app may bring its own [`Transport`]; with the feature `reqwest` there is one ready.

#[cfg(feature = "reqwest")]
pub(crate) mod http;

/// Which of the two connections a request takes. A call must never queue behind a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Batches and erasures.
    Backlog,
    /// A call's snapshot.
    Call,
}

/// A request's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Warms a connection.
    Get,
    /// Sends a batch or a snapshot.
    Post,
    /// Sends an erasure.
    Delete,
}

/// A request to the collector.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// The write key, for `Authorization: Bearer`.
    pub key: String,
    /// The gzipped JSON, for `Content-Type: application/json` and `Content-Encoding: gzip`;
    /// without one, neither.
    pub body: Option<Vec<u8>>,
}

impl std::fmt::Debug for Request {
    /// Neither address nor key nor body: the address of an erasure holds the installation.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({:?})", self.method)
    }
}

/// The collector's answer, or whoever's stands in its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status. Redirects are not followed.
    pub status: u16,
    /// `Retry-After`, in ms, where it is given in seconds.
    pub retry_after_ms: Option<u64>,
    /// The body's first 64 KiB.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No connection: no network, no such host, refused, or a certificate that is not trusted.
    #[error("no connection to the collector")]
    Connect,
    /// The collector did not answer in time.
    #[error("the collector did not answer in time")]
    Timeout,
    /// The connection broke, or what came was no HTTP.
    #[error("the connection broke")]
    Broken,
    /// The transport itself could not be set up: a wrong root certificate or proxy.
    #[error("the transport could not be set up: check extra_roots and proxy")]
    Setup,
}

/// What a transport calls, once, with the outcome; from any thread. Dropped uncalled, it says
/// that the connection broke.
pub struct Done(Option<Then>);

type Then = Box<dyn FnOnce(Result<Response, SendError>) + Send>;

impl Done {
    /// Makes one of what is to be done.
    pub fn new(then: impl FnOnce(Result<Response, SendError>) + Send + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    /// Hands over the outcome.
    pub fn call(mut self, outcome: Result<Response, SendError>) {
        if let Some(then) = self.0.take() {
            then(outcome);
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then(Err(SendError::Broken));
        }
    }
}

impl std::fmt::Debug for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Done(..)")
    }
}

/// Moves requests to the collector.
pub trait Transport: Send + Sync {
    /// Sends a request and returns at once; the outcome goes to `done` within a bounded time
    /// (the default transport gives up after 30 s). Called from the journey's worker, never from
    /// the app's threads.
    fn send(&self, lane: Lane, request: Request, done: Done);
}
