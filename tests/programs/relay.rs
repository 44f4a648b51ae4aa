//! A wire that a test can plug into another server, or cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// An address that stays the same while what is behind it changes.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    behind: Arc<Mutex<SocketAddr>>,
    _task: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn to(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let behind = Arc::new(Mutex::new(behind));
        let target = Arc::clone(&behind);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut wires = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let target = *target.lock().unwrap();
                wires.spawn(connect(client, target));
            }
        });
        Self {
            address,
            behind,
            _task: task,
        }
    }

    /// From now on new connections go there.
    pub(crate) fn plug(&self, behind: SocketAddr) {
        *self.behind.lock().unwrap() = behind;
    }
}

/// Where nobody listens, the client's connection is closed at once, as if nobody listened here.
async fn connect(mut client: TcpStream, target: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        // The end of either side is the end of the wire.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
