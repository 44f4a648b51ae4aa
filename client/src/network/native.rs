//! What the operating system tells of its network addresses.

use core::future::pending;

use futures_util::StreamExt as _;
use if_watch::IfEvent;
use if_watch::tokio::IfWatcher;
use tokio::time::{Instant, sleep, timeout};

use crate::limits;

/// Calls `changed` whenever the device has got or lost an address that reaches beyond it: a few at once count as one change.
/// Never returns. Where the system doesn't tell, it never calls.
pub(crate) async fn watch(mut changed: impl FnMut()) {
    let Ok(mut events) = IfWatcher::new() else {
        return pending().await;
    };
    // The addresses that are there already come first.
    let settled = Instant::now() + limits::NETWORK_SETTLES;
    while let Some(event) = events.next().await {
        if event.as_ref().is_ok_and(is_beyond_this_device) && Instant::now() > settled {
            sleep(limits::NETWORK_SETTLES).await;
            // What came meanwhile is part of the same change.
            while let Ok(Some(_)) = timeout(core::time::Duration::ZERO, events.next()).await {}
            changed();
        }
    }
    pending::<()>().await;
}

/// Whether the address is more than a loopback or link-local one.
fn is_beyond_this_device(event: &IfEvent) -> bool {
    let (IfEvent::Up(network) | IfEvent::Down(network)) = event;
    match network.addr() {
        std::net::IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        std::net::IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_reach_others_count() {
        let counts = |network: &str| is_beyond_this_device(&IfEvent::Up(network.parse().unwrap()));
        assert!(counts("192.0.2.7/24") && counts("2001:db8::7/64"));
        assert!(!counts("127.0.0.1/8") && !counts("169.254.3.4/16"));
        assert!(!counts("::1/128") && !counts("fe80::1/64"));
    }

    #[tokio::test]
    #[ignore = "it changes the network: `unshare --net --map-root-user cargo test -p kith-client network -- --ignored`"]
    async fn a_new_address_is_heard_of() {
        let (heard, mut changes) = tokio::sync::mpsc::channel(1);
        let watching = watch(|| heard.try_send(()).unwrap());
        let changing = async {
            sleep(2 * limits::NETWORK_SETTLES).await;
            let command = "address add 192.0.2.7/24 dev lo";
            let status = std::process::Command::new("ip").args(command.split(' ')).status();
            assert!(status.unwrap().success(), "ip {command}");
            changes.recv().await
        };
        tokio::select! {
            () = watching => unreachable!("it never returns"),
            change = timeout(limits::DIAL, changing) => assert_eq!(change, Ok(Some(()))),
        }
    }
}
