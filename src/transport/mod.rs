//! The transport: moves requests to the collector and answers back, and interprets neither.
//!
//! An app may bring its own [`Transport`]; the feature `reqwest` provides one.

#[cfg(feature = "reqwest")]
pub(crate) mod http;

/// The connection that a request uses. There is one per lane, so that a call never queues behind a
/// batch, unless [`Request::new_connection`] asks for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Batches and erasures.
    Backlog,
    /// A call's snapshot.
    Call,
}

/// A request's HTTP method.
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
    /// The HTTP method.
    pub method: Method,
    /// The complete URL.
    pub url: String,
    /// The write key, to send as `Authorization: Bearer`.
    pub key: String,
    /// The gzipped JSON, to send with `Content-Type: application/json` and `Content-Encoding:
    /// gzip`; if `None`, send neither header.
    pub body: Option<Vec<u8>>,
    /// Whether to open a connection for this request alone, since the lane's seems to be dead: the
    /// same call was sent by it, and there is no answer. The request before is still under way then;
    /// let it go on, since the first answer counts.
    pub new_connection: bool,
}

impl std::fmt::Debug for Request {
    /// Writes neither URL nor key nor body: the URL of an erasure contains the installation's id.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({:?})", self.method)
    }
}

/// The answer of the collector, or of something between it and the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status. Redirects are not followed.
    pub status: u16,
    /// `Retry-After` in ms, if it was given in seconds; `None` if it is absent or a date.
    pub retry_after_ms: Option<u64>,
    /// The first 64 KiB of the body.
    pub body: Vec<u8>,
}

/// The reason why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No connection: no network, an unknown host, a refused connection, or an untrusted
    /// certificate.
    #[error("no connection to the collector")]
    Connect,
    /// The collector did not answer in time.
    #[error("the collector did not answer in time")]
    Timeout,
    /// The connection broke, or the answer was not valid HTTP.
    #[error("the connection broke")]
    Broken,
    /// The transport itself could not be set up: an invalid root certificate or proxy.
    #[error("the transport could not be set up: check extra_roots and proxy")]
    Setup,
}

/// The callback for a request's outcome. A transport calls it once, on any thread. If it is dropped
/// without a call, the outcome is [`SendError::Broken`].
pub struct Done(Option<Then>);

type Then = Box<dyn FnOnce(Result<Response, SendError>) + Send>;

impl Done {
    /// Makes a callback that runs `then`.
    pub fn new(then: impl FnOnce(Result<Response, SendError>) + Send + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    /// Runs the callback with the outcome.
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

/// Sends requests to the collector.
pub trait Transport: Send + Sync {
    /// Sends a request, and returns at once. The outcome must go to `done` within a bounded time
    /// (the default transport gives up after 30 s, for a call after 10 s). At most two requests are
    /// under way on the call's lane besides a warming one, and one on the backlog's. Called on the
    /// journey's worker thread, never on the app's threads; on Linux and Android, threads that are
    /// started there inherit its lower priority.
    fn send(&self, lane: Lane, request: Request, done: Done);
}
