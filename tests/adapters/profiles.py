"""Security profiles for tests, by whichever door: the certificates of both ends, how an end of each profile is
set up, and who is let in where.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from ocpp_sansio.handshake import Credentials
from ocpp_sansio.security import station_certificate
from ocpp_sansio_adapters import security
from ocpp_sansio_adapters.security import csms_tls, station_tls
from tests.adapters.certificates import RSA, Authority, Certificate

__all__ = ["END", "IN", "MEETS", "PASSWORD", "UNLIKE", "Door", "World", "at", "own"]

PASSWORD = "correct horse battery staple"

#: What a station of a profile (row) meets at a CSMS of another (column): a status, or an end without one.
IN, END = 101, None
MEETS = [[IN, 401, END, END], [403, IN, END, END], [END, END, IN, END], [END, END, 401, IN]]

#: Profiles and others whose arguments they refuse. 0 and 1 have the same: they differ in what stations show.
UNLIKE = [(one, other) for one in range(4) for other in range(4) if one != other and max(one, other) > 1]


def own(made: Certificate) -> security.Certificate:
    return security.Certificate(made.chain, made.key)


@attrs.frozen
class World:
    """What both ends have of TLS."""

    csms: Authority
    stations: Authority
    server: Certificate
    client: Certificate

    @classmethod
    def made_in(cls, directory: Path) -> "World":
        csms, stations = Authority(directory, "csms"), Authority(directory, "stations")
        return cls(csms, stations, csms.issue("localhost", key_type=RSA), stations.issue(cn="SN-1"))

    def of_csms(self, profile: int) -> dict[str, Any]:
        """How a CSMS of this profile serves."""
        tls = {
            2: lambda: csms_tls(own(self.server)),
            3: lambda: csms_tls(own(self.server), stations=self.stations.path),
        }
        return {"profile": profile, "tls": tls[profile]() if profile in tls else None}

    def of_station(self, profile: int) -> dict[str, Any]:
        """How a station of this profile connects."""
        tls = {
            2: lambda: station_tls(csms=self.csms.path),
            3: lambda: station_tls(csms=self.csms.path, certificate=own(self.client)),
        }
        return {
            "profile": profile,
            "tls": tls[profile]() if profile in tls else None,
            "password": PASSWORD if profile in (1, 2) else None,
        }


def at(profile: int, url: str) -> str:
    """The URL, as a station of this profile would have it."""
    return url.replace("ws://127.0.0.1", f"{'wss' if profile > 1 else 'ws'}://localhost")


class Door:
    """An authenticate that notes who was asked about, and lets everybody in who shows the right thing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Credentials | None, str | None]] = []

    def __call__(
        self, identity: str, credentials: Credentials | None, certificate: Mapping[str, Any] | None
    ) -> bool:
        serial = station_certificate(certificate, "acme").serial_number if certificate else None
        self.asked.append((identity, credentials, serial))
        return credentials is None or credentials.matches(PASSWORD)
