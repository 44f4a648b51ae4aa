//! Every example of docs/PROTOCOL.md, run against a real server.
