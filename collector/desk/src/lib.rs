//! The agent desk of Jalon: the page that an agent sees beside a call.
//!
//! It answers in three seconds and about twelve words, in this order: **who** calls, what they are
//! **stuck on**, what the call is **about**, and **how fresh** the picture is. Steps, products, orders
//! and location are one click away.
//!
//! [`page`] renders the whole page, [`live`] the content of one server-sent event named `context`,
//! [`entry`] the page that takes a code, [`ended`] the page of a link that shows nothing any more, and
//! [`asset`] holds the files they load. Nothing here reads a clock, the network or a store: the caller
//! passes the [`ContextView`] and its own time, which the page then uses.
//!
//! # The script's side of the stream
//!
//! `desk.js` opens `live_url` as an `EventSource` and knows two events: `context`, whose data is
//! [`live`]'s text, and `erased`, which empties the page for good. When the stream is refused, it
//! asks once by `fetch` why: 410 means erased; any other 4xx except 408 and 429, that the link has
//! ended; everything else, that it tries again.
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
    #[error("failed to render the desk")]
    Render(#[from] askama::Error),
}

/// The state of the page that takes a call's code.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entry<'a> {
    /// The text that the agent typed; empty at first.
    pub typed: &'a str,
    /// Why it opened nothing, once it was sent.
    pub error: Option<EntryError>,
}

/// Why a typed code opened nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryError {
    /// It does not have thirteen digits, or its check digit does not match.
    NotACode,
    /// It is unknown, too old, or of another call.
    NotFound,
    /// Too many wrong codes came before it.
    TooMany {
        /// Minutes until another can be tried.
        minutes: u64,
    },
    /// The collector cannot look it up now.
    NotNow,
}

/// Why a desk link shows nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its two hours are over.
    Expired,
    /// The collector did not sign it like this: it was cut short, changed, or signed by another one.
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

/// Renders the content of one `context` event of the stream, which the script merges into the page.
/// Contains no carriage return, which would end a line of the stream.
///
/// # Errors
///
/// [`Error::Render`], which no content of `view` can cause.
pub fn live(view: &ContextView, now_ms: i64) -> Result<String, Error> {
    Ok(Live { context: Context::new(view, now_ms) }.render()?.replace('\r', " "))
}

/// Renders the page of a link that shows nothing any more, which says what to do.
///
/// # Errors
///
/// [`Error::Render`], which no reason can cause.
pub fn ended(why: EndReason, assets_prefix: &str) -> Result<String, Error> {
    Ok(EndedPage { why, assets: assets_prefix.trim_end_matches('/') }.render()?)
}

/// Renders the page without a context, with a form for the code that the customer reads aloud. The form
/// is sent to the page's own address.
///
/// `check_table` is the quasigroup of a code's check digit, by which the script finds typing errors: from
/// 0, each digit leads to `check_table[interim][digit]`, and a valid code ends at 0.
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
