//! Serving HTTP over TCP: accepts connections, closes those that never send a request, and ends them
//! all gracefully.
//!
//! `axum::serve` sets no timer (0.8.9): a request head that never ends would hold its connection
//! forever, and with it the end of the program. TLS and finer limits are the job of the proxy in
//! front.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use jalon_collector::limits::{END_GRACE_S, HEAD_TIMEOUT_S};
use tokio::net::{TcpListener, TcpStream};

/// Serves until `end` resolves, then answers the requests under way, for at most [`END_GRACE_S`].
pub(crate) async fn serve(listener: TcpListener, router: Router, end: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(HEAD_TIMEOUT_S));
    let connections = GracefulShutdown::new();
    let mut end = pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut end => break,
        };
        match accepted {
            Ok(stream) => {
                let service = TowerToHyperService::new(router.clone());
                let connection = http.serve_connection(TokioIo::new(stream), service);
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    // A client that hangs up is not an error.
                    let _ = connection.await;
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

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // An update on a live stream does not wait until the one before it is acknowledged.
    stream.set_nodelay(true)?;
    Ok(stream)
}
