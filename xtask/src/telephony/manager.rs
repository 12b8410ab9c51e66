//! Asterisk's own account of its calls, from its manager interface: when it answered, and when it
//! heard each digit.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};

use super::clock::{self, Moment};

/// A caller's call, as Asterisk heard it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// When Asterisk answered.
    pub(crate) answered: Option<Moment>,
    /// When the first digit began.
    pub(crate) first: Option<Moment>,
    /// When the last digit ended.
    pub(crate) last: Option<Moment>,
    /// The digits.
    pub(crate) digits: String,
}

/// A connection to the manager.
pub(crate) struct Manager {
    heard: Arc<Mutex<HashMap<String, Heard>>>,
    socket: TcpStream,
    thread: Option<JoinHandle<()>>,
}

impl Manager {
    /// Logs in, and listens until dropped.
    pub(crate) fn open(address: &str, user: &str, secret: &str) -> Result<Self> {
        let mut socket = TcpStream::connect(address).context("Asterisk's manager is not there")?;
        write!(
            socket,
            "Action: Login\r\nUsername: {user}\r\nSecret: {secret}\r\nEvents: call,dtmf\r\n\r\n"
        )?;
        let heard = Arc::new(Mutex::new(HashMap::new()));
        let (lines, into) = (BufReader::new(socket.try_clone()?), heard.clone());
        let thread = std::thread::spawn(move || {
            let mut event = HashMap::new();
            for line in lines.lines().map_while(Result::ok) {
                match line.split_once(": ") {
                    Some((name, value)) => {
                        event.insert(name.to_owned(), value.to_owned());
                    }
                    None if line.is_empty() => {
                        let mut heard = into.lock().unwrap_or_else(PoisonError::into_inner);
                        note(&mut heard, &std::mem::take(&mut event));
                    }
                    None => {}
                }
            }
        });
        Ok(Self { heard, socket, thread: Some(thread) })
    }

    /// What was heard of this caller's call, the newest one.
    pub(crate) fn of(&self, caller: &str) -> Heard {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(caller).cloned().unwrap_or_default()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // Closed already is just as well.
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn note(heard: &mut HashMap<String, Heard>, event: &HashMap<String, String>) {
    let field = |name: &str| event.get(name).map(String::as_str);
    // The agent's leg shows the same number; only the trunks' channels are callers.
    let is_caller = field("Channel").is_some_and(|channel| channel.starts_with("PJSIP/trunk-"));
    let Some(caller) = field("CallerIDNum").filter(|_| is_caller) else { return };
    match field("Event") {
        Some("Newchannel") => {
            heard.insert(caller.to_owned(), Heard::default());
        }
        Some("Newstate") if field("ChannelStateDesc") == Some("Up") => {
            heard.entry(caller.to_owned()).or_default().answered.get_or_insert(clock::now());
        }
        Some("DTMFBegin") if field("Direction") == Some("Received") => {
            heard.entry(caller.to_owned()).or_default().first.get_or_insert(clock::now());
        }
        Some("DTMFEnd") if field("Direction") == Some("Received") => {
            let heard = heard.entry(caller.to_owned()).or_default();
            // Digits of a message have no begin.
            heard.first.get_or_insert(clock::now());
            heard.last = Some(clock::now());
            heard.digits.push_str(field("Digit").unwrap_or_default());
        }
        _ => {}
    }
}
