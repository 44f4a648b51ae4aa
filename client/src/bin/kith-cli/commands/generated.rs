//! What is made from the description of the command line.

use std::io::{self, Write as _};

use clap::{Arg, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Arguments;
use crate::failure::Failure;

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "kith-cli", &mut script);
    print(&script)
}

/// Prints the man page: one for all, with a section for each subcommand.
pub(crate) fn man() -> Result<(), Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let mut page = Vec::new();
    render(&command, &mut page).map_err(|error| Failure::output(&error))?;
    print(&page)
}

fn render(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    subcommands(command, "", page)?;
    man.render_extra_section(page)?;
    man.render_version_section(page)
}

/// What the library leaves to pages of their own.
fn subcommands(command: &Command, path: &str, page: &mut Vec<u8>) -> io::Result<()> {
    for sub in command.get_subcommands() {
        let path = format!("{path}{} ", sub.get_name());
        let title = path.trim_end().to_uppercase().replace('-', "\\-");
        writeln!(page, ".SH \"KITH\\-CLI {title}\"")?;
        // What holds for all of them stands in front.
        let own = |argument: &Arg| !argument.is_global_set() && argument.get_id() != "help";
        let some = sub.get_arguments().any(own);
        let man = Man::new(sub.clone().mut_args(|argument| {
            let hidden = !own(&argument);
            argument.hide(hidden)
        }));
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
        if some {
            man.render_options_section(page)?;
        }
        subcommands(sub, &path, page)?;
    }
    Ok(())
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| Failure::output(&error))
}
