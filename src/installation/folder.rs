//! The folder, its lock, and the small files in it.
//!
//! | file | exists |
//! |---|---|
//! | `identity`, `place` | after a grant |
//! | `denied` | after a refusal |
//! | `erase` | after an erasure, until the collector has confirmed it and the customer has answered |
//!
//! A file is replaced by writing a temporary one and renaming it, so a kill cannot tear it.
//! [`Folder::sync`] makes the files survive a power cut; only the worker calls it, since it blocks.
//! When a file is written or deleted is decided in `state`; journal and store open their own files.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::identity_file::{Identity, InstallationId};
use super::notes::Notes;
use super::place_file::{self, Place};
use crate::error::Error;

const IDENTITY: &str = "identity";
const PLACE: &str = "place";
const DENIED: &str = "denied";
const ERASE: &str = "erase";

/// The content of the small files, as found.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub identity: Option<Identity>,
    /// There is an `identity` file whose content is damaged. (A file that cannot be accessed is an
    /// error.)
    pub identity_lost: bool,
    /// After a refusal: the installations that the collector may know.
    pub refused: Option<Vec<InstallationId>>,
    /// After an erasure: the installations that the collector has yet to erase.
    pub erasures: Option<Vec<InstallationId>>,
    pub place: Place,
}

/// The journey's folder, locked against other journeys and processes for as long as this value
/// lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Holds the lock; nothing is read through it.
    handle: File,
    /// Why there is no lock, on a file system that does not support locks.
    pub lock_trouble: Option<io::Error>,
}

impl Folder {
    /// Makes the folder if it is missing, and locks it.
    ///
    /// # Errors
    /// [`Error::InUse`] if another journey holds the lock; [`Error::Io`] or [`Error::NotUnlocked`]
    /// if the folder cannot be made or opened.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        // One system call if the folder exists already, as it nearly always does.
        let handle = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_private(path).map_err(Error::io("make the folder"))?;
                File::open(path)
            }
            other => other,
        };
        let handle = handle.map_err(Error::io("open the folder"))?;
        let lock_trouble = match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => None,
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(Error::InUse),
            Err(errno) => Some(io::Error::from(errno)),
        };
        Ok(Self { path: path.to_owned(), handle, lock_trouble })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads the small files.
    pub(crate) fn load(&self) -> Result<Stored, Error> {
        let mut stored = Stored::default();
        if let Some(bytes) = self.read(IDENTITY)? {
            stored.identity = Identity::decode(&bytes);
            stored.identity_lost = stored.identity.is_none();
        }
        if let Some(marked) = self.read(PLACE)?.and_then(|bytes| place_file::decode(&bytes)) {
            let is_here = marked == self.inode()?;
            stored.place = if is_here { Place::Here } else { Place::Elsewhere };
        }
        stored.refused = self.read(DENIED)?.map(|bytes| ids(&bytes));
        stored.erasures = self.read(ERASE)?.map(|bytes| ids(&bytes));
        Ok(stored)
    }

    pub(crate) fn save(&self, identity: &Identity) -> Result<(), Error> {
        self.replace(IDENTITY, &identity.encode())
    }

    /// Writes what the notes say. A `denied` that they no longer ask for stays.
    pub(crate) fn write_notes(&self, notes: &Notes) -> Result<(), Error> {
        if notes.is_denied() {
            self.deny(notes.refused())?;
        }
        self.set_erasures(notes.erase_file())
    }

    /// Marks this folder as the one in which the installation was made.
    pub(crate) fn mark_place(&self) -> Result<(), Error> {
        self.replace(PLACE, &place_file::encode(self.inode()?))
    }

    /// Marks this folder as that of an installation which lives on elsewhere. No folder has this number.
    pub(crate) fn mark_elsewhere(&self) -> Result<(), Error> {
        self.replace(PLACE, &place_file::encode(0))
    }

    fn inode(&self) -> Result<u64, Error> {
        let found = self.handle.metadata().map_err(Error::io("look at the folder"))?;
        Ok(found.ino())
    }

    /// Notes the refusal, and the installations whose erasure may still be asked for. Everything
    /// else is deleted after this, so that a kill in between leaves the refusal in place.
    pub(crate) fn deny(&self, refused: &[InstallationId]) -> Result<(), Error> {
        self.replace(DENIED, lines(refused).as_bytes())
    }

    pub(crate) fn undeny(&self) -> Result<(), Error> {
        self.remove(DENIED)
    }

    /// Notes an erasure, and the installations for which the collector still has to confirm it;
    /// with `None`, removes the note.
    pub(crate) fn set_erasures(&self, erasures: Option<&[InstallationId]>) -> Result<(), Error> {
        match erasures {
            Some(erasures) => self.replace(ERASE, lines(erasures).as_bytes()),
            None => self.remove(ERASE),
        }
    }

    /// Deletes everything but the two notes `denied` and `erase`, which may be written meanwhile.
    /// Deletes `identity` last: while it exists, the next process sees that a deletion was
    /// interrupted. `place` goes after it, since an `identity` without it passes for one that was
    /// made here; with `keep_place` it stays.
    pub(crate) fn wipe(&self, keep_place: bool) -> Result<(), Error> {
        for entry in fs::read_dir(&self.path).map_err(Error::io("list the folder"))? {
            let name = entry.map_err(Error::io("list the folder"))?.file_name();
            let is_note = |note: &str| name == *note || name == *temporary(note);
            if name != IDENTITY && name != PLACE && !is_note(DENIED) && !is_note(ERASE) {
                remove(&self.path.join(&name))?;
            }
        }
        self.remove(IDENTITY)?;
        if keep_place { Ok(()) } else { self.remove(PLACE) }
    }

    /// Deletes what a kill left of a note that was being written.
    pub(crate) fn remove_torn_notes(&self) -> Result<(), Error> {
        [DENIED, ERASE].iter().try_for_each(|note| self.remove(&temporary(note)))
    }

    /// Makes the small files, as they are now, survive a power cut. Blocks on the disk.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let mut files = Vec::new();
        for name in [IDENTITY, PLACE, DENIED, ERASE] {
            match File::open(self.path(name)) {
                Ok(file) => files.push(file),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("sync the folder's files")(error)),
            }
        }
        for file in files {
            file.sync_all().map_err(Error::io("sync the folder's files"))?;
        }
        self.handle.sync_all().map_err(Error::io("sync the folder"))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read the folder's files")(error)),
        }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let temporary = self.path(&temporary(name));
        let write = || -> io::Result<()> {
            // The ids are secrets: readable by this app alone, whoever made the folder.
            let mut options = File::options();
            let options = options.write(true).create(true).truncate(true).mode(0o600);
            options.open(&temporary)?.write_all(bytes)?;
            fs::rename(&temporary, self.path(name))
        };
        write().map_err(Error::io("write the folder's files"))
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        remove(&self.path(name))
    }
}

impl Drop for Folder {
    /// Unlocks explicitly. Closing the file is not enough while this process is starting another:
    /// until that one runs its own program, it shares the open files and with them the lock.
    fn drop(&mut self) {
        let _ = flock(&self.handle, FlockOperation::Unlock);
    }
}

/// Returns the name under which a file is written before it gets its own.
fn temporary(name: &str) -> String {
    format!("{name}.new")
}

/// Deletes a file that may be gone already.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("delete a file")(error)),
        _ => Ok(()),
    }
}

/// Returns the text of a note: each installation in a line of its own.
fn lines(ids: &[InstallationId]) -> String {
    ids.iter().map(|id| id.hex() + "\n").collect()
}

/// Reads the text of [`lines`]. A line that is damaged names nobody.
fn ids(bytes: &[u8]) -> Vec<InstallationId> {
    String::from_utf8_lossy(bytes).lines().filter_map(InstallationId::from_hex).collect()
}

/// Makes the folder and any missing parents, accessible to this app alone. Existing parents keep
/// their permissions.
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity {
        installation: InstallationId::from_bytes([0xab; 16]),
        epoch: 3,
        location: true,
        has_store: true,
        follows: true,
    };

    #[test]
    fn a_second_journey_of_the_same_folder_is_kept_out() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::open(&dir.path().join("a/b")).unwrap();
        assert!(matches!(Folder::open(&dir.path().join("a/b")), Err(Error::InUse)));
        drop(first);
        assert!(Folder::open(&dir.path().join("a/b")).is_ok());
    }

    #[test]
    fn what_is_missing_above_the_folder_is_made_for_this_app_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let mode =
            |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        let there = dir.path().join("app");
        fs::create_dir(&there).unwrap();
        fs::set_permissions(&there, fs::Permissions::from_mode(0o751)).unwrap();
        let folder = Folder::open(&there.join("no_backup/jalon")).unwrap();
        folder.save(&IDENTITY).unwrap();
        let modes = ["app", "app/no_backup", "app/no_backup/jalon"].map(mode);
        assert_eq!(modes, [0o751, 0o700, 0o700], "what was there stays as it was");
        assert_eq!(mode("app/no_backup/jalon/identity"), 0o600);
    }

    #[test]
    fn what_is_noted_is_found_again_and_wiping_leaves_only_the_notes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        folder.save(&IDENTITY).unwrap();
        folder.mark_place().unwrap();
        let [one, two, three] = [1, 2, 3].map(|byte| InstallationId::from_bytes([byte; 16]));
        folder.deny(&[three]).unwrap();
        folder.set_erasures(Some(&[one, two])).unwrap();
        fs::write(folder.path("journal-0"), b"x").unwrap();
        fs::write(folder.path("identity.new"), b"x").unwrap();
        fs::write(folder.path("erase.new"), b"x").unwrap();
        let stored = folder.load().unwrap();
        assert_eq!(stored.identity, Some(IDENTITY));
        assert_eq!(stored.refused, Some(vec![three]));
        assert_eq!(stored.erasures, Some(vec![one, two]));
        assert_eq!(stored.place, Place::Here);
        folder.wipe(false).unwrap();
        folder.remove_torn_notes().unwrap();
        folder.set_erasures(None).unwrap();
        let left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["denied"]);
    }
}
