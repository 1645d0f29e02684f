"""Properties of what is decided when a WebSocket opens: round trips, and peers that send anything."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from string import ascii_letters, digits
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_sansio import Version
from ocpp_sansio.handshake import (
    Credentials,
    NoCommonVersion,
    Upgrade,
    UpgradeFailed,
    UpgradeRefused,
    authorization,
    choose_version,
    credentials_of,
    identity_of,
    read_answer,
    read_upgrade,
    url_for,
)

V16, V201, V21 = Version
IDENTIFIERS = f"{ascii_letters}{digits}*-_=+|@."  # what may be in an identity from 2.0.1 on

every_version = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.value)


def outcome(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """What a function returns; if the peer is refused, the HTTP status instead."""
    try:
        return function(*arguments, **keywords)
    except (UpgradeRefused, UpgradeFailed) as error:
        return error.status


def basic(octets: bytes) -> str:
    return f"Basic {b64encode(octets).decode()}"


PLAIN = "!$&'()*+,;=:@~"  # in a segment of a path, besides letters, digits and -._ (RFC 3986, 3.3)

unicode = st.text(st.characters(exclude_categories=["Cs"]))
printable = st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" ")
identifiers = st.text(st.sampled_from(IDENTIFIERS), min_size=1, max_size=48)
identities = {V16: st.text(printable, min_size=1, max_size=255), V201: identifiers, V21: identifiers}
bases = st.lists(st.sampled_from(["", "ocpp", "a%20b", "CP1", ".."])).map(lambda parts: f"/{'/'.join(parts)}")

# What a peer may send: anything, and what nearly makes sense.
paths = (
    st.text()
    | st.binary()
    | st.from_regex(r"(/([a-zA-Z0-9:|+. -]|%[0-9A-Fa-f]{2}|%C3%A9){0,60}){1,3}(\?.*)?", fullmatch=True)
)
offers = st.sampled_from(["ocpp1.6", "ocpp2.0.1", "ocpp2.1", "OCPP2.1", "", " "])
subprotocols = st.lists(offers).map(",".join)
tokens = (st.binary() | st.just(b"CP1:pw")).map(basic)
texts = st.text() | st.binary() | subprotocols | tokens | tokens.map(str.encode)
names = st.sampled_from(["Sec-WebSocket-Protocol", b"authorization"]) | texts
headers_of_a_peer = st.lists(st.tuples(names, texts), max_size=4)


@every_version
@given(data=st.data())
def test_every_identity_comes_back_from_its_url(version: Version, data: st.DataObject) -> None:
    """J*-103, J*-104, L-103, L-106"""
    identity = data.draw(identities[version].filter(lambda identity: identity not in (".", "..")))
    base, query = data.draw(bases), data.draw(st.sampled_from(["", "?a=/b?c"]))
    url = urlsplit(url_for(f"wss://h:1{base}{query}", identity, [version]))
    assert url.path == f"{base.rstrip('/')}/{quote(identity, safe=PLAIN)}"
    assert url.query == query[1:]
    for path in (f"{url.path}{query}", url.path.encode()):
        assert identity_of(path, version, base=base) == identity


@given(st.text(printable, min_size=1), unicode | st.binary(), st.booleans())
def test_credentials_come_back_from_their_header(user: str, password: str | bytes, as_bytes: bool) -> None:
    """J16-703, J*-704"""
    user = user.replace(":", ".")
    value = authorization(user, password)
    octets = password.encode() if isinstance(password, str) else password
    assert credentials_of([value.encode() if as_bytes else value]) == Credentials(user, octets)


@given(st.binary(min_size=1), st.binary())
def test_a_key_and_its_hex_match_it_and_nothing_else(key: bytes, other: bytes) -> None:
    """L-704"""
    for shown in (key, key.hex().encode(), key.hex().upper().encode(), other, other.hex().encode()):
        is_it = shown == key or shown.lower() == key.hex().encode()
        assert Credentials("CP1", shown).matches(key) is is_it


@given(unicode.filter(bool), unicode)
def test_a_text_matches_itself_and_nothing_else(expected: str, other: str) -> None:
    """J201-704, J21-704"""
    for shown in (expected, other, expected.encode().hex()):
        assert Credentials("CP1", shown.encode()).matches(expected) is (shown == expected)


def understood(path: str | bytes, version: Version) -> str | int:
    """By other means, the identity in a path, or the status for it."""
    target = path if isinstance(path, str) else path.decode("latin-1")
    segment = target.split("?")[0].split("/")[-1]
    if not target.startswith("/"):
        return 404
    try:
        identity = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return 400
    if re.search("%(?![0-9a-fA-F]{2})|[^!-~]", segment):
        return 400
    allowed = {V16: identity, V201: f"{IDENTIFIERS} ", V21: IDENTIFIERS}[version]
    longest = 255 if version is V16 else 48
    legal = identity.isprintable() and identity not in ("", ".", "..") and len(identity) <= longest
    return identity if legal and set(identity) <= set(allowed) else 404


@every_version
@given(path=paths)
def test_a_path_is_understood_or_refused_and_raises_nothing_else(version: Version, path: str | bytes) -> None:
    assert outcome(identity_of, path, version) == understood(path, version)


@given(paths, headers_of_a_peer, st.sampled_from(NoCommonVersion))
def test_a_request_is_understood_or_refused_and_raises_nothing_else(
    path: str | bytes, headers: list[tuple[str | bytes, str | bytes]], policy: NoCommonVersion
) -> None:
    upgrade = outcome(read_upgrade, path, headers, Version, no_common_version=policy)
    if not isinstance(upgrade, Upgrade):
        assert upgrade in (400, 401, 404)
    else:
        assert upgrade.identity == outcome(identity_of, path, upgrade.version)
        assert (upgrade.version is None) == (upgrade.subprotocol is None) == (upgrade.closing is not None)
        assert upgrade.subprotocol in (None, *upgrade.offered)
        assert policy is NoCommonVersion.CLOSE or upgrade.version is not None


@given(st.integers() | st.just(101), headers_of_a_peer)
def test_an_answer_is_understood_or_a_failure_and_raises_nothing_else(
    status: int, headers: list[tuple[str | bytes, str | bytes]]
) -> None:
    expected = {V21, V16, 101} if status == 101 else {status}
    assert outcome(read_answer, status, headers, [V21, V16]) in expected


@given(st.lists(texts, max_size=2))
def test_credentials_are_understood_or_refused_and_raise_nothing_else(values: list[str | bytes]) -> None:
    credentials = outcome(credentials_of, values)
    if isinstance(credentials, Credentials):
        text = values[0] if isinstance(values[0], str) else values[0].decode("latin-1")
        assert b64decode(text.split()[1]) == credentials.user.encode() + b":" + credentials.password
    else:
        assert credentials in (None, 400, 401)


@given(st.lists(subprotocols), st.sets(st.sampled_from(Version), min_size=1))
def test_the_first_name_that_we_speak_is_chosen(values: list[str], spoken: set[Version]) -> None:
    """L-110"""
    known = {version.subprotocol: version for version in spoken}
    chosen = [known[name] for value in values for name in value.split(",") if name in known]
    assert choose_version(values, spoken) is (chosen[0] if chosen else None)
