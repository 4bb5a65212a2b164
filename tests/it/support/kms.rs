//! A KMS plugin of an API server: gRPC on a socket, and one answer for every key that it is asked to unwrap.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::sync::oneshot;

/// A plugin until it is dropped.
pub struct Plugin {
    folder: TempDir,
    asked: Asked,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The path and the message of each call.
type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

impl Plugin {
    /// Unwraps every key to this one; none, and it refuses.
    pub fn start(key: Option<&[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("could not make a folder");
        let socket = std::os::unix::net::UnixListener::bind(folder.path().join("kms.sock"));
        let socket = socket.expect("could not make a socket");
        socket.set_nonblocking(true).expect("a socket can wait");
        let asked = Asked::default();
        let (stop, stopped) = oneshot::channel();
        let (noted, key) = (Arc::clone(&asked), key.map(<[u8]>::to_vec));
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = UnixListener::from_std(socket).expect("a socket listens");
                tokio::select! {
                    () = serve(listener, key, noted) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { folder, asked, stop: Some(stop), thread: Some(thread) }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("kms.sock")
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<(String, Vec<u8>)> {
        self.asked.lock().expect("another test failed while it held the lock").clone()
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: UnixListener, key: Option<Vec<u8>>, asked: Asked) {
    while let Ok((stream, _)) = listener.accept().await {
        let (key, asked) = (key.clone(), Arc::clone(&asked));
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (key, asked) = (key.clone(), Arc::clone(&asked));
            async move {
                let path = request.uri().path().to_owned();
                let mut body = request.into_body();
                let mut message = Vec::new();
                while let Some(Ok(frame)) =
                    std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
                {
                    message.extend(frame.into_data().unwrap_or_default());
                }
                asked.lock().expect("nobody else holds it").push((path, message));
                let answer = http::Response::builder().header("content-type", "application/grpc");
                answer.body(Answer(frames(key.as_deref())))
            }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}

/// A key in the first field of a message, and that it went well.
fn frames(key: Option<&[u8]>) -> VecDeque<Frame<Bytes>> {
    let mut trailers = http::HeaderMap::new();
    let Some(key) = key else {
        trailers.insert("grpc-status", http::HeaderValue::from_static("5"));
        trailers.insert("grpc-message", http::HeaderValue::from_static("the key is gone"));
        return [Frame::trailers(trailers)].into();
    };
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let length = u8::try_from(key.len()).expect("keys are short");
    let message = [&[0, 0, 0, 0, length + 2, 0x0a, length], key].concat();
    [Frame::data(message.into()), Frame::trailers(trailers)].into()
}

struct Answer(VecDeque<Frame<Bytes>>);

impl Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
