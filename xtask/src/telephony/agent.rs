//! The agents' phones: one SIP endpoint that takes every call at once, notes what its INVITE
//! carried, and hangs up.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::clock::{self, Moment};
use super::sip::{self, Message};

/// How often a request goes out until it is answered, and how far apart (RFC 3261, T1).
const TRIES: u32 = 6;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);
/// More than UDP carries.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// A call as it reached an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When.
    pub(crate) at: Moment,
    /// Every `X-Jalon-Desk`: more than one would let the caller choose the agent's page.
    pub(crate) desks: Vec<String>,
    /// Every `X-Jalon-Lookup`.
    pub(crate) lookups: Vec<String>,
    /// `X-Jalon-Context`, where it was passed on.
    pub(crate) context: Option<String>,
    /// `User-to-User`, where it was passed on.
    pub(crate) user_to_user: Option<String>,
}

/// The agents.
pub(crate) struct Agents {
    arrivals: Arc<Mutex<HashMap<String, Vec<Arrival>>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Agents {
    /// Takes calls at this address until dropped.
    pub(crate) fn open(address: &str) -> Result<Self> {
        let socket = UdpSocket::bind(address)
            .with_context(|| format!("the agents' phone could not listen on {address}"))?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let arrivals = Arc::new(Mutex::new(HashMap::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let phone = Phone {
            socket,
            address: address.to_owned(),
            arrivals: arrivals.clone(),
            calls: HashMap::new(),
        };
        let until = ended.clone();
        let thread = std::thread::spawn(move || phone.run(&until));
        Ok(Self { arrivals, ended, thread: Some(thread) })
    }

    /// The calls of this caller that reached an agent.
    pub(crate) fn of(&self, caller: &str) -> Vec<Arrival> {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.get(caller).cloned().unwrap_or_default()
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It does not panic; and if it did, the calls have told.
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Phone {
    socket: UdpSocket,
    address: String,
    arrivals: Arc<Mutex<HashMap<String, Vec<Arrival>>>>,
    /// By Call-ID.
    calls: HashMap<String, Call>,
}

/// A call that was taken.
struct Call {
    from: SocketAddr,
    /// Our answer to the INVITE, for when it comes again.
    answer: String,
    /// Ends the call.
    bye: String,
    /// How often `bye` was sent, and when it is next.
    tries: u32,
    next: Option<Moment>,
}

impl Phone {
    fn run(mut self, ended: &AtomicBool) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        while !ended.load(Ordering::SeqCst) {
            match self.socket.recv_from(&mut buffer) {
                Ok((count, from)) => {
                    if let Some(message) = Message::read(&buffer[..count]) {
                        self.take(&message, from);
                    }
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                // Somebody's port was closed: not our call.
                Err(_) => {}
            }
            self.hang_up();
        }
    }

    fn take(&mut self, message: &Message, from: SocketAddr) {
        let id = message.header("Call-ID").unwrap_or_default().to_owned();
        match message.method() {
            Some("INVITE") => self.invited(message, &id, from),
            Some("ACK") => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.next.get_or_insert_with(clock::now);
                }
            }
            Some("BYE" | "CANCEL" | "OPTIONS") => {
                self.calls.remove(&id);
                let mut answer = message.answer("200 OK", "agent", &[]);
                sip::body(&mut answer, "");
                self.send(&answer, from);
            }
            // The answer to our BYE.
            None if message.header("CSeq").is_some_and(|value| value.ends_with("BYE")) => {
                self.calls.remove(&id);
            }
            _ => {}
        }
    }

    fn invited(&mut self, invite: &Message, id: &str, from: SocketAddr) {
        if let Some(call) = self.calls.get(id) {
            self.send(&call.answer, call.from);
            return;
        }
        let all = |name| invite.all(name).map(str::to_owned).collect();
        let arrival = Arrival {
            at: clock::now(),
            desks: all("X-Jalon-Desk"),
            lookups: all("X-Jalon-Lookup"),
            context: invite.header("X-Jalon-Context").map(str::to_owned),
            user_to_user: invite.header("User-to-User").map(str::to_owned),
        };
        let caller = invite.caller().unwrap_or_default().to_owned();
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.entry(caller).or_default().push(arrival);
        drop(arrivals);

        let contact = format!("<sip:agent@{}>", self.address);
        let tag = format!("agent{}", clock::now().as_nanos());
        let more = [("Contact", contact.as_str()), ("Content-Type", "application/sdp")];
        let mut answer = invite.answer("200 OK", &tag, &more);
        sip::body(&mut answer, &self.sound());
        let call = Call { from, bye: self.bye(invite, &tag), answer, tries: 0, next: None };
        self.send(&call.answer, from);
        self.calls.insert(id.to_owned(), call);
    }

    /// Sound goes to a port where nobody listens.
    fn sound(&self) -> String {
        let host = self.address.split(':').next().unwrap_or_default();
        format!(
            "v=0\r\no=agent 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n\
             m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )
    }

    fn bye(&self, invite: &Message, tag: &str) -> String {
        let header = |name| invite.header(name).unwrap_or_default();
        let mut bye = format!("BYE {} SIP/2.0\r\n", sip::address(header("Contact")));
        sip::add(&mut bye, "Via", &format!("SIP/2.0/UDP {};branch=z9hG4bK{tag}", self.address));
        for route in invite.all("Record-Route") {
            sip::add(&mut bye, "Route", route);
        }
        sip::add(&mut bye, "Max-Forwards", "70");
        sip::add(&mut bye, "From", &format!("{};tag={tag}", header("To")));
        sip::add(&mut bye, "To", header("From"));
        sip::add(&mut bye, "Call-ID", header("Call-ID"));
        sip::add(&mut bye, "CSeq", "1 BYE");
        sip::body(&mut bye, "");
        bye
    }

    fn hang_up(&mut self) {
        let now = clock::now();
        let due = |call: &Call| call.next.is_some_and(|next| next <= now);
        for call in self.calls.values_mut().filter(|call| due(call)) {
            // Lost is as good as never sent: it is sent again.
            let _ = self.socket.send_to(call.bye.as_bytes(), call.from);
            call.tries += 1;
            call.next = Some(now + BETWEEN_TRIES);
        }
        self.calls.retain(|_, call| call.tries < TRIES);
    }

    fn send(&self, text: &str, to: SocketAddr) {
        // UDP: who misses it asks again.
        let _ = self.socket.send_to(text.as_bytes(), to);
    }
}
