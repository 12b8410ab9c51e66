//! What a call carries, for each carrier: with a number or without, and with one that is none.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use jalon::{CallRequest, DropReason, JourneyError};
use support::Phone;

#[test]
fn a_call_that_no_dialer_places_has_everything_but_a_dial_string() {
    let phone = Phone::running();
    phone.settle();
    let call = phone.journey().call_context(&CallRequest::without_number().about("chat")).unwrap();
    assert_eq!(call.dial_string, None);
    assert!(call.token.is_some() && call.user_to_user.is_some());
}

#[test]
fn a_number_that_is_none_uses_up_no_code_and_is_counted() {
    let phone = Phone::running();
    phone.settle();
    let codes = phone.status().codes;
    let refused = phone.journey().call_context(&CallRequest::to("call me"));
    assert_eq!(refused, Err(JourneyError::PhoneNumber));
    phone.settle();
    let status = phone.accounted(1);
    assert_eq!((status.codes, status.dropped.get(DropReason::Invalid)), (codes, 1));
}
