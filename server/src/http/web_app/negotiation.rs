//! What a client says that it can take and has already (RFC 9110, sections 12.5 and 13.1).

use axum::http::{HeaderMap, HeaderName, header};

/// How a file's bytes are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
    /// As they are.
    Identity,
}

impl Coding {
    /// The smallest first.
    pub(super) const BEST_FIRST: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// Its name in `Content-Encoding`, which says nothing of bytes as they are.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// What a variant's file name has at its end.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }
}

/// Whether a client takes this coding. Who doesn't say takes bytes as they are.
pub(super) fn accepts(headers: &HeaderMap, coding: Coding) -> bool {
    let Some(name) = coding.name() else {
        return true;
    };
    let wanted = |wanted: &str| {
        list(headers, &header::ACCEPT_ENCODING)
            .map(|item| item.split_once(';').unwrap_or((item, "")))
            .find(|(coding, _)| coding.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, weight)| !is_zero(weight))
    };
    wanted(name).or_else(|| wanted("*")).unwrap_or(false)
}

/// Whether this is a browser that goes to a page.
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    list(headers, &header::ACCEPT).any(|item| {
        let kind = item.split_once(';').map_or(item, |(kind, _)| kind);
        kind.trim().eq_ignore_ascii_case("text/html")
    })
}

/// Whether a client says that it has what bears this tag.
pub(in crate::http) fn is_held(headers: &HeaderMap, tag: &str) -> bool {
    list(headers, &header::IF_NONE_MATCH)
        .any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held) == tag)
}

/// The items of a list that may be spread over several headers (section 5.6.1).
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
}

/// Whether a weight is zero, which means "not that" (section 12.4.2).
fn is_zero(weight: &str) -> bool {
    let value = weight.trim().strip_prefix(['q', 'Q']);
    let value = value.and_then(|rest| rest.trim_start().strip_prefix('='));
    value.is_some_and(|value| value.trim().parse().is_ok_and(|number: f32| number <= 0.0))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn codings_are_taken_as_a_client_says() {
        for (said, brotli, gzip) in [
            (&["gzip, deflate, br, zstd"][..], true, true),
            (&["gzip", "BR"], true, true),
            (&["br;q=0, gzip;q=0.5"], false, true),
            (&["*"], true, true),
            (&["*;q=0, br; q=1"], true, false),
            (&["identity"], false, false),
            (&["brotli, xgzip"], false, false),
            (&[""], false, false),
            (&[], false, false),
        ] {
            let headers = headers(&header::ACCEPT_ENCODING, said);
            assert_eq!(accepts(&headers, Coding::Brotli), brotli, "{said:?}");
            assert_eq!(accepts(&headers, Coding::Gzip), gzip, "{said:?}");
            assert!(accepts(&headers, Coding::Identity));
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        for (said, held) in [
            (&["\"a\""][..], true),
            (&["W/\"a\""], true),
            (&["\"b\", \"a\""], true),
            (&["\"b\"", "W/\"a\""], true),
            (&["*"], true),
            (&["a"], false),
            (&["\"b\""], false),
            (&[], false),
        ] {
            assert_eq!(
                is_held(&headers(&header::IF_NONE_MATCH, said), "\"a\""),
                held,
                "{said:?}"
            );
        }
    }

    #[test]
    fn a_browser_says_that_it_takes_pages() {
        let navigation = headers(
            &header::ACCEPT,
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
        );
        assert!(accepts_html(&navigation));
        for other in ["*/*", "image/avif,image/webp", "text/htmlx", ""] {
            assert!(!accepts_html(&headers(&header::ACCEPT, &[other])), "{other}");
        }
    }
}
