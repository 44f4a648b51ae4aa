use axum::http::HeaderName;

use super::*;

fn app() -> WebApp {
    let file = |name: &str| (name.to_owned(), Bytes::from(format!("bytes of {name}")));
    WebApp::of(
        [
            "index.html",
            "index.html.br",
            "sw.js",
            "sw.js.gz",
            "icons/app.png",
            "assets/app-1.wasm",
            "assets/app-1.wasm.br",
            "assets/app-1.wasm.gz",
            "assets/alone.br",
        ]
        .map(file)
        .into(),
    )
}

fn headers(list: &[(HeaderName, &'static str)]) -> HeaderMap {
    let headers = list.iter().cloned();
    headers
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .collect()
}

/// What is answered: status, type, coding, cache, and whether caches must look at `Accept-Encoding`.
fn answer(path: &str, request: &[(HeaderName, &'static str)]) -> String {
    let request = headers(request);
    let app = app();
    let Some(file) = app.find(path, &request) else {
        return "nothing".to_owned();
    };
    let response = file.answer(&request);
    let said = |name: HeaderName| {
        let value = response.headers().get(name);
        value.map_or("-", |value| value.to_str().unwrap()).to_owned()
    };
    [
        response.status().as_str().to_owned(),
        said(header::CONTENT_TYPE),
        said(header::CONTENT_ENCODING),
        said(header::CACHE_CONTROL),
        said(header::VARY),
    ]
    .join(" | ")
}

const BROWSER: (HeaderName, &str) = (header::ACCEPT_ENCODING, "gzip, deflate, br");
const NAVIGATION: (HeaderName, &str) = (header::ACCEPT, "text/html,*/*;q=0.8");

#[test]
fn the_smallest_variant_that_a_client_takes_is_sent() {
    let forever = "public, max-age=31536000, immutable | Accept-Encoding";
    assert_eq!(
        answer("/assets/app-1.wasm", &[BROWSER]),
        format!("200 | application/wasm | br | {forever}")
    );
    assert_eq!(
        answer("/assets/app-1.wasm", &[(header::ACCEPT_ENCODING, "gzip")]),
        format!("200 | application/wasm | gzip | {forever}")
    );
    assert_eq!(
        answer("/assets/app-1.wasm", &[]),
        format!("200 | application/wasm | - | {forever}")
    );
    assert_eq!(
        answer("/sw.js", &[BROWSER]),
        "200 | text/javascript; charset=utf-8 | gzip | no-cache | Accept-Encoding"
    );
    assert_eq!(
        answer("/icons/app.png", &[BROWSER]),
        "200 | image/png | - | no-cache | -"
    );
}

#[test]
fn every_variant_has_a_tag_of_its_own() {
    let app = app();
    let index = app.files.get("index.html").unwrap();
    let [brotli, plain] = index.variants.as_slice() else {
        panic!("{:?}", index.variants);
    };
    assert_ne!(brotli.tag, plain.tag);
    let held = headers(&[BROWSER]);
    for (tag, status) in [(&brotli.tag, 304), (&plain.tag, 200)] {
        let mut held = held.clone();
        held.insert(header::IF_NONE_MATCH, HeaderValue::from_str(tag).unwrap());
        let response = index.answer(&held);
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[header::ETAG], brotli.tag.as_str());
        assert_eq!(response.headers()[header::CACHE_CONTROL], ASK_FIRST);
    }
}

#[test]
fn addresses_of_the_app_lead_to_its_page() {
    let page = "200 | text/html; charset=utf-8 | br | no-cache | Accept-Encoding";
    for path in ["/", "/index.html", "/chat/alice", "/settings"] {
        assert_eq!(answer(path, &[BROWSER, NAVIGATION]), page, "{path}");
    }
    assert_eq!(answer("/", &[BROWSER]), page);
    for path in ["/chat/alice", "/favicon.ico", "/assets/app-0.wasm"] {
        assert_eq!(answer(path, &[BROWSER]), "nothing", "{path}");
    }
    assert_eq!(answer("/assets/app-0.wasm", &[BROWSER, NAVIGATION]), "nothing");
}

#[test]
fn odd_paths_lead_nowhere() {
    for path in [
        "//index.html",
        "/./index.html",
        "/../index.html",
        "/assets/../index.html",
        "/%2e%2e/index.html",
        "/assets%2fapp-1.wasm",
        "/assets\\app-1.wasm",
        "/index.html%00",
        "/index.html\0",
        "/.git/config",
        "/assets/",
        "*",
    ] {
        assert_eq!(answer(path, &[NAVIGATION]), "nothing", "{path:?}");
    }
}

#[test]
fn a_directory_is_read_whole_but_for_what_is_hidden() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    };
    let opened = || WebApp::open(Some(directory.path()));
    let error = opened().unwrap_err().to_string();
    assert!(error.contains("no index.html"), "{error}");
    for name in [
        "index.html",
        "assets/a.js",
        "assets/a.js.br",
        ".hidden",
        ".git/config",
    ] {
        write(name);
    }
    let app = opened().unwrap();
    assert_eq!(app.len(), 2);
    assert_eq!(app.files["assets/a.js"].variants[0].bytes, "assets/a.js.br");

    write("a/b/c/d/e/f/g/h/i/j/deep.js");
    let error = opened().unwrap_err().to_string();
    assert!(error.contains("too much"), "{error}");
    let missing = directory.path().join("missing");
    assert!(matches!(
        WebApp::open(Some(&missing)),
        Err(WebAppError::Unreadable { .. })
    ));
}
