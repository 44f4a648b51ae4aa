//! Picking files.

use dioxus::html::FileData;

/// Whether files are picked by [`pick_files`] rather than by a field of the page: Dioxus 0.7 answers for a field on a phone that
/// nothing was picked.
pub const PICKS_FILES: bool = cfg!(feature = "mobile");

/// Nothing: the page's fields do it.
#[cfg(not(feature = "mobile"))]
pub async fn pick_files(_accept: &str, _multiple: bool) -> Vec<FileData> {
    Vec::new()
}

/// What picks files in the webview and sends name, size and content of each. What is too large to send has no content.
#[cfg(feature = "mobile")]
const SCRIPT: &str = r#"
    const [accept, multiple, most] = await dioxus.recv();
    const input = document.createElement("input");
    Object.assign(input, { type: "file", accept, multiple });
    const files = await new Promise((resolve) => {
        input.addEventListener("change", () => resolve([...input.files]));
        input.addEventListener("cancel", () => resolve([]));
        input.click();
    });
    for (const file of files) {
        const content = file.size > most ? "" : await new Promise((resolve) => {
            const reader = new FileReader();
            reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
            reader.addEventListener("error", () => resolve(""));
            reader.readAsDataURL(file);
        });
        dioxus.send([file.name, file.size, content]);
    }
    dioxus.send(null);
"#;

/// Lets the person pick files.
#[cfg(feature = "mobile")]
pub async fn pick_files(accept: &str, multiple: bool) -> Vec<FileData> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use dioxus::html::SerializedFileData;

    let mut script = dioxus::document::eval(SCRIPT);
    let mut files = Vec::new();
    if script
        .send((accept, multiple, kith_common::limits::INLINE_FILE))
        .is_err()
    {
        return files;
    }
    while let Ok(Some((name, size, content))) = script.recv::<Option<(String, u64, String)>>().await {
        files.push(FileData::new(SerializedFileData {
            path: name.into(),
            size,
            last_modified: 0,
            content_type: None,
            contents: STANDARD.decode(content).ok().map(Into::into),
        }));
    }
    files
}
