//! What only one platform can do.

#![allow(unsafe_code, reason = "an ioctl that no safe crate offers; see below")]

use std::os::fd::AsFd;

/// How many bytes were written to a TCP socket that the other end has not acknowledged (`SIOCOUTQ`, tcp(7)).
/// `None` where the system doesn't tell.
#[cfg(target_os = "linux")]
pub(crate) fn unacknowledged(socket: impl AsFd) -> Option<usize> {
    use rustix::ioctl::{Getter, Opcode, ioctl};

    /// `SIOCOUTQ`, which is `TIOCOUTQ` on a socket.
    const SIOCOUTQ: Opcode = 0x5411;
    // SAFETY: SIOCOUTQ writes one int, which is what the getter makes room for.
    let bytes = unsafe { ioctl(socket, Getter::<SIOCOUTQ, std::ffi::c_int>::new()) };
    bytes.ok().and_then(|bytes| usize::try_from(bytes).ok())
}

/// How many bytes were written to a TCP socket that the other end has not acknowledged: not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn unacknowledged(_: impl AsFd) -> Option<usize> {
    None
}
