//! The floor: takes a request, appends its body to a file, syncs, answers. Who waits together is
//! synced together.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use anyhow::Result;
use jalon_benches::http::read_head;

type Job = (Vec<u8>, Sender<()>);

/// A bare server; it serves until the process ends.
pub(crate) struct Bare {
    /// Where it listens.
    pub(crate) address: String,
}

impl Bare {
    /// Starts it.
    pub(crate) fn start(log: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let file = File::create(log)?;
        let (jobs, queue) = mpsc::channel();
        thread::spawn(move || append_all(file, &queue));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let jobs = jobs.clone();
                // A connection that breaks ends its thread.
                thread::spawn(move || serve(stream, &jobs));
            }
        });
        Ok(Self { address })
    }
}

fn append_all(mut file: File, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let group: Vec<Job> = std::iter::once(first).chain(queue.try_iter()).collect();
        let bytes: Vec<u8> = group.iter().flat_map(|(body, _)| body).copied().collect();
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for (_, answer) in group {
            // Whoever waited may have gone.
            let _ = answer.send(());
        }
    }
}

fn serve(stream: TcpStream, jobs: &Sender<Job>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(64 * 1024, stream);
    while let Some((_, length)) = read_head(&mut stream)? {
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let (answer, answered) = mpsc::channel();
        jobs.send((body, answer))?;
        answered.recv()?;
        stream.get_mut().write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"stored\":1}",
        )?;
    }
    Ok(())
}
