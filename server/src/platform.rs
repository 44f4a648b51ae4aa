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

/// How much less than others the threads of large transfers are given, on the scale of nice(1): about a tenth, where all want to run.
#[cfg(target_os = "linux")]
const STEP_BACK: i32 = 10;

/// From now on the calling thread runs where the others of the machine leave time. Where the system can't do that to one thread, nothing
/// changes.
pub(crate) fn step_back() {
    // In Linux alone this means the thread and not its process (setpriority(2)).
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};

        let now = getpriority_process(None).unwrap_or_default();
        let _ = setpriority_process(None, now.saturating_add(STEP_BACK).min(19));
    }
}
