//! `cargo xtask aar`: what an Android app's build takes, as a Maven repository in a folder.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::native::{self, ABIS, Ndk};
use super::project::{self, Project};
use super::repository::Repository;
use super::shrink;
use crate::kotlin;

/// How a version says that its native libraries are not in it.
const WITHOUT: &str = "-without-native";

/// In the AAR, and printed.
const MISSING: &str = "\
This archive has no native libraries: there was no Android NDK where it was built.
An app that uses it builds, and records nothing. To have it whole, set ANDROID_NDK_HOME to an
Android NDK (r26 or later) and run `cargo xtask aar` again.
";

/// Assembles the AAR and its repository, and measures what it adds to an app.
pub(crate) fn run() -> Result<()> {
    let project = Project::read()?;
    // First, since a wrong ANDROID_NDK_HOME should not be found after minutes.
    let ndk = Ndk::of_environment(project.min_sdk)?;
    kotlin::bindings(true)?;
    kotlin::package(true)?;
    let mut libraries = Vec::new();
    if let Some(ndk) = &ndk {
        for abi in &ABIS {
            libraries.push((abi.name, fs::read(ndk.build(abi)?)?));
        }
    }
    let folder = crate::target().join("aar");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("could not clear target/aar")?;
    }
    let mark = if ndk.is_some() { "" } else { WITHOUT };
    let version = format!("{}{mark}", project.version);
    let aar = assemble(&project, &jar(&project.jar("jalon", ""))?, &libraries)?;
    let repository = Repository::new(folder.join("repository"), version.clone());
    repository.add(".aar", &aar)?;
    for kind in ["-sources", "-javadoc"] {
        let jar = jar(&project.jar("jalon", kind))?;
        repository.add(&format!("{kind}.jar"), &pack(&jar)?)?;
    }
    repository.describe(&project)?;
    let name = format!("jalon-android-{version}.aar");
    fs::write(folder.join(&name), &aar)?;
    let sizes = shrink::sizes(&project)?;
    println!("\n{name}: {} KiB", aar.len().div_ceil(1024));
    for (abi, library) in &libraries {
        println!("  {abi}: {} KiB before compression", library.len().div_ceil(1024));
    }
    println!("{sizes}");
    println!("\nAn app's Gradle build:");
    println!("  repositories {{ maven {{ url = uri(\"{}\") }} }}", repository_uri(&folder)?);
    println!("  dependencies {{ implementation(\"{}\") }}", repository.coordinates());
    if ndk.is_none() {
        println!("\n{MISSING}");
    }
    Ok(())
}

fn repository_uri(folder: &Path) -> Result<String> {
    Ok(folder.join("repository").canonicalize()?.display().to_string())
}

/// A file of an archive: its path there, and its bytes.
type Entry = (String, Vec<u8>);

/// A native library: the ABI's name, and its bytes.
type Library = (&'static str, Vec<u8>);

/// The AAR's bytes, in the layout that Android's build tools document.
fn assemble(project: &Project, classes: &[Entry], libraries: &[Library]) -> Result<Vec<u8>> {
    let text = |path: &Path| project::read(path).map(String::into_bytes);
    let mut entries = vec![
        ("AndroidManifest.xml".to_owned(), text(&project::manifest("jalon"))?),
        ("classes.jar".to_owned(), pack(classes)?),
        ("proguard.txt".to_owned(), text(&project::folder().join("jalon/consumer-rules.pro"))?),
        // The library has no resources.
        ("R.txt".to_owned(), Vec::new()),
        (
            "META-INF/com/android/build/gradle/aar-metadata.properties".to_owned(),
            metadata(project).into_bytes(),
        ),
    ];
    for (abi, library) in libraries {
        entries.push((format!("jni/{abi}/{}", native::NAME), library.clone()));
    }
    if libraries.is_empty() {
        entries.push(("NATIVE-LIBRARIES-MISSING.txt".to_owned(), MISSING.as_bytes().to_vec()));
    }
    pack(&entries)
}

/// What Android's Gradle plugin checks in an app that takes the library. Nothing in the manifest or
/// in a public signature is newer than the oldest Android that the library runs on, so an app may
/// compile against that one.
fn metadata(project: &Project) -> String {
    format!(
        "aarFormatVersion=1.0\naarMetadataVersion=1.0\nminCompileSdk={}\n\
         minCompileSdkExtension=0\nminAndroidGradlePluginVersion=1.0.0\n\
         coreLibraryDesugaringEnabled=false\n",
        project.min_sdk
    )
}

/// The files of a jar, less what Maven adds for itself: it would clash with other libraries' in an
/// app, and holds the time of the build.
fn jar(path: &Path) -> Result<Vec<Entry>> {
    let bytes =
        fs::read(path).with_context(|| format!("Maven should have built {}", path.display()))?;
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let name = file.name()?.into_owned();
        let of_maven = name.starts_with("META-INF/maven/") || name == "META-INF/MANIFEST.MF";
        if file.is_file() && !of_maven {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            entries.push((name, bytes));
        }
    }
    entries.sort();
    Ok(entries)
}

/// A zip archive whose bytes depend on its files alone.
fn pack(entries: &[Entry]) -> Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(name.as_str(), options)?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(archive: Vec<u8>) -> Vec<Entry> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an.aar");
        fs::write(&path, archive).unwrap();
        jar(&path).unwrap()
    }

    fn names(archive: Vec<u8>) -> Vec<String> {
        contents(archive).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn lays_the_aar_out_as_androids_build_tools_ask_for_it() {
        let project = Project::read().unwrap();
        let classes = [("jalon/android/Journey.class".to_owned(), b"class".to_vec())];
        let libraries = ABIS.map(|abi| (abi.name, abi.name.as_bytes().to_vec()));
        let aar = assemble(&project, &classes, &libraries).unwrap();
        assert_eq!(aar, assemble(&project, &classes, &libraries).unwrap(), "the same bytes again");
        assert_eq!(
            names(aar.clone()),
            [
                "AndroidManifest.xml",
                "META-INF/com/android/build/gradle/aar-metadata.properties",
                "R.txt",
                "classes.jar",
                "jni/arm64-v8a/libjalon.so",
                "jni/armeabi-v7a/libjalon.so",
                "jni/x86_64/libjalon.so",
                "proguard.txt",
            ]
        );
        let inside = contents(aar).into_iter().find(|(name, _)| name == "classes.jar").unwrap();
        assert_eq!(contents(inside.1), classes);
    }

    #[test]
    fn says_in_the_archive_that_native_libraries_are_missing() {
        let aar = assemble(&Project::read().unwrap(), &[], &[]).unwrap();
        assert!(names(aar).contains(&"NATIVE-LIBRARIES-MISSING.txt".to_owned()));
    }

    #[test]
    fn leaves_out_what_maven_adds_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jar");
        let files = ["META-INF/maven/jalon/pom.xml", "b/C.class", "META-INF/MANIFEST.MF", "a.txt"];
        let files = files.map(|name| (name.to_owned(), b"x".to_vec()));
        fs::write(&path, pack(&files).unwrap()).unwrap();
        let kept: Vec<_> = jar(&path).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(kept, ["a.txt", "b/C.class"]);
    }
}
