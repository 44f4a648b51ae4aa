use std::io::Write as _;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{Request, Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::answer::Body;
use super::*;

async fn ask(address: &str, range: Option<&str>) -> Response<Body> {
    let mut request = Request::get(address);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    SERVED.answer(&request.body(()).unwrap()).await
}

async fn read(answer: Response<Body>) -> Vec<u8> {
    answer.into_body().collect().await.unwrap().to_bytes().to_vec()
}

fn head<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[test]
fn parts_of_files_and_of_bytes_are_served() {
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    RUNTIME.block_on(async {
        for content in [
            Content::Path(file.path().to_owned()),
            Content::Bytes(bytes.clone().into()),
        ] {
            let address = offer(content, "video/webm").await.unwrap();
            let all = ask(&address, None).await;
            assert_eq!(all.status(), StatusCode::OK);
            assert_eq!(head(&all, "content-type"), "video/webm");
            assert_eq!(head(&all, "cache-control"), "no-store");
            assert_eq!(read(all).await, bytes);
            let part = ask(&address, Some("bytes=300000-899999")).await;
            assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
            assert_eq!(head(&part, "content-range"), "bytes 300000-899999/1000000");
            assert_eq!(head(&part, "content-length"), "600000");
            assert_eq!(read(part).await, bytes[300_000..900_000]);
            let beyond = ask(&address, Some("bytes=1000000-")).await;
            assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
            assert_eq!(head(&beyond, "content-range"), "bytes */1000000");
            let_go(&address);
            assert_eq!(ask(&address, None).await.status(), StatusCode::NOT_FOUND);
        }
    });
}

#[test]
fn nobody_finds_anything_without_the_address() {
    RUNTIME.block_on(async {
        let address = offer(Content::Bytes(Bytes::from_static(b"secret")), "image/png")
            .await
            .unwrap();
        let other = offer(Content::Bytes(Bytes::from_static(b"other")), "image/png")
            .await
            .unwrap();
        assert_ne!(address, other);
        let (base, secret) = address.rsplit_once('/').unwrap();
        assert_eq!(secret.len(), 43);
        for path in [
            "",
            "index.html",
            secret.get(1..).unwrap(),
            &format!("{secret}/"),
            &format!("../{secret}"),
            &secret.to_uppercase(),
        ] {
            let answer = ask(&format!("{base}/{path}"), None).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
        for method in ["POST", "PUT", "HEAD", "OPTIONS", "DELETE"] {
            let request = Request::builder().method(method).uri(&address).body(()).unwrap();
            let answer = SERVED.answer(&request).await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        }
    });
}

#[test]
fn it_is_spoken_over_the_loopback() {
    RUNTIME.block_on(async {
        let address = offer(Content::Bytes(Bytes::from_static(b"0123456789")), "audio/wav")
            .await
            .unwrap();
        let (place, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
        assert!(place.starts_with("127.0.0.1:"), "{place}");
        let mut stream = TcpStream::connect(place).await.unwrap();
        let request =
            format!("GET /{path} HTTP/1.1\r\nHost: {place}\r\nRange: bytes=2-4\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 206 "), "{answer}");
        assert!(answer.contains("content-range: bytes 2-4/10\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n234"), "{answer}");
    });
}

#[test]
fn a_file_that_is_gone_or_shorter_than_it_was_ends_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film");
    std::fs::write(&path, [7; 1000]).unwrap();
    RUNTIME.block_on(async {
        let address = offer(Content::Path(path.clone()), "video/webm").await.unwrap();
        std::fs::write(&path, [7; 10]).unwrap();
        let shorter = ask(&address, None).await;
        assert!(shorter.into_body().collect().await.is_err());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(ask(&address, None).await.status(), StatusCode::BAD_GATEWAY);
        assert!(offer(Content::Path(path.clone()), "video/webm").await.is_err());
    });
}

#[test]
fn small_files_are_remembered_until_there_is_no_more_room() {
    let mut recent = Recent::new();
    for number in 0..20 {
        recent.insert(number.to_string(), Bytes::from(vec![0; 4 * 1024 * 1024]));
    }
    let held = (0..20)
        .filter(|number| recent.get(&number.to_string()).is_some())
        .count();
    assert!((1..=8).contains(&held), "{held}");
    recent.insert("last".to_owned(), Bytes::from_static(b"x"));
    assert!(recent.get("last").is_some());
    recent.remove("last");
    assert!(recent.get("last").is_none());
}
