//! The agent desk of Jalon: the page an agent sees beside a call.
//!
//! In three seconds and about twelve words, in this order: **who** calls, what they are **stuck
//! on**, what it is **about**, and **how fresh** that is. Steps, products, orders and place are one
//! click away.
//!
//! [`page`] renders the whole page, [`live`] what one server-sent event named `context` carries,
//! [`ended`] the page of a link that shows nothing any more, and [`asset`] holds the files they
//! load. Nothing here reads a clock, the network or a store: the caller brings the
//! [`ContextView`] and its own time, which the page then goes by.
//!
//! # The script's side of the stream
//!
//! `desk.js` opens `live_url` as an `EventSource` and knows two events: `context`, whose data is
//! [`live`]'s text, and `erased`, which empties the page for good. When the stream is refused, it
//! asks once by `fetch` why: 410 means erased, any other 4xx but 408 and 429 that the link has
//! ended, and everything else that it should be tried again.
//!
//! The pages hold no inline script or style, so they work under
//! `default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self';
//! form-action 'self'`.

mod context;
mod glance;
mod money;
mod steps;
pub mod view;
mod words;

pub use money::amount;
pub use words::plain;

use askama::Template;

use crate::context::Context;
use crate::view::ContextView;

/// Why a page could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template engine failed, which it does only when it cannot write.
    #[error("render the desk")]
    Render(#[from] askama::Error),
}

/// A page that knows nothing of a call, and takes its code.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entry<'a> {
    /// What the agent typed; empty at first.
    pub typed: &'a str,
    /// What was wrong with it.
    pub error: Option<EntryError>,
}

/// What was wrong with a typed code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryError {
    /// Not thirteen digits, or the check digit does not fit.
    NotACode,
    /// Unknown, too old, or another call's.
    NotFound,
    /// Too many wrong ones before it.
    TooMany {
        /// When to try again.
        minutes: u64,
    },
    /// The collector cannot look it up.
    NotNow,
}

/// Why a desk link shows nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its two hours are over.
    Expired,
    /// It was never given out like this: cut, changed, or signed by another collector.
    Invalid,
    /// The customer erased their data.
    Erased,
}

/// Renders the whole page.
///
/// `now_ms` is the collector's time in ms since the Unix epoch, `live_url` the address of the
/// stream, and `assets_prefix` the path under which [`asset`]'s files are served, with or without
/// a slash at its end.
///
/// # Errors
///
/// [`Error::Render`], which no content of `view` can cause.
pub fn page(
    view: &ContextView,
    now_ms: i64,
    live_url: &str,
    assets_prefix: &str,
) -> Result<String, Error> {
    let assets = assets_prefix.trim_end_matches('/');
    Ok(Page { context: Context::new(view, now_ms), live_url, assets }.render()?)
}

/// Renders what one `context` event of the stream carries: the page's content, which the script
/// merges into what the agent has before them. Holds no carriage return, which would end a line of
/// the stream.
///
/// # Errors
///
/// [`Error::Render`], which no content of `view` can cause.
pub fn live(view: &ContextView, now_ms: i64) -> Result<String, Error> {
    Ok(Live { context: Context::new(view, now_ms) }.render()?.replace('\r', " "))
}

/// Renders the page of a link that shows nothing any more, and says what to do.
///
/// # Errors
///
/// [`Error::Render`], in practice never.
pub fn ended(why: EndReason, assets_prefix: &str) -> Result<String, Error> {
    Ok(EndedPage { why, assets: assets_prefix.trim_end_matches('/') }.render()?)
}

/// Renders the page that knows nothing of a call, with a form for the code that the customer reads
/// aloud. The form is sent to the page's own address.
///
/// `check_table` is the quasigroup of a code's check digit, by which the script tells a slip as it is
/// typed: from 0 each digit leads to `check_table[interim][digit]`, and a whole code ends at 0.
///
/// # Errors
///
/// [`Error::Render`], which no content of `entry` can cause.
pub fn entry(
    entry: &Entry<'_>,
    check_table: &[[u8; 10]; 10],
    assets_prefix: &str,
) -> Result<String, Error> {
    let check_table = check_table.iter().flatten().map(u8::to_string).collect();
    let assets = assets_prefix.trim_end_matches('/');
    Ok(EntryPage { entry: *entry, check_table, assets }.render()?)
}

/// The media type and content of a file the pages load: `desk.css`, `desk.js`, `entry.js`,
/// `desk.svg`.
pub fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
    match name {
        "desk.css" => Some(("text/css; charset=utf-8", include_bytes!("../assets/desk.css"))),
        "desk.js" => Some(("text/javascript; charset=utf-8", include_bytes!("../assets/desk.js"))),
        "entry.js" => {
            Some(("text/javascript; charset=utf-8", include_bytes!("../assets/entry.js")))
        }
        "desk.svg" => Some(("image/svg+xml", include_bytes!("../assets/desk.svg"))),
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    context: Context<'a>,
    live_url: &'a str,
    assets: &'a str,
}

#[derive(Template)]
#[template(path = "context.html")]
struct Live<'a> {
    context: Context<'a>,
}

#[derive(Template)]
#[template(path = "ended.html")]
struct EndedPage<'a> {
    why: EndReason,
    assets: &'a str,
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage<'a> {
    entry: Entry<'a>,
    check_table: String,
    assets: &'a str,
}
