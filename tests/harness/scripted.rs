//! A carrier by hand, octet for octet, for what the simulator never does: it answers every submit with the same ids,
//! and sends the receipts that a test wants.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    thread,
};

const SUBMIT: u32 = 4;
const DELIVER: u32 = 5;
const RESPONSE: u32 = 0x8000_0000;

/// A running carrier; it ends with the test.
pub struct Scripted {
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    id: String,
    /// What it answers submits with.
    status: AtomicU32,
    binds: Mutex<Vec<TcpStream>>,
    submits: AtomicUsize,
    acknowledged: AtomicUsize,
    sequence: AtomicU32,
}

impl Scripted {
    /// One that answers each submit with this message id.
    pub fn answering(id: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { id: id.to_owned(), ..State::default() });
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, state }
    }

    /// From now on each submit is answered with this status; 0 takes it.
    pub fn answer_with(&self, status: u32) {
        self.state.status.store(status, Ordering::SeqCst);
    }

    /// How many connections were bound.
    pub fn binds(&self) -> usize {
        self.state.binds.lock().unwrap().len()
    }

    /// How many submits came.
    pub fn submits(&self) -> usize {
        self.state.submits.load(Ordering::SeqCst)
    }

    /// How many receipts were acknowledged with ESME_ROK.
    pub fn acknowledged(&self) -> usize {
        self.state.acknowledged.load(Ordering::SeqCst)
    }

    /// Sends a receipt for a message to `number`, by its text only.
    pub fn receipt(&self, id: &str, number: &str, stat: &str) {
        let text = format!(
            "id:{id} sub:001 dlvrd:001 submit date:2611212156 done date:2611212156 stat:{stat} err:000 text:Hello"
        );
        let mut body = b"\0\x01\x01".to_vec();
        body.extend(number.trim_start_matches('+').bytes());
        body.extend(b"\0\x05\0CARILLON\0\x04\0\0\0\0\0\0\0\0");
        body.push(u8::try_from(text.len()).unwrap());
        body.extend(text.bytes());
        let sequence = self.state.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        let mut binds = self.state.binds.lock().unwrap();
        send(binds.last_mut().expect("nobody is bound"), DELIVER, 0, sequence, &body);
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) {
        let mut header = [0; 16];
        while stream.read_exact(&mut header).is_ok() {
            let word = |n: usize| u32::from_be_bytes(header[n * 4..n * 4 + 4].try_into().unwrap());
            let (length, id, status, sequence) = (word(0), word(1), word(2), word(3));
            let mut body = vec![0; length as usize - 16];
            if stream.read_exact(&mut body).is_err() {
                return;
            }
            match id {
                1 | 2 | 9 => {
                    send(&mut stream, id | RESPONSE, 0, sequence, b"scripted\0");
                    self.binds.lock().unwrap().push(stream.try_clone().unwrap());
                }
                SUBMIT => {
                    self.submits.fetch_add(1, Ordering::SeqCst);
                    let status = self.status.load(Ordering::SeqCst);
                    let id_of_it = if status == 0 { format!("{}\0", self.id) } else { String::new() };
                    send(&mut stream, id | RESPONSE, status, sequence, id_of_it.as_bytes());
                }
                id if id == DELIVER | RESPONSE => {
                    self.acknowledged.fetch_add(usize::from(status == 0), Ordering::SeqCst);
                }
                id if id & RESPONSE == 0 => send(&mut stream, id | RESPONSE, 0, sequence, b""),
                _ => {}
            }
        }
    }
}

/// A peer that is gone is no failure.
fn send(stream: &mut TcpStream, id: u32, status: u32, sequence: u32, body: &[u8]) {
    let mut pdu = Vec::new();
    for word in [16 + body.len() as u32, id, status, sequence] {
        pdu.extend(word.to_be_bytes());
    }
    pdu.extend(body);
    let _ = stream.write_all(&pdu);
}
