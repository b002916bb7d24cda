"""What TLS itself has to bear: clients that speak plainly, or not at all, and certificates that are renewed."""

import http.client
import json
import socket
import ssl

from support import certificates
from support.hub import READY
from support.pictures import jpeg, noise_jpeg
from support.program import framehub
from support.waiting import PATIENCE, eventually


def presented(hub) -> str:
    return ssl.get_server_certificate(("127.0.0.1", hub.port), timeout=PATIENCE)


def test_plain_http_gets_a_readable_answer(hub):
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=PATIENCE)
    connection.request("POST", "/publish/cam", body=noise_jpeg(200_000))
    answer = connection.getresponse()
    assert answer.status == 400
    body = json.loads(answer.read())
    assert body["code"] == "TLS_REQUIRED"
    assert "https://" in body["error"]
    connection.close()


def test_who_says_nothing_or_nonsense_is_let_go(pair, start_hub):
    hub = start_hub(*pair.settings, "server.header_timeout_seconds=1")
    hub.verify = str(pair.certificate)
    with socket.create_connection(("127.0.0.1", hub.port), timeout=PATIENCE) as silent:
        assert silent.recv(1) == b""
    with socket.create_connection(("127.0.0.1", hub.port), timeout=PATIENCE) as trickling:
        trickling.sendall(b"\x16\x03\x01")
        assert trickling.recv(1) == b""
    with socket.create_connection(("127.0.0.1", hub.port), timeout=PATIENCE) as garbage:
        garbage.sendall(b"\x16\x03\x01\x00\x05hello" + bytes(100))
        while garbage.recv(1000):
            pass
    assert hub.get("/livez").status_code == 200


def test_a_silent_handshake_delays_no_other(hub, stream):
    silent = [socket.create_connection(("127.0.0.1", hub.port), timeout=PATIENCE) for _ in range(50)]
    hub.put_frame(stream, 1)
    for connection in silent:
        connection.close()


def test_a_renewed_certificate_is_presented_without_a_restart(tmp_path, start_hub):
    pair = certificates.make(tmp_path)
    hub = start_hub(*pair.settings)
    hub.verify = str(pair.certificate)
    old = presented(hub)
    assert old.strip() == pair.certificate.read_text().strip()
    watching = hub.get("/metrics", stream=True)
    pair.renew()
    eventually(lambda: presented(hub) != old, "the new certificate")
    assert presented(hub).strip() == pair.certificate.read_text().strip()
    hub.put_frame("after", jpeg(1))
    assert watching.status_code == 200

    # A broken file changes nothing, and the log says why.
    pair.key.write_text("not a key")
    eventually(lambda: "holds no private key" in hub.stderr(), "a warning")
    hub.put_frame("still", jpeg(2))


def test_a_start_without_a_usable_certificate_says_what_to_do(tmp_path):
    pair = certificates.make(tmp_path)

    def complaint(*settings: str) -> str:
        run = framehub("serve", "server.port=0", "logging.file=none", *settings, folder=tmp_path)
        assert run.returncode not in (0, None)
        assert READY not in run.stdout
        return run.stderr

    certificate, key = pair.settings
    assert "server.tls_cert is set, but not server.tls_key" in complaint(certificate)
    assert "server.tls_key is set, but not server.tls_cert" in complaint(key)
    assert "cannot read absent.pem, which server.tls_key names" in complaint(certificate, "server.tls_key=absent.pem")
    swapped = (f"server.tls_cert={pair.key}", f"server.tls_key={pair.certificate}")
    assert "holds no certificate" in complaint(*swapped)
