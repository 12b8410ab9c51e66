//! Malformed look-ups: each is a clear JSON problem, uses up no attempt and reveals nothing.

use jalon_collector::KeyKind;
use serde_json::{Value, json};

use crate::support::{self, Phone, Site, code, lease};

#[tokio::test]
async fn a_malformed_code_is_answered_with_why_and_is_not_counted() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let good = code(lease(&site, &mut phone, &[]).await, 0);
    let slip = if good.ends_with('0') { "1" } else { "0" };
    for bad in [&good[..12], &format!("{good}0"), &format!("{}{slip}", &good[..12]), "abc"] {
        for _ in 0..3 {
            let request = json!({"code": bad, "call_id": "c", "caller": "+33100000000"});
            let answer = site.post("/v1/contexts/resolve", &site.centre, &request).await;
            answer.is_problem(422, "invalid");
        }
    }
    let request = json!({"code": good, "call_id": "c", "caller": "+33100000000"});
    site.post("/v1/contexts/resolve", &site.centre, &request).await.ok();
}

#[tokio::test]
async fn a_look_up_names_one_call_and_one_handle() {
    let site = Site::open().await;
    let token = support::token();
    for request in [
        json!({"token": token}),
        json!({"token": token, "call_id": ""}),
        json!({"token": token, "call_id": "x".repeat(257)}),
        json!({"token": token, "code": "1", "call_id": "c"}),
        json!({"token": 7, "call_id": "c"}),
        json!({"token": token, "call_id": "c", "agent": "x".repeat(257)}),
    ] {
        let answer = site.post("/v1/contexts/resolve", &site.centre, &request).await;
        answer.is_problem(400, "malformed");
    }
    let path = format!("/v1/contexts/{token}");
    for query in ["", "?call_id=", "?call_id=a&call_id=b"] {
        let answer = site.get(&format!("{path}{query}"), Some(&site.centre)).await;
        answer.is_problem(400, "malformed");
    }
    site.get("/v1/contexts/%ff?call_id=c", Some(&site.centre)).await.is_problem(400, "malformed");
    for request in [json!({"token": "short", "call_id": "c"}), json!({"uui": "x", "call_id": "c"})]
    {
        let answer = site.post("/v1/contexts/resolve", &site.centre, &request).await;
        answer.is_problem(422, "invalid");
    }
}

#[tokio::test]
async fn a_code_is_read_as_people_write_it_but_without_letters() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let code = code(lease(&site, &mut phone, &[]).await, 0);
    let (a, b, c, d) = (&code[..3], &code[3..6], &code[6..9], &code[9..]);
    for written in [
        format!("{a} {b} {c} {d}"),
        format!("{a}-{b}-{c}-{d}"),
        format!(" {code} "),
        format!("{a}.{b}.{c}.{d}#"),
    ] {
        site.resolve("code", &written, "c").await.ok();
    }
    for written in [format!("{a},{b},{c},{d}"), format!("O{}", &code[1..]), format!("#{code}")] {
        site.resolve("code", &written, "c").await.is_problem(422, "invalid");
    }
}

#[tokio::test]
async fn a_user_to_user_value_is_read_as_exchanges_send_it_and_never_guessed() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let (call, text) = phone.tap(None, None, &[]);
    site.call(&call).await.ok();
    let token = jalon::call::ContextToken::parse(&text).unwrap();
    let value = token.user_to_user();
    let ascii = value[2..].split(';').next().unwrap();
    let raw = format!("{:032X}", u128::from_be_bytes(*token.as_bytes()));
    for value in [
        format!("00{ascii};encoding=hex;purpose=isdn-uui;content=isdn-uui"),
        format!("04{};Encoding=HEX", ascii.to_uppercase()),
        format!("\"{ascii}\" ; encoding=\"hex\""),
        raw,
        text.clone(),
        format!("56a390f3d2b7310023a2;encoding=hex;purpose=foo,00{ascii};encoding=hex"),
        format!("abc;encoding=base64,{text}"),
    ] {
        site.resolve("uui", &value, "c").await.ok();
    }
    for value in [
        format!("00{ascii};encoding=base64"),
        format!("01{ascii};encoding=hex"),
        format!("00{ascii}00;encoding=hex"),
        format!("00{};encoding=hex", "4a".repeat(300)),
        "x".repeat(3_000),
        "00;encoding=hex".to_owned(),
        ",;,".to_owned(),
        "\u{e9}\u{1f600}".to_owned(),
    ] {
        site.resolve("uui", &value, "c").await.is_problem(422, "invalid");
    }
}

#[tokio::test]
async fn a_call_of_another_app_is_as_unknown_as_one_that_never_was() {
    let site = Site::open().await;
    let centre =
        site.collector.create_key(KeyKind::ContactCentre, "com.example.bank").await.unwrap();
    let mut phone = Phone::new(&site);
    let code = code(lease(&site, &mut phone, &[]).await, 0);
    let (call, token) = phone.tap(Some(&code), None, &[]);
    site.call(&call).await.ok();
    let ask = |handle: Value| {
        let (site, centre) = (&site, &centre);
        async move { site.post("/v1/contexts/resolve", centre, &handle).await }
    };
    ask(json!({"token": token, "call_id": "c"})).await.is_problem(404, "no-context");
    ask(json!({"code": code, "call_id": "c"})).await.is_problem(404, "no-context");
    site.resolve("token", &token, "c").await.ok();
}
