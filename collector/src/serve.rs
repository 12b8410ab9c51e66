//! Serving HTTP over TCP: accepts as many connections as there are descriptors for, closes those that never
//! send a request, and ends them all gracefully.
//!
//! `axum::serve` sets no timer (0.8.9): a request head that never ends would hold its connection
//! forever, and with it the end of the program. TLS and finer limits are the job of the proxy in
//! front.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use jalon_collector::limits::{
    CONNECTIONS_MAX, CONNECTIONS_MIN, DESCRIPTORS_RESERVED, END_GRACE_S, HEAD_BYTES_MAX,
    HEAD_TIMEOUT_S,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Serves until `end` resolves, then answers the requests under way, for at most [`END_GRACE_S`].
pub(crate) async fn serve(listener: TcpListener, router: Router, end: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_TIMEOUT_S))
        .max_buf_size(HEAD_BYTES_MAX);
    let connections = GracefulShutdown::new();
    let most = connections_max();
    let room = Arc::new(Semaphore::new(most));
    let mut was_full = false;
    let mut end = pin!(end);
    loop {
        let free = room.available_permits();
        if free == 0 && !was_full {
            tracing::warn!(most, "no room for more connections: others wait until some have ended");
        }
        // Full until a tenth is free again: one warning for a whole storm.
        was_full = free == 0 || was_full && free < most / 10;
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut end => break,
        };
        match accepted {
            Ok((stream, place)) => {
                let service = TowerToHyperService::new(router.clone());
                let connection = http.serve_connection(TokioIo::new(stream), service);
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    // A client that hangs up is not an error.
                    let _ = connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                // Usually no file descriptor is left: one is freed when a connection ends.
                tracing::error!(%error, "failed to accept a connection: trying again in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    drop(listener);
    let grace = Duration::from_secs(END_GRACE_S);
    if tokio::time::timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("ended while connections were still open");
    }
}

/// Accepts a connection once there is room for one more.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // An update on a live stream does not wait until the one before it is acknowledged.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

/// How many connections may be open: as many as this process may have descriptors, but for those that
/// the storage needs. Raises that limit first, as far as it may.
fn connections_max() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let wanted = CONNECTIONS_MAX as u64 + DESCRIPTORS_RESERVED;
    let raised = Some(maximum.map_or(wanted, |maximum| maximum.min(wanted)));
    // Where this is refused, the limit of before holds.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: raised, maximum });
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    let connections = descriptors.saturating_sub(DESCRIPTORS_RESERVED) as usize;
    connections.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}
