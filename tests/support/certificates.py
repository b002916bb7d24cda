"""Self-signed certificates for a hub on this machine."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Pair:
    """A certificate for this machine and its key, as PEM files."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> tuple[str, str]:
        return f"server.tls_cert={self.certificate}", f"server.tls_key={self.key}"

    def context(self) -> ssl.SSLContext:
        """For a client that trusts this certificate alone."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def renew(self) -> None:
        """Writes a new certificate and key over the old ones."""
        make(self.certificate.parent)


def make(folder: Path) -> Pair:
    """`cert.pem` and `key.pem` in `folder`."""
    pair = Pair(folder / "cert.pem", folder / "key.pem")
    # The authority that a browser or OpenSSL looks for is the certificate itself.
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(pair.key), "-out", str(pair.certificate)]
    command = ["openssl", "req", "-x509", *curve, *files, "-days", "2", "-subj", "/CN=localhost", "-addext", names]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return pair
