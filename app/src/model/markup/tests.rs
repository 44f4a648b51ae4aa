use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Inline {
    Inline::Text(text.to_owned())
}

fn one(source: &str) -> Vec<Inline> {
    match read(source).as_slice() {
        [Block::Paragraph(inlines)] => inlines.clone(),
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn what_is_marked_is_shown_so() {
    assert_eq!(one("hello\nthere"), [text("hello\nthere")]);
    assert_eq!(
        one("a **b** *c* ~~d~~ `e*`"),
        [
            text("a "),
            Inline::Strong(vec![text("b")]),
            text(" "),
            Inline::Emphasis(vec![text("c")]),
            text(" "),
            Inline::Struck(vec![text("d")]),
            text(" "),
            Inline::Code("e*".to_owned()),
        ]
    );
    assert_eq!(
        read("> so\n\n```rust\nlet a = 1;\n```"),
        [
            Block::Quote(vec![Block::Paragraph(vec![text("so")])]),
            Block::Code("let a = 1;".to_owned())
        ]
    );
}

#[test]
fn what_is_no_markup_here_stays_as_it_was_typed() {
    for source in [
        "snake_case_name",
        "2 * 3 * 4",
        "<b>x</b> `",
        "# no heading *",
        "- a\n- b *",
        "a > b",
        "2*3*4",
        "¯\\_(ツ)_/¯",
        "** a **",
        "a &amp; b \\*",
        "*",
        "****",
        "``` a ` b",
    ] {
        let shown: String = one(source)
            .into_iter()
            .map(|inline| match inline {
                Inline::Text(text) => text,
                other => panic!("{source}: {other:?}"),
            })
            .collect();
        assert_eq!(shown, source);
    }
    assert_eq!(
        plain("**[bank](https://evil.example)**"),
        "[bank](https://evil.example)"
    );
}

#[test]
fn marks_stand_in_each_other() {
    let strong = |inner| Inline::Strong(inner);
    let emphasis = |inner| Inline::Emphasis(inner);
    assert_eq!(one("***a***"), [strong(vec![emphasis(vec![text("a")])])]);
    assert_eq!(
        one("*a **b** c*"),
        [emphasis(vec![text("a "), strong(vec![text("b")]), text(" c")])]
    );
    assert_eq!(
        one("**a *b***"),
        [strong(vec![text("a "), emphasis(vec![text("b")])])]
    );
    // Code and addresses aren't looked into.
    assert_eq!(
        one("*a `*` b* `` ` ``"),
        [
            emphasis(vec![text("a "), Inline::Code("*".to_owned()), text(" b")]),
            text(" "),
            Inline::Code("`".to_owned()),
        ]
    );
    assert_eq!(
        one("_see https://kith.example/_a_/_ _"),
        [
            text("_see "),
            Inline::Link {
                to: "https://kith.example/_a_/_".to_owned(),
                text: "https://kith.example/_a_/_".to_owned(),
            },
            text(" _"),
        ]
    );
    assert_eq!(
        one("这是*重点*内容"),
        [text("这是"), emphasis(vec![text("重点")]), text("内容")]
    );
    assert_eq!(
        read("a\n> b\n>> c\nd\n\ne"),
        [
            Block::Paragraph(vec![text("a")]),
            Block::Quote(vec![
                Block::Paragraph(vec![text("b")]),
                Block::Quote(vec![Block::Paragraph(vec![text("c")])]),
            ]),
            Block::Paragraph(vec![text("d\n\ne")]),
        ]
    );
}

#[test]
fn only_harmless_links_are_links() {
    let link = |to: &str, text: &str| Inline::Link {
        to: to.to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(
        one("see https://kith.example/a_b_c, or ann@example.org"),
        [
            text("see "),
            link("https://kith.example/a_b_c", "https://kith.example/a_b_c"),
            text(", or "),
            link("mailto:ann@example.org", "ann@example.org"),
        ]
    );
    for source in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://a.example",
    ] {
        assert_eq!(one(source), [text(source)], "{source}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_fail(source in "[ a*_`~>#\\-\\n\\[\\]()<&;:/.1]{0,80}|.{0,60}") {
        read(&source);
        plain(&source);
    }

    #[test]
    fn nothing_but_marks_is_lost(source in "[ a*_`~>b1.]{0,60}") {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        prop_assert_eq!(letters(&plain(&source)), letters(&source));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Where it took the square of the length, this would take minutes.
    #[test]
    fn much_of_it_takes_little_longer(part in "[ a*_`~>]{1,6}") {
        read(&part.repeat(8_000));
    }
}
