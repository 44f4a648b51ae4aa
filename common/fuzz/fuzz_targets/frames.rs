//! Feeds any bytes to the frame codec and to the parsers behind it, and checks what these promise.
//!
//! An input is a stream as it comes from a socket. What follows its last NUL byte says how to decode it (see
//! [`Plan`]), so a seed without one is just the text of some messages.
#![no_main]

use bytes::Bytes;
use kith_common::{FrameDecoder, FrameError, Framing, Incoming, Request, encode_error, encode_ok, limits};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

type Found = Vec<Result<Bytes, FrameError>>;

fuzz_target!(|input: &[u8]| {
    let (stream, plan) = Plan::cut_from(input);
    for framing in [Framing::Objects, Framing::Lines] {
        let whole = decode(framing, &plan, &[stream]);
        assert_eq!(
            whole,
            decode(framing, &plan, &plan.pieces(stream)),
            "pieces change the frames"
        );
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(
            whole,
            decode(framing, &plan, &bytes),
            "single bytes change the frames"
        );
        if plan.hello_after.is_none() {
            match framing {
                Framing::Objects => starts_with_every_valid_object(&whole, stream, plan.max_frame),
                Framing::Lines => is_line_by_line(&whole, stream, plan.max_frame),
            }
        }
        for frame in whole.iter().flatten() {
            check_parsers(frame);
        }
    }
    check_parsers(stream);
});

/// How a stream is decoded.
struct Plan<'a> {
    max_frame: usize,
    /// After so many frames the decoder changes to lines and to twice the limit, as a session does at `hello`
    /// and at a login.
    hello_after: Option<u8>,
    /// The lengths of the pieces that the stream arrives in; the rest comes in one.
    lengths: &'a [u8],
}

impl<'a> Plan<'a> {
    fn cut_from(input: &'a [u8]) -> (&'a [u8], Self) {
        let (stream, plan) = match input.iter().rposition(|&byte| byte == 0) {
            Some(at) => (&input[..at], &input[at + 1..]),
            None => (input, &[][..]),
        };
        let (limit, plan) = plan.split_first().unwrap_or((&u8::MAX, &[]));
        let (hello_after, lengths) = plan.split_first().unwrap_or((&0, &[]));
        let plan = Self {
            max_frame: if *limit == u8::MAX {
                limits::FRAME_BEFORE_LOGIN
            } else {
                usize::from(*limit)
            },
            hello_after: Some(*hello_after).filter(|&frames| frames > 0),
            lengths,
        };
        (stream, plan)
    }

    fn pieces<'b>(&self, mut stream: &'b [u8]) -> Vec<&'b [u8]> {
        let mut pieces = Vec::new();
        for &length in self.lengths {
            let (piece, rest) = stream.split_at(usize::from(length).min(stream.len()));
            pieces.push(piece);
            stream = rest;
        }
        pieces.push(stream);
        pieces
    }
}

fn decode(framing: Framing, plan: &Plan<'_>, pieces: &[&[u8]]) -> Found {
    let mut decoder = FrameDecoder::new(framing, plan.max_frame);
    let mut max_frame = plan.max_frame;
    let mut until_hello = plan.hello_after;
    let mut largest_piece = 0;
    let mut found = Found::new();
    for piece in pieces {
        decoder.buffer_mut().extend_from_slice(piece);
        while let Some(result) = decoder.next_frame() {
            assert_ne!(
                found.last(),
                Some(&Err(FrameError::TooLong)),
                "nothing comes after `TooLong`"
            );
            if let Ok(frame) = &result {
                check_frame(frame, max_frame);
                until_hello = until_hello.map(|frames| frames.saturating_sub(1));
                if until_hello == Some(0) {
                    until_hello = None;
                    max_frame *= 2;
                    decoder.set_framing(Framing::Lines);
                    decoder.set_max_frame(max_frame);
                }
            }
            found.push(result);
        }
        assert!(
            decoder.pending() <= max_frame,
            "more is kept than a frame may have"
        );
        // A growing buffer doubles, and what was taken from its front may still be there.
        largest_piece = largest_piece.max(piece.len());
        let most = 4 * (max_frame + largest_piece) + 64;
        assert!(
            decoder.buffer_mut().capacity() <= most,
            "the buffer grows without bounds"
        );
        decoder.release_if_empty();
    }
    found
}

/// What the decoder says of every frame.
fn check_frame(frame: &[u8], max_frame: usize) {
    assert!(frame.len() <= max_frame, "longer than the limit");
    assert!(str::from_utf8(frame).is_ok(), "not UTF-8");
    assert_eq!(frame.first(), Some(&b'{'), "not an object");
    if let Ok(value) = serde_json::from_slice::<Value>(frame) {
        assert!(depth(&value) <= limits::NESTING, "too deep");
    }
}

fn depth(value: &Value) -> u32 {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Objects that a JSON parser finds from the start of the stream on are found, all of them and nothing between.
fn starts_with_every_valid_object(found: &Found, stream: &[u8], max_frame: usize) {
    let objects = serde_json::Deserializer::from_slice(stream).into_iter::<&RawValue>();
    let fits = |text: &&str| {
        let parsed = serde_json::from_str::<Value>(text);
        text.len() <= max_frame
            && parsed.is_ok_and(|value| value.is_object() && depth(&value) <= limits::NESTING)
    };
    let expected = objects.map_while(Result::ok).map(RawValue::get).take_while(fits);
    for (at, object) in expected.enumerate() {
        assert_eq!(
            found.get(at),
            Some(&Ok(Bytes::copy_from_slice(object.as_bytes()))),
            "a message is lost"
        );
    }
}

/// Lines are what a naive reader of lines would make of them.
fn is_line_by_line(found: &Found, stream: &[u8], max_frame: usize) {
    let mut found = found.iter();
    for line in stream.split_inclusive(|&byte| byte == b'\n') {
        let complete = line.strip_suffix(b"\n");
        let text = complete.unwrap_or(line).trim_ascii();
        let expected = match complete.unwrap_or(line).len() {
            length if length > max_frame => Err(FrameError::TooLong),
            _ if complete.is_none() || text.is_empty() => continue,
            _ if str::from_utf8(text).is_err() => Err(FrameError::NotUtf8),
            _ if !text.starts_with(b"{") => Err(FrameError::NotAnObject),
            _ => Ok(Bytes::copy_from_slice(text)),
        };
        match found.next() {
            Some(Err(FrameError::TooDeep)) if expected.is_ok() => {}
            other => assert_eq!(other, Some(&expected)),
        }
        if expected == Err(FrameError::TooLong) {
            break;
        }
    }
    assert_eq!(found.next(), None);
}

/// The parsers take any bytes; what they understand says the same when it is written and read again.
fn check_parsers(text: &[u8]) {
    check_request(text);
    if let Ok(Incoming::Event(event)) = Incoming::parse(text) {
        let line = serde_json::to_vec(&event).unwrap();
        let Ok(Incoming::Event(again)) = Incoming::parse(&line) else {
            panic!("an event doesn't come back: {event:?}")
        };
        assert_eq!(format!("{event:?}"), format!("{again:?}"));
    }
}

fn check_request(text: &[u8]) {
    let parsed = Request::parse(text);
    let line = match &parsed.request {
        Ok(request) => {
            assert!(
                text.trim_ascii_start().starts_with(b"{"),
                "a request is an object"
            );
            let again = Request::parse(&serde_json::to_vec(request).unwrap());
            assert_eq!(again.request.as_ref(), Ok(request));
            encode_ok(parsed.id.as_ref(), &())
        }
        Err(error) => encode_error(parsed.id.as_ref(), error),
    };
    assert_eq!(
        line.iter().position(|&byte| byte == b'\n'),
        Some(line.len() - 1),
        "a reply is one line"
    );
    let Ok(Incoming::Reply { id, result }) = Incoming::parse(&line) else {
        panic!("no client can read the reply {}", String::from_utf8_lossy(&line))
    };
    assert_eq!(id.as_deref(), parsed.id.as_ref().map(|id| id.as_json()));
    assert_eq!(result.err(), parsed.request.err());
}
