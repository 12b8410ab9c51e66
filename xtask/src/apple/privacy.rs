//! Checks `PrivacyInfo.xcprivacy`: it declares each required-reason API that the library uses, and no
//! other.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};

/// Apple's categories by the symbols that fall under them ("Describing use of required reason API").
const CATEGORIES: [(&str, &[&str]); 4] = [
    (
        "NSPrivacyAccessedAPICategoryFileTimestamp",
        &["_stat", "_fstat", "_fstatat", "_lstat", "_getattrlistat"],
    ),
    (
        "NSPrivacyAccessedAPICategoryDiskSpace",
        &["_statfs", "_statvfs", "_fstatfs", "_fstatvfs", "_getattrlist", "_fgetattrlist"],
    ),
    ("NSPrivacyAccessedAPICategorySystemBootTime", &["_mach_absolute_time"]),
    ("NSPrivacyAccessedAPICategoryUserDefaults", &["_OBJC_CLASS_$_NSUserDefaults"]),
];

/// Compares what the library asks for with what the manifest declares.
pub(crate) fn check(undefined: &BTreeSet<String>) -> Result<()> {
    let path = crate::root().join("ios/Sources/Jalon/PrivacyInfo.xcprivacy");
    let text = fs::read_to_string(&path)?;
    let used = used(undefined);
    let declared = declared(&text)?;
    ensure!(
        used == declared,
        "PrivacyInfo.xcprivacy declares {declared:?}, and the library uses {used:?}"
    );
    Ok(())
}

fn used(undefined: &BTreeSet<String>) -> BTreeSet<String> {
    // On Intel a symbol carries the version of the call, such as `$INODE64`.
    let asked: BTreeSet<&str> = undefined
        .iter()
        .map(|name| name.split_once("$INODE64").map_or(name.as_str(), |(plain, _)| plain))
        .collect();
    CATEGORIES
        .iter()
        .filter(|(_, symbols)| symbols.iter().any(|symbol| asked.contains(symbol)))
        .map(|(category, _)| (*category).to_owned())
        .collect()
}

fn declared(manifest: &str) -> Result<BTreeSet<String>> {
    let list = manifest
        .split_once("<key>NSPrivacyAccessedAPITypes</key>")
        .context("the privacy manifest declares no API")?
        .1;
    let values = list.split("<string>").skip(1).filter_map(|value| value.split('<').next());
    Ok(values.filter(|value| value.contains("Category")).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_falls_under_a_category() {
        let asked = ["_fstat$INODE64", "_mach_absolute_time", "_open"].map(str::to_owned).into();
        let found: Vec<_> = used(&asked).into_iter().collect();
        assert_eq!(
            found,
            [
                "NSPrivacyAccessedAPICategoryFileTimestamp",
                "NSPrivacyAccessedAPICategorySystemBootTime"
            ]
        );
    }
}
