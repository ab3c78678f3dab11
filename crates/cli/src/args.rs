//! What the commands that need keys have in common: keys, names, input.

use std::env::VarError;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use hookstack_encryption::{Commitment, Header, KeyError, Keyset, NAMESPACE_VARIABLE};

use crate::candidates::{self, Given};
use crate::document::Document;
use crate::failure::Failed;
use crate::names::Names;

/// Where the keys are.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Read the keys from this file instead of the environment.
    ///
    /// One key on each line; nobody but its owner may have access to it.
    #[arg(long, value_name = "FILE", help_heading = "Keys")]
    keys_file: Option<PathBuf>,
    /// The namespace of the keys, instead of that in the environment.
    #[arg(long, value_name = "NAME", help_heading = "Keys")]
    namespace: Option<String>,
}

impl KeyArgs {
    pub(crate) fn keyset(&self) -> Result<Keyset, Failed> {
        let mut builder = Keyset::builder();
        builder = match &self.keys_file {
            Some(path) => {
                // As `keys_from_env` does: what is not UTF-8 is refused, not taken for the default.
                let builder = match std::env::var(NAMESPACE_VARIABLE) {
                    Ok(namespace) if !namespace.is_empty() => builder.namespace(namespace),
                    Ok(_) | Err(VarError::NotPresent) => builder,
                    Err(VarError::NotUnicode(_)) => return Err(KeyError::Namespace.into()),
                };
                builder.keys_from_file(path)?
            }
            None => builder.keys_from_env()?,
        };
        if let Some(namespace) = &self.namespace {
            builder = builder.namespace(namespace);
        }
        Ok(builder.build()?)
    }
}

/// Names that do not stand in the document.
///
/// An envelope opens only in the place that it was sealed for. Names in the document are tried by
/// themselves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where the values belong, if the document does not tell")]
pub(crate) struct PlaceArgs {
    /// A further document in which to look for names and ids: the run that a step belongs to, for
    /// instance.
    #[arg(long, value_name = "FILE")]
    hints: Vec<PathBuf>,
    /// The name of an event.
    #[arg(long, value_name = "NAME")]
    event: Vec<String>,
    /// The field of the data that was sealed, if it is neither the key at which the envelope stands nor
    /// `encrypted`.
    #[arg(long, value_name = "NAME")]
    field: Vec<String>,
    /// The id of a function with that of its app before it, `app-function`.
    #[arg(long, value_name = "ID")]
    function: Vec<String>,
    /// The id of a step, or its hash of 40 hex digits.
    #[arg(long, value_name = "ID")]
    step: Vec<String>,
    /// The method of an HTTP request.
    #[arg(long, value_name = "METHOD")]
    method: Vec<String>,
    /// The route of an HTTP request as its service registers it, `/orders/{id}`.
    #[arg(long, value_name = "ROUTE")]
    route: Vec<String>,
    /// The name of an AWS Lambda function.
    #[arg(long, value_name = "NAME")]
    lambda_function: Vec<String>,
    /// The request that a response belongs to: its commitment (64 hex digits, see `inspect`), its
    /// envelope, or a file with a document in which that stands.
    #[arg(long, value_name = "REQUEST")]
    request: Vec<String>,
    /// How often the id of a step may have been repeated in a run.
    #[arg(long, value_name = "N", default_value_t = 100)]
    repeats: u32,
    /// How many places to try for one value.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub(crate) max_tries: u64,
}

impl PlaceArgs {
    /// The names, with those of the further documents.
    pub(crate) fn given(&self) -> Result<Given, Failed> {
        let mut given = Given {
            events: self.event.clone(),
            fields: self.field.clone(),
            functions: self.function.clone(),
            steps: self.step.clone(),
            methods: self.method.iter().map(|method| method.to_ascii_uppercase()).collect(),
            routes: self.route.clone(),
            lambda_functions: self.lambda_function.clone(),
            requests: Vec::new(),
            further: Names::default(),
            repeats: self.repeats,
        };
        for request in &self.request {
            self::request(request, &mut given)?;
        }
        for path in &self.hints {
            further(path, &mut given)?;
        }
        Ok(given)
    }
}

/// A commitment, an envelope, or a file.
fn request(text: &str, given: &mut Given) -> Result<(), Failed> {
    if let Some(commitment) = commitment(text) {
        given.requests.push(commitment);
        return Ok(());
    }
    if text.trim_start().starts_with('{') {
        let header = Header::read(text.trim().as_bytes())
            .map_err(|_| Failed::usage("--request: this is not an envelope"))?;
        given.requests.push(header.commitment());
        return Ok(());
    }
    let before = given.requests.len();
    further(Path::new(text), given)?;
    if given.requests.len() == before {
        return Err(Failed::usage(format!("--request: no sealed request in {text}")));
    }
    Ok(())
}

fn commitment(text: &str) -> Option<Commitment> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(Commitment(bytes))
}

fn further(path: &Path, given: &mut Given) -> Result<(), Failed> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failed::usage(format!("{shown} cannot be read: {error}")))?;
    let mut each = |_: usize, text: &str| {
        let document =
            Document::parse(text).map_err(|error| Failed::usage(format!("{shown}: {error}")))?;
        candidates::of_further(&document, given);
        Ok(String::new())
    };
    crate::input::documents(&mut text.as_bytes(), &mut each, &mut |_| Ok(()))
}

/// The document.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// The document, or several, or one on each line; standard input if none or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// Refuses keys among the arguments, where every process of the machine can read them.
pub(crate) fn refuse_keys(args: impl Iterator<Item = OsString>) -> Result<(), Failed> {
    for arg in args {
        let arg = arg.to_string_lossy();
        let is_key = arg.match_indices("hs1_").any(|(at, prefix)| {
            let rest = &arg.as_bytes()[at + prefix.len()..];
            let is_base64 =
                |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            rest.iter().take_while(is_base64).count() >= 32
        });
        if is_key {
            return Err(Failed::usage(
                "a key stands among the arguments, where other users can read it: pass keys in the environment \
                 (HOOKSTACK_ENCRYPTION_KEYS) or with --keys-file, and replace this one",
            ));
        }
    }
    Ok(())
}
