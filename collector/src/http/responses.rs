//! The answers that several routes share, as `/openapi.json` describes them: each is stated once.
//!
//! Nothing is answered from here; what becomes which status is in `problem`.

use jalon_desk::view::ContextView;
use utoipa::IntoResponses;

use super::problem::Problem;
use crate::wire::UploadAnswer;

/// The answers to an upload, beside those of [`WriteResponses`].
#[derive(IntoResponses)]
#[allow(dead_code, reason = "read by utoipa alone")]
pub(super) enum UploadResponses {
    /// Stored, except what `rejected` names
    #[response(status = 200)]
    Stored(UploadAnswer),
    /// Not JSON, or a field of the wrong type
    #[response(status = 400)]
    Malformed(Problem),
    /// Another phone has sent other events under the same numbers: one is a copy of the other
    #[response(status = 409)]
    Conflict(Problem),
    /// The installation was erased
    #[response(status = 410)]
    Erased(Problem),
    /// Too many events or bytes
    #[response(status = 413)]
    TooLarge(Problem),
}

/// The answers of every route that needs a write key.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "read by utoipa alone")]
pub(super) enum WriteResponses {
    /// No key, or an unknown one
    #[response(status = 401)]
    NoKey(Problem),
    /// Not a write key, or another app's installation
    #[response(status = 403)]
    Forbidden(Problem),
    /// A value is not valid, such as the id of an installation
    #[response(status = 422)]
    Invalid(Problem),
    /// Over the key's quota: see Retry-After
    #[response(status = 429)]
    Throttled(Problem),
    /// Busy: see Retry-After
    #[response(status = 503)]
    Busy(Problem),
}

/// The answers to a look-up.
#[derive(IntoResponses)]
#[allow(dead_code, clippy::large_enum_variant, reason = "read by utoipa alone")]
pub(super) enum LookUpResponses {
    /// The context of the call
    #[response(status = 200)]
    Found(ContextView),
    /// Not readable, no `call_id`, or more than one of `token`, `code`, `uui`
    #[response(status = 400)]
    Malformed(Problem),
    /// No key, or an unknown one
    #[response(status = 401)]
    NoKey(Problem),
    /// Not a contact-centre key
    #[response(status = 403)]
    Forbidden(Problem),
    /// Unknown, expired or claimed; or nothing to look up by
    #[response(status = 404)]
    NoContext(Problem),
    /// Not a token or a code: a digit was mistyped or misheard
    #[response(status = 422)]
    Invalid(Problem),
    /// Too many codes that do not exist: see Retry-After
    #[response(status = 429)]
    Throttled(Problem),
}
