//! The part of SIP (RFC 3261) that an agent's phone needs to take calls.

use std::fmt::Write as _;

/// A request or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The first line.
    pub(crate) start: String,
    /// Names and values, in order.
    headers: Vec<(String, String)>,
}

impl Message {
    /// Reads a datagram; `None` for what is no SIP, such as a keep-alive.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let head = text.split("\r\n\r\n").next()?;
        let mut lines = head.split("\r\n");
        let start = lines.next().filter(|line| line.contains("SIP/2.0"))?.to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Some(Self { start, headers })
    }

    /// The method of a request; `None` for an answer.
    pub(crate) fn method(&self) -> Option<&str> {
        self.start.split(' ').next().filter(|word| *word != "SIP/2.0")
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a header, in order.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Who calls: the user part of From's address.
    pub(crate) fn caller(&self) -> Option<&str> {
        let address = address(self.header("From")?);
        address.strip_prefix("sip:")?.split('@').next()
    }

    /// An answer, with what every answer repeats of its request.
    pub(crate) fn answer(&self, status: &str, to_tag: &str, more: &[(&str, &str)]) -> String {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
            for value in self.all(name) {
                let tag = match name {
                    "To" if !value.contains(";tag=") => format!(";tag={to_tag}"),
                    _ => String::new(),
                };
                add(&mut text, name, &format!("{value}{tag}"));
            }
        }
        for (name, value) in more {
            add(&mut text, name, value);
        }
        text
    }
}

/// Adds a header.
pub(crate) fn add(text: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{name}: {value}\r\n");
}

/// Ends a message with its body.
pub(crate) fn body(text: &mut String, body: &str) {
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
}

/// The address of a header such as From or Contact, without name and parameters.
pub(crate) fn address(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value.split(';').next().unwrap_or(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &[u8] = b"INVITE sip:agents@127.0.0.30 SIP/2.0\r\nVia: one\r\nVia: two\r\n\
        From: \"x\" <sip:+33600@127.0.0.10>;tag=1\r\nTo: <sip:agents@127.0.0.30>\r\n\
        Call-ID: c\r\nCSeq: 7 INVITE\r\nx-jalon-desk: https://desk/a:b\r\n\r\nv=0\r\n";

    #[test]
    fn reads_what_names_a_call() {
        let invite = Message::read(INVITE).unwrap();
        assert_eq!(invite.method(), Some("INVITE"));
        assert_eq!(invite.caller(), Some("+33600"));
        assert_eq!(invite.header("X-Jalon-Desk"), Some("https://desk/a:b"));
        assert_eq!(Message::read(b"\r\n\r\n"), None);
    }

    #[test]
    fn an_answer_repeats_its_request() {
        let answer = Message::read(INVITE).unwrap().answer("200 OK", "t", &[]);
        let expected = "SIP/2.0 200 OK\r\nVia: one\r\nVia: two\r\n\
            From: \"x\" <sip:+33600@127.0.0.10>;tag=1\r\nTo: <sip:agents@127.0.0.30>;tag=t\r\n\
            Call-ID: c\r\nCSeq: 7 INVITE\r\n";
        assert_eq!(answer, expected);
    }
}
