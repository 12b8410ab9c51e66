//! What an agent reads in each state of a call.

#[path = "../examples/render/fixtures.rs"]
mod fixtures;

use fixtures::{MINUTE, NOW};
use jalon_desk::view::{ContextView, FreshnessState};
use jalon_desk::{EndReason, asset, ended, live, page};

fn html(view: &ContextView) -> String {
    page(view, NOW, "/desk/x/live", "/desk/assets/").unwrap_or_else(|error| error.to_string())
}

/// The words of the first glance, answer by answer, as they stand on the page.
fn glance(view: &ContextView) -> Vec<String> {
    let html = html(view);
    let list = html.split_once("<dl").and_then(|(_, rest)| rest.split_once("</dl>"));
    let list = list.map_or("", |(list, _)| list);
    list.split("<dt>").skip(1).map(words).collect()
}

/// Everything between the tags, blanks as one.
fn words(html: &str) -> String {
    let mut text = String::new();
    let mut hidden = false;
    for part in html.split('<') {
        let (tag, rest) = part.split_once('>').unwrap_or(("", part));
        hidden |= tag.contains(" hidden");
        if !hidden {
            text.push_str(rest);
            text.push(if tag.starts_with('/') || tag.starts_with("dd") { ' ' } else { '\0' });
        }
        hidden &= !tag.starts_with("/span");
    }
    let text = text.replace('\0', "").replace('\u{a0}', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",")
}

#[test]
fn the_first_glance_says_who_stuck_on_about_and_how_fresh() {
    assert_eq!(
        glance(&fixtures::live()),
        [
            "Who 515136153 Verified",
            "Stuck on Payment for 2 min 10 s Card declined, 1 min ago",
            "About Galaxy A10 Billing",
            "How fresh Live",
        ]
    );
}

#[test]
fn an_old_picture_says_so_and_what_is_not_here() {
    let view = fixtures::pending();
    assert_eq!(glance(&view)[3], "How fresh Synced 26 min ago 12 newer steps pending, 3 missing");
    assert!(words(&html(&view)).contains(
        "Not in this list: 3 missing without a known reason, 2 too old when the phone came online, \
         41 dropped on the phone for want of room."
    ));
}

#[test]
fn a_leased_code_without_its_call_says_the_app_has_not_confirmed_it() {
    assert_eq!(
        glance(&fixtures::not_confirmed()),
        [
            "Who 515136153 Not verified Not confirmed by the app",
            "Stuck on returns/{order}/label",
            "About Galaxy A10",
            "How fresh Synced 26 min ago newer steps pending",
        ]
    );
}

#[test]
fn the_newest_order_is_what_the_call_is_about_when_nothing_newer_is() {
    assert_eq!(glance(&fixtures::synced())[2], "About Order A-20544 Awaiting payment Delivery");
    let mut view = fixtures::synced();
    view.orders[0].at = NOW - 10 * MINUTE;
    assert_eq!(glance(&view)[2], "About Galaxy A10 Delivery");
}

#[test]
fn a_complete_picture_is_only_as_old_as_it_says() {
    assert_eq!(glance(&fixtures::synced())[3], "How fresh Synced 7 min ago");
    let mut view = fixtures::synced();
    view.freshness.missing = 1;
    assert_eq!(glance(&view)[3], "How fresh Synced 7 min ago 1 step missing");
}

#[test]
fn one_pending_step_is_one_step() {
    let mut view = fixtures::live();
    view.freshness.state = FreshnessState::Pending;
    view.freshness.pending = 1;
    assert_eq!(glance(&view)[3], "How fresh Synced just now 1 newer step pending");
}

#[test]
fn a_call_that_shares_one_screen_says_so_and_claims_nothing_else() {
    let view = fixtures::this_screen_only();
    assert_eq!(glance(&view)[0], "Who Not shared");
    assert_eq!(glance(&view)[2], "About Not shared");
    let page = words(&html(&view));
    assert!(page.contains("The customer chose to share only this screen."));
    for claim in ["No steps", "No orders", "No products", "Location not shared"] {
        assert!(!page.contains(claim), "{claim}");
    }
}

#[test]
fn knowing_nothing_is_said_plainly() {
    let view = fixtures::nothing_known();
    assert_eq!(
        glance(&view),
        [
            "Who Unknown customer Not confirmed by the app",
            "Stuck on No screen known",
            "About Not known yet",
            "How fresh Nothing received steps pending",
        ]
    );
    assert!(words(&html(&view)).contains("No steps yet No products seen No orders"));
}

#[test]
fn a_failure_on_another_screen_names_it() {
    let mut view = fixtures::live();
    view.last_screen = Some(fixtures::screen("help", "Help", None));
    assert_eq!(glance(&view)[1], "Stuck on Help Card declined on Payment, 1 min ago");
}

#[test]
fn names_that_are_markup_stay_text() {
    let page = html(&fixtures::hostile());
    for live in ["<script>alert", "<img", "<b>bold"] {
        assert!(!page.contains(live), "{live}");
    }
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    assert!(page.contains("{{ 7*7 }}"));
}

#[test]
fn two_hundred_steps_are_counted_and_the_older_ones_folded() {
    let page = words(&html(&fixtures::hostile()));
    assert!(page.contains("Last steps 200"));
    assert!(page.contains("175 earlier"));
}

#[test]
fn the_page_carries_neither_the_token_nor_anything_in_its_title() {
    let view = fixtures::live();
    let page = html(&view);
    assert!(!page.contains(view.call.token.as_deref().unwrap()));
    assert!(page.contains("<title>Call · Jalon desk</title>"));
}

#[test]
fn the_pages_keep_to_a_strict_content_security_policy() {
    let mut pages = vec![html(&fixtures::live())];
    for why in [EndReason::Expired, EndReason::Invalid, EndReason::Erased] {
        pages.push(ended(why, "/desk/assets").unwrap());
    }
    for page in pages {
        assert!(page.contains("href=\"/desk/assets/desk.css\""), "{page}");
        for inline in ["style=", "<style", " onclick", "javascript:", "http://", "https://", "//"] {
            let page = page.replace("<!doctype html>", "");
            assert!(!page.contains(inline), "{inline}");
        }
        assert_eq!(page.matches("<script").count(), page.matches("<script src=").count());
    }
}

#[test]
fn an_update_carries_the_same_content_as_the_page() {
    let view = fixtures::live();
    let update = live(&view, NOW).unwrap();
    assert!(html(&view).contains(&update));
    assert!(update.starts_with("<div id=\"context\" data-now=\"1795357925000\">"));
}

#[test]
fn an_update_holds_no_carriage_return() {
    let mut view = fixtures::live();
    view.call.topic = Some("two\r\nlines\rthree".to_owned());
    let update = live(&view, NOW).unwrap();
    assert!(!update.contains('\r') && update.contains("lines three"));
}

#[test]
fn a_link_that_ended_says_what_to_do() {
    let read = |why| words(&ended(why, "").unwrap());
    assert!(read(EndReason::Expired).contains("This link has expired"));
    assert!(
        read(EndReason::Invalid).contains("Open the call again in your contact-centre platform")
    );
    assert!(read(EndReason::Erased).contains("The customer erased their data"));
}

#[test]
fn every_file_the_pages_name_is_served() {
    let page = html(&fixtures::live());
    for name in page.split("/desk/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
        let (media_type, content) = asset(name).unwrap();
        assert!(!media_type.is_empty() && !content.is_empty());
    }
    assert!(asset("../Cargo.toml").is_none());
}
