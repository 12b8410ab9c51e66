//! What the system offers through unsafe calls alone: a file mapped into memory, the priority of a
//! thread on Apple's systems, and word of a fork. The core's only module that may be `unsafe`; each
//! use says why it is sound.
//!
//! Decides nothing: what is mapped, and when, is `journal`'s.

#![allow(unsafe_code, reason = "a mapped file, and functions of the C library that std lacks")]

use std::fs::File;
use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{MmapMut, MmapOptions};

/// How much less important the worker's thread is than the app's, as `nice` counts: Android's own
/// level for work in the background.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WORKER_NICE: i32 = 10;

/// The first bytes of a file, mapped into memory: what is written here is in the file at once, and
/// stays when the process is killed.
#[derive(Debug)]
pub(crate) struct Map(MmapMut);

impl Map {
    /// Maps the first `bytes` of a file. They must be there: a page beyond the file's end ends the
    /// process with SIGBUS when it is touched, so nobody may shorten the file while it is mapped.
    ///
    /// # Errors
    /// Whatever the system says: many file systems of odd kinds cannot be mapped.
    pub(crate) fn of(file: &File, bytes: usize) -> io::Result<Self> {
        // Safe Rust demands that the bytes behind a reference change by nobody else's hand. The file
        // is in the journey's own folder, which is locked against every other journey, and this
        // crate has one map of it and no other writer beyond its header, which is not read through
        // the map.
        unsafe { MmapOptions::new().len(bytes).map_mut(file) }.map(Self)
    }

    /// Returns the mapped bytes.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Has the calling thread give way to the app's threads. Without effect where the system refuses.
pub(crate) fn lower_priority() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // On Linux this is about the calling thread alone.
        let _ = rustix::process::setpriority_process(None, WORKER_NICE);
    }
    #[cfg(target_vendor = "apple")]
    {
        // Sound: it takes two numbers, and is about the calling thread alone.
        let _ =
            unsafe { libc::pthread_set_qos_class_self_np(libc::qos_class_t::QOS_CLASS_UTILITY, 0) };
    }
}

/// How many forks lie between this process and the first of its line that asked.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// A process. Whoever holds one can tell whether it was forked off meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    /// Returns the calling process.
    pub(crate) fn current() -> Self {
        static WATCH: Once = Once::new();
        WATCH.call_once(|| {
            extern "C" fn count() {
                FORKS.fetch_add(1, Ordering::Relaxed);
            }
            // Sound: the function touches one atomic, as is allowed between fork and exec. If it
            // cannot be registered (out of memory), a fork goes unnoticed.
            let _ = unsafe { libc::pthread_atfork(None, None, Some(count)) };
        });
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Returns whether this is still the calling process, and not one that it was forked from. No
    /// system call.
    pub(crate) fn is_current(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }
}
