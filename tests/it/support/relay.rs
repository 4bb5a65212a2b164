//! What stands before a server and passes everything on: another address, a socket in the file system,
//! a socket that never accepts. They last as long as the test program.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// A connection of either family.
trait Line: Read + Write + Send + Sized + 'static {
    fn twin(&self) -> io::Result<Self>;
    fn hang_up(&self);
}

impl Line for TcpStream {
    fn twin(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn hang_up(&self) {
        // The other side may have done it already.
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Line for UnixStream {
    fn twin(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn hang_up(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

/// A socket at `path` that leads to a server.
pub fn at_path(path: &Path, server: SocketAddr) {
    let listener = UnixListener::bind(path).expect("could not make a socket");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || join(client, TcpStream::connect(server)?));
        }
    });
}

/// A free port of an address that leads to a server. `None` where this machine has no such address.
pub fn at_address(address: &str, server: SocketAddr) -> Option<u16> {
    let listener = TcpListener::bind((address, 0)).ok()?;
    let port = listener.local_addr().ok()?.port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || join(client, TcpStream::connect(server)?));
        }
    });
    Some(port)
}

/// A port that leads to a server, whose pages bear another date: it is as long as the real one.
pub fn at_another_time(server: SocketAddr, date: &'static str) -> SocketAddr {
    const NAME: &[u8] = b"\r\nDate: ";
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("it has one");
    let another = move |bytes: &mut [u8]| {
        let at = bytes.windows(NAME.len()).position(|window| window == NAME);
        if let Some(place) =
            at.and_then(|at| bytes.get_mut(at + NAME.len()..)?.get_mut(..date.len()))
        {
            place.copy_from_slice(date.as_bytes());
        }
    };
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut server = TcpStream::connect(server)?;
                let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
                thread::spawn(move || {
                    let _ = io::copy(&mut from_client, &mut to_server);
                    to_server.hang_up();
                });
                let mut bytes = vec![0; 1 << 16];
                loop {
                    let length = server.read(&mut bytes)?;
                    if length == 0 {
                        client.hang_up();
                        return io::Result::Ok(());
                    }
                    another(&mut bytes[..length]);
                    client.write_all(&bytes[..length])?;
                }
            });
        }
    });
    address
}

/// Joins two connections until one of them ends.
pub fn joined(one: TcpStream, other: TcpStream) -> io::Result<()> {
    join(one, other)
}

fn join<L: Line>(client: L, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.twin()?, server.try_clone()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.hang_up();
    });
    let (mut to_client, mut from_server) = (client, server);
    let _ = io::copy(&mut from_server, &mut to_client);
    to_client.hang_up();
    let _ = there.join();
    Ok(())
}

/// A listener whose queue is full: the kernel drops every further SYN, as a firewall does.
pub struct Deaf {
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
    pub address: SocketAddr,
}

impl Deaf {
    /// `None` where the kernel's queue cannot be filled.
    pub fn new() -> Option<Self> {
        const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let listener = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            socket.listen(1)?.into_std()
        });
        let listener = listener.ok()?;
        let address = listener.local_addr().ok()?;
        let mut queue = Vec::new();
        for _ in 0..100 {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => queue.push(stream),
                Err(_) => return Some(Self { _listener: listener, _queue: queue, address }),
            }
        }
        None
    }
}
