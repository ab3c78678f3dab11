//! `hookstack`: for those who operate encrypted apps. Makes keys, and inspects, decrypts and rotates what
//! the apps sealed.

mod args;
mod candidates;
mod commands;
mod document;
mod edit;
mod envelope;
mod failure;
mod input;
mod names;
mod open;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{decrypt, inspect, keygen, rotate};
use crate::failure::Failed;

/// Makes keys, and inspects, decrypts and rotates what encrypted apps sealed.
#[derive(Debug, Parser)]
#[command(name = "hookstack", bin_name = "hookstack", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key and print it as a line for the environment.
    #[command(after_help = KEYGEN, after_long_help = KEYGEN)]
    Keygen(keygen::Keygen),
    /// Tell what stands readable in sealed values. Needs no key.
    #[command(after_help = INSPECT, after_long_help = INSPECT)]
    Inspect(inspect::Inspect),
    /// Print documents with every sealed value replaced by its plaintext.
    #[command(after_help = DECRYPT, after_long_help = DECRYPT)]
    Decrypt(decrypt::Decrypt),
    /// Print documents with every sealed value re-encrypted under the primary key.
    #[command(after_help = ROTATE, after_long_help = ROTATE)]
    Rotate(rotate::Rotate),
}

const EXIT_CODES: &str = "\
Keys come from the environment (HOOKSTACK_ENCRYPTION_KEYS, or HOOKSTACK_ENCRYPTION_KEYS_FILE with the path
of a key file; HOOKSTACK_ENCRYPTION_NAMESPACE) or from --keys-file, never from arguments. Documents and keys
go to standard output, everything else to standard error, and never plaintext.

Exit codes:
  0  everything was done
  1  the arguments, the input or the output
  2  the keys
  3  some values could not be opened; they stay in the output as they were";

const KEYGEN: &str = "\
Examples:
  (umask 077; hookstack keygen >> .env)         the first key, once; for a new file, chmod 600 for one that is there
  (umask 077; hookstack keygen --bare > keys)   a key file
  hookstack keygen --add                        a rotation begins: the present list, and a new key that only reads

A rotation, with every process restarted after each step: add the new key as `ro:`; move it to the front,
without `ro:`, and mark the old one `ro:`; when no value needs the old key any more, remove it.
The ids of the keys go to standard error.";

const INSPECT: &str = "\
Examples:
  hookstack inspect run.json
  curl -s \"$API/v1/events\" | hookstack inspect --json | jq -r .key | sort | uniq -c

Nothing that this prints is authentic: anybody can have written it, until the value is opened.
Exit code 3: some values are marked as sealed and are not envelopes of a known version, or stand in a text,
which is not looked into.";

const DECRYPT: &str = "\
Examples:
  hookstack decrypt run.json
  hookstack decrypt --keys-file keys events.jsonl > plain.jsonl
  pbpaste | hookstack decrypt --hints run.json             an envelope cut out of its run
  pbpaste | hookstack decrypt --event shop/order.placed    one of an event

A value that opens is authentic: it was sealed by somebody with the key, for the place that it opened in.
Whether that is where it stands now is not checked. Everything beside a sealed value stays, authentic or not:
plain copies, what the server wrote (_inngest), the sender's trace (__hookstack_trace).
Exit codes: 0 all opened, 1 arguments or input, 2 keys, 3 some values stay as they were (see standard error).";

const ROTATE: &str = "\
Examples:
  hookstack rotate events.jsonl > rotated.jsonl && mv rotated.jsonl events.jsonl

Never redirect to the file that is read: it is empty before it is. The first key of the list writes. Values under it already stay byte for byte, and so does everything around
sealed values. Plaintext is never printed. A response is bound to its request: keep both in one document.
For what you keep: exports, archives, recorded events. The outputs of steps are bound to the envelope of
their event, so a run that is in flight does not go on with a rotated one: let runs end with the old key.
Exit codes: 0 all are under the primary key, 1 arguments or input, 2 keys, 3 some values stay as they were
(see standard error).";

fn main() -> ExitCode {
    if let Err(failed) = args::refuse_keys(std::env::args_os()) {
        return end(&failed);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nowhere is left to tell that this failed.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let result = match &cli.command {
        Command::Keygen(args) => keygen::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Decrypt(args) => decrypt::run(args),
        Command::Rotate(args) => rotate::run(args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failed) => end(&failed),
    }
}

fn end(failed: &Failed) -> ExitCode {
    let message = failed.to_string();
    if !message.is_empty() {
        say(&message);
    }
    ExitCode::from(failed.code())
}

/// Tells the person at the terminal. A closed standard error is no reason to stop.
fn say(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "hookstack: {message}");
}
