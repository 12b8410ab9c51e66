//! Opens the store. One that cannot be used is set aside, and a new one replaces it. `error`
//! decides which errors mean that.

use super::handle::Handle;
use crate::clock::Now;
use crate::config::{Config, SET_ASIDE_KEPT_MS};
use crate::error::Error;
use crate::installation::{Identity, remove};
use crate::store::{self, Limits, Store};

/// Opens the store of an installation and epoch, and makes it if there was none.
pub(super) fn open_store(
    handle: &Handle,
    config: &Config,
    identity: Identity,
    now: Now,
) -> Result<Store, Error> {
    let path = config.folder.join(store::FILE);
    let limits = limits(config, handle.recorder.clock().now());
    let installation = identity.installation.as_bytes();
    let open = if identity.has_store { Store::open_again } else { Store::open };
    let mut opened = open(&path, installation, identity.epoch, limits, now);
    if opened.as_ref().is_err_and(Error::condemns_the_store) {
        // Once more: a disk that fails to read a page once looks like damage, too.
        opened = open(&path, installation, identity.epoch, limits, now);
    }
    let mut store = match opened {
        Err(error) if error.condemns_the_store() => replace_store(handle, config, &error, now)?,
        other => other?,
    };
    if identity.follows {
        store.begin_unknown(now)?;
    }
    Ok(store)
}

/// Sets aside a store whose content is damaged, and begins the next epoch in a new one. The epoch
/// is raised first, durably: whatever happens after that, no `seq` is given twice.
fn replace_store(
    handle: &Handle,
    config: &Config,
    cause: &Error,
    now: Now,
) -> Result<Store, Error> {
    log::error!("the store is set aside, and a new epoch begins: {cause}");
    let path = |name: &str| config.folder.join(name);
    let lost = store::count_lost(&path(store::FILE));
    let Some(identity) = handle.installation.raise_epoch()? else {
        return Err(Error::StoreUnusable("there is no identity whose epoch could be raised"));
    };
    for suffix in ["-wal", "-shm"] {
        remove(&path(&format!("{}{suffix}", store::FILE)))?;
    }
    std::fs::rename(path(store::FILE), path(store::SET_ASIDE))
        .map_err(Error::io("set the store aside"))?;
    let limits = limits(config, handle.recorder.clock().now());
    let installation = identity.installation.as_bytes();
    let mut store = Store::open(&path(store::FILE), installation, identity.epoch, limits, now)?;
    store.note_lost(lost, now)?;
    Ok(store)
}

/// Returns the store's share of the quota, less the size of a store that was set aside. Deletes the
/// latter if it is too old or takes more than half of the share.
fn limits(config: &Config, now: Now) -> Limits {
    let path = config.folder.join(store::SET_ASIDE);
    let bytes_max = config.store_bytes();
    let aside = path.metadata().ok().map_or(0, |file| {
        let age_ms = file.modified().ok().map_or(0, |at| now.wall_ms - unix_ms(at));
        if file.len() > bytes_max / 2 || age_ms > SET_ASIDE_KEPT_MS {
            // A failure costs only disk space; the next opening tries again.
            let _ = remove(&path);
            0
        } else {
            file.len()
        }
    });
    let time_to_live_ms = u64::try_from(config.time_to_live.as_millis());
    Limits {
        bytes_max: bytes_max - aside,
        time_to_live_ms: time_to_live_ms.unwrap_or(u64::MAX).min(i64::MAX as u64),
    }
}

fn unix_ms(at: std::time::SystemTime) -> i64 {
    at.duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
