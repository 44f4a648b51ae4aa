use kith_common::{DeviceId, EventKind};
use kith_server::store::NewDevice;

use crate::bed::{BEGIN, Bed};
use crate::people::{Person, account, code, device, person, verified};

const HERE: &str = "192.0.2.1";
const HOUR: i64 = 60 * 60 * 1000;

pub(crate) async fn a_token_resumes_until_it_is_revoked(bed: &Bed) {
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    let phone = store
        .add_device(alice.account.clone(), verified("alice"), alice.origin, device(1))
        .await
        .unwrap();
    let laptop = store
        .add_device(alice.account.clone(), verified("alice"), alice.origin, device(2))
        .await
        .unwrap();
    let resumed = store.resume([1; 32], HERE, BEGIN).await.unwrap().unwrap();
    assert_eq!((resumed.account.id, resumed.device), (alice.account.id, phone));
    assert!(store.resume([3; 32], HERE, BEGIN).await.unwrap().is_none());

    let laptop_user = Person::at(alice.account.clone(), laptop);
    let author = laptop_user.keyed("revoke", "the phone");
    store.revoke_device(author.clone(), phone).await.unwrap();
    assert!(store.resume([1; 32], HERE, BEGIN).await.unwrap().is_none());
    assert!(store.resume([2; 32], HERE, BEGIN).await.unwrap().is_some());
    // The same again is fine with the same key, and finds nothing without.
    store.revoke_device(author, phone).await.unwrap();
    assert_eq!(
        code(store.revoke_device(laptop_user.author(), phone).await),
        "NotFound"
    );
    let told: Vec<_> = store
        .told(alice.account.log.id)
        .await
        .iter()
        .map(|event| (event.kind, event.body.clone()))
        .collect();
    let body = |text: &str| (EventKind::Device, text.to_owned().into());
    assert_eq!(
        told,
        [
            body(&format!(
                r#"{{"change":"added","device":{phone},"name":"device 1"}}"#
            )),
            body(&format!(
                r#"{{"change":"added","device":{laptop},"name":"device 2"}}"#
            )),
            body(&format!(
                r#"{{"change":"removed","device":{phone},"name":"device 1"}}"#
            )),
        ]
    );
    store.close().await;
}

pub(crate) async fn devices_are_their_owners_business(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let phone = store
        .add_device(alice.account.clone(), verified("alice"), alice.origin, device(1))
        .await
        .unwrap();
    assert_eq!(code(store.revoke_device(bob.author(), phone).await), "NotFound");
    assert_eq!(
        code(store.revoke_device(bob.author(), DeviceId(4711)).await),
        "NotFound"
    );
    let ids =
        |devices: Vec<kith_server::store::Device>| devices.iter().map(|device| device.id).collect::<Vec<_>>();
    assert_eq!(
        ids(store.devices(alice.account.id).await.unwrap()),
        [phone, alice.device]
    );
    assert_eq!(ids(store.devices(bob.account.id).await.unwrap()), [bob.device]);
    assert!(store.revoked(alice.account.id).await.unwrap().is_empty());
    store.revoke_device(alice.author(), phone).await.unwrap();
    assert_eq!(store.revoked(alice.account.id).await.unwrap(), [phone]);
    assert_eq!(
        ids(store.devices(alice.account.id).await.unwrap()),
        [alice.device]
    );
    store.close().await;
}

pub(crate) async fn seed_clients_share_a_device(bed: &Bed) {
    let store = bed.open().await;
    let alice = store.register(account("alice")).await.unwrap();
    let bob = person(&store, "bob").await;
    let address = || HERE.to_owned();
    let (one, two) = tokio::join!(
        store.seed_device(alice.id, verified("alice"), address()),
        store.seed_device(alice.id, verified("alice"), address())
    );
    let shared = one.unwrap();
    assert_eq!(shared, two.unwrap());
    assert_ne!(shared, bob.device);
    store
        .seed_device(alice.id, verified("alice"), "192.0.2.9".to_owned())
        .await
        .unwrap();
    let devices = store.devices(alice.id).await.unwrap();
    assert_eq!((devices.len(), &*devices[0].address), (1, "192.0.2.9"));
    // Ended, it is not taken up again.
    store
        .revoke_device(Person::at(alice.clone(), shared).author(), shared)
        .await
        .unwrap();
    assert_ne!(
        store
            .seed_device(alice.id, verified("alice"), address())
            .await
            .unwrap(),
        shared
    );
    store.close().await;
}

pub(crate) async fn last_seen_is_noted_by_the_hour(bed: &Bed) {
    let store = bed.open().await;
    let alice = store.register(account("alice")).await.unwrap();
    store
        .add_device(
            alice.clone(),
            verified("alice"),
            kith_server::store::Origin(1),
            device(1),
        )
        .await
        .unwrap();
    let resume_after = async |time: i64, address: &str| {
        bed.clock.advance(time);
        let now = kith_server::clock::Clock::now(&*bed.clock);
        store.resume([1; 32], address, now).await.unwrap().unwrap();
        let device = store.devices(alice.id).await.unwrap().remove(0);
        (
            device.last_seen_at - BEGIN,
            device.created_at - BEGIN,
            device.address,
        )
    };
    assert_eq!(resume_after(HOUR, HERE).await, (0, 0, HERE.to_owned()));
    assert_eq!(resume_after(1, HERE).await, (HOUR + 1, 0, HERE.to_owned()));
    assert_eq!(
        resume_after(1, "2001:db8::1").await,
        (HOUR + 2, 0, "2001:db8::1".to_owned())
    );
    assert_eq!(store.accounts().await.unwrap()[0].last_seen_at, BEGIN + HOUR + 2);
    store.close().await;
}

pub(crate) async fn addresses_are_known(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let far = NewDevice {
        address: "198.51.100.1".to_owned(),
        ..device(1)
    };
    store
        .add_device(alice.account.clone(), verified("alice"), alice.origin, far)
        .await
        .unwrap();
    assert!(
        store
            .knows_address(alice.account.id, "198.51.100.1")
            .await
            .unwrap()
    );
    assert!(store.knows_address(alice.account.id, HERE).await.unwrap());
    assert!(!store.knows_address(bob.account.id, "198.51.100.1").await.unwrap());
    store.close().await;
}

/// The password was right a moment ago, and then an administrator was faster.
pub(crate) async fn an_account_that_is_off_gets_none(bed: &Bed) {
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    store.set_enabled("alice", false).await.unwrap();
    assert_eq!(
        code(
            store
                .add_device(alice.account.clone(), verified("alice"), alice.origin, device(1))
                .await
        ),
        "Inactive"
    );
    assert_eq!(
        code(
            store
                .seed_device(alice.account.id, verified("alice"), HERE.to_owned())
                .await
        ),
        "Inactive"
    );
    store.set_enabled("alice", true).await.unwrap();
    assert!(store.devices(alice.account.id).await.unwrap().is_empty());
    store.close().await;
}
