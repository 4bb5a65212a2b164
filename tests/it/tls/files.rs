//! Files: refused with the official words, or accepted as there.

use std::fs;
use std::thread;

use etcdctl::cluster::tls::TlsFiles;

use crate::support::certs::{Authority, Folder, Says, fixture};
use crate::tls::{files, official, reference, trusting};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn files_are_refused_with_the_official_words() {
    let Some(etcdctl) = reference("3.7.1", "etcdctl") else { return };
    let folder = Folder::new();
    let ca = Authority::new("ca");
    let good = ca.issue(&Says::default());
    let (cert, key) = folder.pair("good", &good);
    let other_key = folder.pair("other", &ca.issue(&Says::default())).1;
    let empty = folder.write("empty", "");
    let garbage = folder.write("garbage", "no PEM at all\n");
    let truncated = folder.write("truncated", &good.cert[..good.cert.len() / 2]);
    let bad_base64 = folder.write("base64", good.cert.replace('M', "!"));
    let cut = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let cut = folder.write("cut", cut);
    let hollow = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    let hollow = folder.write("hollow", hollow);
    let both = folder.write("both", format!("{}{}", good.cert, good.key));
    let key_first = folder.write("key-first", format!("{}{}", good.key, good.cert));
    let crlf = folder.write("crlf", good.cert.replace('\n', "\r\n"));
    let blanks = folder.write("blanks", good.cert.replace('\n', " \t\n"));
    let bare = folder.write("bare", good.cert.trim_end());
    let comments = folder.write("comments", format!("# mine\n{}# end", good.cert));
    let x509 = folder.write("x509", good.cert.replace("CERTIFICATE", "X509 CERTIFICATE"));
    let trusted = folder.write("trusted", good.cert.replace("CERTIFICATE", "TRUSTED CERTIFICATE"));
    let odd_key = folder.write("odd-key", good.key.replace("PRIVATE", "MY PRIVATE"));
    let glued = folder.write("glued", good.key.replace("PRIVATE", "MYPRIVATE"));
    let binary = folder.write("binary", [0xff, 0, 0xfe, b'\n']);
    let directory = folder.path("");
    let missing = folder.path("none.crt");
    let below = folder.path("none/none.crt");
    let under_file = folder.path("empty/none.crt");
    let looped = folder.path("loop");
    std::os::unix::fs::symlink(&looped, &looped).expect("a link");
    let both_pairs = [
        ("rsa2048.pem", "rsa2048.key.pem"),
        ("rsa2048.pem", "rsa2048.pkcs1.pem"),
        ("rsa2048.pem", "rsa2048.encrypted.pem"),
        ("rsa2048.pem", "rsa2048.old-encrypted.pem"),
        ("rsa2048.pem", "rsa2048.public.pem"),
        ("rsa2048.pem", "rsa2048.pem"),
        ("rsa2048.pem", "rsa1024.key.pem"),
        ("rsa2048.pem", "p256.key.pem"),
        ("rsa2048.pem", "dsa.key.pem"),
        ("rsa2048.pem", "ed448.key.pem"),
        ("rsa2048.pem", "x25519.key.pem"),
        ("rsa2048.pem", "parameters.pem"),
        ("rsa2048.key.pem", "rsa2048.pem"),
        ("rsa2048.key.pem", "rsa2048.key.pem"),
        ("p256.pem", "p256.key.pem"),
        ("p256.pem", "p256.sec1.pem"),
        ("p256.pem", "p256.no-public.pem"),
        ("p256.pem", "p256.parameters.pem"),
        ("p256.pem", "p384.key.pem"),
        ("p256.pem", "k256.key.pem"),
        ("p256.pem", "self-p256.key.pem"),
        ("p384.pem", "p384.key.pem"),
        ("ed25519.pem", "ed25519.key.pem"),
        ("ed25519.pem", "p256.key.pem"),
        ("ed25519.pem", "x25519.key.pem"),
        ("ed448.pem", "ed448.key.pem"),
        ("ed448.pem", "p256.key.pem"),
        ("dsa.pem", "dsa.key.pem"),
        ("dsa.pem", "p256.key.pem"),
        ("k256.pem", "k256.key.pem"),
        ("request.pem", "rsa2048.key.pem"),
        ("crl.pem", "rsa2048.key.pem"),
        ("parameters.pem", "p256.key.pem"),
        ("rsa1024.pem", "rsa2048.key.pem"),
        ("p521.pem", "self-p521.key.pem"),
        ("v1.pem", "rsa2048.key.pem"),
    ];
    let mut cases: Vec<TlsFiles> = both_pairs
        .iter()
        .map(|(cert, key)| files(None, Some((fixture(cert), fixture(key)))))
        .collect();
    let certs = [
        &cert,
        &empty,
        &garbage,
        &truncated,
        &bad_base64,
        &cut,
        &hollow,
        &both,
        &key_first,
        &crlf,
        &blanks,
        &bare,
        &comments,
        &x509,
        &trusted,
        &binary,
        &directory,
        &missing,
        &below,
        &under_file,
        &looped,
        &key,
    ];
    for file in certs {
        cases.push(files(Some(file.clone()), None));
        cases.push(files(None, Some((file.clone(), key.clone()))));
    }
    for file in [&both, &other_key, &odd_key, &glued, &empty, &garbage, &missing, &directory] {
        cases.push(files(None, Some((cert.clone(), file.clone()))));
    }
    for name in fs::read_dir(fixture("")).expect("fixtures").flatten() {
        cases.push(files(Some(name.path()), None));
    }
    // The pair before the CA; half a pair before everything.
    cases.push(files(Some(missing.clone()), Some((cert.clone(), other_key))));
    cases.push(files(Some(missing.clone()), Some((below, missing.clone()))));
    for (cert, key) in
        [(Some(cert.clone()), None), (None, Some(key)), (Some(missing.clone()), None)]
    {
        cases.push(TlsFiles { cacert: Some(missing.clone()), cert, key, skip_verify: false });
    }
    // Skipping verification does not skip the file.
    cases.push(TlsFiles { cacert: Some(missing), skip_verify: true, ..TlsFiles::default() });

    let wrong: Vec<String> = thread::scope(|scope| {
        let ask = |case| official(&etcdctl, "127.0.0.1:1", case, "1s");
        let asked: Vec<_> = cases.iter().map(|case| scope.spawn(move || ask(case))).collect();
        cases
            .iter()
            .zip(asked)
            .filter_map(|(case, asked)| {
                let theirs = asked.join().expect("an answer");
                let ours = match case.config() {
                    // Files in order: what follows is the port where nobody listens.
                    Ok(_) => ("Error: context deadline exceeded".to_owned(), 1),
                    Err(error) => {
                        assert!(!error.causes().is_empty(), "{error}");
                        (format!("Error: {error}"), i32::from(error.exit.code()))
                    }
                };
                (ours != theirs)
                    .then(|| format!("{case:?}\n  theirs {theirs:?}\n  ours   {ours:?}"))
            })
            .collect()
    });
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn keys_that_ring_cannot_use_are_named() {
    for (cert, wanted) in [("p521", "P-521"), ("p224", "P-224"), ("rsa1024", "1024-bit RSA")] {
        let pair = (fixture(&format!("{cert}.pem")), fixture(&format!("{cert}.key.pem")));
        let error = files(None, Some(pair)).config().expect_err("not supported");
        assert_eq!(error.to_string(), format!("tls: {wanted} client keys are not supported"));
        assert_eq!(error.exit.code(), 128);
    }
}

#[test]
fn a_ca_file_without_certificates_is_told_of() {
    let folder = Folder::new();
    let path = folder.write("ca.pem", "nothing\n");
    let tls = trusting(&path).config().expect("accepted, as by the official client");
    let wanted = format!("{} holds no certificate", path.display());
    assert_eq!(tls.trusts_nobody(), Some(wanted));
    let tls = trusting(&fixture("ca.pem")).config().expect("a good file");
    assert_eq!(tls.trusts_nobody(), None);
}

#[test]
fn no_secret_is_in_what_is_printed_for_debugging() {
    let pair = (fixture("p256.pem"), fixture("p256.key.pem"));
    let tls = files(Some(fixture("ca.pem")), Some(pair)).config().expect("good files");
    let text = format!("{tls:?}");
    assert!(text.starts_with("Tls { files: TlsFiles {") && text.len() < 1000, "{text}");
    assert!(!format!("{:?}", tls.connection()).contains("scalar"));
}
