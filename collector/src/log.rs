//! Where log lines go: to stderr, by a thread of its own. Whoever logs neither waits nor fails: a line for
//! which there is no room, or which cannot be written, is dropped and counted.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// Lines that wait while stderr takes none: a burst.
const LINES_MAX: usize = 1_024;
/// How long the end of the program waits for the lines before it.
const END_MAX: Duration = Duration::from_secs(1);

enum Item {
    Line(Vec<u8>),
    /// Everything before it is written.
    End(SyncSender<()>),
}

/// The way to stderr. Clones share it.
#[derive(Clone)]
pub(crate) struct Log {
    queue: SyncSender<Item>,
    dropped: Counter,
}

impl Log {
    /// Starts the thread that writes.
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, items) = mpsc::sync_channel(LINES_MAX);
        let dropped = Counter::default();
        thread::Builder::new().name("jalon-log".to_owned()).spawn({
            let dropped = dropped.clone();
            move || write(&items, &dropped)
        })?;
        Ok(Self { queue, dropped })
    }

    /// Counts the lines that were dropped.
    pub(crate) fn dropped(&self) -> Counter {
        self.dropped.clone()
    }

    /// Waits until the lines so far are written, for a second at most.
    pub(crate) fn finish(&self) {
        let (done, end) = mpsc::sync_channel(1);
        if self.queue.try_send(Item::End(done)).is_ok() {
            let _ = end.recv_timeout(END_MAX);
        }
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Item::Line(line.to_owned())).is_err() {
            self.dropped.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(items: &Receiver<Item>, dropped: &Counter) {
    for item in items {
        match item {
            Item::Line(line) if io::stderr().write_all(&line).is_err() => drop(dropped.inc()),
            Item::Line(_) => {}
            Item::End(done) => drop(done.try_send(())),
        }
    }
}
