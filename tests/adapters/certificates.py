"""Certificates for tests, made by trustme: those of one party, and authorities that make them to order."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import trustme

__all__ = ["ECDSA", "RSA", "Authority", "Certificate", "certificate", "days"]

RSA, ECDSA = trustme.KeyType.RSA, trustme.KeyType.ECDSA


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


class Authority:
    """An authority, its certificate in a file and in memory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._authority = trustme.CA(organization_unit_name=name)
        self._directory = directory
        self._name = name
        self._issued = 0
        self.pem: bytes = self._authority.cert_pem.bytes()
        self.path = directory / f"{name}.pem"
        self.path.write_bytes(self.pem)

    def issue(self, *hosts: str, cn: str | None = None, o: str = "acme", **options: Any) -> Certificate:
        """A certificate for these hosts, or for a station; options are those of `trustme.CA.issue_cert`."""
        self._issued += 1
        issued = self._authority.issue_cert(*hosts, common_name=cn, organization_name=o, **options)
        made = Certificate(
            *(self._directory / f"{self._name}-{self._issued}.{end}" for end in ("pem", "key"))
        )
        made.chain.write_bytes(issued.cert_chain_pems[0].bytes())
        made.key.write_bytes(issued.private_key_pem.bytes())
        return made


def certificate(directory: Path, name: str, address: str = "127.0.0.1") -> Certificate:
    """A new one, for a server at that address or for a client. Its own authority is in the same file."""
    authority = Authority(directory, f"authority-of-{name}")
    issued = authority.issue(address, cn=name)
    with issued.chain.open("ab") as chain:
        chain.write(authority.pem)
    return issued


def days(number: int) -> datetime:
    """So many days from now, as trustme wants it."""
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(days=number)
