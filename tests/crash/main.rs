//! The server killed under load: nothing acknowledged is lost.
