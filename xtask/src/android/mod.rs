//! Android without Gradle: type check, native libraries, AAR, R8.
//!
//! The Kotlin library itself is Maven's (`kotlin.rs`); here is what Google's build tools would do
//! with it.

pub(crate) mod aar;
mod dex;
mod native;
mod project;
mod repository;
pub(crate) mod shrink;
pub(crate) mod types;
