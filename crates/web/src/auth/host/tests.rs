//! Tests of `host`.
#![allow(clippy::unwrap_used)]
use super::*;

const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");

fn machine() -> Names {
    let hosts =
        "127.0.0.1 localhost\n127.0.1.1 nuc.lab.example nuc # ours\n10.0.0.9 printer\n10.0.0.7 cams nuc\n";
    let own = names("nuc", "nameserver 10.0.0.1\nsearch fritz.box tail.ts.example.\n", hosts);
    Names { own, ..Names::default() }
}

fn passes(names: &Names, host: &str, headers: &[(&'static str, &str)]) -> bool {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    !is_of_browser(&map) || names.check(host).is_ok()
}

#[test]
fn a_browser_may_use_the_machines_own_names_and_addresses() {
    let own = [
        "127.0.0.1:5000",
        "10.0.0.7",
        "[::1]:5000",
        "[2001:db8::7]",
        "localhost:5000",
        "hub.localhost",
        "nuc:5000",
        "NUC.local",
        "nuc.lab.example",
        "nuc.fritz.box:5000",
        "nuc.tail.ts.example.",
        "cams",
    ];
    for host in own {
        assert!(passes(&machine(), host, &[BROWSER]), "{host}");
    }
}

#[test]
fn a_page_that_made_its_name_lead_here_is_refused() {
    let foreign = [
        "evil.example",
        "evil.example:5000",
        "nuc.evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evilnuc",
        "printer",
        "",
        "[evil]",
    ];
    for host in foreign {
        assert!(!passes(&machine(), host, &[BROWSER]), "{host:?}");
    }
    // Whatever a page's script can change of its requests.
    for sent in
        [("origin", "http://evil.example"), ("sec-fetch-site", "same-origin"), ("accept-language", "")]
    {
        assert!(!passes(&machine(), "evil.example", &[("user-agent", "curl/8"), sent]), "{sent:?}");
    }
}

#[test]
fn a_program_may_use_any_name() {
    let node = [("user-agent", "node"), ("accept-language", "*"), ("sec-fetch-mode", "cors")];
    let requests = [("user-agent", "python-requests/2"), ("accept", "*/*"), ("accept-encoding", "gzip")];
    for headers in [&node[..], &requests[..], &[]] {
        assert!(passes(&machine(), "framehub:5000", headers), "{headers:?}");
    }
}

#[test]
fn listed_names_are_known() {
    let listed = |hosts: &[&str], origins: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        Names::new(&owned(hosts), &owned(origins))
    };
    let names = listed(&["framehub", "*.lan.example"], &["https://app.example:8443"]);
    for host in ["framehub:5000", "FrameHub", "a.lan.example:1", "app.example", "app.example:5000"] {
        assert!(passes(&names, host, &[BROWSER]), "{host}");
    }
    for host in ["framehub.example", "lan.example", "evil-lan.example", "sub.app.example"] {
        assert!(!passes(&names, host, &[BROWSER]), "{host}");
    }
    assert!(passes(&listed(&["*"], &[]), "evil.example", &[BROWSER]));
    assert!(passes(&listed(&[], &["*"]), "evil.example", &[BROWSER]));
}
