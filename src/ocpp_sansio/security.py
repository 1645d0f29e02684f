"""Security profiles 0 to 3: who fits which, what a client certificate says, and what no log may show.

Pure decisions for both ends, above those of `handshake`. Knows TLS by name only: contexts and certificates in
files are the business of an adapter.
"""

import json
import re
from collections.abc import Iterable, Mapping
from enum import IntEnum
from ipaddress import ip_address
from typing import Any

import attrs

from ._values import brief
from .handshake import Headers, UpgradeRefused, credentials_of
from .version import Version

__all__ = [
    "SecurityProfile",
    "StationCertificate",
    "admit",
    "check_csms",
    "check_station",
    "may_change",
    "rejection",
    "station_certificate",
    "without_secrets",
]


class SecurityProfile(IntEnum):
    """How the ends prove who they are. An endpoint has one, and so has each station (J16-701, J16-702)."""

    UNSECURED = 0  # nobody proves anything
    BASIC = 1  # the station by a password, in the clear
    TLS_BASIC = 2  # the CSMS by a certificate, the station by a password
    TLS_CERTIFICATE = 3  # both by certificates

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise ValueError(f"profile is a number from 0 to 3, not {brief(value)}")

    @property
    def tls(self) -> bool:
        """Whether the URL begins with `wss`."""
        return self >= SecurityProfile.TLS_BASIC

    @property
    def password(self) -> bool:
        """Whether the station shows a password."""
        return self in (SecurityProfile.BASIC, SecurityProfile.TLS_BASIC)

    @property
    def certificate(self) -> bool:
        """Whether the station shows a certificate."""
        return self is SecurityProfile.TLS_CERTIFICATE


def admit(
    profile: SecurityProfile | int | None,
    headers: Headers,
    *,
    secure: bool,
    certificate: Mapping[str, Any] | None = None,
) -> Headers:
    """Refuse a station that arrives with another profile (J16-702); for a CSMS, before `read_upgrade`.

    `secure` is whether the upgrade came by TLS, `certificate` what the station has shown there and TLS has
    found good. Returns the headers to go on with. Raises UpgradeRefused: with 401, which asks for a password,
    if that is all that is missing, else with 403, and without looking at credentials. Profile 0 takes none,
    and in profile 3 they count for nothing: they are not among the headers returned. Without a profile,
    everybody is admitted.
    """
    if profile is None:
        return headers
    profile = SecurityProfile(profile)
    pairs = list(headers)
    values = [value for name, value in pairs if _is_authorization(name)]
    if secure is not profile.tls:
        raise UpgradeRefused(403, f"stations connect here {'with' if profile.tls else 'without'} TLS")
    if profile.certificate:
        if not certificate:
            raise UpgradeRefused(403, "stations show a certificate here")
        return [pair for pair in pairs if not _is_authorization(pair[0])]
    if values and not profile.password:
        raise UpgradeRefused(403, "stations connect here without a password")
    if profile.password and credentials_of(values) is None:
        raise UpgradeRefused(401, "stations show a password here")
    return pairs


def rejection(profile: SecurityProfile | int | None) -> UpgradeRefused:
    """What a station is answered that is not let in: 401 where another password may do (J16-117)."""
    if profile is None or SecurityProfile(profile).password:
        return UpgradeRefused(401, "no credentials, or wrong ones")
    return UpgradeRefused(403, "this station is not let in")


def _is_authorization(name: str | bytes) -> bool:
    return (name.decode("latin-1") if isinstance(name, bytes) else name).lower() == "authorization"


def check_csms(
    profile: SecurityProfile | int | None, *, tls: bool, asks_certificate: bool, authenticates: bool
) -> None:
    """Raise ValueError where a CSMS has not what its profile wants, or what belongs to another.

    `asks_certificate` is whether its TLS lets nobody in who has no certificate, `authenticates` whether
    anybody is asked who is let in. Without a profile, everything goes.
    """
    if profile is None:
        return
    profile = SecurityProfile(profile)
    if tls is not profile.tls:
        raise ValueError(f"profile {profile:d} {'needs' if profile.tls else 'has no'} tls")
    if asks_certificate is not profile.certificate:
        verb = "must ask" if profile.certificate else "may not ask"
        raise ValueError(f"profile {profile:d}: its tls {verb} stations for certificates")
    if profile is not SecurityProfile.UNSECURED and not authenticates:
        raise ValueError(f"profile {profile:d} needs authenticate: who shows something may still be anybody")


def check_station(profile: SecurityProfile | int | None, *, secure: bool, password: bool, tls: bool) -> None:
    """Raise ValueError where a station has not what its profile wants, or what belongs to another.

    `secure` is whether its URL begins with `wss`, `tls` whether it has a TLS context of its own, which is
    where its certificate is. Without a profile, everything goes.
    """
    if profile is None:
        return
    profile = SecurityProfile(profile)
    if secure is not profile.tls:
        raise ValueError(
            f"profile {profile:d} wants a url that begins with {'wss' if profile.tls else 'ws'}://"
        )
    if password is not profile.password:
        raise ValueError(f"profile {profile:d} {'needs a' if profile.password else 'has no'} password")
    if profile.certificate and not tls:
        raise ValueError("profile 3 needs tls, with the certificate of the station in it")


def may_change(
    current: SecurityProfile | int,
    wanted: SecurityProfile | int,
    version: Version | str,
    *,
    password: bool = False,
    authorities: bool = False,
    certificate: bool = False,
    downgrade: bool = False,
) -> bool:
    """Whether a station takes over a profile that its CSMS wants, or answers Rejected (J16-713, J201-713).

    `password`, `authorities` (root certificates) and `certificate` are what it has for that. Profiles go up,
    and in 2.x may stay. `downgrade` is AllowSecurityProfileDowngrade of 2.x: from 3 to 2, and no further
    (J21-713).
    """
    current, wanted, version = SecurityProfile(current), SecurityProfile(wanted), Version(version)
    stays = version is not Version.V16 and wanted is current
    down = version is not Version.V16 and downgrade and (current, wanted) == (3, 2)
    return (
        (wanted > current or stays or down)
        and (password or not wanted.password)
        and (authorities or not wanted.tls)
        and (certificate or not wanted.certificate)
    )


@attrs.frozen
class StationCertificate:
    """Whose certificate it is: the operator that it was issued for (O), and the serial number (CN)."""

    operator: str = attrs.field(repr=brief)
    serial_number: str = attrs.field(repr=brief)


def station_certificate(
    certificate: Mapping[str, Any] | None, operators: str | Iterable[str]
) -> StationCertificate:
    """What a client certificate says of its station (J16-710), for `authenticate` of a CSMS.

    `certificate` is as `ssl.SSLSocket.getpeercert` returns it, once TLS has found its path and its dates
    good; `operators` is who may be in its O. Raises UpgradeRefused, with 403: without a certificate, for
    another operator, and for one whose CN is missing, there twice, or looks like that of a server: a URL, an
    IP address or a host name. Whether this serial number may use this identity is for the application to say.
    """
    allowed = [operators] if isinstance(operators, str) else list(operators)
    names: dict[str, list[str]] = {}
    for attributes in (certificate or {}).get("subject", ()):
        for name, value in attributes:
            names.setdefault(name, []).append(value)
    given, serial_numbers = names.get("organizationName", []), names.get("commonName", [])
    if not certificate:
        raise UpgradeRefused(403, "there is no client certificate")
    if len(given) != 1 or given[0] not in allowed:
        raise UpgradeRefused(403, "the client certificate is not one of this operator")
    if len(serial_numbers) != 1 or not serial_numbers[0].strip():
        raise UpgradeRefused(403, "the client certificate has no serial number in its CN, or several")
    if _is_address(serial_numbers[0]):
        raise UpgradeRefused(403, "the CN of the client certificate is an address, and not a serial number")
    return StationCertificate(given[0], serial_numbers[0])


#: The last label of a host name has letters, or it would be an IP address.
_HOST = re.compile(r"(?:\*\.)?(?:[A-Za-z0-9_-]+\.)+[A-Za-z]{2,}\.?(?::[0-9]+)?")


def _is_address(name: str) -> bool:
    if "/" in name or _HOST.fullmatch(name):
        return True
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


# Passwords within messages.

HIDDEN = "***"
#: Members whose value is a secret, wherever they are: of NetworkConnectionProfile, APN and VPN.
_SECRET_MEMBERS = frozenset({"basicAuthPassword", "apnPassword", "password"})
#: Keys of 1.6 and variables of 2.x whose value is one (J16-705, J201-705), in lower case.
_SECRET_NAMES = frozenset({"authorizationkey", "basicauthpassword", "apnpassword", "vpnpassword", "vpnkey"})
_SUSPECT = re.compile(r"password|authorizationkey|vpn|\\u", re.IGNORECASE)


def without_secrets(frame: str) -> str:
    """A frame as it may be logged, without the passwords in SetVariables and the like.

    Those are the ones that OCPP names; of a vendor's own nothing is known. What is no JSON and may hold one
    is not shown at all.
    """
    if not _SUSPECT.search(frame):
        return frame
    try:
        message = json.loads(frame)
        found = _hide(message)
    except (ValueError, RecursionError):
        return f"<{len(frame)} characters that may hold a password>"
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) if found else frame


def _hide(node: Any) -> int:
    """Put HIDDEN in the place of each secret. Returns how many there were."""
    if isinstance(node, list):
        return sum(map(_hide, node))
    if not isinstance(node, dict):
        return 0
    secret = [name for name in node if name in _SECRET_MEMBERS]
    if "password" in node and "server" in node:
        secret.append("key")  # of a VPN; elsewhere a key is the name of something
    if _names_secret(node.get("key")):
        secret.append("value")
    variable = node.get("variable")
    if isinstance(variable, dict) and _names_secret(variable.get("name")):
        secret += ["attributeValue", "value"]
    secret = [name for name in secret if node.get(name) is not None]
    node.update(dict.fromkeys(secret, HIDDEN))
    return len(secret) + sum(map(_hide, node.values()))


def _names_secret(name: object) -> bool:
    return isinstance(name, str) and name.lower() in _SECRET_NAMES
