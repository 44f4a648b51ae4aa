//! Programs that are not ours: openssl, Python; and kith-cli as people use it.
