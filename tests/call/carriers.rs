//! What a call carries, for each carrier: with a phone number, without one, and with other text.

use jalon::call::ContextToken;
use jalon::{CallRequest, DropReason, JourneyError};

use crate::support::Phone;

#[test]
fn a_call_has_the_exact_form_of_each_carrier() {
    let mut phone = Phone::new();
    phone.collector(|collector| collector.leases = vec![412_907_384]);
    phone.open();
    phone.views(["home"]);
    phone.upload_all();
    let call = phone.journey().call_context(&CallRequest::to("+33 1 23 45 67 89")).unwrap();
    let (token, code) = (call.token.unwrap().to_string(), call.code.unwrap().to_string());
    assert_eq!(call.dial_string.as_deref(), Some(&*format!("tel:+33123456789,,{code}")));

    let [uui, context] = &call.sip_headers[..] else { panic!("{:?}", call.sip_headers) };
    assert_eq!((&*context.name, &*context.value), ("X-Jalon-Context", &*token));
    let data = uui.value.strip_suffix(";encoding=hex;purpose=isdn-uui;content=isdn-uui").unwrap();
    assert_eq!((&*uui.name, data.len(), &data[..2]), ("User-to-User", 2 * 23, "00"));
    assert_eq!(ContextToken::from_user_to_user(&uui.value), call.token);

    let parameter = call.link_parameter.unwrap();
    assert_eq!((&*parameter.name, &*parameter.value), ("jalon_context", &*token));

    let spoken = call.spoken_code.unwrap();
    assert_eq!(spoken.replace(' ', ""), code);
    let groups: Vec<usize> = spoken.split(' ').map(str::len).collect();
    assert_eq!(groups, [3, 3, 3, 3, 1]);
    assert!(!format!("{:?}", call.sip_headers).contains(&token), "it may end up in a log");
}

#[test]
fn a_call_that_no_dialer_places_has_everything_but_a_dial_string() {
    let phone = Phone::running();
    phone.run_until_idle();
    let call = phone.journey().call_context(&CallRequest::without_number().about("chat")).unwrap();
    assert_eq!(call.dial_string, None);
    assert!(call.token.is_some() && !call.sip_headers.is_empty());
}

#[test]
fn what_is_not_a_phone_number_uses_up_no_code_and_is_counted() {
    let phone = Phone::running();
    phone.run_until_idle();
    let codes = phone.status().codes;
    let refused = phone.journey().call_context(&CallRequest::to("call me"));
    assert_eq!(refused, Err(JourneyError::PhoneNumber));
    phone.run_until_idle();
    let status = phone.accounted(1);
    assert_eq!((status.codes, status.dropped.get(DropReason::Invalid)), (codes, 1));
}
