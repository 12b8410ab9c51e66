//! A Maven repository in a folder, with one version of one library: what `maven { url = … }` in a
//! Gradle build can read.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::project::Project;

const GROUP: &str = "jalon";
const ARTIFACT: &str = "jalon-android";

/// The folder, and the version that goes into it.
pub(crate) struct Repository {
    folder: PathBuf,
    version: String,
}

impl Repository {
    /// A repository that has nothing yet.
    pub(crate) fn new(folder: PathBuf, version: String) -> Self {
        Self { folder, version }
    }

    /// The line that an app's build writes.
    pub(crate) fn coordinates(&self) -> String {
        format!("{GROUP}:{ARTIFACT}:{}", self.version)
    }

    /// Adds a file under the name that its kind has: `.aar`, `-sources.jar`, `-javadoc.jar`.
    pub(crate) fn add(&self, kind: &str, bytes: &[u8]) -> Result<()> {
        let name = format!("{ARTIFACT}-{}{kind}", self.version);
        write(&self.artifact().join(&self.version).join(name), bytes)
    }

    /// Adds the POM and the list of versions.
    pub(crate) fn describe(&self, project: &Project) -> Result<()> {
        self.add(".pom", self.pom(project).as_bytes())?;
        write(&self.artifact().join("maven-metadata.xml"), self.metadata().as_bytes())
    }

    fn artifact(&self) -> PathBuf {
        self.folder.join(GROUP).join(ARTIFACT)
    }

    fn pom(&self, project: &Project) -> String {
        let Self { version, .. } = self;
        let kotlin = &project.kotlin_stdlib;
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>{GROUP}</groupId>
  <artifactId>{ARTIFACT}</artifactId>
  <version>{version}</version>
  <packaging>aar</packaging>
  <name>Jalon for Android</name>
  <description>The agent who picks up a call sees what this customer just did in the app</description>
  <licenses>
    <license>
      <name>MIT OR Apache-2.0</name>
    </license>
  </licenses>
  <dependencies>
    <dependency>
      <groupId>org.jetbrains.kotlin</groupId>
      <artifactId>kotlin-stdlib</artifactId>
      <version>{kotlin}</version>
      <scope>compile</scope>
    </dependency>
  </dependencies>
</project>
"#
        )
    }

    /// Without the time of the last change, so that the same sources give the same bytes.
    fn metadata(&self) -> String {
        let Self { version, .. } = self;
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<metadata>
  <groupId>{GROUP}</groupId>
  <artifactId>{ARTIFACT}</artifactId>
  <versioning>
    <latest>{version}</latest>
    <release>{version}</release>
    <versions>
      <version>{version}</version>
    </versions>
  </versioning>
</metadata>
"#
        )
    }
}

/// Writes a file with its checksums beside it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file without a folder")?;
    fs::create_dir_all(folder)?;
    let sums = [
        ("", bytes.to_vec()),
        (".md5", hex::<Md5>(bytes)),
        (".sha1", hex::<Sha1>(bytes)),
        (".sha256", hex::<Sha256>(bytes)),
    ];
    for (kind, bytes) in sums {
        let mut name = path.as_os_str().to_owned();
        name.push(kind);
        fs::write(&name, bytes)
            .with_context(|| format!("could not write {}", name.to_string_lossy()))?;
    }
    Ok(())
}

fn hex<D: Digest>(bytes: &[u8]) -> Vec<u8> {
    let digest = D::digest(bytes);
    let mut hex = String::new();
    for byte in digest.as_slice() {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lays_files_out_as_maven_asks_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::new(folder.path().into(), "0.1.0".into());
        repository.add(".aar", b"abc").unwrap();
        repository.describe(&Project::read().unwrap()).unwrap();
        let artifact = folder.path().join("jalon/jalon-android");
        let aar = artifact.join("0.1.0/jalon-android-0.1.0.aar");
        assert_eq!(fs::read(&aar).unwrap(), b"abc");
        // FIPS 180-2, appendix B.1.
        let sum = fs::read_to_string(aar.with_extension("aar.sha256")).unwrap();
        assert_eq!(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let sum = fs::read_to_string(aar.with_extension("aar.sha1")).unwrap();
        assert_eq!(sum, "a9993e364706816aba3e25717850c26c9cd0d89d");
        let sum = fs::read_to_string(aar.with_extension("aar.md5")).unwrap();
        assert_eq!(sum, "900150983cd24fb0d6963f7d28e17f72");
        assert!(artifact.join("0.1.0/jalon-android-0.1.0.pom.sha1").is_file());
        let versions = fs::read_to_string(artifact.join("maven-metadata.xml")).unwrap();
        assert!(versions.contains("<version>0.1.0</version>"), "{versions}");
        assert_eq!(repository.coordinates(), "jalon:jalon-android:0.1.0");
    }

    #[test]
    fn the_pom_has_one_dependency_of_the_version_that_maven_builds_with() {
        let project = Project::read().unwrap();
        let pom = Repository::new(PathBuf::new(), "0.1.0".into()).pom(&project);
        let pom = roxmltree::Document::parse(&pom).unwrap();
        let text = |name: &str| {
            let found = pom.descendants().filter(|node| node.tag_name().name() == name);
            found.filter_map(|node| node.text()).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(text("packaging"), ["aar"]);
        assert_eq!(text("artifactId"), ["jalon-android", "kotlin-stdlib"]);
        assert_eq!(text("version"), ["0.1.0".to_owned(), project.kotlin_stdlib]);
    }
}
