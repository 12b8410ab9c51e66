//! The pages for operators and tools.

use crate::support::{Phone, Site};

#[tokio::test]
async fn openapi_lists_every_route_and_the_shapes_behind_it() {
    let site = Site::open().await;
    let api = site.get("/openapi.json", None).await.ok();
    let mut routes: Vec<String> = api["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .collect();
    routes.sort();
    assert_eq!(
        routes,
        [
            "delete /v1/installations/{id}",
            "get /desk/assets/{name}",
            "get /desk/{signed}",
            "get /desk/{signed}/live",
            "get /healthz",
            "get /metrics",
            "get /openapi.json",
            "get /readyz",
            "get /v1/contexts",
            "get /v1/contexts/{handle}",
            "head /v1/contexts",
            "head /v1/contexts/{handle}",
            "post /desk/{signed}",
            "post /v1/batches",
            "post /v1/calls",
            "post /v1/contexts/resolve",
        ]
    );
    let schemas = api["components"]["schemas"].as_object().unwrap();
    for name in ["UploadRequest", "UploadAnswer", "Event", "ContextView", "Problem"] {
        assert!(schemas.contains_key(name), "{name}");
    }
    assert!(api["components"]["securitySchemes"]["write"].is_object());
}

#[tokio::test]
async fn it_says_that_it_is_alive_and_ready() {
    let site = Site::open().await;
    assert_eq!(site.get("/healthz", None).await.status, 200);
    assert_eq!(site.get("/readyz", None).await.status, 200);
}

#[tokio::test]
async fn counters_count_and_hold_nothing_personal() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.customer(Some("ana")), phone.product("1")];
    let (call, token) = phone.tap(None, Some("ana"), &events);
    site.call(&call).await.ok();
    site.resolve("token", &token, "call").await.ok();
    site.resolve("token", &token, "other").await;
    let page = site.get("/metrics", None).await.text();
    for line in [
        "jalon_events_total 3",
        "jalon_calls_total 1",
        "jalon_lookups_total{outcome=\"hit\"} 1",
        "jalon_lookups_total{outcome=\"miss\"} 1",
        "jalon_requests_total{route=\"/v1/calls\",status=\"200\"} 1",
    ] {
        assert!(page.contains(line), "{line} in\n{page}");
    }
    for secret in [&phone.installation, &token, &site.write, "ana"] {
        assert!(!page.contains(secret));
    }
}
