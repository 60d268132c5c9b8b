//! The other end of a session by hand, octet for octet, so that it can do what no library would.

use smpp::client::BindConfig;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Peer<S> {
    stream: S,
}

impl Peer<TcpStream> {
    pub async fn listen() -> (TcpListener, BindConfig) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = crate::common::bind_to(listener.local_addr().unwrap());
        (listener, config)
    }

    pub async fn accept_bind(listener: &TcpListener) -> Self {
        let mut peer = Self { stream: listener.accept().await.unwrap().0 };
        peer.answer_bind().await;
        peer
    }

    pub async fn connect(addr: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(addr).await.unwrap() }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub fn over(stream: S) -> Self {
        Self { stream }
    }

    pub async fn answer_bind(&mut self) {
        let (id, _, sequence) = self.receive().await;
        self.send(id | 0x8000_0000, 0, sequence, b"carrier\0").await;
    }

    /// A peer that is gone already is no failure: garbage ends connections.
    pub async fn send_raw(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets).await;
    }

    pub async fn send(&mut self, id: u32, status: u32, sequence: u32, body: &[u8]) {
        let mut pdu = Vec::new();
        for word in [u32::try_from(16 + body.len()).unwrap(), id, status, sequence] {
            pdu.extend_from_slice(&word.to_be_bytes());
        }
        pdu.extend_from_slice(body);
        self.send_raw(&pdu).await;
    }

    async fn word(&mut self) -> u32 {
        self.stream.read_u32().await.unwrap()
    }

    /// Id, status and sequence number of the next PDU.
    pub async fn receive(&mut self) -> (u32, u32, u32) {
        let reading = async {
            let length = self.word().await;
            let header = (self.word().await, self.word().await, self.word().await);
            let mut body = vec![0; usize::try_from(length).unwrap() - 16];
            self.stream.read_exact(&mut body).await.unwrap();
            header
        };
        tokio::time::timeout(crate::common::PATIENCE, reading).await.expect("no PDU in time")
    }

    pub async fn expect(&mut self, id: u32) -> (u32, u32, u32) {
        let received = self.receive().await;
        assert_eq!(received.0, id);
        received
    }

    /// Reads to the end and counts the PDUs of this kind of which at least one octet came.
    pub async fn count_begun(&mut self, id: u32) -> usize {
        let mut octets = Vec::new();
        self.stream.read_to_end(&mut octets).await.unwrap();
        let (mut rest, mut count) = (octets.as_slice(), 0);
        while !rest.is_empty() {
            // A header that is cut short belongs to the kind that was being sent.
            let Some(header) = rest.first_chunk::<8>() else {
                count += 1;
                break;
            };
            let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
            count += usize::from(u32::from_be_bytes([header[4], header[5], header[6], header[7]]) == id);
            rest = rest.get(usize::try_from(length).unwrap()..).unwrap_or_default();
        }
        count
    }

    pub async fn at_end(&mut self) -> bool {
        let mut octet = [0];
        matches!(self.stream.read(&mut octet).await, Ok(0) | Err(_))
    }

    /// Whatever comes within a moment.
    pub async fn read_what_comes(&mut self) {
        let mut octets = [0; 4_096];
        let _ = tokio::time::timeout(std::time::Duration::from_millis(5), self.stream.read(&mut octets)).await;
    }
}

/// A small generator, so that a failing case can be run again from its number.
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(bound)).unwrap()
    }

    pub fn octets(&mut self, longest: u32) -> Vec<u8> {
        let length = self.word(longest);
        // Many zeros, so that C strings end and fields behind them are reached.
        (0..length).map(|_| if self.word(3) == 0 { 0 } else { u8::try_from(self.word(256)).unwrap() }).collect()
    }

    /// Any command but bind and unbind, known or not.
    pub fn command(&mut self) -> u32 {
        const KNOWN: [u32; 13] = [1, 3, 4, 5, 7, 8, 0x0B, 0x15, 0x21, 0x102, 0x103, 0x111, 0x112];
        let index = usize::try_from(self.word(13)).unwrap();
        KNOWN[index] | if self.word(2) == 0 { 0x8000_0000 } else { 0 }
    }
}
