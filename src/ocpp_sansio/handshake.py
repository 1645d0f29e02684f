"""What is decided when a WebSocket opens: the identity in the URL, the version, Basic credentials.

Pure functions for both ends. A CSMS calls `read_upgrade`, lets its application judge identity and credentials,
and answers; a station calls `url_for`, `offer` and `authorization`, then `read_answer`. Knows names and values
of headers, and no WebSocket; certificates, pings and compression are the business of its library.

Whatever the peer has sent, nothing is raised here but `UpgradeRefused` at a CSMS and `UpgradeFailed` at a
station. No exception and no `repr` holds a password.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from enum import StrEnum
from hmac import compare_digest

import attrs

from ._values import brief, is_unicode
from .events import CloseRequested
from .version import Version

__all__ = [
    "SWITCHING_PROTOCOLS",
    "Credentials",
    "NoCommonVersion",
    "Upgrade",
    "UpgradeFailed",
    "UpgradeRefused",
    "authorization",
    "choose_version",
    "credentials_of",
    "identity_of",
    "key_of",
    "offer",
    "read_answer",
    "read_upgrade",
    "url_for",
]

Text = str | bytes  # of HTTP; some servers hand it over as bytes
#: Pairs of name and value, such as `scope["headers"]` of ASGI or `headers.raw_items()` of websockets.
Headers = Iterable[tuple[Text, Text]]

SUBPROTOCOL = "sec-websocket-protocol"
SWITCHING_PROTOCOLS = 101
_CLOSING = CloseRequested(1002, "no subprotocol in common")  # L-124: a protocol error


class UpgradeRefused(Exception):
    """Answer the upgrade request with this HTTP status and these headers, and not with 101.

    `reason` is a sentence that may be sent and logged. An application raises it too: with 404 for a station
    that it does not know (J16-115), with 401 for credentials that are missing or wrong (J16-117).
    """

    def __init__(self, status: int, reason: str) -> None:
        if not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(f"status is an HTTP status from 400 to 599, such as 404, not {brief(status)}")
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What goes with the status (RFC 9110, 15.5.2); a station may wait for this challenge (L-714)."""
        return (("WWW-Authenticate", 'Basic realm="OCPP"'),) if self.status == 401 else ()


class UpgradeFailed(Exception):
    """The CSMS has not let us in, or agreed to no version that we offered. Try again later (L-118).

    `status` is its HTTP status. With 101 the WebSocket is open, and to be closed as `closing` says.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason

    @property
    def closing(self) -> CloseRequested | None:
        """What to close the WebSocket with, before anything is sent; None if it has not opened."""
        return _CLOSING if self.status == SWITCHING_PROTOCOLS else None


class NoCommonVersion(StrEnum):
    """What a station gets that offers no version of ours, about which the standard has two minds (L-111)."""

    CLOSE = "close"  # as written (J16-111): 101 without a subprotocol, and an immediate close
    REFUSE = "refuse"  # as certified (TC_B_58_CSMS): 400 and no WebSocket


@attrs.frozen
class Credentials:
    """User name and password of an `Authorization: Basic` header. To HTTP, a password is bytes."""

    user: str = attrs.field(repr=brief)
    password: bytes = attrs.field(repr=False)

    def matches(self, expected: str | bytes) -> bool:
        """Whether this is the password, in a time that does not tell how much of it is right (L-714).

        Text is a password of 2.x (J201-704). Bytes are a key of 1.6, such as `bytes.fromhex("00AF...")`, which
        stations send as it is or in hex, in either case (L-704). Raises ValueError if `expected` is empty.
        """
        octets = _octets(expected, "expected")
        if not octets:
            raise ValueError("expected is empty, which would let everybody in; refuse the station instead")
        in_hex = isinstance(expected, bytes) and compare_digest(self.password.lower(), octets.hex().encode())
        return compare_digest(self.password, octets) or in_hex


@attrs.frozen
class Upgrade:
    """What a station asks for, once everything that needs no application has been checked.

    Without a `version`, nobody may speak: the WebSocket is to be closed at once, as `closing` says.
    """

    identity: str
    version: Version | None
    credentials: Credentials | None = None
    offered: tuple[str, ...] = attrs.field(default=(), repr=brief)

    @property
    def subprotocol(self) -> str | None:
        """What the answer says in `Sec-WebSocket-Protocol`; None if it has no such header (J16-111)."""
        return self.version.subprotocol if self.version is not None else None

    @property
    def closing(self) -> CloseRequested | None:
        """What to close the WebSocket with as soon as it is open; None if there is a version to speak."""
        return _CLOSING if self.version is None else None


@attrs.frozen
class _Identities:
    """What identities are in one version."""

    longest: int
    sent: re.Pattern[str]  # by a station of ours
    taken: re.Pattern[str]  # by a CSMS of ours
    any_case: bool  # whether two that differ in nothing else are of one station


_ANY = re.compile(r".*", re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z0-9*_=+|@.-]*")  # J201-1103, without the colon (J201-104)
_SPACED = re.compile(r"[A-Za-z0-9*_=+|@. -]*")  # J201-104: 2.0.1 has an example with a space

# J16-104 knows no limit. Ours is the one of all that is of the peer and repeated, in a log for instance.
_FREE = _Identities(longest=255, sent=_ANY, taken=_ANY, any_case=False)
_IDENTITIES: Mapping[Version | None, _Identities] = {
    None: _FREE,  # whoever has no version in common with us is to learn that, and not how to spell
    Version.V16: _FREE,
    Version.V201: _Identities(longest=48, sent=_IDENTIFIER, taken=_SPACED, any_case=True),
    Version.V21: _Identities(longest=48, sent=_IDENTIFIER, taken=_IDENTIFIER, any_case=True),
}


def _rules(version: Version | str | None) -> _Identities:
    return _IDENTITIES[None if version is None else Version(version)]


def _fault_of(identity: str, allowed: re.Pattern[str], longest: int) -> str | None:
    """What is wrong with an identity, as the end of a sentence."""
    if not identity:
        return "is empty"
    if identity in (".", ".."):
        return "is a step in a path"  # RFC 3986, 5.2.4: proxies take it, however it is encoded
    if not identity.isprintable():
        return "has characters that cannot be printed"
    if len(identity) > longest:
        return f"has {len(identity)} characters, and {longest} are allowed"
    return None if allowed.fullmatch(identity) else "has other characters than A-Z a-z 0-9 * - _ = + | @ ."


def key_of(identity: str, version: Version | str | None) -> str:
    """The identity as it is looked up, but not shown: in lower case where case does not matter (J201-105)."""
    return identity.lower() if _rules(version).any_case else identity


# For a CSMS.


def read_upgrade(
    path: Text,
    headers: Headers,
    versions: Iterable[Version | str],
    *,
    base: str = "/",
    no_common_version: NoCommonVersion | str = NoCommonVersion.CLOSE,
) -> Upgrade:
    """Read the upgrade request of a station.

    `path` is the one of the request, still encoded, with or without its query; `versions` are those that the
    CSMS speaks, in any order; `base` is the path of the endpoint, below which stations connect. Raises
    UpgradeRefused. Otherwise let the application judge identity and credentials before anything is answered
    (J16-117), then answer with `subprotocol`, and obey `closing`.
    """
    spoken = _versions(versions)
    refusing = NoCommonVersion(no_common_version) is NoCommonVersion.REFUSE
    pairs = _pairs(headers)
    offered = _listed(value for name, value in pairs if name == SUBPROTOCOL)
    version = choose_version(offered, spoken)
    identity = identity_of(path, version, base=base)
    credentials = credentials_of(value for name, value in pairs if name == "authorization")
    if credentials is not None and key_of(credentials.user, version) != key_of(identity, version):
        raise UpgradeRefused(401, "the user name is not the identity in the URL")  # J16-703, J201-107
    if version is None and refusing:
        raise UpgradeRefused(400, f"no subprotocol in common: spoken here are {', '.join(offer(spoken))}")
    return Upgrade(identity, version, credentials, offered)


def identity_of(path: Text, version: Version | str | None = None, *, base: str = "/") -> str:
    """The identity in the path of a request: its last segment, decoded once; `+` stays `+` (L-106).

    `version` is the one agreed on, if any: 1.6 allows more than its successors (J16-104, J201-104). Raises
    UpgradeRefused, with 400 for what cannot be decoded and with 404 for what is no identity.
    """
    if not _str(base, "base is text").startswith("/"):
        raise ValueError(f"base is a path that begins with a slash, such as '/ocpp', not {brief(base)}")
    rules = _rules(version)
    address = _text(path, "path").partition("?")[0]
    if not address.startswith(f"{base.rstrip('/')}/"):
        raise UpgradeRefused(404, "no station connects at this path")
    identity = _decoded(address.rpartition("/")[2])
    if identity is None:
        raise UpgradeRefused(400, "the identity in the URL is not percent-encoded UTF-8")
    if fault := _fault_of(identity, rules.taken, rules.longest):
        raise UpgradeRefused(404, f"the identity in the URL {fault}")
    return identity


def choose_version(offers: Iterable[Text], versions: Iterable[Version | str]) -> Version | None:
    """The first version that a station offers and we speak (L-110); None if there is none.

    `offers` are the values of `Sec-WebSocket-Protocol`, each a name or a list with commas. Names are exact
    (J16-108), and nothing but they decides, least of all the URL (J21-113).
    """
    spoken = {version.subprotocol: version for version in _versions(versions)}
    return next((spoken[name] for name in _listed(offers) if name in spoken), None)


def credentials_of(values: Iterable[Text]) -> Credentials | None:
    """The credentials in the values of `Authorization`; None if there are none of the scheme Basic.

    Raises UpgradeRefused for those that cannot be read, and for several that differ.
    """
    given = set(_stripped(values))
    if len(given) > 1:
        raise UpgradeRefused(400, "there are several Authorization headers, and they differ")
    scheme, _, token = (given.pop() if given else "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        octets = b64decode(token.lstrip(" "), validate=True)
    except ValueError:
        octets = b""
    # The name ends at the first colon, and what follows may be any bytes (J16-704).
    name, colon, password = octets.partition(b":")
    user = _from_utf8(name)
    if user is None or not colon:
        raise UpgradeRefused(401, "the Authorization header holds no user name and password in Base64")
    return Credentials(user, password)


# For a station.


def offer(versions: Iterable[Version | str]) -> list[str]:
    """The subprotocols to offer, the most preferred first (J16-109)."""
    return [version.subprotocol for version in _versions(versions)]


#: Visible ASCII without fragment (RFC 6455, 3) and without credentials, since URLs are logged.
_ENDPOINT = re.compile(r'(?ai)(?=[!"$-~]+\Z)(wss?://[^/?@]+)(/[^?]*)?(\?.*)?')


def url_for(endpoint: str, identity: str, versions: Iterable[Version | str]) -> str:
    """The URL that a station connects to: the endpoint, a slash, the encoded identity (J16-103).

    A query stays behind the path, and a slash at the end of the path is not doubled (L-103). Raises
    ValueError for what is no URL, and for an identity that one of the versions to be offered does not allow.
    """
    found = _ENDPOINT.fullmatch(_str(endpoint, "endpoint is text"))
    if found is None:  # not quoted: there may be a password in it
        raise ValueError("endpoint is a URL such as wss://example.com/ocpp, encoded, and without credentials")
    for version in _versions(versions):
        rules = _rules(version)
        if fault := _fault_of(_str(identity, "identity is text"), rules.sent, rules.longest):
            raise ValueError(f"identity {brief(identity)} {fault}; take another for {version.subprotocol}")
    host, path, query = found.groups("")
    return f"{host}{path.rstrip('/')}/{_encoded(identity)}{query}"


def authorization(identity: str, password: str | bytes) -> str:
    """The value of the header `Authorization`, as secret as the password in it (J16-703).

    A password of 2.x is text (J201-704). A key of 1.6 is bytes, such as `bytes.fromhex("00AF...")`, or its
    text in hex for a CSMS that wants that (L-704). Raises ValueError for an empty identity, and for one
    with a colon, because no CSMS would see where it ends (J16-104).
    """
    if not _str(identity, "identity is text"):
        raise ValueError("the identity is empty, and it is the user name")
    if not identity.isprintable() or ":" in identity:  # RFC 7617, 2
        raise ValueError(f"identity {brief(identity)} is no user name: it is printable and has no colon")
    return "Basic " + b64encode(identity.encode() + b":" + _octets(password, "password")).decode()


def read_answer(status: int, headers: Headers, versions: Iterable[Version | str]) -> Version:
    """The version that the CSMS chose from those that we offered.

    Raises UpgradeFailed for any status but 101 (L-118), and for a choice that is none (J16-112).
    """
    if not isinstance(status, int):
        raise TypeError(f"status is an HTTP status such as 101, not {brief(status)}")
    offered = offer(versions)
    chosen = _listed(value for name, value in _pairs(headers) if name == SUBPROTOCOL)
    if status != SWITCHING_PROTOCOLS:
        raise UpgradeFailed(status, f"the CSMS answered with HTTP status {status}")
    if len(chosen) != 1 or chosen[0] not in offered:
        choice = brief(", ".join(chosen)) if chosen else "none"
        raise UpgradeFailed(status, f"of {', '.join(offered)} the CSMS chose {choice}")
    return Version(chosen[0])


def _versions(versions: Iterable[Version | str]) -> list[Version]:
    if isinstance(versions, (str, bytes)) or not isinstance(versions, Iterable):
        raise TypeError(f"versions is a list such as ['2.0.1', '1.6'], not {brief(versions)}")
    found = [Version(version) for version in versions]
    if not found or len(set(found)) < len(found):
        raise ValueError(f"versions has one or more, each once, and not {[each.value for each in found]}")
    return found


def _pairs(headers: Headers) -> list[tuple[str, str]]:
    """The headers, their names in lower case. A mapping would hide that a name came twice."""
    if isinstance(headers, (Mapping, str, bytes)) or not isinstance(headers, Iterable):
        raise TypeError(f"headers is a list of pairs (name, value), not a {type(headers).__name__}")
    return [(_text(name, "name of a header").lower(), _text(value, "header")) for name, value in headers]


def _stripped(values: Iterable[Text]) -> list[str]:
    """The values of one header, without white space around them."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"values of a header are a list of texts, not a {type(values).__name__}")
    return [_text(value, "header").strip(" \t") for value in values]


def _listed(values: Iterable[Text]) -> tuple[str, ...]:
    """The members of a header that is a list: repeated, with commas, or both (J16-109)."""
    members = (member.strip(" \t") for value in _stripped(values) for member in value.split(","))
    return tuple(member for member in members if member)


def _text(value: Text, what: str) -> str:
    """A text of HTTP. Latin-1 can read all bytes; those beyond ASCII mean nothing here."""
    return value.decode("latin-1") if isinstance(value, bytes) else _str(value, f"{what} is text or bytes")


def _str(value: str, rule: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{rule}, not a {type(value).__name__}")
    return value


def _octets(password: str | bytes, what: str) -> bytes:
    """A password as it travels."""
    if isinstance(password, bytes):
        return password
    if not is_unicode(_str(password, f"{what} is text or bytes")):
        raise ValueError(f"{what} has half a character in it, which UTF-8 cannot write")
    return password.encode()


_ENCODED = re.compile(r"(?:[!-$&-~]|%[0-9A-Fa-f]{2})*")
_UNENCODED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@")


def _decoded(segment: str) -> str | None:
    """A segment of a path, percent-decoded once; None if it is not percent-encoded UTF-8."""
    if not _ENCODED.fullmatch(segment):
        return None
    return _from_utf8(re.sub("%(..)", lambda escape: chr(int(escape[1], 16)), segment).encode("latin-1"))


def _encoded(identity: str) -> str:
    """A segment of a path, in which only that is encoded which has to be (RFC 3986, 3.3)."""
    return "".join(chr(octet) if octet in _UNENCODED else f"%{octet:02X}" for octet in identity.encode())


def _from_utf8(octets: bytes) -> str | None:
    """Text, or None if it is not UTF-8. An error of Python's would hold what may be a secret."""
    text = octets.decode(errors="replace")
    return text if text.encode() == octets else None
