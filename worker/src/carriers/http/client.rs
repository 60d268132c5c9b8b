//! One request, on a thread that may block.
//!
//! Invariants: an error before the connection stood says that nothing was sent, any later one that something may have
//! been; the address that is checked is the address that is connected to; no proxy, no redirection.

use std::{cell::Cell, io, time::Duration};

use domain::carriers::{
    HttpSettings,
    http::{address::is_public, answer::Reply, template::Request},
};
use ureq::{
    Agent, Error,
    config::Config,
    http::{Response, Uri},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport},
    },
};

/// The most that is read of an answer.
const MOST: u64 = 256 * 1024;
/// How long a connection may take at most.
const CONNECT: Duration = Duration::from_secs(10);

thread_local! {
    /// Whether this thread's request waits for a connection.
    static CONNECTING: Cell<bool> = const { Cell::new(false) };
}

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    Answered(Reply),
    /// No byte of it was sent.
    Unsent(String),
    /// It may have arrived.
    Lost(String),
}

/// What makes the requests of a carrier and keeps its connections.
pub fn agent(settings: &HttpSettings, private: bool) -> Agent {
    let whole = Duration::from_secs(settings.timeout_seconds);
    let connect = CONNECT.min(whole / 2);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(whole))
        .timeout_resolve(Some(connect))
        .timeout_connect(Some(connect))
        .max_idle_connections(settings.concurrency)
        .max_idle_connections_per_host(settings.concurrency)
        .max_idle_age(Duration::from_secs(5))
        .user_agent("carillon")
        .build();
    Agent::with_parts(
        config,
        DefaultConnector::default().chain(Connected),
        Guard { inner: DefaultResolver::default(), private },
    )
}

/// Makes a request and reads its answer. `id_header` is where the answer has the provider's id.
pub fn call(agent: &Agent, request: Request, id_header: Option<&str>) -> Outcome {
    let Request { method, url, headers, body } = request;
    let mut builder = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    CONNECTING.set(false);
    let answered = match body {
        Some(body) => builder.body(body).map_err(Error::from).and_then(|request| agent.run(request)),
        None => builder.body(()).map_err(Error::from).and_then(|request| agent.run(request)),
    };
    match answered.and_then(|response| read(response, id_header)) {
        Ok(reply) => Outcome::Answered(reply),
        // A request that could not even be put together is never sent either.
        Err(e) if CONNECTING.get() || matches!(e, Error::Http(_) | Error::BadUri(_)) => Outcome::Unsent(e.to_string()),
        Err(e) => Outcome::Lost(e.to_string()),
    }
}

fn read(response: Response<ureq::Body>, id_header: Option<&str>) -> Result<Reply, Error> {
    let text = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let (status, message_id) = (response.status().as_u16(), id_header.and_then(text));
    let retry_after = text("retry-after").and_then(|v| v.trim().parse().ok()).map(Duration::from_secs);
    let body = response.into_body().into_with_config().limit(MOST).read_to_vec()?;
    Ok(Reply { status, message_id, retry_after, body })
}

/// Resolves a name, and refuses private addresses.
#[derive(Debug)]
struct Guard {
    inner: DefaultResolver,
    private: bool,
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        CONNECTING.set(true);
        let addresses = self.inner.resolve(uri, config, timeout)?;
        if !self.private && addresses.iter().any(|a| !is_public(a.ip())) {
            let detail = "the host is at a private address: worker.private_carriers allows that";
            return Err(Error::Io(io::Error::new(io::ErrorKind::PermissionDenied, detail)));
        }
        Ok(addresses)
    }
}

/// The end of the chain of connectors: the connection stands, with TLS where there is some.
#[derive(Debug)]
struct Connected;

impl<In: Transport> Connector<In> for Connected {
    type Out = In;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<In>, Error> {
        if chained.is_some() {
            CONNECTING.set(false);
        }
        Ok(chained)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    use super::*;

    /// What comes of a request to a server that does this with its connection.
    fn against(private: bool, serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            if let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.read(&mut [0; 4096]);
                serve(stream);
            }
        });
        ask(&url, private)
    }

    fn ask(url: &str, private: bool) -> Outcome {
        let settings: HttpSettings =
            serde_json::from_value(serde_json::json!({"url": url, "timeout_seconds": 1})).unwrap();
        let request = Request { method: "POST", url: url.to_owned(), headers: Vec::new(), body: Some("{}".into()) };
        call(&agent(&settings, private), request, Some("x-id"))
    }

    #[test]
    fn what_may_have_arrived_is_told_from_what_has_not() {
        let answer = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nx-id: 7\r\nretry-after: 3\r\ncontent-length: 2\r\n\r\nok";
        let seen = against(true, |mut s| s.write_all(answer).unwrap());
        let Outcome::Answered(Reply { status: 302, message_id, retry_after, body }) = seen else { panic!("{seen:?}") };
        assert_eq!(
            (message_id.as_deref(), retry_after, body.as_slice()),
            (Some("7"), Some(Duration::from_secs(3)), b"ok".as_slice())
        );
        for lost in [
            against(true, drop),
            against(true, |s| {
                std::thread::sleep(Duration::from_secs(3));
                drop(s);
            }),
        ] {
            assert!(matches!(lost, Outcome::Lost(_)), "{lost:?}");
        }
        let endless = against(true, |mut s| {
            let _ = s.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while s.write_all(&[b'x'; 8192]).is_ok() {}
        });
        assert!(matches!(endless, Outcome::Lost(_)), "{endless:?}");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let closed = ask(&format!("http://127.0.0.1:{port}/"), true);
        assert!(matches!(closed, Outcome::Unsent(_)), "{closed:?}");
        let no_tls = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("https://{}/", listener.local_addr().unwrap());
            std::thread::spawn(move || {
                listener.accept().map(|(mut s, _)| s.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
            });
            ask(&url, true)
        };
        assert!(matches!(no_tls, Outcome::Unsent(_)), "{no_tls:?}");
    }

    #[test]
    fn a_private_address_is_not_called_unless_allowed() {
        for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "2130706433"] {
            let refused = ask(&format!("http://{host}:9/"), false);
            assert!(
                matches!(&refused, Outcome::Unsent(e) if e.contains("private") || host == "2130706433"),
                "{host}: {refused:?}"
            );
        }
    }
}
