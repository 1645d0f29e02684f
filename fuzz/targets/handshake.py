"""Whatever opens or answers a WebSocket: nothing is raised but the refusal of its end, and what one end writes
the other reads.

Input: a byte for what is tried, two of options, then text, with a line feed between a path and each header.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from ocpp_sansio import Version
from ocpp_sansio.handshake import (
    Credentials,
    Upgrade,
    UpgradeFailed,
    UpgradeRefused,
    authorization,
    credentials_of,
    identity_of,
    key_of,
    read_answer,
    read_upgrade,
    url_for,
)

from ..choices import Choices

__all__ = ["handshake"]

VERSIONS: tuple[tuple[Version, ...], ...] = (
    (Version.V16,),
    (Version.V201,),
    (Version.V21,),
    (Version.V21, Version.V201, Version.V16),
    (Version.V16, Version.V201),
)
BASES = ("/", "/ocpp", "/ocpp/", "/a%20b")
ENDPOINTS = ("ws://h", "wss://example.com/ocpp", "wss://[::1]:8443/ocpp/?a=/b", "WS://h?x", "ws://h//")
SUBPROTOCOL = "Sec-WebSocket-Protocol"
STATUSES = (101, 101, 101, 200, 401, 404, 0, -1)

#: What stands for the name of a header that a fuzzer would have to guess.
NAMES: dict[str | bytes, str] = {
    "0": SUBPROTOCOL,
    b"0": "sec-websocket-protocol",
    "1": "Authorization",
    b"1": "AUTHORIZATION",
}

Headers = list[tuple[str | bytes, str | bytes]]


def handshake(data: bytes) -> None:
    """Try what the first byte says."""
    choose = Choices(data)
    choose.pick(TRIALS)(choose, choose.pick(VERSIONS))


def upgrade(choose: Choices, versions: tuple[Version, ...]) -> None:
    """A CSMS reads a request."""
    options = choose.byte()
    path, *lines = read_lines(choose, as_bytes=bool(options & 1))
    base = BASES[options >> 1 & 3]
    policy = ("close", "refuse")[options >> 3 & 1]
    try:
        found = read_upgrade(path, headers(lines), versions, base=base, no_common_version=policy)
    except UpgradeRefused as refused:
        check_refused(refused)
        return
    check_upgrade(found, versions)
    assert identity_of(path, found.version, base=base) == found.identity


def check_refused(refused: UpgradeRefused) -> None:
    """What a CSMS says instead of 101."""
    assert refused.status in (400, 401, 404)
    assert bool(refused.headers) == (refused.status == 401)
    assert str(refused).isprintable()


def check_upgrade(found: Upgrade, versions: tuple[Version, ...]) -> None:
    """What an accepted request is."""
    assert found.identity
    assert found.identity.isprintable()
    spoken = [name for name in found.offered if name in {version.subprotocol for version in versions}]
    assert found.subprotocol == (spoken[0] if spoken else None)
    assert (found.closing is None) == bool(spoken)
    if found.credentials is not None:
        assert key_of(found.credentials.user, found.version) == key_of(found.identity, found.version)
        assert repr(found.credentials).endswith(")")
        assert repr(found.credentials) == repr(Credentials(found.credentials.user, b"something else"))


def answer(choose: Choices, versions: tuple[Version, ...]) -> None:
    """A station reads an answer."""
    options = choose.byte()
    status = STATUSES[options >> 1 & 7]
    lines = read_lines(choose, as_bytes=bool(options & 1))
    try:
        version = read_answer(status, headers(lines), versions)
    except UpgradeFailed as failed:
        check_failed(failed, status)
        return
    assert status == 101
    assert version in versions


def check_failed(failed: UpgradeFailed, status: int) -> None:
    """What a station makes of no."""
    assert failed.status == status
    assert (failed.closing is not None) == (status == 101)
    assert str(failed).isprintable()


def identity(choose: Choices, versions: tuple[Version, ...]) -> None:
    """The identity in the URL of a station is the one that its CSMS reads."""
    options = choose.byte()
    name, *given = choose.rest().decode(errors="surrogateescape").split("\n", 1)
    endpoint = given[0] if given else ENDPOINTS[options % len(ENDPOINTS)]
    try:
        url = url_for(endpoint, name, versions)
    except ValueError:
        return
    assert url.isascii()
    there = urlsplit(url)
    path = f"{there.path}?{there.query}" if options & 64 else there.path
    for version in versions:
        assert identity_of(path, version, base=urlsplit(endpoint).path or "/") == name
    offers: Headers = [(SUBPROTOCOL, ",".join(version.subprotocol for version in versions))]
    found = read_upgrade(path, offers, versions)
    assert (found.identity, found.version) == (name, versions[0])


def password(choose: Choices, versions: tuple[Version, ...]) -> None:
    """The credentials that a station writes are those that its CSMS reads."""
    options = choose.byte()
    name, _, secret = choose.rest().partition(b"\n")
    user = name.decode(errors="surrogateescape")
    given: str | bytes = secret.decode(errors="surrogateescape") if options & 1 else secret
    try:
        value = authorization(user, given)
    except ValueError:
        return
    found = credentials_of([value.encode() if options & 2 else value])
    assert found is not None
    assert found.user == user
    assert found.password == secret
    if not secret:
        return
    assert found.matches(given)
    assert not found.matches(secret + b"x")
    in_hex = Credentials(user, (secret.hex().upper() if options & 4 else secret.hex()).encode())
    assert in_hex.matches(secret)


def credentials(choose: Choices, versions: tuple[Version, ...]) -> None:
    """A CSMS reads headers that nobody sensible has written."""
    values = read_lines(choose, as_bytes=bool(choose.byte() & 1))
    try:
        found = credentials_of(values)
    except UpgradeRefused as refused:
        check_refused(refused)
        return
    if found is not None:
        assert ":" not in found.user
        if found.user and found.user.isprintable():
            assert credentials_of([authorization(found.user, found.password)]) == found


def read_lines(choose: Choices, *, as_bytes: bool) -> list[str | bytes]:
    """The rest as lines, of one kind of text."""
    lines = choose.rest().split(b"\n", 8)
    return [line if as_bytes else line.decode(errors="surrogateescape") for line in lines]


def headers(lines: list[str | bytes]) -> Headers:
    """The headers in these lines."""
    pairs = [line.split(b":", 1) if isinstance(line, bytes) else line.split(":", 1) for line in lines]
    return [(NAMES.get(name, name), value) for name, *values in pairs for value in values]


TRIALS: tuple[Callable[[Choices, tuple[Version, ...]], None], ...] = (
    upgrade,
    identity,
    password,
    credentials,
    answer,
)
