//! A server that speaks HTTP/2 just well enough to lie in it: frames by hand, on a loopback port.
//!
//! Source: RFC 9113 (frames), RFC 7541 (header blocks, here literals without a table).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use prost::Message;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Runs until it is dropped; each connection in a thread of its own.
pub struct Liar {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Liar {
    /// Says whatever `each` says on every connection.
    pub fn on_every_connection(
        each: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("could not take a loopback port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let over = Arc::new(AtomicBool::new(false));
        let (told, each) = (over.clone(), Arc::new(each));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    break;
                }
                let (Ok(stream), each) = (stream, each.clone()) else { continue };
                // Ends with its client, who hangs up on it.
                thread::spawn(move || each(stream));
            }
        });
        Self { address, over, thread: Some(thread) }
    }

    /// Answers every request of every connection; they are counted on each.
    pub fn answering(
        answer: impl Fn(&mut Talk, usize) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::on_every_connection(move |stream| {
            let mut talk = Talk::begin(stream)?;
            for number in 0.. {
                talk.request()?;
                answer(&mut talk, number)?;
            }
            Ok(())
        })
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            // A test that fails already must not fail again here.
            let _ = thread.join();
        }
    }
}

/// A connection, and the request on it that is to be answered.
pub struct Talk {
    stream: TcpStream,
    id: u32,
    requests: Receiver<u32>,
    credit: Arc<(Mutex<Credit>, Condvar)>,
}

/// How many bytes of data may be sent: on the connection, and on its newest stream.
struct Credit {
    connection: i64,
    initial: i64,
    stream: i64,
    over: bool,
}

impl Talk {
    /// Reads the preface and shakes hands.
    pub fn begin(mut stream: TcpStream) -> io::Result<Self> {
        let _ = stream.set_nodelay(true);
        stream.read_exact(&mut [0; 24])?;
        let (sender, requests) = mpsc::channel();
        let credit = Credit { connection: 65_535, initial: 65_535, stream: 0, over: false };
        let credit = Arc::new((Mutex::new(credit), Condvar::new()));
        let (mut heard, told) = (stream.try_clone()?, credit.clone());
        thread::spawn(move || {
            // Ends with its client.
            let _ = listen(&mut heard, &sender, &told);
            told.0.lock().expect("nobody fails with it").over = true;
            told.1.notify_all();
        });
        let mut talk = Self { stream, id: 0, requests, credit };
        talk.frame_of(0, SETTINGS, 0, &[])?;
        // The client's own count from here on.
        talk.frame_of(0, SETTINGS, ACK, &[])?;
        Ok(talk)
    }

    /// Waits for the next request.
    fn request(&mut self) -> io::Result<()> {
        self.id = self.requests.recv().map_err(|_| io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }

    /// Waits until so many bytes of data may be sent.
    fn spend(&self, bytes: usize) -> io::Result<()> {
        let bytes = i64::try_from(bytes).expect("a short piece");
        let (credit, news) = &*self.credit;
        let credit = credit.lock().expect("nobody fails with it");
        let enough = |credit: &mut Credit| {
            !credit.over && (credit.connection < bytes || credit.stream < bytes)
        };
        let mut credit = news.wait_while(credit, enough).expect("nobody fails with it");
        if credit.over {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        credit.connection -= bytes;
        credit.stream -= bytes;
        Ok(())
    }

    pub fn frame(&mut self, kind: u8, flags: u8, payload: &[u8]) -> io::Result<()> {
        self.frame_of(self.id, kind, flags, payload)
    }

    pub fn frame_of(&mut self, id: u32, kind: u8, flags: u8, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
        let head = [&length[1..], &[kind, flags], &id.to_be_bytes()].concat();
        self.stream.write_all(&[&head, payload].concat())
    }

    /// The head of an answer that goes on.
    pub fn head(&mut self) -> io::Result<()> {
        let content = literal("content-type", "application/grpc");
        self.frame(HEADERS, END_HEADERS, &[status(200), content].concat())
    }

    /// A message in its frame, in as many pieces as HTTP/2 needs.
    pub fn message(&mut self, message: &impl Message) -> io::Result<()> {
        let bytes = message.encode_to_vec();
        self.prefix(0, u32::try_from(bytes.len()).expect("a short message"))?;
        self.data(&bytes)
    }

    /// The five bytes before a message.
    pub fn prefix(&mut self, flag: u8, length: u32) -> io::Result<()> {
        self.data(&[&[flag][..], &length.to_be_bytes()].concat())
    }

    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(16_384).try_for_each(|piece| {
            self.spend(piece.len())?;
            self.frame(DATA, 0, piece)
        })
    }

    /// The end of an answer.
    pub fn end(&mut self, code: u32, message: &str) -> io::Result<()> {
        let trailers =
            [literal("grpc-status", &code.to_string()), literal("grpc-message", message)];
        self.frame(HEADERS, END_HEADERS | END_STREAM, &trailers.concat())
    }
}

/// Hears what a client says: its requests, and how much it takes.
fn listen(
    stream: &mut TcpStream,
    requests: &Sender<u32>,
    credit: &(Mutex<Credit>, Condvar),
) -> io::Result<()> {
    const INITIAL_WINDOW_SIZE: u16 = 4;
    const WINDOW_UPDATE: u8 = 8;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let id = u32::from_be_bytes(id);
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload)?;
        let mut now = credit.0.lock().expect("nobody fails with it");
        match kind {
            HEADERS => {
                now.stream = now.initial;
                let _ = requests.send(id);
            }
            SETTINGS if flags & ACK == 0 => {
                for setting in payload.chunks_exact(6) {
                    let name = u16::from_be_bytes([setting[0], setting[1]]);
                    if name == INITIAL_WINDOW_SIZE {
                        let size = [setting[2], setting[3], setting[4], setting[5]];
                        now.initial = i64::from(u32::from_be_bytes(size));
                    }
                }
            }
            WINDOW_UPDATE => {
                let more = payload.first_chunk().map_or(0, |more| u32::from_be_bytes(*more));
                if id == 0 {
                    now.connection += i64::from(more);
                } else {
                    now.stream += i64::from(more);
                }
                credit.1.notify_all();
            }
            _ => {}
        }
    }
}

/// The header `:status`.
pub fn status(code: u16) -> Vec<u8> {
    literal(":status", &code.to_string())
}

/// A header by its text.
pub fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut out = Vec::new();
        let mut rest = text.len();
        if rest < 127 {
            out.push(u8::try_from(rest).expect("it is small"));
        } else {
            out.push(127);
            rest -= 127;
            while rest >= 128 {
                out.push(u8::try_from(rest % 128).expect("it is small") | 128);
                rest /= 128;
            }
            out.push(u8::try_from(rest).expect("it is small"));
        }
        out.extend(text.as_bytes());
        out
    };
    [vec![0], text(name), text(value)].concat()
}
