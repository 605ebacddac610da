//! Autoconfig files (`clientConfig`, as Thunderbird reads them), by quick-xml.
//!
//! In: the bytes of a file, of anyone's making. Out: its servers of IMAP that have TLS. Entities
//! beyond those of XML itself are not expanded, and size and depth are bounded.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Candidate;
use crate::error::{Error, ErrorKind, Result};

/// The largest file that is read.
const MAX_BYTES: usize = 256 << 10;
/// How deep its elements may be nested.
const MAX_DEPTH: usize = 32;
/// How many servers are taken.
const MAX_SERVERS: usize = 32;

/// A server as the file has it.
#[derive(Debug, Default)]
struct Server {
    host: String,
    port: String,
    socket: String,
    user: String,
}

pub(super) fn candidates(xml: &[u8], address: &str, domain: &str) -> Result<Vec<Candidate>> {
    let servers =
        servers(xml).map_err(|why| Error::invalid(format!("the autoconfig file can't be used: {why}")))?;
    if servers.is_empty() {
        return Err(Error::unsupported("the autoconfig file names no server of IMAP"));
    }
    let local = address.strip_suffix(domain).and_then(|rest| rest.strip_suffix('@')).unwrap_or_default();
    let fill = |text: &str| fill_in(text, &[address, local, domain]);
    let mut candidates = Vec::new();
    for tls in [true, false] {
        let wanted = if tls { "SSL" } else { "STARTTLS" };
        for server in servers.iter().filter(|server| server.socket.eq_ignore_ascii_case(wanted)) {
            let host = fill(&server.host);
            let port = server.port.parse().ok().filter(|port| *port != 0);
            // A name that no host has would be an error of its own later.
            let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
            let Some(port) = port.filter(|_| !host.is_empty() && host.chars().all(is_host)) else { continue };
            let user = if server.user.is_empty() { address.to_owned() } else { fill(&server.user) };
            candidates.push(Candidate::new(&host, port, tls, user, domain));
        }
    }
    if candidates.is_empty() && servers.iter().all(|server| server.socket.eq_ignore_ascii_case("plain")) {
        let what = "the autoconfig file names servers without TLS alone";
        return Err(Error::new(ErrorKind::Insecure, what));
    }
    if candidates.is_empty() {
        return Err(Error::invalid("the autoconfig file names no server of IMAP with host, port and TLS"));
    }
    Ok(candidates)
}

/// The text with its placeholders filled in, once: what is filled in has none.
fn fill_in(text: &str, [address, local, domain]: &[&str; 3]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [("%EMAILADDRESS%", address), ("%EMAILLOCALPART%", local), ("%EMAILDOMAIN%", domain)];
        match known.into_iter().find(|(mark, _)| rest.starts_with(mark)) {
            Some((mark, value)) => {
                filled.push_str(value);
                rest = &rest[mark.len()..];
            }
            None => {
                filled.push('%');
                rest = &rest[1..];
            }
        }
    }
    filled + rest
}

/// The servers of IMAP of the provider.
fn servers(xml: &[u8]) -> std::result::Result<Vec<Server>, String> {
    if xml.len() > MAX_BYTES {
        return Err(format!("it has more than {MAX_BYTES} bytes"));
    }
    let text = std::str::from_utf8(xml).map_err(|_| "it is not UTF-8")?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut file = File::default();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => file.open(&tag)?,
            Event::End(_) => file.close(),
            Event::Text(text) => file.text(&text.xml10_content()),
            Event::CData(text) => file.text(&text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(c)) => file.text(c.encode_utf8(&mut [0; 4])),
                Ok(None) => file.text(quick_xml::escape::resolve_xml_entity(&reference).unwrap_or_default()),
                Err(error) => return Err(error.to_string()),
            },
            Event::Eof => break,
            _ => {}
        }
    }
    match (file.path.is_empty(), file.is_autoconfig) {
        (true, true) => Ok(file.servers),
        (false, _) => Err("it ends in its middle".into()),
        (true, false) => Err("it is no clientConfig".into()),
    }
}

/// The file as far as it has been read.
#[derive(Default)]
struct File {
    /// The elements in which the reader stands.
    path: Vec<String>,
    is_autoconfig: bool,
    servers: Vec<Server>,
    /// Whether the server in which it stands is one of IMAP.
    is_imap: bool,
}

const SERVER: [&str; 3] = ["clientConfig", "emailProvider", "incomingServer"];

impl File {
    fn open(&mut self, tag: &BytesStart<'_>) -> std::result::Result<(), String> {
        if self.path.len() == MAX_DEPTH {
            return Err(format!("its elements are nested more than {MAX_DEPTH} deep"));
        }
        self.path.push(tag.local_name().as_ref().to_owned());
        self.is_autoconfig |= self.path == SERVER[..1];
        if self.path == SERVER {
            let kind = tag.try_get_attribute("type").map_err(|error| error.to_string())?;
            self.is_imap = kind.is_some_and(|kind| kind.value.eq_ignore_ascii_case("imap"))
                && self.servers.len() < MAX_SERVERS;
            if self.is_imap {
                self.servers.push(Server::default());
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        let server = (self.path == SERVER && self.is_imap).then(|| self.servers.last_mut()).flatten();
        if let Some(Server { host, port, socket, user }) = server {
            for field in [host, port, socket, user] {
                *field = field.trim().to_owned();
            }
        }
        self.path.pop();
    }

    fn text(&mut self, text: &str) {
        let Some((name, path)) = self.path.split_last() else { return };
        let Some(server) = self.servers.last_mut().filter(|_| self.is_imap && path == SERVER) else { return };
        match name.as_str() {
            "hostname" => server.host.push_str(text),
            "port" => server.port.push_str(text),
            "socketType" => server.socket.push_str(text),
            "username" => server.user.push_str(text),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(kind: &str, rest: &str) -> String {
        format!("<incomingServer type=\"{kind}\">{rest}</incomingServer>")
    }

    fn file(servers: &str) -> String {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a comment -->\n";
        format!(
            "{head}<clientConfig version=\"1.1\"><emailProvider id=\"x\"><domain>x</domain>{servers}</emailProvider></clientConfig>\n"
        )
    }

    fn read(servers: &str) -> Result<Vec<Candidate>> {
        candidates(file(servers).as_bytes(), "alice@example.org", "example.org")
    }

    fn shown(servers: &str) -> Vec<String> {
        let all = read(servers).unwrap_or_else(|error| panic!("{error}"));
        let one = |c: &Candidate| {
            format!(
                "{}:{} {} {}",
                c.host(),
                c.port(),
                if c.is_tls_from_the_start() { "tls" } else { "starttls" },
                c.user()
            )
        };
        all.iter().map(one).collect()
    }

    const TLS: &str = "<hostname>imap.%EMAILDOMAIN%</hostname><port> 993 </port><socketType>SSL</socketType>
        <authentication>OAuth2</authentication><username>%EMAILADDRESS%</username>";
    const STARTTLS: &str =
        "<hostname>mail.example.net</hostname><port>143</port><socketType>STARTTLS</socketType>
        <username>u-%EMAILLOCALPART%&#64;%X%</username>";
    const PLAIN: &str = "<hostname>h</hostname><port>143</port><socketType>plain</socketType>";

    #[test]
    fn servers_of_imap_by_tls_are_given_and_placeholders_are_filled_in() {
        let all = [server("pop3", TLS), server("imap", PLAIN), server("imap", STARTTLS), server("IMAP", TLS)];
        assert_eq!(
            shown(&all.concat()),
            ["imap.example.org:993 tls alice@example.org", "mail.example.net:143 starttls u-alice@%X%"]
        );
        let config = read(&server("imap", STARTTLS)).unwrap()[0].config();
        assert_eq!((config.get_host(), config.get_port()), ("mail.example.net", 143));
        assert_eq!(
            shown(
                &server(
                    "imap",
                    "<hostname><![CDATA[h&amp]]></hostname><port>1</port><socketType>SSL</socketType>"
                )
                .replace("&amp", "")
            ),
            ["h:1 tls alice@example.org"]
        );
    }

    #[test]
    fn nothing_is_taken_without_tls_and_what_is_missing_is_said() {
        let kind = |servers: &str| read(servers).map_err(|error| error.kind());
        assert_eq!(kind(&server("imap", PLAIN)), Err(ErrorKind::Insecure));
        assert_eq!(kind(&server("pop3", TLS)), Err(ErrorKind::Unsupported));
        assert_eq!(kind(""), Err(ErrorKind::Unsupported));
        for (from, to) in [("993", "0"), ("993", "x"), ("993", "65536"), ("SSL", "TLS"), ("imap.", "a b")] {
            assert_eq!(kind(&server("imap", &TLS.replace(from, to))), Err(ErrorKind::Invalid), "{to}");
        }
    }

    #[test]
    fn hostile_files_are_refused_or_bounded() {
        let of = |xml: &str| candidates(xml.as_bytes(), "a@b", "b").map_err(|error| error.to_string());
        for (xml, why) in [
            (String::new(), "no clientConfig"),
            ("<html><body>Not found</body></html>".into(), "no clientConfig"),
            ("<clientConfig><emailProvider>".into(), ""),
            ("<clientConfig></emailProvider>".into(), ""),
            ("\0\u{1}".into(), "no clientConfig"),
            ("<clientConfig>&#x110000;</clientConfig>".into(), ""),
            ("<a>".repeat(10_000), "nested"),
            (format!("<clientConfig>{}", " ".repeat(MAX_BYTES)), "more than"),
        ] {
            let error = of(&xml).expect_err("refused");
            assert!(error.contains("can't be used") && error.contains(why), "{error}");
        }
        assert!(candidates(b"<clientConfig>\xff</clientConfig>", "a@b", "b").is_err());
        // Entities of its own are not expanded.
        let bomb = "<!DOCTYPE c [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
        let xml = file(&server("imap", &TLS.replace("imap.", "&b;")));
        let xml = xml.replacen("<clientConfig", &format!("{bomb}<clientConfig"), 1);
        let all = candidates(xml.as_bytes(), "alice@example.org", "example.org").unwrap();
        assert_eq!(all[0].host(), "example.org");
        // More servers than anyone has.
        assert_eq!(shown(&server("imap", TLS).repeat(500)).len(), MAX_SERVERS);
    }
}
