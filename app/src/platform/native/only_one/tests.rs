use kith_common::Pin;
use tokio::sync::mpsc;

use super::*;

fn link() -> InviteLink {
    InviteLink {
        host: "chat.example".to_owned(),
        port: 7443,
        pin: Some(Pin([9; 32])),
        code: Some("abc-123".to_owned()),
    }
}

/// A start whose calls can be read.
async fn start(store: &Store, link: Option<InviteLink>) -> (Start, mpsc::UnboundedReceiver<Call>) {
    let (put, calls) = mpsc::unbounded_channel();
    let start = begin_in(store, link, PATIENCE, move |call| drop(put.send(call)))
        .await
        .unwrap();
    (start, calls)
}

#[test]
fn a_second_start_hands_over_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    RUNTIME.block_on(async {
        let (first, mut calls) = start(&store, None).await;
        assert!(matches!(first, Start::First(Some(_))));
        for (handed, call) in [(Some(link()), Call::Open(link())), (None, Call::Show)] {
            let (second, _) = start(&store, handed).await;
            assert!(matches!(second, Start::Second));
            assert_eq!(calls.recv().await, Some(call));
        }
        // In another folder is another one.
        let other = tempfile::tempdir().unwrap();
        let (other, _) = start(&Store::new(other.path()), None).await;
        assert!(matches!(other, Start::First(Some(_))));
    });
}

#[test]
fn what_a_program_leaves_behind_that_was_killed_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    RUNTIME.block_on(async {
        let (first, _) = start(&store, None).await;
        // Its socket stays.
        drop(first);
        let (next, mut calls) = start(&store, None).await;
        assert!(matches!(next, Start::First(Some(_))));
        let (second, _) = start(&store, Some(link())).await;
        assert!(matches!(second, Start::Second));
        assert_eq!(calls.recv().await, Some(Call::Open(link())));
    });
}

#[test]
fn beside_a_program_that_stands_still_there_is_no_second_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    let _claim = store.claim(CLAIM).unwrap().unwrap();
    let silent = RUNTIME.block_on(begin_in(&store, None, Duration::ZERO, drop));
    assert!(silent.unwrap_err().to_string().contains("runs already"));
}

#[test]
fn where_nothing_can_be_claimed_the_window_says_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = Store::new(file.path().join("no folder"));
    let (start, _) = RUNTIME.block_on(start(&store, None));
    assert!(matches!(start, Start::First(None)));
}

#[cfg(unix)]
#[test]
fn only_its_user_reaches_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("data"));
    let _first = RUNTIME.block_on(start(&store, None));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path(&store).unwrap()), 0o600);
    assert_eq!(mode(store.folder()), 0o700);
}

#[cfg(unix)]
#[test]
fn a_long_path_needs_another_place() {
    let long = Store::new(format!("/tmp/{}", "folder/".repeat(20)));
    let other = Store::new(format!("/tmp/{}", "folder/".repeat(21)));
    match (path(&long), path(&other)) {
        (Ok(path), Ok(other)) => {
            assert!(path.as_os_str().len() <= 100, "{}", path.display());
            assert_ne!(path, other);
        }
        // There is no such place here.
        (path, _) => assert!(path.unwrap_err().to_string().contains("too long")),
    }
}

#[test]
fn what_is_no_call_does_nothing() {
    let heard = |text: &[u8]| RUNTIME.block_on(read(text));
    for call in [Call::Show, Call::Open(link())] {
        assert_eq!(heard(call.to_string().as_bytes()), Some(call));
    }
    let long = format!("open kith://{}/\n", "a".repeat(CALL as usize));
    for garbage in [
        &b""[..],
        b"\n",
        b"show",
        b"open\n",
        b"open \n",
        b"open file:///etc/passwd\n",
        b"open https://chat.example/\n",
        b"open javascript:alert(1)\n",
        b"open kith://\n",
        b"open kith://chat.example/#pin=1\n",
        b"open kith://chat.example:0/\n",
        b" show\n",
        b"close\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xfe\n",
        b"\0\0\0\0\n",
        long.as_bytes(),
    ] {
        assert_eq!(heard(garbage), None, "{}", String::from_utf8_lossy(garbage));
    }
}

#[test]
fn a_stranger_at_the_socket_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    RUNTIME.block_on(async {
        let (_first, mut calls) = start(&store, None).await;
        let mut strangers = Vec::new();
        for said in [&b"open "[..], b"", b"nonsense\n", &[b'x'; 100_000]] {
            let mut line = Stream::connect(name(&store).unwrap()).await.unwrap();
            // It may be sent away before it has said all.
            let _ = timeout(ANSWER, line.write_all(said)).await;
            strangers.push(line);
        }
        let (second, _) = start(&store, Some(link())).await;
        assert!(matches!(second, Start::Second));
        assert_eq!(calls.recv().await, Some(Call::Open(link())));
        assert!(calls.try_recv().is_err());
    });
}
