//! The Swift package: what is generated of it, its tests on Linux, the types of its Apple half, and
//! the XCFramework.

pub(crate) mod framework;
mod macho;
mod privacy;
mod sdk;
mod surface;
pub(crate) mod swift;
mod types;

use anyhow::Result;

/// The part `swift` of the tests: everything that needs no Apple target built.
pub(crate) fn test() -> Result<()> {
    swift::bindings(true)?;
    swift::test()?;
    types::check()
}
