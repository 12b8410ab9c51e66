//! The live stream of a desk link: an update whenever a commit changed the context.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream;
use jalon_desk::EndReason;
use tokio::sync::watch;
use tokio::time::Instant;

use super::headers::protect;
use super::{ended_status, failed, note};
use crate::http::problem::Problem;
use crate::http::{Outcome, PathPart, no_store, part, view};
use crate::limits::{STREAM_LOOK_S, STREAM_PAUSE_MS};
use crate::link::{DeskLink, Opens};
use crate::state::AppState;
use crate::store::{Context, ContextId};
use crate::streams::OpenStream;

/// The live stream of a desk link. Each event `context` holds the page's new content; its id is the
/// number of the commit that it shows. The event `erased` ends the stream for good.
#[utoipa::path(
    get, path = "/desk/{signed}/live",
    params(
        ("signed" = String, Path, description = "From `desk` of a resolved context"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The last id received: nothing is sent until the context has changed since")
    ),
    responses(
        (status = 200, description = "The stream", content_type = "text/event-stream"),
        (status = 403, description = "The link is cut short, changed or expired"),
        (status = 410, description = "The customer erased their data"),
        (status = 503, description = "Too many streams: see Retry-After", body = Problem)
    )
)]
pub(in crate::http) async fn stream(
    State(state): State<Arc<AppState>>,
    signed: PathPart,
    headers: HeaderMap,
) -> Outcome {
    let link = match super::open(&state, &part(signed)?) {
        Ok(link) => link,
        Err(why) => return Ok(refuse(&state, why)),
    };
    let Opens::Context(id) = link.opens else { return Ok(refuse(&state, EndReason::Invalid)) };
    let open = state.streams.open(id).ok_or_else(Problem::busy)?;
    let Some(context) = state.storage.context(link.app.clone(), id).await? else {
        return Ok(refuse(&state, EndReason::Erased));
    };
    // The page noted its own view, but a stream can be opened without the page.
    if !note(&state, &link, id, "live").await? {
        return Ok(refuse(&state, EndReason::Erased));
    }
    let shown = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.parse::<u64>().ok())
        // A later id than ours is from another store.
        .filter(|id| *id <= context.change);
    let follower = Follower {
        changes: state.storage.follow(context.installation),
        ending: state.ending.subscribe(),
        link,
        id,
        shown,
        looked: false,
        next_at: Instant::now(),
        _open: open,
        state: Arc::clone(&state),
    };
    let events = Sse::new(follower.events()).keep_alive(KeepAlive::default());
    let mut response = no_store(events);
    protect(&state, response.headers_mut());
    // A proxy that buffers would delay the updates.
    let buffering = axum::http::HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(buffering, axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

fn refuse(state: &AppState, why: EndReason) -> Response {
    let mut response = no_store(ended_status(why).into_response());
    protect(state, response.headers_mut());
    response
}

struct Follower {
    state: Arc<AppState>,
    link: DeskLink,
    id: ContextId,
    changes: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
    /// The commit that the agent's page shows.
    shown: Option<u64>,
    /// Whether the store was read since the stream began.
    looked: bool,
    /// When the next update may be sent: changes that arrive before share it.
    next_at: Instant,
    _open: OpenStream,
}

/// The result of reading the store.
enum Look {
    Changed(Box<Context>),
    Unchanged,
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
                    Look::Unchanged => {}
                    Look::Erased => {
                        return Some((Ok(Event::default().event("erased").data("erased")), None));
                    }
                    Look::Changed(context) => {
                        let change = context.change;
                        let html = follower.html(&context)?;
                        follower.shown = Some(change);
                        follower.next_at = Instant::now() + Duration::from_millis(STREAM_PAUSE_MS);
                        let event =
                            Event::default().event("context").id(change.to_string()).data(html);
                        return Some((Ok(event), Some(follower)));
                    }
                }
            }
        })
    }

    /// Waits until the store should be read again; `false` when the stream is over.
    async fn wait(&mut self) -> bool {
        let left_ms = self.link.expires_at.saturating_sub(self.state.now_ms()).max(0) as u64;
        let look_ms = (STREAM_LOOK_S * 1_000).min(left_ms);
        tokio::time::sleep_until(self.next_at).await;
        // The guard that `wait_for` returns must not live across an await.
        let ending = async { drop(self.ending.wait_for(|ending| *ending).await) };
        tokio::select! {
            _ = self.changes.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(look_ms)) => {}
            () = ending => return false,
        }
        self.state.now_ms() < self.link.expires_at
    }

    async fn look(&self) -> Look {
        match self.state.storage.context(self.link.app.clone(), self.id).await {
            Ok(Some(context)) if self.shown.is_none_or(|shown| shown < context.change) => {
                Look::Changed(Box::new(context))
            }
            Ok(None) => Look::Erased,
            // The error was reported where it happened; the next read may succeed.
            Ok(Some(_)) | Err(_) => Look::Unchanged,
        }
    }

    fn html(&self, context: &Context) -> Option<String> {
        let view = view(&self.state, context, &self.link);
        match jalon_desk::live(&view, self.state.now_ms()) {
            Ok(html) => Some(html),
            Err(error) => {
                failed(&error);
                None
            }
        }
    }
}
