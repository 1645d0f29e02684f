"""Certificates for tests, each its own authority, made by the `openssl` command."""

import shutil
import ssl
import subprocess
from pathlib import Path

import attrs
import pytest

__all__ = ["Certificate", "certificate", "needs_openssl"]

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="there is no openssl command to make certificates with"
)


@attrs.frozen
class Certificate:
    """A certificate and its key, in one file each."""

    chain: Path
    key: Path

    def as_server(self, *clients: "Certificate") -> ssl.SSLContext:
        """The context of a server; with clients, theirs are demanded."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain, self.key)
        for client in clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client.chain)
        return context

    def as_client(self, *own: "Certificate") -> ssl.SSLContext:
        """The context of a client that trusts this one alone, and has a certificate of its own or not."""
        context = ssl.create_default_context(cafile=str(self.chain))
        for mine in own:
            context.load_cert_chain(mine.chain, mine.key)
        return context


def certificate(directory: Path, name: str, address: str = "127.0.0.1") -> Certificate:
    """A new one, for a server at that address or for a client."""
    made = Certificate(directory / f"{name}.pem", directory / f"{name}.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    command += ["-days", "2", "-subj", f"/O=acme/CN={name}", "-addext", f"subjectAltName=IP:{address}"]
    command += ["-addext", "keyUsage=critical,keyCertSign,digitalSignature"]
    command += ["-keyout", str(made.key), "-out", str(made.chain)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return made
