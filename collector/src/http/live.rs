//! The live stream of a desk link: a new picture whenever a commit changed the context.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream;
use jalon_desk::EndReason;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::{Outcome, PathPart, desk, no_store, part};
use crate::collector::Shared;
use crate::limits::{STREAM_LOOK_S, STREAM_PAUSE_MS, STREAMS_PER_CALL_MAX};
use crate::link::{DeskLink, Opens};
use crate::problem::Problem;
use crate::store::{Context, ContextId};

/// The live stream of a desk link. Each event `context` holds the page's new content and has the
/// number of the commit it shows as its id; `erased` ends the stream for good.
#[utoipa::path(
    get, path = "/desk/{signed}/live",
    params(
        ("signed" = String, Path, description = "From `desk` of a resolved context"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The last id received: nothing is sent until the context is newer")
    ),
    responses(
        (status = 200, description = "The stream", content_type = "text/event-stream"),
        (status = 403, description = "A link that is cut, changed or over"),
        (status = 410, description = "The customer erased their data"),
        (status = 503, description = "Too many streams: see Retry-After", body = Problem)
    )
)]
pub(super) async fn stream(
    State(collector): State<Arc<Shared>>,
    signed: PathPart,
    headers: HeaderMap,
) -> Outcome {
    let link = match desk::open(&collector, &part(signed)?) {
        Ok(link) => link,
        Err(why) => return Ok(refuse(&collector, why)),
    };
    let Opens::Context(id) = link.opens else { return Ok(refuse(&collector, EndReason::Invalid)) };
    let open = Open::new(&collector, id).ok_or_else(Problem::busy)?;
    let Some(context) = collector.storage.context(link.app.clone(), id).await? else {
        return Ok(refuse(&collector, EndReason::Erased));
    };
    // The page noted its own view; a stream can be opened without it.
    if !desk::note(&collector, &link, id, "live").await? {
        return Ok(refuse(&collector, EndReason::Erased));
    }
    let shown = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.parse::<u64>().ok())
        // A later one than ours is from another store.
        .filter(|id| *id <= context.change);
    let follower = Follower {
        changes: collector.storage.follow(context.installation),
        ending: collector.ending.subscribe(),
        link,
        id,
        shown,
        looked: false,
        next_at: Instant::now(),
        _open: open,
        collector: Arc::clone(&collector),
    };
    let events = Sse::new(follower.events()).keep_alive(KeepAlive::default());
    let mut response = no_store(events);
    desk::protect(&collector, response.headers_mut());
    // A proxy that buffers would hold the news back.
    let buffering = axum::http::HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(buffering, axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

fn refuse(collector: &Shared, why: EndReason) -> Response {
    let mut response = no_store(desk::ended_status(why).into_response());
    desk::protect(collector, response.headers_mut());
    response
}

/// Counts a stream while it is open.
struct Open {
    collector: Arc<Shared>,
    id: ContextId,
    _permit: OwnedSemaphorePermit,
}

impl Open {
    /// `None` when there are too many, in all or of this call.
    fn new(collector: &Arc<Shared>, id: ContextId) -> Option<Self> {
        let permit = Arc::clone(&collector.streams).try_acquire_owned().ok()?;
        let mut of_call = lock(collector);
        let count = of_call.entry(id).or_default();
        if *count == STREAMS_PER_CALL_MAX {
            return None;
        }
        *count += 1;
        collector.metrics.streams.inc();
        Some(Self { collector: Arc::clone(collector), id, _permit: permit })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.collector.metrics.streams.dec();
        if let Entry::Occupied(mut count) = lock(&self.collector).entry(self.id) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

fn lock(collector: &Shared) -> MutexGuard<'_, HashMap<ContextId, usize>> {
    collector.streams_of_call.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Follower {
    collector: Arc<Shared>,
    link: DeskLink,
    id: ContextId,
    changes: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
    /// The commit that the agent's page shows.
    shown: Option<u64>,
    /// Whether the store was looked at since the stream began.
    looked: bool,
    /// When the next picture may be sent: what arrives before is one picture.
    next_at: Instant,
    _open: Open,
}

/// What a look at the store found.
enum Look {
    News(Box<Context>),
    Nothing,
    Erased,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        stream::unfold(Some(self), |follower| async {
            let mut follower = follower?;
            loop {
                if follower.looked && !follower.wait().await {
                    return None;
                }
                follower.looked = true;
                match follower.look().await {
                    Look::Nothing => {}
                    Look::Erased => {
                        return Some((Ok(Event::default().event("erased").data("erased")), None));
                    }
                    Look::News(context) => {
                        let change = context.change;
                        let picture = follower.picture(&context)?;
                        follower.shown = Some(change);
                        follower.next_at = Instant::now() + Duration::from_millis(STREAM_PAUSE_MS);
                        let event =
                            Event::default().event("context").id(change.to_string()).data(picture);
                        return Some((Ok(event), Some(follower)));
                    }
                }
            }
        })
    }

    /// Waits until the store is worth a look; `false` when the stream is over.
    async fn wait(&mut self) -> bool {
        let left_ms = self.link.expires_at.saturating_sub(self.collector.now_ms()).max(0) as u64;
        let look_ms = (STREAM_LOOK_S * 1_000).min(left_ms);
        tokio::time::sleep_until(self.next_at).await;
        // The guard that `wait_for` returns must not live across an await.
        let ending = async { drop(self.ending.wait_for(|ending| *ending).await) };
        tokio::select! {
            _ = self.changes.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(look_ms)) => {}
            () = ending => return false,
        }
        self.collector.now_ms() < self.link.expires_at
    }

    async fn look(&self) -> Look {
        match self.collector.storage.context(self.link.app.clone(), self.id).await {
            Ok(Some(context)) if self.shown.is_none_or(|shown| shown < context.change) => {
                Look::News(Box::new(context))
            }
            Ok(None) => Look::Erased,
            // Reported where it happened; the next look may fare better.
            Ok(Some(_)) | Err(_) => Look::Nothing,
        }
    }

    fn picture(&self, context: &Context) -> Option<String> {
        let view = self.collector.view(context, &self.link);
        match jalon_desk::live(&view, self.collector.now_ms()) {
            Ok(picture) => Some(picture),
            Err(error) => {
                desk::failed(&error);
                None
            }
        }
    }
}
