//! What only one platform can do.

#![allow(unsafe_code, reason = "system calls that no safe crate offers; see below")]

use std::fs::File;
use std::io;
use std::ops::Range;
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

/// The system begins to bring these bytes of a file to the disk, and after those that others wait for (sync_file_range(2)). That alone
/// doesn't make them last.
///
/// # Errors
/// The disk fails.
#[cfg(target_os = "linux")]
pub(crate) fn begin_writing(file: &File, range: Range<u64>) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    let number = |bytes: u64| libc::off64_t::try_from(bytes).map_err(io::Error::other);
    let (start, length) = (
        number(range.start)?,
        number(range.end.saturating_sub(range.start))?,
    );
    if length == 0 {
        // Zero would mean all that follows.
        return Ok(());
    }
    // SAFETY: it takes numbers, and a descriptor that is open as long as the file is borrowed.
    let done = unsafe { libc::sync_file_range(file.as_raw_fd(), start, length, libc::SYNC_FILE_RANGE_WRITE) };
    match io::Error::last_os_error() {
        _ if done == 0 => Ok(()),
        // A file system or a sandbox that has no such thing: the sync does it all.
        error
            if matches!(
                error.raw_os_error(),
                Some(libc::ENOSYS | libc::EPERM | libc::EINVAL | libc::ESPIPE | libc::EINTR)
            ) =>
        {
            Ok(())
        }
        error => Err(error),
    }
}

/// The system begins to bring these bytes of a file to the disk: when, it decides itself here.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub(crate) fn begin_writing(_: &File, _: Range<u64>) -> io::Result<()> {
    Ok(())
}
