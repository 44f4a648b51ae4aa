use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A bad line between clients and a server: it stays where it is while the server moves, and is cut when the test says so.
///
/// It ends with the test.
pub struct Proxy {
    /// Where clients find it.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

struct Shared {
    state: Mutex<State>,
    /// Raised to cut all connections that there are.
    cuts: watch::Sender<u64>,
}

struct State {
    server: SocketAddr,
    down: bool,
    fuse: Option<Fuse>,
    /// Bytes that have passed.
    passed: [usize; 2],
}

/// What cuts the line.
struct Fuse {
    way: Way,
    /// Bytes that may still pass.
    left: usize,
    for_good: bool,
}

impl Proxy {
    /// A line to this server.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                server,
                down: false,
                fuse: None,
                passed: [0; 2],
            }),
            cuts: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            task,
        }
    }

    /// The server is somewhere else now.
    pub fn redirect(&self, server: SocketAddr) {
        self.shared.state().server = server;
    }

    /// Cuts the connections that there are.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts the connections that there are, and every new one until [`Proxy::up`].
    pub fn down(&self) {
        self.shared.state().down = true;
        self.cut();
    }

    /// Lets new connections through again.
    pub fn up(&self) {
        self.shared.state().down = false;
    }

    /// Lets so many more bytes pass that way, over all connections, and then cuts them.
    pub fn cut_after(&self, way: Way, bytes: usize) {
        self.shared.state().fuse = Some(Fuse {
            way,
            left: bytes,
            for_good: false,
        });
    }

    /// The same, and cuts every new connection too until [`Proxy::up`].
    pub fn down_after(&self, way: Way, bytes: usize) {
        self.shared.state().fuse = Some(Fuse {
            way,
            left: bytes,
            for_good: true,
        });
    }

    /// Whether the last [`Proxy::cut_after`] is still to come.
    pub fn is_armed(&self) -> bool {
        self.shared.state().fuse.is_some()
    }

    /// Forgets [`Proxy::cut_after`].
    pub fn disarm(&self) {
        self.shared.state().fuse = None;
    }

    /// How many bytes have passed that way so far.
    pub fn passed(&self, way: Way) -> usize {
        self.shared.state().passed[way as usize]
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.down();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of so many bytes may pass, and whether the line is then cut.
    fn pass(&self, way: Way, bytes: usize) -> (usize, bool) {
        let mut state = self.state();
        let (passing, cut) = match &mut state.fuse {
            Some(fuse) if fuse.way == way => {
                let passing = bytes.min(fuse.left);
                fuse.left -= passing;
                (passing, passing < bytes)
            }
            _ => (bytes, false),
        };
        if cut && state.fuse.take().is_some_and(|fuse| fuse.for_good) {
            state.down = true;
        }
        state.passed[way as usize] += passing;
        (passing, cut)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let cuts = shared.cuts.subscribe();
        let (server, down) = {
            let state = shared.state();
            (state.server, state.down)
        };
        if !down {
            // Each ends when its line is cut, at the latest with the proxy.
            tokio::spawn(relay(client, server, Arc::clone(&shared), cuts));
        }
    }
}

async fn relay(client: TcpStream, server: SocketAddr, shared: Arc<Shared>, mut cuts: watch::Receiver<u64>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        // Once it is cut nothing goes through, not even what has come already.
        biased;
        _ = cuts.changed() => {}
        () = async {
            // Where one way breaks, the other has no use.
            let _ = tokio::try_join!(
                carry(Way::Up, from_client, to_server, &shared),
                carry(Way::Down, from_server, to_client, &shared),
            );
        } => {}
    }
}

/// Carries bytes until the end comes, and passes the end on. An error is that nobody takes them any more.
async fn carry(
    way: Way,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let (passing, cut) = shared.pass(way, read);
        let written = to.write_all(&buffer[..passing]).await;
        if cut {
            shared.cuts.send_modify(|cuts| *cuts += 1);
        }
        written?;
        if read == 0 {
            let _ = to.shutdown().await;
            return Ok(());
        }
    }
}
