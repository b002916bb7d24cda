//! Real handshakes with certificates made here; files as people get them wrong; the gate on an encrypted connection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, future::poll_fn, io::IoSlice, pin::Pin, time::SystemTime};

use tokio::{io::AsyncWrite, net::TcpListener};
use tokio_rustls::client::TlsStream;

use super::*;
use crate::{
    PerAddress,
    connections::Connections,
    gate::{Gate, GatedSocket},
    testing::{self, Folder, connector, localhost},
};

#[test]
fn a_complaint_names_the_file_and_what_is_wrong_with_it() {
    let folder = Folder::new();
    assert!(folder.load().is_ok());
    let (certificate, key) = (folder.text("cert.pem"), folder.text("key.pem"));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let cut = &certificate[..certificate.len() / 2];
    let other = Folder::new().text("key.pem");
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cases = [
        (key.as_str(), certificate.as_str(), "cert.pem, which server.tls_cert names, holds no certificate"),
        ("", &key, "holds no certificate"),
        (cut, &key, "which server.tls_cert names, is broken PEM"),
        (&certificate, "", "key.pem, which server.tls_key names, holds no private key"),
        (&certificate, encrypted, "is encrypted, and the hub cannot ask"),
        (&certificate, &other, "does not belong to the certificate in"),
        (nonsense, &key, "cannot be used with the key in"),
    ];
    for (certificate, key, expected) in cases {
        folder.write("cert.pem", certificate);
        folder.write("key.pem", key);
        let complaint = folder.complaint();
        assert!(complaint.contains(expected), "{complaint:?} does not say {expected:?}");
    }
    fs::remove_file(folder.files().key).unwrap();
    folder.write("cert.pem", &certificate);
    let complaint = folder.complaint();
    assert!(complaint.contains("key.pem, which server.tls_key names: No such file"), "{complaint}");
}

#[tokio::test]
async fn renewed_files_are_presented_and_half_renewed_ones_are_not() {
    let folder = Folder::new();
    let old = folder.text("cert.pem");
    let tls = folder.load().unwrap();
    assert!(handshake(&tls, &old).await.is_ok());

    // The key has not followed yet, as in the midst of a renewal.
    let key = folder.text("key.pem");
    let new = folder.renew();
    let new_key = folder.text("key.pem");
    folder.write("key.pem", &key);
    tls.certificate.renew();
    assert!(handshake(&tls, &old).await.is_ok());

    folder.write("key.pem", &new_key);
    fs::File::options()
        .append(true)
        .open(folder.files().key)
        .unwrap()
        .set_modified(SystemTime::now())
        .unwrap();
    tls.certificate.renew();
    assert!(handshake(&tls, &old).await.is_err());
    assert!(handshake(&tls, &new).await.is_ok());
}

#[tokio::test]
async fn whoever_speaks_plainly_is_told_so() {
    let tls = Folder::new().load().unwrap();
    let (server, mut client) = connection().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let serving = tokio::spawn(async move { tls.accept(server).await });
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    drop(client);
    assert!(serving.await.unwrap().unwrap().is_none());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["code"], "TLS_REQUIRED");
}

#[tokio::test]
async fn the_gate_counts_what_tls_holds_as_not_taken() {
    const LENGTH: usize = 4 << 20;
    let folder = Folder::new();
    let tls = folder.load().unwrap();
    let (server, client) = connection().await;
    let connector = connector(&folder.text("cert.pem"), &[]);
    let (server, client) = tokio::join!(tls.accept(server), connector.connect(localhost(), client));
    let (socket, mut client) = (server.unwrap().unwrap(), client.unwrap());

    let gate = Gate::default();
    let counted = PerAddress::new(None, Vec::new()).count([127, 0, 0, 1].into()).unwrap();
    let place = Arc::new(Connections::new(testing::limits()).admit(counted).unwrap());
    let mut socket = GatedSocket::new(socket, gate.clone(), place);
    gate.occupy();
    let part = vec![7; LENGTH];
    let mut handed = 0;
    // Until the kernel takes no more, and TLS neither.
    let full = poll_fn(|cx| {
        while handed < LENGTH {
            let slice = [IoSlice::new(&part[handed..])];
            match Pin::new(&mut socket).poll_write_vectored(cx, &slice) {
                std::task::Poll::Ready(count) => handed += count.unwrap(),
                std::task::Poll::Pending => return std::task::Poll::Ready(true),
            }
        }
        std::task::Poll::Ready(false)
    });
    assert!(full.await, "the kernel took all of it");
    let flushed = poll_fn(|cx| std::task::Poll::Ready(Pin::new(&mut socket).poll_flush(cx).is_ready()));
    assert!(!flushed.await);
    let opened = |gate: &Gate| {
        let gate = gate.clone();
        poll_fn(move |cx| std::task::Poll::Ready(gate.poll_open(cx).is_ready()))
    };
    assert!(!opened(&gate).await);

    let reading = tokio::spawn(async move {
        let mut got = vec![0; handed];
        client.read_exact(&mut got).await.unwrap();
    });
    poll_fn(|cx| Pin::new(&mut socket).poll_flush(cx)).await.unwrap();
    assert!(opened(&gate).await);
    reading.await.unwrap();
}

/// Both ends of a connection over loopback.
async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, client) = tokio::join!(listener.accept(), TcpStream::connect(address));
    (accepted.unwrap().0, client.unwrap())
}

async fn handshake(tls: &Tls, trusted: &str) -> io::Result<TlsStream<TcpStream>> {
    let (server, client) = connection().await;
    let connector = connector(trusted, &[]);
    let (served, connected) = tokio::join!(tls.accept(server), connector.connect(localhost(), client));
    drop(served);
    connected
}
