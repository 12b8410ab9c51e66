//! What the agent must see of a customer, computed from the rows alone, and the differences of an
//! answer from it.
//!
//! Written as JSON by hand: the collector's own types would agree with the collector.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::phone::{SCREEN, name, order_id};
use crate::rows::{Customer, Kind, Row};

/// What the agent's view holds at most, by its documentation: steps, products and orders.
const STEPS_MAX: usize = 200;
const PRODUCTS_MAX: usize = 20;
const ORDERS_MAX: usize = 10;
/// Events the collector reads for a view, the call's own among them. Orders it finds however old.
const EVENTS_MAX: usize = 2_000;
/// Times, and the link that is new with each answer.
const ASIDE: [&str; 5] = ["at", "tapped_at", "synced_at", "dwell_ms", "desk"];

/// The agent's view, times aside.
pub(crate) fn view(customer: &Customer, token: &str) -> Value {
    let rows = &customer.rows;
    let (steps, newest_first) = (steps(customer), rows.iter().rev());
    // One event says who the customer is, one is the call.
    let seq = steps.len() as u64 + 2;
    let seen = rows.iter().any(|row| row.kind == Kind::View);
    let label = json!({"name": SCREEN, "label": "Product page", "stage": "before_purchase"});
    let mut ids = HashSet::new();
    let mut events = 0;
    let products: Vec<Value> = newest_first
        .clone()
        .take_while(|row| {
            events += if row.kind == Kind::View { 2 } else { 1 };
            events < EVENTS_MAX || (events == EVENTS_MAX && row.kind == Kind::View)
        })
        .filter(|row| row.kind != Kind::Purchase && ids.insert(&row.product_id))
        .take(PRODUCTS_MAX)
        .map(product)
        .collect();
    let purchases = rows.iter().filter(|row| row.kind == Kind::Purchase).count();
    let orders: Vec<Value> = newest_first
        .filter(|row| row.kind == Kind::Purchase)
        .zip((1..=purchases).rev())
        .take(ORDERS_MAX)
        .map(|(row, n)| {
            json!({"id": order_id(row.user_id, n), "status": "placed", "total": price(row)})
        })
        .collect();
    json!({
        "call": {"token": token, "topic": null, "scope": "everything", "confirmed": true},
        "customer": {"id": customer.user_id.to_string(), "verified": false},
        "freshness": {
            "state": "live", "complete_through": seq, "at_seq": seq,
            "pending": 0, "missing": 0, "dropped": {},
        },
        "last_screen": if seen { label } else { Value::Null },
        "failure": null,
        "steps": steps[steps.len().saturating_sub(STEPS_MAX)..],
        "products": products,
        "orders": orders,
        "location": null,
    })
}

/// Every step, oldest first: two of a view row, one of any other.
fn steps(customer: &Customer) -> Vec<Value> {
    let mut steps: Vec<Value> = Vec::new();
    let mut screen = Value::Null;
    let mut orders = 0;
    for row in &customer.rows {
        if row.kind == Kind::View {
            screen = json!(SCREEN);
            steps.push(json!({
                "type": "screen_view", "text": "I opened Product page", "product": null,
            }));
        }
        let called = name(row).unwrap_or_else(|| format!("product {}", row.product_id));
        let (kind, text) = match row.kind {
            Kind::View => ("product_view", format!("I looked at {called}")),
            Kind::Cart => ("cart_change", format!("I put {called} in my cart")),
            Kind::Purchase => {
                orders += 1;
                let total = row.cents.map_or(String::new(), |cents| format!(", {}", usd(cents)));
                ("order", format!("I ordered {}: placed{total}", order_id(row.user_id, orders)))
            }
        };
        let of = if row.kind == Kind::Purchase { Value::Null } else { product(row) };
        steps.push(json!({"type": kind, "text": text, "product": of}));
        // The screen and the `seq` that the events of this row stand at.
        let from = steps.len() - if row.kind == Kind::View { 2 } else { 1 };
        for (place, step) in steps.iter_mut().enumerate().skip(from) {
            step["screen"] = screen.clone();
            step["seq"] = json!(place + 2);
        }
    }
    steps
}

fn product(row: &Row) -> Value {
    json!({
        "id": row.product_id, "name": name(row), "category": row.category, "brand": row.brand,
        "price": price(row),
    })
}

fn price(row: &Row) -> Value {
    row.cents.map_or(Value::Null, |cents| json!({"minor": cents, "currency": "USD"}))
}

/// "1,081.98 USD", with a no-break space.
fn usd(cents: i64) -> String {
    let digits = (cents / 100).to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    format!("{}.{:02}\u{a0}USD", groups.join(","), cents % 100)
}

/// What differs, each as one line; nothing where the answer is what it must be.
pub(crate) fn differences(expected: &Value, answer: &Value) -> Vec<String> {
    let mut answer = answer.clone();
    set_aside(&mut answer);
    if let Some(dropped) = answer.pointer_mut("/freshness/dropped").and_then(Value::as_object_mut) {
        dropped.retain(|_, count| *count != json!(0));
    }
    let mut found = Vec::new();
    compare("", expected, &answer, &mut found);
    found
}

/// Takes away what is a time or a link.
fn set_aside(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, _| !ASIDE.contains(&key.as_str()));
            fields.values_mut().for_each(set_aside);
        }
        Value::Array(items) => items.iter_mut().for_each(set_aside),
        _ => {}
    }
}

fn compare(at: &str, expected: &Value, answer: &Value, found: &mut Vec<String>) {
    match (expected, answer) {
        (Value::Object(left), Value::Object(right)) => compare_fields(at, left, right, found),
        (Value::Array(left), Value::Array(right)) => {
            if left.len() != right.len() {
                found.push(format!("{at} holds {}, not {}", right.len(), left.len()));
            }
            for (place, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{at}/{place}"), left, right, found);
            }
        }
        _ if expected == answer => {}
        _ => found.push(format!("{at} is {answer}, not {expected}")),
    }
}

fn compare_fields(
    at: &str,
    expected: &Map<String, Value>,
    answer: &Map<String, Value>,
    found: &mut Vec<String>,
) {
    for (key, left) in expected {
        match answer.get(key) {
            Some(right) => compare(&format!("{at}/{key}"), left, right, found),
            None => found.push(format!("{at}/{key} is not there, and must be {left}")),
        }
    }
    for (key, right) in answer.iter().filter(|(key, _)| !expected.contains_key(*key)) {
        found.push(format!("{at}/{key} is {right}, and the input says nothing of it"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: Kind) -> Row {
        Row {
            at_s: 0,
            kind,
            product_id: "1005018".into(),
            category: Some("electronics.smartphone".into()),
            brand: Some("huawei".into()),
            cents: Some(108_198),
            user_id: 7,
        }
    }

    #[test]
    fn a_view_is_two_steps_and_any_other_row_one() {
        let rows = vec![row(Kind::Cart), row(Kind::View), row(Kind::Purchase)];
        let view = view(&Customer { user_id: 7, rows }, "t");
        let step = |n: usize, field: &str| view["steps"][n][field].clone();
        let kinds: Vec<Value> = (0..4).map(|n| step(n, "type")).collect();
        assert_eq!(json!(kinds), json!(["cart_change", "screen_view", "product_view", "order"]));
        assert_eq!((step(0, "screen"), step(3, "screen")), (Value::Null, json!(SCREEN)));
        assert_eq!(step(3, "text"), "I ordered 7-1: placed, 1,081.98\u{a0}USD");
        assert_eq!(view["freshness"]["at_seq"], 6);
    }

    #[test]
    fn every_difference_is_found_and_times_are_not() {
        let expected = view(&Customer { user_id: 7, rows: vec![row(Kind::View)] }, "t");
        let mut answer = expected.clone();
        answer["steps"][0]["at"] = json!(1);
        answer["desk"] = json!("/desk/x");
        answer["freshness"]["dropped"] = json!({"quota": 0});
        assert_eq!(differences(&expected, &answer), Vec::<String>::new());
        answer["products"][0]["price"]["minor"] = json!(1);
        answer["steps"].as_array_mut().unwrap().pop();
        answer["freshness"]["dropped"] = json!({"quota": 1});
        answer["extra"] = json!(true);
        answer.as_object_mut().unwrap().remove("orders");
        assert_eq!(differences(&expected, &answer).len(), 5);
    }
}
