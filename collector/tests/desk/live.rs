//! The live stream: what arrives while the agent looks, in the order of commits.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;

use crate::support::{HOUR_MS, Phone, Site};

/// One event of a stream.
#[derive(Debug, Default)]
struct Event {
    name: String,
    id: String,
    data: String,
}

struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    async fn open(site: &Site, desk: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(format!("{desk}/live"));
        if let Some(id) = last {
            request = request.header("last-event-id", id);
        }
        let response = site.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event; `None` at the stream's end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(':').unwrap() {
                        ("event", name) => name.trim().clone_into(&mut event.name),
                        ("id", id) => id.trim().clone_into(&mut event.id),
                        ("data", data) => event.data.push_str(data),
                        _ => {}
                    }
                }
                self.text = String::from(rest);
                if !event.name.is_empty() {
                    return Some(event);
                }
            } else {
                let frame = self.body.frame().await?.unwrap();
                let data = frame.into_data().unwrap();
                self.text.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
    }
}

async fn resolved(site: &Site) -> (Phone, String) {
    let mut phone = Phone::new(site);
    let events = [phone.customer(Some("ana")), phone.product("first")];
    let (call, token) = phone.tap(None, Some("ana"), &events);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    (phone, view["desk"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn new_events_appear_while_the_agent_looks() {
    let site = Site::open().await;
    let (mut phone, desk) = resolved(&site).await;
    let mut stream = Stream::open(&site, &desk, None).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.id.as_str()), ("context", "1"));
    assert!(first.data.contains("Product first"));

    let events = [phone.product("second")];
    site.batch(&phone.batch(&events)).await.ok();
    let second = stream.next().await.unwrap();
    assert_eq!(second.id, "2");
    assert!(second.data.contains("Product second"));
}

#[tokio::test]
async fn a_broken_stream_goes_on_where_it_was_even_when_older_events_came_meanwhile() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let backlog = [phone.product("backlog")];
    let newest = [phone.product("newest")];
    let (call, token) = phone.tap(None, None, &newest);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    let desk = view["desk"].as_str().unwrap();
    let first = Stream::open(&site, desk, None).await.next().await.unwrap();
    site.batch(&phone.batch(&backlog)).await.ok();

    let again = Stream::open(&site, desk, Some(&first.id)).await.next().await.unwrap();
    assert_eq!(again.id, "2");
    assert!(again.data.contains("Product backlog"));

    // From the newest id on nothing is repeated: the next event is the next change.
    let mut quiet = Stream::open(&site, desk, Some(&again.id)).await;
    let events = [phone.product("later")];
    let (event, _) =
        tokio::join!(quiet.next(), async { site.batch(&phone.batch(&events)).await.ok() });
    assert_eq!(event.unwrap().id, "3");
}

#[tokio::test]
async fn other_phones_do_not_disturb_a_stream() {
    let site = Site::open().await;
    let (mut phone, desk) = resolved(&site).await;
    let mut stream = Stream::open(&site, &desk, None).await;
    stream.next().await.unwrap();
    let mut other = Phone::new(&site);
    let events = [other.product("other")];
    site.batch(&other.batch(&events)).await.ok();
    let events = [phone.product("mine")];
    site.batch(&phone.batch(&events)).await.ok();
    let event = stream.next().await.unwrap();
    assert_eq!(event.id, "2");
    assert!(!event.data.contains("Product other"));
}

#[tokio::test]
async fn erasing_ends_the_stream_with_erased() {
    let site = Site::open().await;
    let (_, desk) = resolved(&site).await;
    let mut stream = Stream::open(&site, &desk, None).await;
    stream.next().await.unwrap();
    site.collector.erase_customer(None, "ana").await.unwrap();
    assert_eq!(stream.next().await.unwrap().name, "erased");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn erasing_from_another_process_ends_it_too() {
    let site = Site::open().await;
    let (_, desk) = resolved(&site).await;
    let mut stream = Stream::open(&site, &desk, None).await;
    stream.next().await.unwrap();
    let other = site.beside().await;
    other.erase_customer(None, "ana").await.unwrap();
    // This process is not notified; the stream looks by itself every 15 seconds.
    tokio::time::pause();
    assert_eq!(stream.next().await.unwrap().name, "erased");
}

#[tokio::test]
async fn a_stream_ends_with_its_link_and_with_the_server() {
    let site = Site::open().await;
    let (mut phone, desk) = resolved(&site).await;
    let mut stream = Stream::open(&site, &desk, None).await;
    stream.next().await.unwrap();
    site.clock.advance(2 * HOUR_MS);
    let events = [phone.product("late")];
    site.batch(&phone.batch(&events)).await.ok();
    assert!(stream.next().await.is_none());

    let (_, desk) = resolved(&site).await;
    let mut stream = Stream::open(&site, &desk, None).await;
    stream.next().await.unwrap();
    site.collector.end();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.next()).await;
    assert!(ended.unwrap().is_none());
}

#[tokio::test]
async fn one_link_that_was_passed_around_does_not_use_up_the_streams_of_others() {
    let site = Site::open().await;
    let (_, desk) = resolved(&site).await;
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(Stream::open(&site, &desk, None).await);
    }
    let live = format!("{desk}/live");
    site.get(&live, None).await.is_problem(503, "busy");
    let (_, another) = resolved(&site).await;
    Stream::open(&site, &another, None).await;
    streams.pop();
    Stream::open(&site, &desk, None).await;
}
