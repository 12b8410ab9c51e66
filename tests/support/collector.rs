//! A collector small enough to trust: it keeps what it gets by (installation, epoch, seq), and
//! notices when one key comes with two contents.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use flate2::read::GzDecoder;
use jalon::{Method, Request, Response};
use serde_json::{Value, json};

pub type Key = (String, u64, u64);

#[derive(Default)]
pub struct ModelCollector {
    /// Every event, by its key; the value is its JSON without anything of the batch's header.
    pub events: BTreeMap<Key, Value>,
    /// Keys that came again with another content. There must never be one.
    pub conflicts: Vec<Key>,
    /// The calls' snapshots, in the order they came.
    pub calls: Vec<Value>,
    /// The batches' headers, in the order they came, without their events.
    pub headers: Vec<Value>,
    pub erased: BTreeSet<String>,
    /// The reason to reject an event for good, if any; called for each event.
    pub reject: Option<fn(&Value) -> Option<&'static str>>,
    /// The status that refuses a whole request because of one event, if any; called for each event.
    pub refuse: Option<fn(&Value) -> Option<u16>>,
    /// Locators to lease, the last first.
    pub leases: Vec<u32>,
    pub screens: BTreeMap<String, u16>,
}

impl ModelCollector {
    pub fn answer(&mut self, request: &Request) -> Response {
        if request.url.ends_with("/healthz") {
            return answer(200, &json!({}));
        }
        if let Some((_, id)) = request.url.split_once("/v1/installations/") {
            assert_eq!(request.method, Method::Delete);
            self.events.retain(|key, _| key.0 != id);
            self.erased.insert(id.to_owned());
            return Response { status: 204, retry_after_ms: None, body: Vec::new() };
        }
        let Ok(mut body) = try_inflate(request) else {
            return problem(400);
        };
        let installation = body["installation"].as_str().unwrap().to_owned();
        if self.erased.contains(&installation) {
            return problem(410);
        }
        let epoch = body["epoch"].as_u64().unwrap();
        let mut events = body["events"].as_array().unwrap().clone();
        if let Some(status) = self.refuse.and_then(|refuse| events.iter().find_map(refuse)) {
            return problem(status);
        }
        body.as_object_mut().unwrap().remove("events");
        let body_codes = body["codes"].as_array().cloned();
        if request.url.ends_with("/v1/calls") {
            let seq = body["call"]["seq"].as_u64().unwrap();
            assert!(events.iter().all(|event| event["seq"].as_u64().unwrap() < seq));
            self.calls.push(body);
            self.calls.last_mut().unwrap()["events"] = Value::Array(events.clone());
        } else {
            self.headers.push(body);
        }
        let mut rejected = Vec::new();
        events.retain(|event| match self.reject.and_then(|reject| reject(event)) {
            Some(reason) => {
                rejected.push(json!({"seq": event["seq"], "reason": reason}));
                false
            }
            None => true,
        });
        let stored = events.len();
        for event in events {
            let key = (installation.clone(), epoch, event["seq"].as_u64().unwrap());
            match self.events.get(&key) {
                Some(before) if *before != event => self.conflicts.push(key),
                _ => drop(self.events.insert(key, event)),
            }
        }
        let lease = |locator: &str| json!({"locator": locator, "expires_in_s": 604_800});
        let named = body_codes.iter().flatten().filter_map(Value::as_str);
        let mut codes: Vec<Value> = named.map(lease).collect();
        let left = self.headers.last().and_then(|h| h["codes_left"].as_u64()).unwrap_or(0);
        for _ in left..5 {
            let Some(locator) = self.leases.pop() else { break };
            codes.push(lease(&format!("{locator:09}")));
        }
        answer(
            200,
            &json!({
                "stored": stored, "rejected": rejected, "codes": codes, "screens": self.screens,
            }),
        )
    }

    /// The events of one epoch in their order, with a check that nothing came twice.
    pub fn journey(&self, epoch: u64) -> Vec<&Value> {
        assert_eq!(self.conflicts, Vec::<Key>::new(), "a seq meant two things");
        self.events.iter().filter(|((_, e, _), _)| *e == epoch).map(|(_, event)| event).collect()
    }

    /// The names of the screens viewed, in their order.
    pub fn screens_seen(&self) -> Vec<String> {
        assert_eq!(self.conflicts, Vec::<Key>::new(), "a seq meant two things");
        self.events
            .values()
            .filter(|event| event["type"] == "screen_view")
            .map(|event| event["screen"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// A request's JSON.
pub fn inflate(request: &Request) -> Value {
    try_inflate(request).unwrap()
}

fn try_inflate(request: &Request) -> serde_json::Result<Value> {
    serde_json::from_slice(&inflate_bytes(request))
}

/// A request's body, inflated.
pub fn inflate_bytes(request: &Request) -> Vec<u8> {
    let mut json = Vec::new();
    GzDecoder::new(request.body.as_deref().unwrap()).read_to_end(&mut json).unwrap();
    json
}

/// A problem document, as the collector writes it.
pub fn problem(status: u16) -> Response {
    let kind = "urn:jalon:problem:model";
    answer(status, &json!({"type": kind, "title": "no", "status": status}))
}

pub fn answer(status: u16, body: &Value) -> Response {
    Response { status, retry_after_ms: None, body: body.to_string().into_bytes() }
}
