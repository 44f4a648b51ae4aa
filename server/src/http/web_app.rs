//! The web app's files, all of them in memory: a request finds a name in a table and never a path in a file system.

mod negotiation;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use crate::server::Server;
pub(super) use negotiation::is_held;
use negotiation::{Coding, accepts, accepts_html};

/// The page that the app begins with.
const INDEX: &str = "index.html";

/// Where files lie whose names change with what is in them.
const HASHED: &str = "assets/";

/// The most that is read from a directory: the whole app is a tenth of it.
const SIZE: u64 = 64 * 1024 * 1024;

/// Folders in folders that are looked into.
const DEPTH: usize = 8;

const FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_FIRST: &str = "no-cache";

/// What stands at `/` where there is no app.
const PAGE: &str = include_str!("page.html");

#[cfg(feature = "embed-web")]
static EMBEDDED: include_dir::Dir<'_> = include_dir::include_dir!("$KITH_WEB_DIST");

/// So that another folder is another build.
#[cfg(feature = "embed-web")]
const _: &str = env!("KITH_WEB_DIST");

/// The files of the web app.
#[derive(Debug, Default)]
pub struct WebApp {
    files: HashMap<String, File>,
}

/// Why there is no web app to serve.
#[derive(Debug, thiserror::Error)]
pub enum WebAppError {
    /// A file or the directory can't be read.
    #[error("the web app in {}: {reason}", .path.display())]
    Unreadable {
        /// What couldn't be read.
        path: PathBuf,
        /// The operating system's word.
        reason: io::Error,
    },
    /// There is no page to begin with.
    #[error("{} holds no web app (no index.html); `cargo xtask web` makes one", .0.display())]
    NoIndex(PathBuf),
    /// This can't be it.
    #[error("{} holds too much for a web app", .0.display())]
    TooLarge(PathBuf),
}

/// A file in its variants.
#[derive(Debug)]
struct File {
    kind: &'static str,
    cache: &'static str,
    /// As it is, and compressed where that was worth it. The first one that a client takes is sent.
    variants: Vec<Variant>,
}

#[derive(Debug)]
struct Variant {
    coding: Coding,
    bytes: Bytes,
    /// A strong validator, with its quotes (RFC 9110, section 8.8.3).
    tag: String,
}

impl WebApp {
    /// The app in this directory; without one, what was built in, which may be nothing.
    ///
    /// # Errors
    /// The directory holds no app, or can't be read.
    pub fn open(directory: Option<&Path>) -> Result<Self, WebAppError> {
        let Some(directory) = directory else {
            return Ok(Self::embedded());
        };
        let mut files = Vec::new();
        let mut left = SIZE;
        collect(directory, "", DEPTH, &mut left, &mut files)?;
        let app = Self::of(files);
        if app.files.contains_key(INDEX) {
            Ok(app)
        } else {
            Err(WebAppError::NoIndex(directory.to_owned()))
        }
    }

    /// How many files there are to be served.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no app.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    #[cfg(not(feature = "embed-web"))]
    fn embedded() -> Self {
        Self::default()
    }

    #[cfg(feature = "embed-web")]
    fn embedded() -> Self {
        fn list(directory: &'static include_dir::Dir<'static>, files: &mut Vec<(String, Bytes)>) {
            for file in directory.files() {
                let name = file.path().to_string_lossy().replace('\\', "/");
                files.push((name, Bytes::from_static(file.contents())));
            }
            directory.dirs().for_each(|directory| list(directory, files));
        }
        let mut files = Vec::new();
        list(&EMBEDDED, &mut files);
        Self::of(files)
    }

    /// Names with `/` between folders, and what is in the files. `NAME.br` and `NAME.gz` are variants of `NAME`.
    fn of(files: Vec<(String, Bytes)>) -> Self {
        let mut by_name: HashMap<String, Bytes> = files.into_iter().collect();
        let names: Vec<String> = by_name
            .keys()
            .filter(|name| original(name).is_none_or(|original| !by_name.contains_key(original)))
            .cloned()
            .collect();
        let mut app = Self::default();
        for name in names {
            let variants: Vec<Variant> = Coding::BEST_FIRST
                .into_iter()
                .filter_map(|coding| {
                    let bytes = by_name.remove(&format!("{name}{}", coding.suffix()))?;
                    let digest = blake3::hash(&bytes).to_hex();
                    let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
                    Some(Variant { coding, bytes, tag })
                })
                .collect();
            let (kind, cache) = (
                kind(&name),
                if name.starts_with(HASHED) {
                    FOREVER
                } else {
                    ASK_FIRST
                },
            );
            app.files.insert(
                name,
                File {
                    kind,
                    cache,
                    variants,
                },
            );
        }
        app
    }

    /// What a request for this path gets.
    fn find(&self, path: &str, headers: &HeaderMap) -> Option<&File> {
        // As it stands: the app's own files need no percent-encoding, and what has some is none of them.
        let name = path.strip_prefix('/').unwrap_or(path);
        let name = if name.is_empty() { INDEX } else { name };
        let file = self.files.get(name);
        // The app has pages of its own; whoever types or follows such an address gets the app.
        let is_page = || !name.starts_with(HASHED) && is_plain(name) && accepts_html(headers);
        file.or_else(|| self.files.get(INDEX).filter(|_| is_page()))
    }
}

/// `GET` of anything that has no handler of its own: a file of the app.
pub(super) async fn file(State(server): State<Arc<Server>>, uri: Uri, headers: HeaderMap) -> Response {
    if server.web_app.is_empty() && uri.path() == "/" {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, ASK_FIRST),
        ];
        return (headers, PAGE).into_response();
    }
    match server.web_app.find(uri.path(), &headers) {
        Some(file) => file.answer(&headers),
        None => (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response(),
    }
}

impl File {
    fn answer(&self, request: &HeaderMap) -> Response {
        let mut taken = self
            .variants
            .iter()
            .filter(|variant| accepts(request, variant.coding));
        // Nobody refuses a file as it is, whatever they say.
        let Some(variant) = taken.next().or(self.variants.last()) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        if self.variants.len() > 1 {
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if let Ok(tag) = HeaderValue::from_str(&variant.tag) {
            headers.insert(header::ETAG, tag);
        }
        if is_held(request, &variant.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if let Some(name) = variant.coding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        *response.body_mut() = Body::from(variant.bytes.clone());
        response
    }
}

/// Reads what lies under `directory` into `files`, under names that begin with `prefix`. Hidden files are left out.
fn collect(
    directory: &Path,
    prefix: &str,
    depth: usize,
    left: &mut u64,
    files: &mut Vec<(String, Bytes)>,
) -> Result<(), WebAppError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |reason| WebAppError::Unreadable { path, reason }
    };
    for entry in fs::read_dir(directory).map_err(unreadable(directory))? {
        let path = entry.map_err(unreadable(directory))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let name = format!("{prefix}{name}");
        let facts = fs::metadata(&path).map_err(unreadable(&path))?;
        if !is_plain(&name) {
            continue;
        }
        if facts.is_dir() {
            let Some(depth) = depth.checked_sub(1) else {
                return Err(WebAppError::TooLarge(path));
            };
            collect(&path, &format!("{name}/"), depth, left, files)?;
        } else if facts.is_file() {
            let Some(rest) = left.checked_sub(facts.len()) else {
                return Err(WebAppError::TooLarge(directory.to_owned()));
            };
            *left = rest;
            files.push((name, fs::read(&path).map_err(unreadable(&path))?.into()));
        }
    }
    Ok(())
}

/// Whether a name is nothing but words between `/`, of which none begins with a dot.
fn is_plain(name: &str) -> bool {
    name.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    })
}

/// Of what this is a compressed variant, by its name.
fn original(name: &str) -> Option<&str> {
    let mut codings = Coding::BEST_FIRST.iter().filter(|coding| coding.name().is_some());
    codings.find_map(|coding| name.strip_suffix(coding.suffix()))
}

/// The media type of a file of this name.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
