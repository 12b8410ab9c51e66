//! Reads request bodies, bounded in three ways: as sent, while inflating, and in time.

use std::io::Read as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;

use super::problem::Problem;
use crate::limits::{BODY_BYTES_MAX, BODY_TIMEOUT_S};

/// The largest window for which a zstd frame may ask memory: 8 MiB, which RFC 8878 (3.1.1.1.2)
/// recommends every decoder to support.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Reads a body and inflates it. While the body arrives, its bytes are taken from `room`.
///
/// # Errors
/// The problem to answer with: 400, 408, 413, 415 or 503.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    room: &Semaphore,
) -> Result<Vec<u8>, Problem> {
    let collected = tokio::time::timeout(Duration::from_secs(BODY_TIMEOUT_S), collect(body, room));
    let sent = collected.await.map_err(|_| Problem::too_slow())??;
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let encoding = encodings.next().map_or("identity", |value| value.to_str().unwrap_or("?"));
    if encodings.next().is_some() {
        return Err(Problem::encoding());
    }
    inflate(encoding.trim(), sent)
}

async fn collect(body: Body, room: &Semaphore) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut taken = room.try_acquire_many(0).map_err(|_| Problem::busy())?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("the body was cut short"))?;
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(over());
        }
        let size = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        taken.merge(room.try_acquire_many(size).map_err(|_| Problem::busy())?);
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn inflate(encoding: &str, sent: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let broken = |_| Problem::malformed("the body does not match its Content-Encoding");
    let mut inflated = Vec::new();
    let limit = BODY_BYTES_MAX as u64 + 1;
    if encoding.eq_ignore_ascii_case("identity") {
        return Ok(sent);
    } else if encoding.eq_ignore_ascii_case("gzip") {
        let decoder = flate2::read::MultiGzDecoder::new(&sent[..]);
        decoder.take(limit).read_to_end(&mut inflated).map_err(broken)?;
    } else if encoding.eq_ignore_ascii_case("zstd") {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(&sent[..]).map_err(broken)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(broken)?;
        decoder.take(limit).read_to_end(&mut inflated).map_err(broken)?;
    } else {
        return Err(Problem::encoding());
    }
    if inflated.len() > BODY_BYTES_MAX { Err(over()) } else { Ok(inflated) }
}

fn over() -> Problem {
    Problem::too_large("a body has at most 1 MiB, both inflated and as sent")
}

/// Reads JSON. An error names places and fields, never values.
///
/// # Errors
/// 400.
pub(super) fn json<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let at = format!("at line {}, column {}", error.line(), error.column());
        Problem::malformed(match error.classify() {
            // "missing field `epoch` at line 1 column 2": it holds only our own names.
            serde_json::error::Category::Data if text.starts_with("missing field") => text,
            serde_json::error::Category::Data => format!("a field has the wrong type, {at}"),
            _ => format!("not JSON, {at}"),
        })
    })
}
