//! Reads `android/`'s own files: versions from `pom.xml`, components from the manifests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use roxmltree::{Document, Node};

const ANDROID: &str = "http://schemas.android.com/apk/res/android";

/// The project, as far as an AAR or an app's build wants to know it.
pub(crate) struct Project {
    /// The library's version.
    pub(crate) version: String,
    /// Of the one dependency.
    pub(crate) kotlin_stdlib: String,
    /// Of the framework's classes.
    pub(crate) android_all: String,
    /// The oldest Android that the library runs on, as an API level.
    pub(crate) min_sdk: u32,
}

impl Project {
    /// Reads it.
    pub(crate) fn read() -> Result<Self> {
        let text = read(&folder().join("pom.xml"))?;
        let pom = Document::parse(&text).context("android/pom.xml is no XML")?;
        let project = pom.root_element();
        let properties = child(project, "properties");
        let property = |name: &str| {
            let value = properties.and_then(|all| child(all, name)?.text());
            value.map(str::to_owned).with_context(|| format!("android/pom.xml sets no {name}"))
        };
        let version = child(project, "version").and_then(|version| version.text());
        Ok(Self {
            version: version.context("android/pom.xml has no version")?.to_owned(),
            kotlin_stdlib: property("kotlin.stdlib.version")?,
            android_all: property("android.all.version")?,
            min_sdk: min_sdk(&read(&manifest("jalon"))?)?,
        })
    }

    /// What Maven built of a module, e.g. `jar("jalon", "")`, `jar("jalon", "-sources")`.
    pub(crate) fn jar(&self, module: &str, kind: &str) -> PathBuf {
        let name = format!("{}-{}{kind}.jar", artifact(module), self.version);
        folder().join(module).join("target").join(name)
    }
}

/// The Maven project's folder.
pub(crate) fn folder() -> PathBuf {
    crate::root().join("android")
}

/// A module's manifest.
pub(crate) fn manifest(module: &str) -> PathBuf {
    folder().join(module).join("src/main/AndroidManifest.xml")
}

/// A file's text, or which one is not there.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

fn artifact(module: &str) -> &str {
    match module {
        "jalon" => "jalon-android",
        "sample" => "jalon-android-sample",
        other => other,
    }
}

fn min_sdk(manifest: &str) -> Result<u32> {
    let manifest = Document::parse(manifest).context("the manifest is no XML")?;
    let level = child(manifest.root_element(), "uses-sdk")
        .and_then(|uses| uses.attribute((ANDROID, "minSdkVersion")))
        .context("the library's manifest has no minSdkVersion")?;
    Ok(level.parse()?)
}

/// The classes that a manifest names: the system makes them by name.
pub(crate) fn components(manifest: &str) -> Result<Vec<String>> {
    let manifest = Document::parse(manifest).context("the manifest is no XML")?;
    let root = manifest.root_element();
    let kinds = ["application", "activity", "service", "receiver", "provider"];
    let nodes = root.descendants().filter(|node| kinds.contains(&node.tag_name().name()));
    let names = nodes.filter_map(|node| node.attribute((ANDROID, "name")));
    names.map(|name| qualified(name, root.attribute("package"))).collect()
}

/// `.Shop` and `Shop` are of the manifest's package.
fn qualified(name: &str, package: Option<&str>) -> Result<String> {
    if name.find('.').is_some_and(|dot| dot > 0) {
        return Ok(name.to_owned());
    }
    let package = package.with_context(|| format!("{name} is of no package"))?;
    Ok(format!("{package}.{}", name.trim_start_matches('.')))
}

fn child<'a, 'input>(of: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    of.children().find(|node| node.has_tag_name(name) || node.tag_name().name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"<?xml version="1.0" encoding="utf-8"?>
        <manifest xmlns:android="http://schemas.android.com/apk/res/android" package="a.shop">
            <uses-sdk android:minSdkVersion="23" />
            <uses-permission android:name="android.permission.INTERNET" />
            <application android:name=".Shop">
                <activity android:name="List" />
                <service android:name="jalon.android.UploadService" />
                <meta-data android:name="x.y" />
            </application>
        </manifest>"#;

    #[test]
    fn finds_the_classes_that_a_manifest_names() {
        let names = components(MANIFEST).unwrap();
        assert_eq!(names, ["a.shop.Shop", "a.shop.List", "jalon.android.UploadService"]);
    }

    #[test]
    fn refuses_a_short_name_without_a_package() {
        let refusal = components(&MANIFEST.replace("package=\"a.shop\"", "")).unwrap_err();
        assert!(refusal.to_string().contains(".Shop"), "{refusal}");
    }

    #[test]
    fn reads_the_oldest_android() {
        assert_eq!(min_sdk(MANIFEST).unwrap(), 23);
    }

    #[test]
    fn reads_the_project_that_is_there() {
        let project = Project::read().unwrap();
        assert!(project.min_sdk >= 23);
        assert!(project.kotlin_stdlib.starts_with("2."), "{}", project.kotlin_stdlib);
        assert!(project.jar("jalon", "-sources").ends_with(format!(
            "android/jalon/target/jalon-android-{}-sources.jar",
            project.version
        )));
    }
}
