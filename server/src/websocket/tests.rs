use futures_util::{SinkExt as _, StreamExt as _};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tungstenite::Message;
use tungstenite::protocol::Role;
use tungstenite::protocol::frame::{CloseFrame, Frame};

use super::*;

impl Transport for DuplexStream {
    fn unacknowledged(&self) -> Option<usize> {
        None
    }
}

/// A client's frame, as it goes over the line.
fn frame(opcode: OpCode, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader {
        is_final,
        opcode,
        mask: Some([0x1f, 0x2e, 0x3d, 0x4c]),
        ..FrameHeader::default()
    };
    let mut bytes = Vec::new();
    Frame::from_payload(header, payload.to_vec().into())
        .format(&mut bytes)
        .unwrap();
    bytes
}

const TEXT: OpCode = OpCode::Data(Data::Text);
const MORE: OpCode = OpCode::Data(Data::Continue);
const BINARY: OpCode = OpCode::Data(Data::Binary);
const PING: OpCode = OpCode::Control(Control::Ping);
const PONG: OpCode = OpCode::Control(Control::Pong);
const CLOSE: OpCode = OpCode::Control(Control::Close);

/// What is read when this is received, in pieces of these sizes.
fn read(received: &[u8], sizes: &mut dyn Iterator<Item = usize>) -> (Vec<u8>, Option<Violation>, Incoming) {
    let mut incoming = Incoming::default();
    let mut lines = Vec::new();
    let mut rest = received.to_vec();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len());
        let mut piece: Vec<u8> = rest.drain(..size).collect();
        let mut out = vec![0; piece.len() + 1];
        let mut out = ReadBuf::new(&mut out);
        let result = incoming.take_in(&mut piece, &mut out);
        lines.extend_from_slice(out.filled());
        if let Err(violation) = result {
            return (lines, Some(violation), incoming);
        }
    }
    (lines, None, incoming)
}

fn whole(received: &[u8]) -> (Vec<u8>, Option<Violation>, Incoming) {
    read(received, &mut std::iter::empty())
}

#[test]
fn a_message_is_a_line() {
    let received = [
        frame(TEXT, true, b"{\"a\":1}"),
        frame(TEXT, false, b"{\n"),
        frame(PING, true, b"still there?"),
        frame(MORE, false, b""),
        frame(MORE, true, b"}"),
        frame(PONG, true, b""),
        frame(TEXT, true, b""),
    ]
    .concat();
    let (lines, violation, incoming) = whole(&received);
    assert_eq!(violation, None);
    assert_eq!(String::from_utf8_lossy(&lines), "{\"a\":1}\n{\r}\n\n");
    assert_eq!(incoming.ping.as_deref(), Some(&b"still there?"[..]));
    assert_eq!(incoming.closed, None);
}

#[test]
fn what_breaks_the_rules_is_named() {
    let long = [0; 126];
    let mut unmasked = Vec::new();
    Frame::message(&b"{}"[..], TEXT, true)
        .format(&mut unmasked)
        .unwrap();
    let mut compressed = frame(TEXT, true, b"{}");
    compressed[0] |= 0x40;
    let mut unknown = frame(TEXT, true, b"{}");
    unknown[0] |= 0x03;
    for (bytes, word) in [
        (frame(BINARY, true, b"{}"), "binary"),
        (frame(BINARY, false, b""), "binary"),
        (frame(MORE, true, b"{}"), "within another"),
        (
            [frame(TEXT, false, b"{"), frame(TEXT, true, b"{}")].concat(),
            "within another",
        ),
        (frame(PING, true, &long), "too long"),
        (frame(PING, false, b""), "in parts"),
        (frame(CLOSE, true, b"x"), "half a close code"),
        (frame(CLOSE, true, &1005_u16.to_be_bytes()), "can't be"),
        (frame(CLOSE, true, &[3, 232, 0xff]), "can't be"),
        (unmasked, "without a mask"),
        (compressed, "wasn't agreed on"),
        (unknown, "unknown kind"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "unknown kind"),
    ] {
        let before = frame(TEXT, true, b"{\"before\":1}");
        let (lines, violation, _) = whole(&[before, bytes.clone()].concat());
        let said = violation.map(|violation| violation.to_string());
        assert!(
            said.as_ref().is_some_and(|said| said.contains(word)),
            "{word}: {said:?}"
        );
        assert!(lines.starts_with(b"{\"before\":1}\n"), "{word}");
    }
}

#[test]
fn nothing_is_heard_after_a_close() {
    let close = frame(CLOSE, true, &[&1001_u16.to_be_bytes()[..], b"bye"].concat());
    let received = [close, frame(TEXT, true, b"{}"), b"nonsense".to_vec()].concat();
    let (lines, violation, incoming) = whole(&received);
    assert_eq!((lines, violation), (Vec::new(), None));
    assert_eq!(incoming.closed, Some(Some(CloseCode::Away)));
    let (_, _, incoming) = whole(&frame(CLOSE, true, b""));
    assert_eq!(incoming.closed, Some(None));
}

/// A message in parts, with a control frame after each where there is one.
fn parts(text: &str, cuts: &[usize], pings: &[bool]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    for (number, cut) in cuts.iter().enumerate() {
        let (part, more) = rest.split_at((*cut).min(rest.len()));
        let opcode = if number == 0 { TEXT } else { MORE };
        bytes.extend(frame(opcode, false, part));
        if pings.get(number) == Some(&true) {
            bytes.extend(frame(PING, true, b"ping"));
        }
        rest = more;
    }
    bytes.extend(frame(if cuts.is_empty() { TEXT } else { MORE }, true, rest));
    bytes
}

proptest! {
    #[test]
    fn any_parts_and_any_split_give_the_same_lines(
        messages in proptest::collection::vec(
            ("[^\n]{0,40}", proptest::collection::vec(0_usize..20, 0..4), proptest::collection::vec(any::<bool>(), 4)),
            0..6,
        ),
        sizes in proptest::collection::vec(1_usize..30, 0..60),
    ) {
        let mut expected = Vec::new();
        let mut received = Vec::new();
        for (text, cuts, pings) in &messages {
            expected.extend_from_slice(text.as_bytes());
            expected.push(b'\n');
            received.extend(parts(text, cuts, pings));
        }
        let (lines, violation, _) = read(&received, &mut sizes.into_iter());
        prop_assert_eq!(violation, None);
        prop_assert_eq!(lines, expected);
    }

    #[test]
    fn no_bytes_make_more_lines_than_there_is_room_for(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        // `put_slice` would panic.
        let _ = whole(&bytes);
    }
}

/// Both ends: the server's, and a client from another hand.
async fn pair(buffer: usize) -> (WebSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (ours, theirs) = tokio::io::duplex(buffer);
    let client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
    (WebSocket::new(ours), client)
}

#[tokio::test]
async fn a_line_is_a_message_however_it_is_written() {
    let (server, mut client) = pair(70).await;
    let (_reader, mut writer) = tokio::io::split(server);
    let long = "x".repeat(3 * WRITE);
    let lines = format!("{{}}\n\n{{\"long\":\"{long}\"}}\n{{\"last\":1}}\n");
    let writing = async {
        writer.write_all(lines.as_bytes()).await.unwrap();
        writer.flush().await.unwrap();
    };
    let reading = async {
        for expected in lines.lines().filter(|line| !line.is_empty()) {
            let message = client.next().await.unwrap().unwrap();
            assert_eq!(message, Message::text(expected));
        }
    };
    tokio::join!(writing, reading);
    let cut = writer.write_all(b"{\"no\":\"end\"}").await.unwrap_err();
    assert_eq!(cut.kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_ping_is_answered_by_who_only_reads() {
    let (mut server, mut client) = pair(4096).await;
    client.send(Message::Ping("are you there?".into())).await.unwrap();
    let mut buffer = [0; 100];
    let answer = tokio::select! {
        read = server.read(&mut buffer) => panic!("a ping is no line, but {read:?}"),
        answer = client.next() => answer,
    };
    assert_eq!(answer.unwrap().unwrap(), Message::Pong("are you there?".into()));
    client.send(Message::text("{}")).await.unwrap();
    assert_eq!(server.read(&mut buffer).await.unwrap(), 3);
    assert_eq!(&buffer[..3], b"{}\n");
}

#[tokio::test]
async fn a_ping_within_a_line_is_answered_after_it() {
    let (server, mut client) = pair(64).await;
    let (mut reader, mut writer) = tokio::io::split(server);
    client.send(Message::Ping("now".into())).await.unwrap();
    client.send(Message::text("{}")).await.unwrap();
    let line = "y".repeat(5000);
    let text = format!("{line}\n");
    let mut buffer = [0; 100];
    let writing = async {
        writer.write_all(text.as_bytes()).await.unwrap();
        writer.flush().await.unwrap();
    };
    let reading = async { assert_eq!(reader.read(&mut buffer).await.unwrap(), 3) };
    let hearing = async {
        let mut heard = [
            client.next().await.unwrap().unwrap(),
            client.next().await.unwrap().unwrap(),
        ];
        heard.sort_by_key(Message::is_pong);
        assert_eq!(heard, [Message::text(line), Message::Pong("now".into())]);
    };
    // The writer begins before the ping is read.
    tokio::join!(writing, reading, hearing);
}

#[tokio::test]
async fn a_violation_is_told_after_what_came_before() {
    let (mut server, mut client) = pair(4096).await;
    client.send(Message::text("{}")).await.unwrap();
    client.send(Message::binary(&b"{}"[..])).await.unwrap();
    let mut buffer = [0; 100];
    assert_eq!(server.read(&mut buffer).await.unwrap(), 3);
    let error = server.read(&mut buffer).await.unwrap_err();
    let violation = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Violation>());
    assert_eq!(violation, Some(&Violation::Binary));
}

#[tokio::test]
async fn a_close_is_said_and_answered() {
    let (mut server, mut client) = pair(4096).await;
    let bye = CloseFrame {
        code: CloseCode::Away,
        reason: "tab closed".into(),
    };
    client.close(Some(bye)).await.unwrap();
    let mut buffer = [0; 100];
    assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
    server.say_why(End::Closed);
    server.shutdown().await.unwrap();
    let answer = client.next().await.unwrap().unwrap();
    let Message::Close(Some(answer)) = answer else {
        panic!("{answer:?} is no close");
    };
    assert_eq!(answer.code, CloseCode::Away);

    let (mut server, mut client) = pair(4096).await;
    server.write_all(b"{\"last\":1}\n").await.unwrap();
    server.say_why(End::Shutdown);
    server.shutdown().await.unwrap();
    assert_eq!(
        client.next().await.unwrap().unwrap(),
        Message::text("{\"last\":1}")
    );
    let Message::Close(Some(said)) = client.next().await.unwrap().unwrap() else {
        panic!("no close");
    };
    assert_eq!(
        (said.code, said.reason.as_str()),
        (CloseCode::Away, "the server stops")
    );
    assert_eq!(
        server.write_all(b"{}\n").await.unwrap_err().kind(),
        io::ErrorKind::BrokenPipe
    );
}
