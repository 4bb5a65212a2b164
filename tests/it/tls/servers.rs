//! Servers' certificates: accepted and refused as by the official client, with a cause.

use etcdctl::cluster::tls::{TlsCause, TlsFiles};

use crate::support::certs::{Authority, ClientAuth, Folder, Pair, Says, fixture};
use crate::tls::server::{Etcd, Front, OLD_TLS};
use crate::tls::{SKIPPING, ours, reference, succeeds_after_all, successes, trusting};

/// One server and one set of files, and what must come of it.
struct Meeting {
    what: &'static str,
    host: &'static str,
    port: u16,
    files: TlsFiles,
    wanted: Result<(), TlsCause>,
}

/// Both clients at every meeting: success in the same places, and our causes as wanted.
fn meet(meetings: &[Meeting]) {
    let Some(etcdctl) = reference("3.7.1", "etcdctl") else { return };
    let asked: Vec<_> = meetings.iter().map(|one| (one.host, one.port, &one.files)).collect();
    let theirs = successes(&etcdctl, &asked);
    let mut wrong = Vec::new();
    for (one, theirs) in meetings.iter().zip(theirs) {
        let got = ours(one.host, one.port, &one.files);
        if got != one.wanted {
            wrong.push(format!("{}: {got:?}, wanted {:?}", one.what, one.wanted));
        }
        // Known to differ: what ring cannot do.
        let beyond = matches!(got, Err(TlsCause::UnsupportedKey(_)));
        let theirs =
            theirs || got.is_ok() && succeeds_after_all(&etcdctl, one.host, one.port, &one.files);
        if got.is_ok() != theirs && !beyond {
            wrong.push(format!("{}: theirs {theirs}, ours {got:?}", one.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn unknown_ca(issuer: &str) -> Result<(), TlsCause> {
    Err(TlsCause::UnknownCa { issuer: Some(issuer.to_owned()), self_signed: false })
}

const NEW_YEARS_EVE_2001: i64 = 1_009_756_800;
const NEW_YEAR_2090: i64 = 3_786_912_000;

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn servers_are_accepted_and_refused_as_by_the_official_client() {
    let Some(program) = reference("3.7.1", "etcd") else { return };
    let etcd = Etcd::start(&program, &[]);
    let folder = Folder::new();
    let ca = Authority::new("ca");
    let middle = ca.below("middle");
    let old = Authority::valid("old-ca", (2000, 2001));
    let good_ca = folder.write("ca.pem", &ca.cert);
    let other_ca = folder.write("other.pem", Authority::new("other").cert);
    let both_cas = folder.write("both.pem", format!("{}\n{}", Authority::new("ca").cert, ca.cert));
    let labelled =
        folder.write("labelled.pem", ca.cert.replace("CERTIFICATE", "TRUSTED CERTIFICATE"));
    let middle_ca = folder.write("middle.pem", &middle.cert);
    let old_ca = folder.write("old.pem", &old.cert);
    let nobody = folder.write("nobody.pem", "nothing\n");
    let front = |pair: &Pair| Front::new(pair).before(&etcd);
    let issue = |says: Says<'_>| ca.issue(&says);
    let good_pair = issue(Says::default());
    let good = front(&good_pair);
    let mut meetings = Vec::new();
    let mut add = |what, host, port, files: TlsFiles, wanted| {
        meetings.push(Meeting { what, host, port, files, wanted });
    };

    add("good", "localhost", good, trusting(&good_ca), Ok(()));
    add("good by address", "127.0.0.1", good, trusting(&good_ca), Ok(()));
    add("the right one of two CAs", "localhost", good, trusting(&both_cas), Ok(()));
    add("another label", "localhost", good, trusting(&labelled), Ok(()));
    add("another CA", "localhost", good, trusting(&other_ca), unknown_ca("ca"));
    add("no CA", "localhost", good, TlsFiles::default(), unknown_ca("ca"));
    add("an empty CA file", "localhost", good, trusting(&nobody), unknown_ca("ca"));
    let leaf = folder.write("leaf.pem", &good_pair.cert);
    add("the server's own certificate as CA", "localhost", good, trusting(&leaf), Ok(()));
    let chained = middle.issue(&Says::default());
    let port = front(&chained);
    add("through a middle CA", "localhost", port, trusting(&good_ca), Ok(()));
    add("the middle CA alone", "localhost", port, trusting(&middle_ca), Ok(()));
    let first = chained.cert.split_inclusive("-----END CERTIFICATE-----\n").next();
    let cert = first.expect("a certificate").to_owned();
    let port = front(&Pair { cert, key: chained.key });
    let wanted = unknown_ca("middle");
    add("the middle CA missing", "localhost", port, trusting(&good_ca), wanted);

    let port = front(&issue(Says { purposes: &[], ..Says::default() }));
    add("no purpose", "localhost", port, trusting(&good_ca), Ok(()));
    let port = front(&issue(Says { purposes: &[ClientAuth], ..Says::default() }));
    let wanted = Err(TlsCause::WrongPurpose);
    add("not for servers", "localhost", port, trusting(&good_ca), wanted.clone());
    let wrong_name = |names: &[&str], common_name: &str| {
        let names = names.iter().map(ToString::to_string).collect();
        Err(TlsCause::WrongName { names, common_name: Some(common_name.to_owned()) })
    };
    let port =
        front(&issue(Says { names: &["a.test", "*.b.test", "10.1.2.3"], ..Says::default() }));
    let names = wrong_name(&["a.test", "*.b.test", "10.1.2.3"], "leaf");
    add("other names", "localhost", port, trusting(&good_ca), names);
    add("other names, skipping", "localhost", port, SKIPPING, Ok(()));
    let port = front(&issue(Says { names: &["localhost"], ..Says::default() }));
    let names = wrong_name(&["localhost"], "leaf");
    add("a name, asked by address", "127.0.0.1", port, trusting(&good_ca), names);
    let port = front(&issue(Says { names: &[], common_name: "localhost", ..Says::default() }));
    let names = wrong_name(&[], "localhost");
    add("a common name only", "localhost", port, trusting(&good_ca), names);

    let expired = Err(TlsCause::Expired { ca: None, at: Some(NEW_YEARS_EVE_2001) });
    let early = Err(TlsCause::NotYetValid { at: Some(NEW_YEAR_2090) });
    let port = front(&issue(Says { years: (2000, 2001), ..Says::default() }));
    add("expired", "localhost", port, trusting(&good_ca), expired.clone());
    add("expired, skipping", "localhost", port, SKIPPING, Ok(()));
    let port = front(&issue(Says { years: (2090, 2099), ..Says::default() }));
    add("not valid yet", "localhost", port, trusting(&good_ca), early.clone());
    let port = front(&old.issue(&Says::default()));
    let ended = TlsCause::Expired { ca: Some("old-ca".into()), at: Some(NEW_YEARS_EVE_2001) };
    add("an expired CA", "localhost", port, trusting(&old_ca), Err(ended));

    // What `openssl req -x509` makes, itself given as the CA.
    let itself = [
        ("itself a CA", "localhost", Says { ca: true, ..Says::default() }, Ok(())),
        ("itself no CA", "localhost", Says::default(), Ok(())),
        (
            "itself, for another name",
            "localhost",
            Says { ca: true, names: &["a.test"], ..Says::default() },
            wrong_name(&["a.test"], "leaf"),
        ),
        (
            "itself, expired",
            "localhost",
            Says { ca: true, years: (2000, 2001), ..Says::default() },
            expired,
        ),
        (
            "itself, not valid yet",
            "localhost",
            Says { ca: true, years: (2090, 2099), ..Says::default() },
            early,
        ),
        (
            "itself, not for servers",
            "localhost",
            Says { ca: true, purposes: &[ClientAuth], ..Says::default() },
            wanted,
        ),
    ];
    for (what, host, says, wanted) in itself {
        let pair = says.alone();
        let given = folder.write(what, &pair.cert);
        add(what, host, front(&pair), trusting(&given), wanted);
    }
    let port = front(&issue(Says { ca: true, ..Says::default() }));
    add("from the CA, with its flag", "localhost", port, trusting(&good_ca), Ok(()));
    add("from another CA, with its flag", "localhost", port, trusting(&other_ca), unknown_ca("ca"));
    let namesake = folder.write("namesake.pem", Authority::new("ca").cert);
    let wanted = unknown_ca("ca");
    add("from a namesake", "localhost", good, trusting(&namesake), wanted.clone());
    add("from a namesake, with its flag", "localhost", port, trusting(&namesake), wanted);
    let port = front(&issue(Says { ca: true, years: (2000, 2001), ..Says::default() }));
    let expired = Err(TlsCause::Expired { ca: None, at: Some(NEW_YEARS_EVE_2001) });
    add("from the CA, with its flag, expired", "localhost", port, trusting(&good_ca), expired);
    let alone = front(&Says { ca: true, ..Says::default() }.alone());
    let stranger = TlsCause::UnknownCa { issuer: Some("leaf".into()), self_signed: true };
    add("signed by itself, not given", "localhost", alone, trusting(&good_ca), Err(stranger));
    let good12 = Front { versions: &OLD_TLS, ..Front::new(&good_pair) };
    add("TLS 1.2 only", "localhost", good12.before(&etcd), trusting(&good_ca), Ok(()));
    let http1 = Front { alpn: b"http/1.1", ..Front::new(&good_pair) };
    let port = http1.before(&etcd);
    add("no HTTP/2", "localhost", port, trusting(&good_ca), Err(TlsCause::NoHttp2));
    let plain = Err(TlsCause::NotTls);
    add("plain text", "localhost", etcd.port, trusting(&good_ca), plain);
    meet(&meetings);
    // Ours alone: whether `localhost.` is found depends on the machine's name server.
    assert_eq!(ours("localhost.", good, &trusting(&good_ca)), Ok(()));
}

#[test]
fn servers_with_keys_of_every_kind_are_reached_and_those_beyond_us_by_skipping_only() {
    let Some(program) = reference("3.7.1", "etcd") else { return };
    let named = |kind: &str| Err(TlsCause::UnsupportedKey(Some(kind.to_owned())));
    let servers = [
        ("v1", "rsa2048", "v1", None),
        ("rsa1024", "rsa1024", "ca", Some(named("1024-bit RSA"))),
        ("p521", "p521", "ca", Some(Ok(()))),
        ("self-p521", "self-p521", "self-p521", Some(Ok(()))),
        ("self-p256", "self-p256", "self-p256", Some(Ok(()))),
        ("rsa2048", "rsa2048", "ca", Some(Ok(()))),
        ("p384", "p384", "ca", Some(Ok(()))),
        ("ed25519", "ed25519", "ca", Some(Ok(()))),
    ];
    let mut meetings = Vec::new();
    let mut running = Vec::new();
    for (what, key, ca, verified) in servers {
        let (cert, key) = (fixture(&format!("{what}.pem")), fixture(&format!("{key}.key.pem")));
        let etcd = Etcd::start(&program, &[("--cert-file", &cert), ("--key-file", &key)]);
        let port = etcd.port;
        running.push(etcd);
        let host = "127.0.0.1";
        meetings.push(Meeting { what, host, port, files: SKIPPING, wanted: Ok(()) });
        if let Some(wanted) = verified {
            let files = trusting(&fixture(&format!("{ca}.pem")));
            meetings.push(Meeting { what, host, port, files, wanted });
        }
    }
    meet(&meetings);
}
