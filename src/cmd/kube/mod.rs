//! `kube`: Kubernetes objects by their names, and from bytes to text and back.

mod get;
mod input;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::arg::{self, Bytes};
use crate::cluster::kms::Plugins;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kube::encryption::Keys;
use crate::kube::json::Style;
use crate::kube::{Damage, Options, Value, encode, read, yaml};
use crate::output::{Decode, Format, View, print_bytes, print_stored, say};
use crate::reply::{Header, Pair, Tail};
use crate::secret;

pub use input::{Form, pairs};

/// Print stored Kubernetes objects, or make them
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl kube COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Kube,
}

#[derive(Debug, clap::Subcommand)]
enum Kube {
    /// Print a stored object as kubectl does
    ///
    /// Reads a value as it is stored, in hexadecimal or in base64, or the answer of get with or without
    /// -w json. -w json prints kubectl's JSON, -w jsonl a line.
    #[command(override_usage = "etcdctl kube decode [flags] [FILE]")]
    Decode {
        /// File to read; standard input unless given
        #[arg(value_parser = arg::path())]
        file: Option<PathBuf>,
        /// What the input is; told by itself unless given
        #[arg(long, value_name = "raw|hex|base64|json")]
        input: Option<Form>,
        /// Key that the value is stored under, which AES-GCM and KMS need to open it
        #[arg(long, value_name = "KEY")]
        key: Option<Bytes>,
        #[command(flatten)]
        objects: Objects,
    },
    /// Print the objects of a kind, or one of them
    ///
    /// KIND is any name that kubectl takes: plural, singular, short, with its group behind a dot. Custom
    /// resources are found by their definitions in the store. -w yaml and -w json print what kubectl prints,
    /// -w jsonl an object a line.
    #[command(override_usage = "etcdctl kube get [flags] KIND [NAME]")]
    Get(get::Args),
    /// Print an object as the API server would store it
    ///
    /// Reads YAML or JSON. Kinds of Kubernetes and `OpenShift` become protobuf, all others JSON. Nothing is
    /// put into a cluster.
    #[command(override_usage = "etcdctl kube encode [FILE]")]
    Encode {
        /// File to read; standard input unless given
        #[arg(value_parser = arg::path())]
        file: Option<PathBuf>,
    },
}

/// How Kubernetes objects are shown, wherever they are.
#[derive(Debug, Default, clap::Args)]
pub struct Objects {
    /// Show which manager owns which field of a Kubernetes object
    #[arg(long)]
    show_managed_fields: bool,
    /// Open values that are encrypted at rest, with the keys of an API server's `EncryptionConfiguration` and the KMS plugins that it names
    #[arg(long, value_name = "FILE", value_parser = arg::path())]
    encryption_config: Option<PathBuf>,
    /// Open values that a KMS plugin has sealed with the data keys or seeds that it unwraps: lines of KEYID=HEX
    #[arg(long, value_name = "FILE", value_parser = arg::path())]
    kms_dek_file: Option<PathBuf>,
}

impl Objects {
    /// What was asked for; each of these flags asks for decoding.
    ///
    /// # Errors
    /// A file that cannot be read, or holds no keys.
    pub fn decode(&self, asked_for: bool) -> Result<Decode> {
        let mut keys = Keys::default();
        for (path, unwrapped) in [(&self.encryption_config, false), (&self.kms_dek_file, true)] {
            let Some(path) = path else { continue };
            let failed = |err: &dyn std::fmt::Display| {
                Error::failure(format!("could not read {}: {err}", path.display()))
            };
            let file = if path == Path::new("-") { crate::input::raw() } else { File::open(path) };
            let text = file.and_then(|mut file| secret::all(&mut file));
            let text = text.map_err(|err| failed(&err))?;
            let read = if unwrapped { keys.add_unwrapped(&text) } else { keys.add_config(&text) };
            read.map_err(|err| failed(&err))?;
        }
        let opens = self.encryption_config.is_some() || self.kms_dek_file.is_some();
        let everywhere = asked_for || self.show_managed_fields || opens;
        Ok(Decode {
            everywhere,
            managed_fields: self.show_managed_fields,
            keys,
            ..Decode::default()
        })
    }
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    match args.command {
        Kube::Decode { file, input, key, objects } => {
            let decode = objects.decode(true)?;
            let mut out =
                cx.output(&[Format::Simple, Format::Json, Format::Yaml, Format::Jsonl])?;
            let bytes = contents(file.as_deref())?;
            let mut pairs = input::pairs(bytes, input)?;
            if let (Some(key), [only]) = (key, pairs.as_mut_slice()) {
                only.key = key.0.into();
            }
            for failure in Plugins::default().unwrap(&decode.keys, &pairs).await {
                say(&failure);
            }
            if out.format == Format::Yaml {
                out.decode(decode);
                return out.print_pairs(&Header::default(), &pairs, Tail::default(), View::Pairs);
            }
            let mut failures = Vec::new();
            for pair in &pairs {
                failures.extend(print_one(pair, &decode, out.format, pairs.len() > 1)?);
            }
            match failures.len() {
                0 => Ok(()),
                1 if pairs.len() == 1 => Err(failures.remove(0)),
                count => {
                    for failure in &failures {
                        say(&failure.to_string());
                    }
                    let all = pairs.len();
                    Err(Error::failure(format!("{count} of {all} values could not be read whole")))
                }
            }
        }
        Kube::Get(args) => get::run(args, cx).await,
        Kube::Encode { file } => {
            let text = contents(file.as_deref())?;
            let object = yaml::read(&text)
                .map_err(|err| Error::failure(format!("could not read the object: {err}")))?;
            let stored = encode::stored(&object)
                .map_err(|err| Error::failure(format!("could not encode the object: {err}")))?;
            print_stored(&stored)
        }
    }
}

/// Prints one object in the formats that have no frame around it, as far as it can be read; says why where that is not
/// to its end.
fn print_one(pair: &Pair, decode: &Decode, format: Format, several: bool) -> Result<Option<Error>> {
    let opened = decode.keys.open(&pair.key, &pair.value);
    let value = opened.as_ref().map_or(&pair.value[..], |plain| &plain[..]);
    let mod_revision = Some(pair.mod_revision).filter(|revision| *revision > 0);
    let options = Options { managed_fields: decode.managed_fields, mod_revision };
    let named = match pair.key.as_ref() {
        b"" => "the value".to_owned(),
        key => String::from_utf8_lossy(key).into_owned(),
    };
    let damaged = |damage: &Damage| {
        Error::failure(format!("{named} is a damaged Kubernetes object: {damage}"))
    };
    let object = match read(value, &options) {
        Ok(Value::Object(object)) => object,
        Ok(Value::Opaque) => {
            return Ok(Some(Error::failure(format!("{named} is no Kubernetes object"))));
        }
        Ok(Value::Encrypted) => {
            let sealed = crate::kube::encryption::sealed(value);
            let words = sealed.map_or_else(String::new, |sealed| sealed.to_string());
            return Ok(Some(Error::failure(format!("{named} is {words}")).hint(WITH_KEYS)));
        }
        Err(damage) => {
            return Ok(Some(damaged(&damage)));
        }
    };
    let mut text = Vec::new();
    match format {
        Format::Json => object.json(Style::Kubectl, &mut text),
        Format::Jsonl => object.json(Style::Server, &mut text),
        _ => {
            if several {
                text.extend_from_slice(b"---\n");
            }
            object.yaml(&mut text);
        }
    }
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    print_bytes(&text)?;
    Ok(object.damage.as_ref().map(damaged))
}

const WITH_KEYS: &str = "--encryption-config FILE opens it, or --kms-dek-file FILE what a KMS plugin has sealed; AES-GCM and KMS need the --key that it is stored under";

/// All of a file, or of standard input.
fn contents(file: Option<&Path>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let (name, read) = if let Some(path) = file.filter(|path| *path != Path::new("-")) {
        let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
        (path.display().to_string(), read)
    } else {
        let read = crate::input::raw().and_then(|mut input| input.read_to_end(&mut bytes));
        ("standard input".to_owned(), read)
    };
    read.map_err(|err| Error::failure(format!("could not read {name}: {err}")))?;
    Ok(bytes)
}
