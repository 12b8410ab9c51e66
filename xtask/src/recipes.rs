//! `docs/recipes`: what a contact centre copies, run against a real collector as far as it runs
//! without its platform, and held to its format where it does not.

use anyhow::Result;

use crate::node::node_tests;
use crate::tools::{self, need, need_file};

/// Where Debian puts the JSON library that stands in for FreeSWITCH's own.
const LUA_CJSON: &str = "/usr/share/lua/5.2/cjson/util.lua";

/// Runs the recipes' own tests.
pub(crate) fn test() -> Result<()> {
    const WHY: &str = "the tests of the recipes";
    need("curl", "curl", WHY)?;
    need("xmllint", "libxml2-utils", WHY)?;
    // The Lua that FreeSWITCH embeds; `luac5.2` comes with it.
    need("lua5.2", "lua5.2", WHY)?;
    need_file(LUA_CJSON, "lua-cjson", WHY)?;
    tools::run(&mut node_tests("docs/recipes/tests", WHY)?)
}
