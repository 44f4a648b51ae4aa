use std::path::Path;

use serde_json::json;

use super::{Story, failed, said};

#[tokio::test]
async fn files_are_never_laid_over_others() {
    let story = Story::alice().await;
    let folder = story.home.path();
    std::fs::write(folder.join("a.txt"), "hi").unwrap();
    let get = async |arguments: &[&str], name: &str| {
        let reply = json!({"file_name": name, "file_data": "aGVsbG8="});
        let mut all = vec!["get-file", "f1"];
        all.extend(arguments);
        story
            .run_with(&all, async |peer| drop(peer.serve("file_get", reply).await))
            .await
    };
    let content = |path: &Path| std::fs::read_to_string(path).unwrap();
    said(&get(&[], "b.txt").await);
    assert_eq!(content(&folder.join("b.txt")), "hello");
    assert!(failed(&get(&[], "a.txt").await, 6).contains("--force"));
    failed(&story.run(&["get-file", "f1", "--output", "a.txt"]).await, 6);
    assert_eq!(content(&folder.join("a.txt")), "hi");
    said(&get(&["--force"], "a.txt").await);
    assert_eq!(content(&folder.join("a.txt")), "hello");
    said(&get(&[], ".bashrc").await);
    assert_eq!(content(&folder.join("_bashrc")), "hello");
    assert_eq!(said(&get(&["--output", "-"], "c.txt").await), "hello");
    failed(&get(&[], "../c.txt").await, 3);
    assert!(!folder.join("c.txt").exists());
}
