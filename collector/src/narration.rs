//! Tells a step as the customer would: in words, in the first person. Pure.

use crate::event::{Order, Product};
use crate::labels::Labels;
use crate::stored_event::ReadEvent;

/// A step as the customer would tell it; `None` for an event that is not the customer's own.
pub(crate) fn step(event: &ReadEvent<'_>, labels: &Labels) -> Option<String> {
    let body = &event.body;
    Some(match event.stored.kind.as_str() {
        "screen_view" => format!("I opened {}", labels.screen(body.screen.as_ref()?).label),
        "product_view" => format!("I looked at {}", product(body.product.as_ref()?)),
        "search" => search(body.query.as_deref(), body.results),
        "cart_change" => cart_change(&product(body.product.as_ref()?), body.delta?),
        "order" => ordered(body.order.as_ref()?),
        "failure" => format!("I saw an error: {}", in_words(&body.failure.as_ref()?.code)),
        "custom" => format!("I did: {}", in_words(body.name.as_ref()?)),
        _ => return None,
    })
}

fn search(query: Option<&str>, results: Option<u64>) -> String {
    let what = query.map_or(String::new(), |query| format!(" for “{query}”"));
    let found = if results == Some(0) { " and found nothing" } else { "" };
    format!("I searched{what}{found}")
}

fn cart_change(product: &str, delta: i64) -> String {
    let count = match delta.unsigned_abs() {
        1 => String::new(),
        count => format!("{count} × "),
    };
    if delta < 0 {
        format!("I took {count}{product} out of my cart")
    } else {
        format!("I put {count}{product} in my cart")
    }
}

fn ordered(order: &Order) -> String {
    let mut known = vec![in_words(&order.status)];
    known.extend(order.total.as_ref().map(jalon_desk::amount));
    known.retain(|part| !part.is_empty());
    let colon = if known.is_empty() { "" } else { ": " };
    format!("I ordered {}{colon}{}", order.id, known.join(", "))
}

/// A product's name; without one, its brand and the last word of its category.
fn product(product: &Product) -> String {
    if let Some(name) = &product.name {
        return name.clone();
    }
    let category = product.category.as_deref().and_then(|category| {
        category.rsplit(['.', '/', '>']).next().map(|last| last.trim().replace('_', " "))
    });
    match (&product.brand, category) {
        (Some(brand), Some(category)) => format!("{brand} {category}"),
        (Some(brand), None) => brand.clone(),
        (None, Some(category)) => format!("{category} {}", product.id),
        (None, None) => format!("product {}", product.id),
    }
}

/// A code or a status in words, as part of a sentence: "card_declined" reads "card declined"; a text
/// in the app's own words stays as it is.
fn in_words(code: &str) -> String {
    let words = jalon_desk::plain(code);
    if words == code { words } else { words.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use jalon_desk::view::Price;

    use super::*;

    fn product_named(name: Option<&str>, brand: Option<&str>, category: Option<&str>) -> Product {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Product {
            id: "7".to_owned(),
            name: text(name),
            category: text(category),
            brand: text(brand),
            price: None,
        }
    }

    #[test]
    fn a_product_is_named_by_the_best_that_is_known() {
        let category = Some("electronics.smart_phone");
        assert_eq!(product(&product_named(Some("Galaxy A10"), None, None)), "Galaxy A10");
        assert_eq!(product(&product_named(None, Some("samsung"), category)), "samsung smart phone");
        assert_eq!(product(&product_named(None, None, category)), "smart phone 7");
        assert_eq!(product(&product_named(None, None, None)), "product 7");
    }

    #[test]
    fn an_order_says_what_is_known_of_it() {
        let order = |status: &str, total: Option<i64>| {
            let total = total.map(|minor| Price { minor, currency: "EUR".to_owned() });
            let order = Order { id: "A-20391".to_owned(), status: status.to_owned(), total };
            ordered(&order).replace('\u{a0}', " ")
        };
        assert_eq!(order("shipped", Some(108_198)), "I ordered A-20391: shipped, 1,081.98 EUR");
        assert_eq!(order("AWAITING_PAYMENT", None), "I ordered A-20391: awaiting payment");
        assert_eq!(order("", Some(-5)), "I ordered A-20391: \u{2212}0.05 EUR");
        assert_eq!(order(" ", None), "I ordered A-20391");
    }

    #[test]
    fn codes_are_said_in_words_where_they_are_made_of_words() {
        assert_eq!(in_words("card_declined"), "card declined");
        assert_eq!(in_words("E1042"), "E1042");
        assert_eq!(in_words("Back on Monday"), "Back on Monday");
    }

    #[test]
    fn steps_read_as_the_customer_would_say_them() {
        assert_eq!(search(Some("tent"), Some(3)), "I searched for “tent”");
        assert_eq!(search(None, Some(0)), "I searched and found nothing");
        assert_eq!(cart_change("a tent", 2), "I put 2 × a tent in my cart");
        assert_eq!(cart_change("a tent", -1), "I took a tent out of my cart");
    }
}
