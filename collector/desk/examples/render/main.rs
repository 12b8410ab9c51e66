//! Writes the desk in each of its states into a folder, to be looked at:
//! `cargo run -p jalon-desk --example render -- DIR`.

mod fixtures;

use std::error::Error;
use std::fs;
use std::path::Path;

use jalon_desk::EndReason;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: render DIR")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    for (name, view) in [
        ("live", fixtures::live()),
        ("synced", fixtures::synced()),
        ("pending", fixtures::pending()),
        ("not_confirmed", fixtures::not_confirmed()),
        ("this_screen_only", fixtures::this_screen_only()),
        ("nothing_known", fixtures::nothing_known()),
        ("hostile", fixtures::hostile()),
    ] {
        let page = jalon_desk::page(&view, fixtures::NOW, "live", ".")?;
        fs::write(folder.join(name).with_extension("html"), page)?;
    }
    for (name, why) in [
        ("expired", EndReason::Expired),
        ("invalid", EndReason::Invalid),
        ("erased", EndReason::Erased),
    ] {
        fs::write(folder.join(name).with_extension("html"), jalon_desk::ended(why, ".")?)?;
    }
    for name in ["desk.css", "desk.js", "desk.svg"] {
        let (_, content) = jalon_desk::asset(name).ok_or("an asset is missing")?;
        fs::write(folder.join(name), content)?;
    }
    Ok(())
}
