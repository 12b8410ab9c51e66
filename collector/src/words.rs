//! Steps and screens in words: as the customer would say them, in the first person.

use jalon_desk::view::{Price, ScreenView};

use crate::event::Product;
use crate::view::{Labels, Read};

/// A screen in its business words; its pattern where it has none.
pub(crate) fn screen(name: &str, labels: &Labels) -> ScreenView {
    let entry = labels.get(name);
    ScreenView {
        name: name.to_owned(),
        label: entry.map_or(name, |entry| &entry.label).to_owned(),
        stage: entry.and_then(|entry| entry.stage.clone()),
        dwell_ms: None,
    }
}

/// A step as the customer would say it; `None` for what the customer did not do.
pub(crate) fn step(event: &Read<'_>, labels: &Labels) -> Option<String> {
    let body = &event.body;
    Some(match event.stored.kind.as_str() {
        "screen_view" => format!("I opened {}", screen(body.screen.as_ref()?, labels).label),
        "product_view" => format!("I looked at {}", product(body.product.as_ref()?)),
        "search" => search(body.query.as_deref(), body.results),
        "cart_change" => cart_change(&product(body.product.as_ref()?), body.delta?),
        "order" => {
            let order = body.order.as_ref()?;
            let total = order.total.as_ref().map(price).map(|total| format!(" for {total}"));
            format!("I ordered{} (order {}: {})", total.unwrap_or_default(), order.id, order.status)
        }
        "failure" => format!("I saw an error ({})", body.failure.as_ref()?.code),
        "custom" => format!("I did: {}", body.name.as_ref()?.replace('_', " ")),
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

/// An amount with as many decimals as its currency has (ISO 4217).
fn price(price: &Price) -> String {
    let decimals = match price.currency.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    let sign = if price.minor < 0 { "-" } else { "" };
    let unit = 10_u64.pow(decimals);
    let minor = price.minor.unsigned_abs();
    if decimals == 0 {
        return format!("{sign}{minor} {}", price.currency);
    }
    let width = decimals as usize;
    format!("{sign}{}.{:0width$} {}", minor / unit, minor % unit, price.currency)
}

#[cfg(test)]
mod tests {
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
    fn an_amount_has_the_decimals_of_its_currency() {
        let amount = |minor, currency: &str| price(&Price { minor, currency: currency.to_owned() });
        assert_eq!(amount(13_076, "EUR"), "130.76 EUR");
        assert_eq!(amount(-5, "EUR"), "-0.05 EUR");
        assert_eq!(amount(500, "JPY"), "500 JPY");
        assert_eq!(amount(1_234, "KWD"), "1.234 KWD");
    }

    #[test]
    fn steps_read_as_the_customer_would_say_them() {
        assert_eq!(search(Some("tent"), Some(3)), "I searched for “tent”");
        assert_eq!(search(None, Some(0)), "I searched and found nothing");
        assert_eq!(cart_change("a tent", 2), "I put 2 × a tent in my cart");
        assert_eq!(cart_change("a tent", -1), "I took a tent out of my cart");
    }
}
