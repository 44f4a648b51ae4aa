use super::Person;

/// What `--help` lists.
async fn subcommands(person: &Person) -> Vec<String> {
    let help = person.does(&["--help"]).await;
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let list = rest.split("\n\n").next().unwrap();
    let name = |line: &str| line.split_whitespace().next().map(str::to_owned);
    // What a description goes on with is indented further.
    let names: Vec<String> = list
        .lines()
        .filter(|line| !line.starts_with("   "))
        .filter_map(name)
        .collect();
    assert!(names.len() > 15, "{help}");
    names
}

#[tokio::test]
async fn shells_and_man_know_all_commands() {
    let person = Person::new();
    let names = subcommands(&person).await;
    for shell in ["bash", "zsh", "fish"] {
        let script = person.does(&["completions", shell]).await;
        for name in &names {
            assert!(script.contains(name), "{shell} {name}");
        }
    }
    let page = person.does(&["man"]).await;
    assert!(page.contains(".TH kith-cli"), "{page}");
    for name in names.iter().filter(|name| *name != "help") {
        let section = format!(".SH \"KITH\\-CLI {}\"", name.to_uppercase().replace('-', "\\-"));
        assert!(page.contains(&section), "{section}");
    }
    assert!(
        page.contains("no\\-wait") && page.contains("KITH_PASSWORD"),
        "{page}"
    );
    let output = person.command(&["completions", "tcsh"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
}
