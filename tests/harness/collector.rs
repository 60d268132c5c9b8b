//! An OpenTelemetry collector: takes OTLP over HTTP and keeps the spans.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message;

/// What has come.
#[derive(Default)]
pub struct Collected {
    pub spans: Vec<Span>,
    pub resources: Vec<Resource>,
    /// The requests as they came, heads and bodies.
    pub bytes: Vec<u8>,
}

/// A collector on a port of its own; its thread ends with the tests.
pub struct Collector {
    pub endpoint: String,
    collected: Arc<Mutex<Collected>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let collected = Arc::new(Mutex::new(Collected::default()));
        let into = collected.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                take(&stream.unwrap(), &into);
            }
        });
        Self { endpoint, collected }
    }

    /// Looks at what has come.
    pub fn look<T>(&self, at: impl FnOnce(&Collected) -> T) -> T {
        at(&self.collected.lock().unwrap())
    }

    /// The first span that fits, once it has come.
    #[track_caller]
    pub fn span(&self, what: &str, fits: impl Fn(&Span) -> bool) -> Span {
        super::until(&format!("{what} is collected"), || self.look(|c| c.spans.iter().find(|s| fits(s)).cloned()))
    }
}

/// One request of a connection, which is closed after it.
fn take(stream: &TcpStream, into: &Mutex<Collected>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    let lower = head.to_lowercase();
    assert!(lower.contains("content-type: application/x-protobuf\r\n"), "{head}");
    let length = lower.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    {
        let mut into = into.lock().unwrap();
        into.bytes.extend(head.into_bytes());
        into.bytes.extend(body);
        for from in request.resource_spans {
            into.resources.extend(from.resource);
            into.spans.extend(from.scope_spans.into_iter().flat_map(|s| s.spans));
        }
    }
    let mut stream = stream;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

/// An attribute as text.
pub fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|a| a.key == key)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{key} is {other:?}"),
    })
}
