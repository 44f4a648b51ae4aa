use std::io::Cursor;

use tokio::io::ReadBuf;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

/// The longest header of a frame (RFC 6455, section 5.2).
const HEADER: usize = 14;

/// The most bytes that a control frame holds (section 5.5).
const CONTROL: u64 = 125;

/// What a client must not send. It ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    /// A message of bytes.
    #[error("binary messages aren't understood here")]
    Binary,
    /// Something that isn't WebSocket.
    #[error("not WebSocket: {0}")]
    Protocol(&'static str),
}

/// Makes lines of what a client sends: each message becomes one, as its bytes come in. It keeps nothing of a message but
/// where in it the next byte belongs.
#[derive(Default)]
pub(super) struct Incoming {
    /// A header of which `header_bytes` have come.
    header: [u8; HEADER],
    header_bytes: usize,
    frame: Option<Frame>,
    /// Frames have come of a message that isn't complete.
    is_fragmented: bool,
    /// What has come of a control frame.
    control: Vec<u8>,
    /// What the last ping asked to have back.
    pub(super) ping: Option<Vec<u8>>,
    /// The client has closed, with this code or none.
    pub(super) closed: Option<Option<CloseCode>>,
}

/// A frame whose payload is coming in.
struct Frame {
    opcode: OpCode,
    is_final: bool,
    left: u64,
    /// The mask, turned so that its first byte is for the next byte of the payload.
    mask: [u8; 4],
}

impl Incoming {
    /// Takes in what was received and appends lines to `out`, which has room for one byte more than that.
    ///
    /// There is room enough: every byte of a line was a byte of payload, but for the newlines, and of these each but the first
    /// stands for a frame whose header was received too.
    ///
    /// # Errors
    /// The client breaks the rules. Nothing more can be made of what it sends; what came before is in `out`.
    pub(super) fn take_in(
        &mut self,
        mut received: &mut [u8],
        out: &mut ReadBuf<'_>,
    ) -> Result<(), Violation> {
        while !received.is_empty() && self.closed.is_none() {
            let Some(frame) = &mut self.frame else {
                let used = self.take_header(received)?;
                received = received.get_mut(used..).unwrap_or_default();
                if self.frame.as_ref().is_some_and(|frame| frame.left == 0) {
                    self.end_frame(out)?;
                }
                continue;
            };
            let now = usize::try_from(frame.left).map_or(received.len(), |left| left.min(received.len()));
            let (payload, rest) = received.split_at_mut(now);
            frame.unmask(payload);
            frame.left -= now as u64;
            let is_over = frame.left == 0;
            match frame.opcode {
                OpCode::Control(_) => self.control.extend_from_slice(payload),
                OpCode::Data(_) => {
                    // One message is one line. A line break in it means the same as this, to JSON: space between tokens, and
                    // an error inside a string.
                    payload
                        .iter_mut()
                        .filter(|byte| **byte == b'\n')
                        .for_each(|byte| *byte = b'\r');
                    out.put_slice(payload);
                }
            }
            if is_over {
                self.end_frame(out)?;
            }
            received = rest;
        }
        Ok(())
    }

    /// Takes bytes of a header; the frame begins when it is complete. Returns how many were taken.
    fn take_header(&mut self, received: &[u8]) -> Result<usize, Violation> {
        let before = self.header_bytes;
        let room = self.header.get_mut(before..).unwrap_or_default();
        let more = room.len().min(received.len());
        room.iter_mut()
            .zip(received)
            .for_each(|(place, byte)| *place = *byte);
        self.header_bytes += more;
        let so_far = self.header.get(..self.header_bytes).unwrap_or_default();
        let mut cursor = Cursor::new(so_far);
        let parsed = FrameHeader::parse(&mut cursor);
        let Some((header, length)) = parsed.map_err(|_| Violation::Protocol("an unknown kind of frame"))?
        else {
            return Ok(more);
        };
        let used = usize::try_from(cursor.position()).unwrap_or(HEADER) - before;
        self.header_bytes = 0;
        self.frame = Some(self.frame_of(&header, length)?);
        Ok(used)
    }

    /// A frame with this header, if it may come now.
    fn frame_of(&self, header: &FrameHeader, length: u64) -> Result<Frame, Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::Protocol("an extension that wasn't agreed on"));
        }
        let Some(mask) = header.mask else {
            return Err(Violation::Protocol("a frame without a mask"));
        };
        match header.opcode {
            OpCode::Control(_) if !header.is_final || length > CONTROL => {
                return Err(Violation::Protocol(
                    "a control frame that is too long or in parts",
                ));
            }
            OpCode::Data(Data::Binary) => return Err(Violation::Binary),
            OpCode::Data(data) if (data == Data::Continue) != self.is_fragmented => {
                return Err(Violation::Protocol("a message within another"));
            }
            _ => {}
        }
        Ok(Frame {
            opcode: header.opcode,
            is_final: header.is_final,
            left: length,
            mask,
        })
    }

    fn end_frame(&mut self, out: &mut ReadBuf<'_>) -> Result<(), Violation> {
        let Some(frame) = self.frame.take() else {
            return Ok(());
        };
        let control = std::mem::take(&mut self.control);
        match frame.opcode {
            OpCode::Data(_) => {
                self.is_fragmented = !frame.is_final;
                if frame.is_final {
                    out.put_slice(b"\n");
                }
            }
            OpCode::Control(Control::Ping) => self.ping = Some(control),
            OpCode::Control(Control::Close) => self.closed = Some(close_code(&control)?),
            OpCode::Control(_) => {}
        }
        Ok(())
    }
}

impl Frame {
    fn unmask(&mut self, payload: &mut [u8]) {
        for (byte, mask) in payload.iter_mut().zip(self.mask.iter().cycle()) {
            *byte ^= mask;
        }
        self.mask.rotate_left(payload.len() % 4);
    }
}

/// The code in the payload of a close frame (section 5.5.1).
fn close_code(payload: &[u8]) -> Result<Option<CloseCode>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(Violation::Protocol("half a close code"))
        };
    };
    let code = CloseCode::from(u16::from_be_bytes(*code));
    if code.is_allowed() && str::from_utf8(reason).is_ok() {
        Ok(Some(code))
    } else {
        Err(Violation::Protocol("a close code or reason that can't be"))
    }
}
