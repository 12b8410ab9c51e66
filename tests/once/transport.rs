//! The default transport moves bytes as they are and judges nothing: real sockets, real TLS.
#![cfg(feature = "reqwest")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jalon::{
    CallRequest, Config, Done, HttpTransport, Journey, Lane, Method, Request, Response, SendError,
    Transport,
};

use crate::support::{Phone, TestClock};

/// A server for one connection, with the requests that it got.
struct Server {
    address: String,
    thread: JoinHandle<Vec<String>>,
}

impl Server {
    /// Serves as many requests on one connection as there are answers.
    fn start(answers: Vec<String>) -> Self {
        Self::over(|stream| stream, answers)
    }

    fn over<S: Read + Write>(
        wrap: impl FnOnce(TcpStream) -> S + Send + 'static,
        answers: Vec<String>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        let thread = thread::spawn(move || {
            let mut stream = wrap(listener.accept().unwrap().0);
            answers
                .into_iter()
                .map(|answer| {
                    let request = read_request(&mut stream);
                    let _ = stream.write_all(answer.as_bytes());
                    let _ = stream.flush();
                    request
                })
                .collect()
        });
        Self { address, thread }
    }

    fn url(&self) -> String {
        format!("http://{}/v1/batches", self.address)
    }

    fn requests(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

/// The head in lower case, then the body.
fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        bytes.push(byte[0]);
    }
    let mut head = String::from_utf8(bytes).unwrap().to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0usize);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head.push_str(&String::from_utf8_lossy(&body));
    head
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn transport(change: impl FnOnce(&mut Config)) -> HttpTransport {
    let mut config = Config::new("/nowhere", "https://collector.example", "wk");
    change(&mut config);
    HttpTransport::new(&config)
}

type Outcome = Result<Response, SendError>;

fn request(url: String) -> Request {
    Request {
        method: Method::Post,
        url,
        key: "wk_secret".into(),
        body: Some(b"zipped".to_vec()),
        new_connection: false,
    }
}

fn start(transport: &HttpTransport, lane: Lane, request: Request) -> mpsc::Receiver<Outcome> {
    let (tell, hear) = mpsc::channel();
    // Nobody may listen any more when the outcome comes.
    transport.send(lane, request, Done::new(move |outcome| drop(tell.send(outcome))));
    hear
}

fn send(transport: &HttpTransport, url: String) -> Outcome {
    start(transport, Lane::Backlog, request(url)).recv().unwrap()
}

#[test]
fn a_request_carries_key_type_and_encoding_and_the_body_as_it_is() {
    let server = Server::start(vec![answer("200 OK", "", r#"{"stored":1}"#)]);
    let response = send(&transport(|_| ()), server.url()).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, &br#"{"stored":1}"#[..]));
    let request = &server.requests()[0];
    assert!(request.starts_with("post /v1/batches http/1.1\r\n"));
    for line in [
        "authorization: bearer wk_secret\r\n",
        "content-type: application/json\r\n",
        "content-encoding: gzip\r\n",
    ] {
        assert!(request.contains(line), "{request}");
    }
    assert!(request.ends_with("\r\n\r\nzipped"));
}

#[test]
fn one_connection_serves_a_lanes_requests_one_after_the_other() {
    let server = Server::start(vec![answer("200 OK", "", "{}"), answer("200 OK", "", "{}")]);
    let transport = transport(|_| ());
    assert_eq!(send(&transport, server.url()).unwrap().status, 200);
    assert_eq!(send(&transport, server.url()).unwrap().status, 200);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_request_for_a_new_connection_gets_one_while_the_lanes_own_is_dead() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/calls", listener.local_addr().unwrap());
    let (tell, hear) = mpsc::channel();
    let server = thread::spawn(move || {
        // Warmed, then half-open: the request arrives, and nothing ever comes back.
        let mut dead = listener.accept().unwrap().0;
        read_request(&mut dead);
        dead.write_all(answer("200 OK", "", "{}").as_bytes()).unwrap();
        read_request(&mut dead);
        tell.send(()).unwrap();
        for _ in 0..2 {
            let mut alive = listener.accept().unwrap().0;
            read_request(&mut alive);
            alive.write_all(answer("200 OK", "", r#"{"stored":1}"#).as_bytes()).unwrap();
        }
        dead
    });
    let transport = transport(|_| ());
    let warm = start(&transport, Lane::Call, request(url.clone()));
    assert_eq!(warm.recv().unwrap().unwrap().body, b"{}");
    let first = start(&transport, Lane::Call, request(url.clone()));
    hear.recv().unwrap();
    // Each on a connection of its own, since the one before may be dead too.
    for _ in 0..2 {
        let again = Request { new_connection: true, ..request(url.clone()) };
        let outcome = start(&transport, Lane::Call, again).recv().unwrap();
        assert_eq!(outcome.unwrap().body, br#"{"stored":1}"#);
    }
    assert!(first.try_recv().is_err(), "the first goes on meanwhile");
    drop(server.join().unwrap());
    assert!(first.recv().unwrap().is_err());
}

#[test]
fn a_call_over_a_half_open_connection_arrives_by_another() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (tell, hear) = mpsc::channel();
    let first_call = Arc::new(AtomicBool::new(true));
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (tell, first_call) = (tell.clone(), Arc::clone(&first_call));
            thread::spawn(move || serve_until_first_call(&mut stream, &first_call, &tell));
        }
    });
    let mut phone = Phone::new();
    phone.config.endpoint = endpoint;
    let network = Arc::new(HttpTransport::new(&phone.config));
    let clock: Arc<TestClock> = Arc::clone(&phone.clock);
    let journey = Journey::open_with(phone.config.clone(), network, clock).unwrap();
    journey.call_context(&CallRequest::to("+33123456789")).unwrap();
    assert_eq!(hear.recv().unwrap(), "swallowed");
    phone.clock.change(|now| now.elapsed_ms += 4_000);
    assert_eq!(hear.recv().unwrap(), "answered");
    assert!(journey.upload_and_wait(Duration::from_mins(1)));
}

/// Serves one connection. The one that gets the first call answers nothing from then on.
fn serve_until_first_call(
    stream: &mut TcpStream,
    first_call: &AtomicBool,
    tell: &mpsc::Sender<&'static str>,
) {
    let mut silent = false;
    loop {
        let request = read_request(stream);
        if request.is_empty() {
            return;
        }
        let call = request.starts_with("post /v1/calls");
        silent |= call && first_call.swap(false, Ordering::SeqCst);
        if !silent {
            let _ = stream.write_all(answer("200 OK", "", r#"{"stored":1}"#).as_bytes());
        }
        if call {
            let _ = tell.send(if silent { "swallowed" } else { "answered" });
        }
    }
}

#[test]
fn a_redirect_is_handed_over_and_not_followed() {
    let location = "location: http://127.0.0.1:1/elsewhere\r\n";
    let server = Server::start(vec![answer("302 Found", location, "")]);
    assert_eq!(send(&transport(|_| ()), server.url()).unwrap().status, 302);
}

#[test]
fn retry_after_is_read_in_seconds_and_a_date_is_ignored() {
    for (header, expected) in [
        ("retry-after: 7\r\n", Some(7_000)),
        ("retry-after: Wed, 21 Oct 2015 07:28:00 GMT\r\n", None),
        ("", None),
    ] {
        let server = Server::start(vec![answer("503 Service Unavailable", header, "")]);
        let response = send(&transport(|_| ()), server.url()).unwrap();
        assert_eq!((response.status, response.retry_after_ms), (503, expected));
    }
}

#[test]
fn a_huge_answer_is_read_up_to_its_limit() {
    let server = Server::start(vec![answer("200 OK", "", &"x".repeat(10_000_000))]);
    let response = send(&transport(|_| ()), server.url()).unwrap();
    assert_eq!(response.body.len(), 64 * 1024);
}

#[test]
fn a_refused_and_a_broken_connection_are_told_apart() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port())
    };
    assert_eq!(send(&transport(|_| ()), refused), Err(SendError::Connect));
    let broken = Server::start(vec!["HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf".into()]);
    assert_eq!(send(&transport(|_| ()), broken.url()), Err(SendError::Broken));
}

#[test]
fn a_proxy_is_taken_where_one_is_set() {
    let proxy = Server::start(vec![answer("200 OK", "", "{}")]);
    let address = format!("http://{}", proxy.address);
    let transport = transport(|config| config.proxy = Some(address));
    let url = "http://collector.example/v1/batches".to_owned();
    assert_eq!(send(&transport, url).unwrap().status, 200);
    assert!(proxy.requests()[0].starts_with("post http://collector.example/v1/batches http/1.1"));
}

#[test]
fn a_wrong_proxy_or_root_says_that_the_transport_cannot_be_set_up() {
    let url = || "https://collector.example/".to_owned();
    let proxy = transport(|config| config.proxy = Some("no proxy at all".into()));
    assert_eq!(send(&proxy, url()), Err(SendError::Setup));
    let root = transport(|config| config.extra_roots = vec![b"no certificate".to_vec()]);
    assert_eq!(send(&root, url()), Err(SendError::Setup));
}

#[test]
fn a_root_of_the_apps_own_is_trusted_and_without_it_the_server_is_not() {
    let root = include_bytes!("../fixtures/tls/root.der").to_vec();
    let server = Server::over(tls, vec![answer("200 OK", "", "{}")]);
    let url = server.url().replace("http:", "https:");
    let trusting = transport(|config| config.extra_roots = vec![root]);
    assert_eq!(send(&trusting, url).unwrap().status, 200);
    server.requests();

    let server = Server::over(tls, vec![answer("200 OK", "", "{}")]);
    let url = server.url().replace("http:", "https:");
    assert_eq!(send(&transport(|_| ()), url), Err(SendError::Connect));
}

type Tls = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

fn tls(stream: TcpStream) -> Tls {
    let certificate = include_bytes!("../fixtures/tls/localhost.der").to_vec();
    let key = include_bytes!("../fixtures/tls/localhost.key.der").to_vec();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], key.try_into().unwrap())
        .unwrap();
    rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::new(config)).unwrap(), stream)
}
