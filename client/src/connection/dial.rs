//! Finding an address of a server that answers.

use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{Error, ServerAddress, limits, system_reason};

/// Connects to the first of a server's addresses that answers.
///
/// The addresses are tried by turns of their family, each a little after the one before or as soon as that failed, so
/// that a broken IPv6 costs no wait (RFC 8305).
pub(super) async fn dial(server: &ServerAddress) -> Result<TcpStream, Error> {
    let addresses = resolve(server).await?;
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut reason = String::new();
    loop {
        match waiting.next() {
            Some(address) => {
                attempts.spawn(attempt(address));
            }
            None if attempts.is_empty() => {
                let server = server.clone();
                return Err(Error::Unreachable { server, reason });
            }
            None => {}
        }
        let stagger = if waiting.len() == 0 {
            limits::DIAL
        } else {
            limits::DIAL_STAGGER
        };
        match timeout(stagger, attempts.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => reason = error,
            Ok(Some(Err(error))) => reason = error.to_string(),
            Ok(None) | Err(_) => {}
        }
    }
}

async fn resolve(server: &ServerAddress) -> Result<Vec<SocketAddr>, Error> {
    let unknown = |reason: String| Error::Unknown {
        host: server.host.clone(),
        reason,
    };
    let found = match timeout(limits::DIAL, lookup_host((server.host.as_str(), server.port))).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(unknown(error.to_string())),
        Err(_) => return Err(unknown("the name service doesn't answer".to_owned())),
    };
    let addresses = by_turns(found.collect());
    if addresses.is_empty() {
        return Err(unknown("it has no address".to_owned()));
    }
    Ok(addresses)
}

/// Orders addresses so that the families take turns, beginning with the one that the resolver prefers.
fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else {
        return addresses;
    };
    let (preferred, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut ordered = Vec::new();
    loop {
        let turn = [preferred.next(), other.next()];
        if turn == [None, None] {
            return ordered;
        }
        ordered.extend(turn.into_iter().flatten());
    }
}

async fn attempt(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = match timeout(limits::DIAL, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(system_reason(&error)),
        Err(_) => return Err("no answer in time".to_owned()),
    };
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = |text: &str| {
            text.split(' ')
                .map(|a| a.parse().unwrap())
                .collect::<Vec<SocketAddr>>()
        };
        assert_eq!(
            by_turns(addresses("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1")),
            addresses("[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1")
        );
        assert_eq!(by_turns(Vec::new()), Vec::new());
    }
}
