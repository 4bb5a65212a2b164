//! Servers that misbehave, on loopback: what no real server does when a test wants it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use etcd_client::proto::{
    PbAlarmRequest, PbAlarmResponse, PbClusterServer, PbClusterService, PbCompactionRequest,
    PbCompactionResponse, PbDefragmentRequest, PbDefragmentResponse, PbDeleteRequest,
    PbDeleteResponse, PbDowngradeRequest, PbDowngradeResponse, PbEvent, PbHashKvRequest,
    PbHashKvResponse, PbHashRequest, PbHashResponse, PbKeyValue, PbKvServer, PbKvService,
    PbMaintenanceServer, PbMaintenanceService, PbMember, PbMemberAddRequest, PbMemberAddResponse,
    PbMemberListRequest, PbMemberListResponse, PbMemberPromoteRequest, PbMemberPromoteResponse,
    PbMemberRemoveRequest, PbMemberRemoveResponse, PbMemberUpdateRequest, PbMemberUpdateResponse,
    PbMoveLeaderRequest, PbMoveLeaderResponse, PbPutRequest, PbPutResponse, PbRangeRequest,
    PbRangeResponse, PbRangeStreamResponse, PbResponseHeader, PbSnapshotRequest,
    PbSnapshotResponse, PbStatusRequest, PbStatusResponse, PbTxnRequest, PbTxnResponse,
    PbWatchRequest, PbWatchResponse, PbWatchServer, PbWatchService,
};
use tokio::sync::oneshot;
use tonic::codegen::Service;
use tonic::codegen::tokio_stream::{self, Stream, StreamExt};
use tonic::server::NamedService;
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Request, Response, Status};

/// A server that misbehaves until it is dropped.
pub struct Fake {
    address: SocketAddr,
    stop: Option<Stop>,
    thread: Option<JoinHandle<()>>,
    calls: Arc<AtomicUsize>,
    heads: Heads,
}

/// The `:authority` and the headers of each request.
type Heads = Arc<Mutex<Vec<(String, http::HeaderMap)>>>;

enum Stop {
    /// A loop around `accept`: told by the flag, woken by a last connection.
    Accepting(Arc<AtomicBool>),
    Serving(oneshot::Sender<()>),
}

/// How the key-value service answers.
#[derive(Clone, Debug, Default)]
pub struct Kv {
    /// Before every answer.
    pub delay: Duration,
    /// So many calls are answered with `Unavailable` first.
    pub unavailable: usize,
    /// What every key's value is.
    pub value: Vec<u8>,
    /// How many keys a range holds.
    pub keys: usize,
    /// A streamed range fails after its first piece.
    pub cut: bool,
    /// What takes a quorum is not answered in time.
    pub without_quorum: bool,
}

/// A member, as far as whoever asks it can tell.
#[derive(Clone, Debug, Default)]
pub struct Member {
    pub status: PbStatusResponse,
    /// The list of members, which may be known only once all of them listen.
    pub members: Arc<Mutex<Vec<PbMember>>>,
    /// Before every answer about keys.
    pub delay: Duration,
    /// What takes a quorum is not answered in time.
    pub without_quorum: bool,
}

/// How the maintenance service answers a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// So many calls are answered with `Unavailable` first.
    pub unavailable: usize,
    pub blobs: Vec<Vec<u8>>,
    /// How the stream ends after them.
    pub end: End,
}

#[derive(Clone, Copy, Debug, Default)]
pub enum End {
    #[default]
    Well,
    /// With an error of the server's.
    Fails,
    /// Never.
    Hangs,
}

impl Fake {
    /// Nobody listens. The port was free a moment ago.
    pub fn refusing() -> Self {
        let (_, address) = listener();
        Self { address, stop: None, thread: None, calls: Arc::default(), heads: Heads::default() }
    }

    /// Accepts, and never says a word.
    pub fn silent() -> Self {
        let mut held = Vec::new();
        Self::accepting(move |stream| held.push(stream))
    }

    /// Closes every connection at once.
    pub fn closing() -> Self {
        Self::accepting(drop)
    }

    /// A web server: answers whatever it is told in HTTP/1 text.
    pub fn web() -> Self {
        Self::accepting(|mut stream| {
            // The client may be gone before it is answered.
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n",
            );
        })
    }

    /// Passes everything on to a real server, but only so many bytes of its answers on each
    /// connection; then it hangs up.
    pub fn cutting(server: SocketAddr, after: u64) -> Self {
        Self::accepting(move |client| {
            thread::spawn(move || cut(&client, server, after));
        })
    }

    /// Likewise, but then it says nothing more, and the connection stays.
    pub fn stalling(server: SocketAddr, after: u64) -> Self {
        Self::accepting(move |client| {
            thread::spawn(move || stall(client, server, after));
        })
    }

    fn accepting(mut each: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let (listener, address) = listener();
        let over = Arc::new(AtomicBool::new(false));
        let calls = Arc::new(AtomicUsize::new(0));
        let (told, counter) = (over.clone(), calls.clone());
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    break;
                }
                counter.fetch_add(1, Ordering::SeqCst);
                if let Ok(stream) = stream {
                    each(stream);
                }
            }
        });
        let heads = Heads::default();
        Self { address, stop: Some(Stop::Accepting(over)), thread: Some(thread), calls, heads }
    }

    /// Speaks the key-value service, as told.
    pub fn kv(kv: Kv) -> Self {
        Self::serving(|calls, heads| {
            let service = Noting { service: PbKvServer::new(KvService { kv, calls }), heads };
            move |incoming| Server::builder().serve_with_incoming(service, incoming)
        })
    }

    /// Answers every watch with one event of a type that does not exist.
    pub fn watch_of_an_unknown_event() -> Self {
        Self::serving(|calls, _| {
            let service = PbWatchServer::new(WatchService { calls });
            move |incoming| Server::builder().serve_with_incoming(service, incoming)
        })
    }

    /// Answers every `Maintenance.Snapshot` with these blobs, and fails after them if told so.
    pub fn snapshot(snapshot: Snapshot) -> Self {
        Self::serving(|calls, _| {
            let service =
                PbMaintenanceServer::new(MaintenanceService { snapshot, status: None, calls });
            move |incoming| Server::builder().serve_with_incoming(service, incoming)
        })
    }

    /// Says of itself what it is told to.
    pub fn member(member: Member) -> Self {
        let Member { status, members, delay, without_quorum } = member;
        Self::serving(|calls, _| {
            let kv = Kv { delay, without_quorum, ..Kv::default() };
            let kv = PbKvServer::new(KvService { kv, calls: calls.clone() });
            let maintenance = MaintenanceService {
                snapshot: Snapshot::default(),
                status: Some(status),
                calls: calls.clone(),
            };
            let maintenance = PbMaintenanceServer::new(maintenance);
            let cluster = PbClusterServer::new(ClusterService { members });
            move |incoming| {
                let server = Server::builder().add_service(kv).add_service(maintenance);
                server.add_service(cluster).serve_with_incoming(incoming)
            }
        })
    }

    fn serving<F, S>(serve: impl FnOnce(Arc<AtomicUsize>, Heads) -> S) -> Self
    where
        S: FnOnce(TcpIncoming) -> F + Send + 'static,
        F: Future<Output = Result<(), tonic::transport::Error>>,
    {
        let (listener, address) = listener();
        listener.set_nonblocking(true).expect("could not make a listener asynchronous");
        let calls = Arc::new(AtomicUsize::new(0));
        let heads = Heads::default();
        let serve = serve(calls.clone(), heads.clone());
        let (stop, over) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("could not start a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)
                    .expect("could not hand a listener to the runtime");
                // Dropped where it stands: connections that clients still hold must not keep the test.
                tokio::select! {
                    ended = serve(TcpIncoming::from(listener)) => ended.expect("the server failed"),
                    _ = over => {}
                }
            });
        });
        Self { address, stop: Some(Stop::Serving(stop)), thread: Some(thread), calls, heads }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the heads of the requests to the key-value service said; forgotten once told.
    pub fn heads(&self) -> Vec<(String, http::HeaderMap)> {
        std::mem::take(&mut *self.heads.lock().expect("a request failed while it was noted"))
    }

    /// How many connections (raw servers) or calls (services) there were.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        match self.stop.take() {
            Some(Stop::Accepting(over)) => {
                over.store(true, Ordering::SeqCst);
                let _ = TcpStream::connect(self.address);
            }
            Some(Stop::Serving(stop)) => drop(stop),
            None => {}
        }
        if let Some(thread) = self.thread.take() {
            // A test that fails already must not fail again here.
            let _ = thread.join();
        }
    }
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("could not take a loopback port");
    let address = listener.local_addr().expect("a bound socket has an address");
    (listener, address)
}

fn cut(client: &TcpStream, server: SocketAddr, after: u64) {
    let passed = || -> io::Result<()> {
        let server = TcpStream::connect(server)?;
        let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
        let there = thread::spawn(move || io::copy(&mut from_client, &mut to_server));
        let (mut to_client, mut from_server) = (client, (&server).take(after));
        let _ = io::copy(&mut from_server, &mut to_client);
        server.shutdown(Shutdown::Both)?;
        client.shutdown(Shutdown::Both)?;
        // Ends with its sockets, whatever it says.
        let _ = there.join();
        Ok(())
    };
    // Both ends may be gone already, which is what is wanted.
    let _ = passed();
}

fn stall(mut client: TcpStream, server: SocketAddr, after: u64) -> io::Result<()> {
    let mut server = TcpStream::connect(server)?;
    let (mut from_server, mut to_client) = (server.try_clone()?.take(after), client.try_clone()?);
    let back = thread::spawn(move || io::copy(&mut from_server, &mut to_client));
    // As long as the client stays.
    io::copy(&mut client, &mut server)?;
    let _ = (server.shutdown(Shutdown::Both), back.join());
    Ok(())
}

fn header() -> PbResponseHeader {
    PbResponseHeader { cluster_id: 1, member_id: 2, revision: 3, raft_term: 4 }
}

/// Notes the head of each request before a service sees it.
#[derive(Clone)]
struct Noting<S> {
    service: S,
    heads: Heads,
}

impl<S, B> Service<http::Request<B>> for Noting<S>
where
    S: Service<http::Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> S::Future {
        let authority = request.uri().authority().map_or_else(String::new, ToString::to_string);
        let head = (authority, request.headers().clone());
        self.heads.lock().expect("nobody fails while noting").push(head);
        self.service.call(request)
    }
}

impl<S: NamedService> NamedService for Noting<S> {
    const NAME: &'static str = S::NAME;
}

struct KvService {
    kv: Kv,
    calls: Arc<AtomicUsize>,
}

type Pieces<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl KvService {
    async fn answer(&self) -> Result<PbRangeResponse, Status> {
        let before = self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.kv.delay).await;
        if before < self.kv.unavailable {
            return Err(Status::unavailable("not yet"));
        }
        let pair = |i| PbKeyValue {
            key: format!("key{i}").into_bytes(),
            value: self.kv.value.clone(),
            create_revision: 2,
            mod_revision: 3,
            version: 1,
            lease: 0,
        };
        let kvs: Vec<_> = (0..self.kv.keys).map(pair).collect();
        let count = i64::try_from(kvs.len()).map_err(|_| Status::internal("too many keys"))?;
        Ok(PbRangeResponse { header: Some(header()), kvs, more: false, count })
    }
}

#[tonic::async_trait]
impl PbKvService for KvService {
    type RangeStreamStream = Pieces<PbRangeStreamResponse>;

    async fn range(
        &self,
        request: Request<PbRangeRequest>,
    ) -> Result<Response<PbRangeResponse>, Status> {
        if self.kv.without_quorum && !request.get_ref().serializable {
            return Err(Status::unavailable("etcdserver: request timed out"));
        }
        self.answer().await.map(Response::new)
    }

    async fn range_stream(
        &self,
        _: Request<PbRangeRequest>,
    ) -> Result<Response<Self::RangeStreamStream>, Status> {
        let piece = PbRangeStreamResponse { range_response: Some(self.answer().await?) };
        let mut pieces = vec![Ok(piece)];
        if self.kv.cut {
            pieces.push(Err(Status::unavailable("cut")));
        }
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces))))
    }

    async fn put(&self, _: Request<PbPutRequest>) -> Result<Response<PbPutResponse>, Status> {
        let PbRangeResponse { header, kvs, .. } = self.answer().await?;
        Ok(Response::new(PbPutResponse { header, prev_kv: kvs.into_iter().next() }))
    }

    async fn delete_range(
        &self,
        _: Request<PbDeleteRequest>,
    ) -> Result<Response<PbDeleteResponse>, Status> {
        let PbRangeResponse { header, kvs, count, .. } = self.answer().await?;
        Ok(Response::new(PbDeleteResponse { header, deleted: count, prev_kvs: kvs }))
    }

    async fn txn(&self, _: Request<PbTxnRequest>) -> Result<Response<PbTxnResponse>, Status> {
        let PbRangeResponse { header, .. } = self.answer().await?;
        Ok(Response::new(PbTxnResponse { header, succeeded: true, responses: vec![] }))
    }

    async fn compact(
        &self,
        _: Request<PbCompactionRequest>,
    ) -> Result<Response<PbCompactionResponse>, Status> {
        let PbRangeResponse { header, .. } = self.answer().await?;
        Ok(Response::new(PbCompactionResponse { header }))
    }
}

struct WatchService {
    calls: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl PbWatchService for WatchService {
    type WatchStream = Pieces<PbWatchResponse>;

    async fn watch(
        &self,
        _: Request<tonic::Streaming<PbWatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let kv = PbKeyValue { key: b"key".to_vec(), ..PbKeyValue::default() };
        let event = PbEvent { r#type: 7, kv: Some(kv), prev_kv: None };
        let answer = PbWatchResponse { header: Some(header()), ..PbWatchResponse::default() };
        let created = PbWatchResponse { created: true, ..answer.clone() };
        let news = PbWatchResponse { events: vec![event], ..answer };
        let pieces = tokio_stream::iter(vec![Ok(created), Ok(news)]);
        // A watch goes on: the official client may tell its end before its last event.
        Ok(Response::new(Box::pin(pieces.chain(tokio_stream::pending()))))
    }
}

struct MaintenanceService {
    snapshot: Snapshot,
    status: Option<PbStatusResponse>,
    calls: Arc<AtomicUsize>,
}

struct ClusterService {
    members: Arc<Mutex<Vec<PbMember>>>,
}

#[tonic::async_trait]
impl PbClusterService for ClusterService {
    async fn member_list(
        &self,
        _: Request<PbMemberListRequest>,
    ) -> Result<Response<PbMemberListResponse>, Status> {
        let members = self.members.lock().map_err(|_| Status::internal("a test failed"))?.clone();
        Ok(Response::new(PbMemberListResponse { header: Some(header()), members }))
    }

    async fn member_add(
        &self,
        _: Request<PbMemberAddRequest>,
    ) -> Result<Response<PbMemberAddResponse>, Status> {
        unused()
    }

    async fn member_remove(
        &self,
        _: Request<PbMemberRemoveRequest>,
    ) -> Result<Response<PbMemberRemoveResponse>, Status> {
        unused()
    }

    async fn member_update(
        &self,
        _: Request<PbMemberUpdateRequest>,
    ) -> Result<Response<PbMemberUpdateResponse>, Status> {
        unused()
    }

    async fn member_promote(
        &self,
        _: Request<PbMemberPromoteRequest>,
    ) -> Result<Response<PbMemberPromoteResponse>, Status> {
        unused()
    }
}

/// What no test asks of it.
fn unused<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("snapshots alone"))
}

#[tonic::async_trait]
impl PbMaintenanceService for MaintenanceService {
    type SnapshotStream = Pieces<PbSnapshotResponse>;

    async fn snapshot(
        &self,
        _: Request<PbSnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        let before = self.calls.fetch_add(1, Ordering::SeqCst);
        if before < self.snapshot.unavailable {
            return Err(Status::unavailable("not yet"));
        }
        // As servers do: the hash at the end is not counted.
        let whole: usize = self.snapshot.blobs.iter().map(Vec::len).sum();
        let mut left = whole.saturating_sub(32);
        let piece = |blob: &Vec<u8>| {
            left = left.saturating_sub(blob.len());
            let (version, blob) = ("3.7.0".to_owned(), blob.clone());
            Ok(PbSnapshotResponse { header: None, remaining_bytes: left as u64, blob, version })
        };
        let pieces: Vec<_> = self.snapshot.blobs.iter().map(piece).collect();
        let pieces = tokio_stream::iter(pieces);
        Ok(Response::new(match self.snapshot.end {
            End::Well => Box::pin(pieces),
            End::Fails => {
                Box::pin(pieces.chain(tokio_stream::once(Err(Status::unavailable("cut")))))
            }
            End::Hangs => Box::pin(pieces.chain(tokio_stream::pending())),
        }))
    }

    async fn alarm(&self, _: Request<PbAlarmRequest>) -> Result<Response<PbAlarmResponse>, Status> {
        unused()
    }

    async fn status(
        &self,
        _: Request<PbStatusRequest>,
    ) -> Result<Response<PbStatusResponse>, Status> {
        self.status.clone().map_or_else(unused, |status| Ok(Response::new(status)))
    }

    async fn defragment(
        &self,
        _: Request<PbDefragmentRequest>,
    ) -> Result<Response<PbDefragmentResponse>, Status> {
        unused()
    }

    async fn hash(&self, _: Request<PbHashRequest>) -> Result<Response<PbHashResponse>, Status> {
        unused()
    }

    async fn hash_kv(
        &self,
        _: Request<PbHashKvRequest>,
    ) -> Result<Response<PbHashKvResponse>, Status> {
        unused()
    }

    async fn move_leader(
        &self,
        _: Request<PbMoveLeaderRequest>,
    ) -> Result<Response<PbMoveLeaderResponse>, Status> {
        unused()
    }

    async fn downgrade(
        &self,
        _: Request<PbDowngradeRequest>,
    ) -> Result<Response<PbDowngradeResponse>, Status> {
        unused()
    }
}
