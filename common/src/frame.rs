//! Cutting a stream of bytes into frames, without I/O.
//!
//! The seed of this protocol names no framing: its clients send JSON objects with or without anything between them.
//! So a connection begins with [`Framing::Objects`], where a complete object is a frame, and changes to
//! [`Framing::Lines`] once it says `hello`. Both find the same frames however the bytes were split on their way.

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr3};

use crate::limits;

/// How frames are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A frame is a JSON object; white space between objects is optional.
    Objects,
    /// A frame is a line that holds a JSON object; empty lines are ignored.
    Lines,
}

/// What the decoder can't make a frame of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Something other than `{` where an object should begin, or an object that is cut off by the next one.
    #[error("a message is a JSON object: {{\"action\": …}}")]
    NotAnObject,
    /// More than [`limits::NESTING`] objects and arrays in each other.
    #[error("the message is nested too deeply")]
    TooDeep,
    /// Not UTF-8 (RFC 8259, section 8.1, asks for it).
    #[error("the message is not valid UTF-8")]
    NotUtf8,
    /// Longer than the limit in force. The decoder yields nothing after this: the connection has to end.
    #[error("the message is too long")]
    TooLong,
}

/// Collects bytes and yields frames: each a complete text between `{` and `}`, in UTF-8, not nested too deeply.
///
/// Whether a frame is valid JSON is for the parser to say. Memory is bounded by the frame limit and what was
/// appended since the last call of [`FrameDecoder::next_frame`].
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: BytesMut,
    framing: Framing,
    max_frame: usize,
    /// How much of the buffer was looked at already.
    scanned: usize,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before a frame.
    Between,
    /// Over bytes that begin no frame, up to a newline or `{`; the error was given already.
    Skipping,
    Inside(Scan),
    /// The limit was passed; nothing comes any more.
    Poisoned,
}

/// Where in an object the scan stands.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    depth: u32,
    too_deep: bool,
    in_string: bool,
    escaped: bool,
    /// The last byte outside strings that isn't white space, and whether a newline came since.
    last: u8,
    newline_since: bool,
}

/// What a byte of an object means for the frame.
enum Step {
    On,
    Complete,
    /// The object can't go on here: a raw newline in a string (the byte belongs to the broken frame).
    Broken,
    /// The object can't go on here, because at this byte the next one begins.
    Restart,
}

impl FrameDecoder {
    /// A decoder for a new connection.
    pub fn new(framing: Framing, max_frame: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            framing,
            max_frame,
            scanned: 0,
            state: State::Between,
        }
    }

    /// The buffer to append received bytes to.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Bytes received that don't make a frame yet.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Gives the memory back while nothing is pending: an idle connection should cost nothing here.
    pub fn release_if_empty(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Changes how the following frames are told apart. To be called between frames.
    pub fn set_framing(&mut self, framing: Framing) {
        if self.framing != framing {
            self.framing = framing;
            self.restart();
        }
    }

    /// Changes the limit of the following frames, in bytes.
    pub fn set_max_frame(&mut self, max_frame: usize) {
        self.max_frame = max_frame;
    }

    /// The next frame or error in the buffer, or `None` when more bytes are needed.
    pub fn next_frame(&mut self) -> Option<Result<Bytes, FrameError>> {
        match self.framing {
            Framing::Lines => self.next_line(),
            Framing::Objects => self.next_object(),
        }
    }

    fn restart(&mut self) {
        self.scanned = 0;
        if !matches!(self.state, State::Poisoned) {
            self.state = State::Between;
        }
    }

    fn poison(&mut self) -> Option<Result<Bytes, FrameError>> {
        self.state = State::Poisoned;
        self.buffer = BytesMut::new();
        Some(Err(FrameError::TooLong))
    }

    fn next_line(&mut self) -> Option<Result<Bytes, FrameError>> {
        loop {
            if matches!(self.state, State::Poisoned) {
                self.buffer.clear();
                return None;
            }
            let newline = self
                .buffer
                .get(self.scanned..)
                .and_then(|rest| memchr(b'\n', rest));
            let Some(end) = newline.map(|found| self.scanned + found) else {
                self.scanned = self.buffer.len();
                return if self.scanned > self.max_frame {
                    self.poison()
                } else {
                    None
                };
            };
            self.scanned = 0;
            if end > self.max_frame {
                return self.poison();
            }
            let mut line = self.buffer.split_to(end).freeze();
            self.buffer.advance(1);
            let blank = |byte: &u8| byte.is_ascii_whitespace();
            let before = line.iter().take_while(|byte| blank(byte)).count();
            line.advance(before);
            line.truncate(line.len() - line.iter().rev().take_while(|byte| blank(byte)).count());
            if !line.is_empty() {
                return Some(check_line(line));
            }
        }
    }

    fn next_object(&mut self) -> Option<Result<Bytes, FrameError>> {
        loop {
            match self.state {
                State::Poisoned => {
                    self.buffer.clear();
                    return None;
                }
                State::Between => {
                    let blank = self
                        .buffer
                        .iter()
                        .take_while(|byte| byte.is_ascii_whitespace())
                        .count();
                    self.buffer.advance(blank);
                    match self.buffer.first() {
                        None => return None,
                        Some(b'{') => self.state = State::Inside(Scan::default()),
                        Some(_) => {
                            self.state = State::Skipping;
                            return Some(Err(FrameError::NotAnObject));
                        }
                    }
                }
                State::Skipping => {
                    let Some(end) = self.buffer.iter().position(|byte| matches!(byte, b'\n' | b'{')) else {
                        self.buffer.clear();
                        return None;
                    };
                    self.buffer.advance(end);
                    self.state = State::Between;
                }
                State::Inside(scan) => return self.scan_object(scan),
            }
        }
    }

    fn scan_object(&mut self, mut scan: Scan) -> Option<Result<Bytes, FrameError>> {
        while let Some(rest) = self.buffer.get(self.scanned..).filter(|rest| !rest.is_empty()) {
            if scan.in_string && !scan.escaped {
                // Most bytes of a file are in one long string: jump over what can't end it.
                let plain = memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
                if plain > 0 {
                    self.scanned += plain;
                    if self.scanned > self.max_frame {
                        return self.poison();
                    }
                    continue;
                }
            }
            let Some(&byte) = rest.first() else { break };
            let step = scan.step(byte);
            if let Step::Restart = step {
                self.buffer.advance(self.scanned);
                self.restart();
                return Some(Err(FrameError::NotAnObject));
            }
            self.scanned += 1;
            if self.scanned > self.max_frame {
                return self.poison();
            }
            if let Step::On = step {
                continue;
            }
            let frame = self.buffer.split_to(self.scanned).freeze();
            self.restart();
            return Some(match step {
                Step::Complete if scan.too_deep => Err(FrameError::TooDeep),
                Step::Complete if str::from_utf8(&frame).is_err() => Err(FrameError::NotUtf8),
                Step::Complete => Ok(frame),
                _ => Err(FrameError::NotAnObject),
            });
        }
        self.state = State::Inside(scan);
        None
    }
}

impl Scan {
    fn step(&mut self, byte: u8) -> Step {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                b'\n' => return Step::Broken,
                _ => {}
            }
            return Step::On;
        }
        match byte {
            b'{' | b'[' => {
                // `{` after a value is an error in JSON; after a line's end it is the next message of somebody
                // whose last one was cut off.
                if byte == b'{' && self.newline_since && !matches!(self.last, b':' | b',' | b'[') {
                    return Step::Restart;
                }
                self.depth += 1;
                self.too_deep |= self.depth > limits::NESTING;
            }
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Step::Complete;
                }
            }
            b'"' => self.in_string = true,
            b'\n' => self.newline_since = true,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            self.last = byte;
            self.newline_since = false;
        }
        Step::On
    }
}

/// Checks a line for what [`FrameDecoder`] promises of a frame.
fn check_line(line: Bytes) -> Result<Bytes, FrameError> {
    if str::from_utf8(&line).is_err() {
        return Err(FrameError::NotUtf8);
    }
    if line.first() != Some(&b'{') {
        return Err(FrameError::NotAnObject);
    }
    let mut scan = Scan::default();
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        if scan.in_string && !scan.escaped {
            at += memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
        }
        let Some(&byte) = line.get(at) else { break };
        at += 1;
        if let Step::Complete = scan.step(byte) {
            break;
        }
    }
    // An object that ends early or late is left to the JSON parser, which says where.
    if scan.too_deep {
        Err(FrameError::TooDeep)
    } else {
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Found = Vec<Result<String, FrameError>>;

    fn decode(framing: Framing, max: usize, pieces: &[&[u8]]) -> Found {
        let mut decoder = FrameDecoder::new(framing, max);
        let mut found = Vec::new();
        for piece in pieces {
            decoder.buffer_mut().extend_from_slice(piece);
            while let Some(frame) = decoder.next_frame() {
                found.push(frame.map(|frame| String::from_utf8(frame.to_vec()).unwrap()));
            }
        }
        found
    }

    fn objects(text: &str) -> Found {
        decode(Framing::Objects, 100, &[text.as_bytes()])
    }

    fn ok(texts: &[&str]) -> Found {
        texts.iter().map(|text| Ok((*text).to_owned())).collect()
    }

    #[test]
    fn objects_need_nothing_between_them() {
        assert_eq!(
            objects(r#"{"a":1}{"b":"}{\"{"}  {"c":[{}]}"#),
            ok(&[r#"{"a":1}"#, r#"{"b":"}{\"{"}"#, r#"{"c":[{}]}"#])
        );
        assert_eq!(objects("{\n \"a\":\n {\n}}\n\n"), ok(&["{\n \"a\":\n {\n}}"]));
        assert_eq!(objects(r#"{"a":"#), ok(&[]));
    }

    #[test]
    fn objects_recover_from_what_is_none() {
        let not = Err(FrameError::NotAnObject);
        let ping = || Ok(r#"{"p":1}"#.to_owned());
        assert_eq!(objects("hello\n{\"p\":1}"), [not.clone(), ping()]);
        assert_eq!(objects("GET / {\"p\":1}"), [not.clone(), ping()]);
        assert_eq!(objects("{\"a\":1\n{\"p\":1}"), [not.clone(), ping()]);
        assert_eq!(objects("{\"a\":\"cut\n{\"p\":1}"), [not, ping()]);
    }

    #[test]
    fn lines_are_lines() {
        let lines = |text: &str| decode(Framing::Lines, 100, &[text.as_bytes()]);
        assert_eq!(
            lines("\n{\"a\":1}\r\n  {\"b\":2} \n"),
            ok(&[r#"{"a":1}"#, r#"{"b":2}"#])
        );
        assert_eq!(lines("[1]\n{\"b\":2}\n")[0], Err(FrameError::NotAnObject));
        assert_eq!(lines("{\"a\":1}{\"b\":2}\n"), ok(&[r#"{"a":1}{"b":2}"#]));
    }

    #[test]
    fn limits_hold_in_both_framings() {
        for framing in [Framing::Objects, Framing::Lines] {
            let deep = format!("{}1{}\n", "{\"a\":".repeat(17), "}".repeat(17));
            assert_eq!(
                decode(framing, 1000, &[deep.as_bytes(), b"{}\n"]),
                [Err(FrameError::TooDeep), Ok("{}".into())]
            );
            let long = format!("{{\"a\":\"{}", "x".repeat(200));
            assert_eq!(
                decode(framing, 100, &[long.as_bytes(), b"\"}\n{}\n"]),
                [Err(FrameError::TooLong)]
            );
            let exact = format!("{{\"a\":\"{}\"}}\n", "x".repeat(92));
            assert_eq!(decode(framing, 100, &[exact.as_bytes()]).len(), 1);
            assert!(decode(framing, 100, &[exact.as_bytes()])[0].is_ok());
            assert_eq!(
                decode(framing, 99, &[exact.as_bytes()]),
                [Err(FrameError::TooLong)]
            );
            let latin1 = b"{\"a\":\"\xe9\"}\n{}\n";
            assert_eq!(
                decode(framing, 100, &[latin1]),
                [Err(FrameError::NotUtf8), Ok("{}".into())]
            );
        }
    }

    #[test]
    fn a_decoder_changes_to_lines_after_hello() {
        let mut decoder = FrameDecoder::new(Framing::Objects, 100);
        decoder.buffer_mut().extend_from_slice(b"{\"h\":1}\n{\"p\":1}\n");
        assert_eq!(decoder.next_frame().unwrap().unwrap(), "{\"h\":1}");
        decoder.set_framing(Framing::Lines);
        assert_eq!(decoder.next_frame().unwrap().unwrap(), "{\"p\":1}");
        assert!(decoder.next_frame().is_none());
        decoder.release_if_empty();
        assert_eq!(decoder.pending(), 0);
    }

    /// Bytes that are likely to confuse a decoder.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"{".to_vec()),
            Just(b"}".to_vec()),
            Just(b"[".to_vec()),
            Just(b"]".to_vec()),
            Just(b"\"".to_vec()),
            Just(b"\\".to_vec()),
            Just(b"\n".to_vec()),
            Just(b" ".to_vec()),
            Just(b":".to_vec()),
            Just(b",".to_vec()),
            Just(b"\xff".to_vec()),
            Just("é".as_bytes().to_vec()),
            Just(br#"{"action":"ping"}"#.to_vec()),
            Just(br#"{"a":"\"{"}"#.to_vec()),
            Just(vec![b'x'; 30]),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_frames(bytes in noise(), cuts in proptest::collection::vec(0usize..400, 0..20), lines: bool) {
            let framing = if lines { Framing::Lines } else { Framing::Objects };
            let whole = decode(framing, 60, &[&bytes]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&decode(framing, 60, &pieces), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(decode(framing, 60, &single), whole);
        }

        #[test]
        fn objects_come_back_as_they_were(texts in proptest::collection::vec(".{0,40}", 0..8), newline: bool) {
            let sent: Vec<String> = texts.iter().map(|text| serde_json::json!({"content": text}).to_string()).collect();
            let stream = sent.join(if newline { "\n" } else { "" });
            prop_assert_eq!(decode(Framing::Objects, 10_000, &[stream.as_bytes()]), sent.into_iter().map(Ok).collect::<Found>());
        }
    }
}
