"""handshake.py: what both ends of an upgrade decide, and that no peer can make them raise anything else."""

import pickle
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import pytest

from ocpp_sansio import CloseRequested, Version, handshake
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
    key_of,
    offer,
    read_answer,
    read_upgrade,
    url_for,
)

V16, V201, V21 = Version
IDENTIFIER = "AZaz09*-_=+|@."  # an identity with each kind of them
NOTHING = cast(Any, None)
MAPPING = cast(Any, {})
KEY = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
SECRET = "zq8X-very-secret-0123"

every_version = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.value)
successors = pytest.mark.parametrize("version", [V201, V21], ids=lambda version: version.value)


def outcome(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """What a function returns; if the peer is refused, the HTTP status instead."""
    try:
        return function(*arguments, **keywords)
    except (UpgradeRefused, UpgradeFailed) as error:
        return error.status


def basic(octets: bytes) -> str:
    return f"Basic {b64encode(octets).decode()}"


def asking(subprotocols: str, user: str | None = None) -> list[tuple[str, str]]:
    """The headers of a station that offers versions, and shows a password if it has a user name."""
    credentials = [("Authorization", authorization(user, SECRET))] if user is not None else []
    return [("Host", "h"), ("Sec-WebSocket-Protocol", subprotocols), *credentials]


# The identity in the path.


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/CP1", "CP1"),
        ("/webServices/ocpp/CP1", "CP1"),
        ("/ocpp//CP1", "CP1"),
        (b"/ocpp/CP1", "CP1"),
        ("/ocpp/CP1?token=a/b", "CP1"),
        ("/ocpp/RDAM%20123", "RDAM 123"),  # J16-103
        ("/ocpp/A+B", "A+B"),
        ("/ocpp/A%2bB", "A+B"),
        ("/ocpp/100%2525", "100%25"),  # decoded once
        ("/ocpp/%C3%A9", "é"),
        ("/ocpp/a%2Fb", "a/b"),
        ("/ocpp/CP|1", "CP|1"),  # by a station that encodes nothing
    ],
)
def test_the_identity_is_the_last_segment_decoded_once_and_plus_stays_plus(
    path: str | bytes, identity: str
) -> None:
    """L-106"""
    assert identity_of(path, V16) == identity


def test_an_empty_identity_is_unknown_also_behind_a_slash_at_the_end() -> None:
    """L-106"""
    for path in ("/", "/ocpp/", "/ocpp/?id=CP1", "/ocpp/CP1/"):
        assert outcome(identity_of, path) == 404


@pytest.mark.parametrize(
    "path", ["/%", "/%4", "/CP%4G", "/%+1", "/%ff", "/%C3", "/%ED%A0%80", "/a b", "/CP\n", "/é", b"/\xc3\xa9"]
)
def test_what_cannot_be_decoded_is_a_bad_request(path: str | bytes) -> None:
    assert outcome(identity_of, path) == 400


@every_version
@pytest.mark.parametrize("segment", [".", "..", "%2e", "%2E.", "CP%00", "CP%0D%0A", "%E2%80%A8", "CP%7F"])
def test_steps_in_a_path_and_characters_that_break_a_log_are_no_identity(
    version: Version, segment: str
) -> None:
    assert outcome(identity_of, f"/ocpp/{segment}", version) == 404


@pytest.mark.parametrize("path", ["", "CP1", "*", "wss://host/ocpp/CP1", "/ocpp", "/ocppCP1", "/other/CP1"])
def test_whoever_asks_at_another_place_is_unknown(path: str) -> None:
    assert outcome(identity_of, path, base="/ocpp") == 404


@pytest.mark.parametrize("base", ["/", "/ocpp", "/ocpp/", "/ocpp/v2"])
def test_stations_connect_below_the_base(base: str) -> None:
    assert identity_of("/ocpp/v2/CP1", base=base) == "CP1"


@successors
def test_an_identity_has_at_most_48_characters(version: Version) -> None:
    """J201-104, J21-104"""
    assert identity_of(f"/{'C' * 48}", version) == "C" * 48
    assert outcome(identity_of, f"/{'C' * 49}", version) == 404


@successors
@pytest.mark.parametrize("segment", ["CP:1", "CP%3A1", "CP%2F1", "%C3%A9", "CP%251", "CP~1"])
def test_an_identity_is_an_identifier_without_a_colon(version: Version, segment: str) -> None:
    """J201-104, J21-104"""
    assert identity_of(f"/{IDENTIFIER}", version) == IDENTIFIER
    assert outcome(identity_of, f"/{segment}", version) == 404


def test_a_space_is_taken_in_2_0_1_and_in_no_later_version() -> None:
    """J201-104, J21-104"""
    assert identity_of("/RDAM%20123", V201) == "RDAM 123"
    assert outcome(identity_of, "/RDAM%20123", V21) == 404


@pytest.mark.parametrize("version", [V16, "1.6", None])
def test_1_6_knows_no_limit_and_we_one_of_255(version: Version | str | None) -> None:
    """J16-104"""
    assert identity_of(f"/:{'é' * 254}".replace("é", "%C3%A9"), version) == f":{'é' * 254}"
    assert outcome(identity_of, f"/{'C' * 256}", version) == 404


def test_case_makes_no_difference_from_2_0_1_on() -> None:
    """J201-105, J21-105"""
    assert key_of("CS|001", V201) == key_of("cs|001", V21) == "cs|001"
    assert [key_of("CS001", version) for version in (V16, "1.6", None)] == ["CS001"] * 3
    assert identity_of("/CS001", V201) == "CS001"


# The version.


def test_the_order_of_the_station_decides() -> None:
    """L-110, J*-109, J*-110"""
    every_order = [[V16, V201, V21], [V21, V201, V16], [V201, V21, V16]]
    for spoken in every_order:
        for offered in every_order:
            assert choose_version([", ".join(offer(offered))], spoken) is offered[0]
    assert choose_version(["ocpp2.1, ocpp2.0.1, ocpp1.6"], ["1.6", "2.0.1"]) is V201


REPEATED = [["ocpp0.1", "ocpp2.0.1", "ocpp1.6"], ["ocpp0.1", b"ocpp2.0.1"], ["", "ocpp2.0.1"]]
LISTED = ["ocpp0.1,ocpp2.0.1", " ocpp0.1 ,\t ocpp2.0.1\t", ",, ,ocpp2.0.1,", "\x80\xff,ocpp2.0.1,ocpp2.0.1"]


@pytest.mark.parametrize("values", [*REPEATED, *([value] for value in LISTED)])
def test_offers_may_be_repeated_and_listed_with_commas(values: list[str | bytes]) -> None:
    """J*-109"""
    assert choose_version(iter(values), Version) is V201


@pytest.mark.parametrize(
    "name",
    ["OCPP1.6", "ocpp16", "1.6", "ocpp2", "ocpp2.0", "ocpp1.5", '"ocpp1.6"', "ocpp1.6;q=1", "Xocpp1.6"],
)
def test_names_of_subprotocols_are_exact(name: str) -> None:
    """J*-108"""
    assert choose_version([name, f"\xa0{name}"], Version) is None


def test_nothing_offered_is_nothing_in_common() -> None:
    """J*-111"""
    assert choose_version([], Version) is choose_version(["", ","], Version) is None


# The request as a whole.


@every_version
def test_who_may_come_in_gets_the_one_name_of_what_was_agreed(version: Version) -> None:
    """J*-103, J*-110, J16-703"""
    name = version.subprotocol
    upgrade = read_upgrade("/ocpp/CP%7C1", asking(f"ocpp0.1, {name}", "CP|1"), Version, base="/ocpp")
    assert upgrade == Upgrade("CP|1", version, Credentials("CP|1", SECRET.encode()), ("ocpp0.1", name))
    assert upgrade.subprotocol == name
    assert upgrade.closing is None


@every_version
def test_headers_may_be_bytes_as_in_asgi_in_any_case_and_any_iterable(version: Version) -> None:
    def headers() -> Iterator[tuple[bytes, bytes]]:
        yield b"sec-websocket-protocol", version.subprotocol.encode()
        yield b"AUTHORIZATION", authorization("CP1", KEY).encode()

    upgrade = read_upgrade(b"/CP1", headers(), iter(Version))
    assert upgrade == Upgrade("CP1", version, Credentials("CP1", KEY), (version.subprotocol,))


@every_version
@pytest.mark.parametrize("offered", ["", "ocpp0.1", "OCPP2.0.1, ocpp1.5"])
def test_without_a_version_in_common_the_socket_opens_without_a_subprotocol_and_closes(
    version: Version, offered: str
) -> None:
    """J*-111, L-111, L-124"""
    for headers in (asking(offered), []):
        upgrade = read_upgrade("/CP1", headers, [version])
        assert upgrade == read_upgrade("/CP1", headers, [version], no_common_version="close")
        assert upgrade.version is None
        assert upgrade.subprotocol is None
        assert upgrade.closing == CloseRequested(1002, "no subprotocol in common")


@pytest.mark.parametrize("policy", ["refuse", NoCommonVersion.REFUSE])
def test_or_it_does_not_open_as_certification_demands(policy: NoCommonVersion | str) -> None:
    """L-111"""
    for headers in (asking("ocpp0.1"), []):
        assert outcome(read_upgrade, "/CP1", headers, Version, no_common_version=policy) == 400
    upgrade = read_upgrade("/CP1", asking("ocpp0.1,ocpp2.0.1"), Version, no_common_version=policy)
    assert upgrade.subprotocol == "ocpp2.0.1"


@every_version
def test_a_version_in_the_url_decides_nothing(version: Version) -> None:
    """J*-113"""
    for name in ("ocpp1.6", "ocpp2.0.1", "ocpp2.1"):
        assert read_upgrade(f"/{name}/CP1", asking(version.subprotocol), Version).version is version


def test_the_identity_is_judged_by_the_version_that_was_agreed() -> None:
    """J16-104, J201-104"""
    headers = asking("ocpp2.0.1, ocpp1.6")
    assert read_upgrade(f"/{'C' * 49}", headers, ["1.6"]).version is V16
    assert outcome(read_upgrade, f"/{'C' * 49}", headers, ["1.6", "2.0.1"]) == 404


@every_version
@pytest.mark.parametrize("policy", NoCommonVersion)
def test_a_user_name_that_is_not_the_identity_is_not_let_in(version: Version, policy: str) -> None:
    """J16-703, J201-107, J21-107"""
    for headers in (asking("ocpp0.1", "CP2"), asking(version.subprotocol, "CP2")):
        assert outcome(read_upgrade, "/CP1", headers, [version], no_common_version=policy) == 401


def test_case_matters_in_a_user_name_where_it_does_in_an_identity() -> None:
    """J201-105, J21-105"""
    for name in ("ocpp2.0.1", "ocpp2.1"):
        assert read_upgrade("/CS1", asking(name, "cs1"), Version).identity == "CS1"
    assert outcome(read_upgrade, "/CS1", asking("ocpp1.6", "cs1"), Version) == 401


def test_a_colon_in_an_identity_goes_without_credentials_only() -> None:
    """J16-104"""
    headers = asking("ocpp1.6")
    assert read_upgrade("/a:b", headers, Version).identity == "a:b"
    assert outcome(read_upgrade, "/a:b", [*headers, ("Authorization", basic(b"a:b:pw"))], Version) == 401


# Credentials.


@pytest.mark.parametrize("values", [[], [""], ["Bearer eyJh"], ["Digest username=x"], ["Basically Q1A6"]])
def test_no_credentials_are_none(values: list[str]) -> None:
    assert credentials_of(values) is None


@pytest.mark.parametrize(
    "value", ["Basic Q1A6cHc=", "BASIC   Q1A6cHc=", " \tbasic Q1A6cHc=\t ", b"Basic Q1A6cHc="]
)
def test_credentials_are_read_however_they_are_spaced_and_the_scheme_is_spelled(value: str | bytes) -> None:
    assert credentials_of([value]) == Credentials("CP", b"pw")


@pytest.mark.parametrize(
    ("octets", "user", "password"),
    [
        (b"CP:", "CP", b""),
        (b":", "", b""),
        (b"CS001:abcd:fghi-klm_nop", "CS001", b"abcd:fghi-klm_nop"),
        (b"CP:\x00:\xff\r\n", "CP", b"\x00:\xff\r\n"),
        ("é:ü".encode(), "é", "ü".encode()),
    ],
)
def test_a_user_name_ends_at_the_first_colon_and_a_password_is_any_bytes(
    octets: bytes, user: str, password: bytes
) -> None:
    """J16-704, J201-704, J21-704"""
    assert credentials_of([basic(octets)]) == Credentials(user, password)


@pytest.mark.parametrize(
    "token", ["", "Q1A6cHc", "XQ1A6cHc=", "Q1A6 cHc=", "Q1_6cHc=", "CP:pw", "é", "Q1A6cHc=, Basic x"]
)
def test_credentials_that_cannot_be_read_are_not_let_in(token: str) -> None:
    assert outcome(credentials_of, [f"Basic {token}"]) == 401
    for octets in (b"", b"no colon", b"\xff\xfe:no UTF-8"):
        assert outcome(credentials_of, [basic(octets)]) == 401


def test_repeated_credentials_are_one_and_different_ones_a_bad_request() -> None:
    assert credentials_of([basic(b"CP:pw"), f" {basic(b'CP:pw')}"]) == Credentials("CP", b"pw")
    assert outcome(credentials_of, [basic(b"CP:pw"), basic(b"CP:other")]) == 400
    assert outcome(credentials_of, [basic(b"CP:pw"), "Bearer x"]) == 400


def test_a_password_of_2_x_is_its_text_and_not_its_hex() -> None:
    """J201-704, J21-704"""
    for password in (SECRET, "pässword-with-16+"):
        assert Credentials("CP", password.encode()).matches(password)
        assert not Credentials("CP", password.encode().hex().encode()).matches(password)
        assert not Credentials("CP", password.upper().encode()).matches(password)


def test_a_key_of_1_6_is_raw_or_hex_in_either_case() -> None:
    """J16-704, L-704"""
    hexadecimal = KEY.hex()
    for sent in (KEY, hexadecimal.encode(), hexadecimal.upper().encode(), hexadecimal.capitalize().encode()):
        assert Credentials("CP", sent).matches(KEY)
    for sent in (b"", KEY[:-1], KEY + b"\0", KEY.hex()[:-1].encode(), KEY.hex(" ").encode()):
        assert not Credentials("CP", sent).matches(KEY)
    assert not Credentials("CP", b"ABCD").matches(b"abcd")


@pytest.mark.parametrize("expected", [SECRET, KEY])
def test_passwords_are_compared_in_constant_time(
    expected: str | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L-714"""
    compared: list[tuple[bytes, bytes]] = []

    def answer(shown: bytes, wanted: bytes) -> bool:
        compared.append((shown, wanted))
        return False

    monkeypatch.setattr(handshake, "compare_digest", answer)
    assert not Credentials("CP", b"Given").matches(expected)
    octets = expected.encode() if isinstance(expected, str) else expected
    in_hex = [(b"given", KEY.hex().encode())] if expected is KEY else []
    assert sorted(compared) == sorted([(b"Given", octets), *in_hex])


@pytest.mark.parametrize("empty", ["", b""])
def test_an_empty_password_lets_nobody_in(empty: str | bytes) -> None:
    with pytest.raises(
        ValueError, match=r"^expected is empty, which would let everybody in; refuse the station instead$"
    ):
        Credentials("CP", b"").matches(empty)


def test_whoever_is_refused_for_credentials_is_challenged() -> None:
    """L-714"""
    assert UpgradeRefused(401, "no credentials").headers == (("WWW-Authenticate", 'Basic realm="OCPP"'),)
    assert UpgradeRefused(404, "unknown").headers == ()


def test_no_repr_and_no_exception_holds_a_password() -> None:
    upgrade = Upgrade("CP1", V16, Credentials("CP1", SECRET.encode()), ("ocpp1.6",))
    for shown in (repr(upgrade), str(upgrade.credentials), f"{upgrade}", format(upgrade.credentials)):
        assert "CP1" in shown
        assert SECRET not in shown
    token = basic(b"\xff:" + SECRET.encode())
    for value in (token, f"{token}=", f"Basic CP:{SECRET}", f"{token}é"):
        with pytest.raises(UpgradeRefused) as caught:
            credentials_of([value])
        assert_forgotten(caught.value)
    with pytest.raises(
        ValueError, match=r"^password has half a character in it, which UTF-8 cannot write$"
    ) as local:
        authorization("CP1", f"{SECRET}\ud800")
    assert_forgotten(local.value)
    with pytest.raises(ValueError, match=r"^endpoint is a URL such as") as local:
        url_for(f"wss://CP1:{SECRET}@host/ocpp", "CP1", ["1.6"])
    assert_forgotten(local.value)


def assert_forgotten(error: BaseException) -> None:
    """An error of Python's would come along as context, with what could not be decoded."""
    assert error.__context__ is None
    assert error.__cause__ is None
    assert SECRET not in repr(error)


IN_URL = "the identity in the URL"
refuse = partial(read_upgrade, "/CP1", [], no_common_version="refuse")
TOLD: dict[str, Callable[[], object]] = {
    "404: no station connects at this path": lambda: identity_of("/CP1", base="/ocpp"),
    f"404: {IN_URL} is empty": lambda: identity_of("/ocpp/"),
    f"404: {IN_URL} is a step in a path": lambda: identity_of("/ocpp/.."),
    f"404: {IN_URL} has characters that cannot be printed": lambda: identity_of("/CP%0A"),
    f"404: {IN_URL} has 49 characters, and 48 are allowed": lambda: identity_of(f"/{'C' * 49}", V21),
    f"404: {IN_URL} has other characters than A-Z a-z 0-9 * - _ = + | @ .": lambda: identity_of("/:", V201),
    f"400: {IN_URL} is not percent-encoded UTF-8": lambda: identity_of("/%ff"),
    "400: no subprotocol in common: spoken here are ocpp2.0.1, ocpp1.6": lambda: refuse(["2.0.1", "1.6"]),
    "400: there are several Authorization headers, and they differ": lambda: credentials_of(["a", "b"]),
    "401: the Authorization header holds no user name and password in Base64": lambda: credentials_of(
        ["Basic"]
    ),
    f"401: the user name is not {IN_URL}": lambda: read_upgrade("/CP1", asking("", "CP2"), Version),
    "of ocpp2.1, ocpp1.6 the CSMS chose 'x, y'": lambda: read_answer(101, asking("x,y"), ["2.1", "1.6"]),
}


@pytest.mark.parametrize("sentence", TOLD)
def test_a_refusal_says_why_in_a_sentence(sentence: str) -> None:
    with pytest.raises((UpgradeRefused, UpgradeFailed)) as caught:
        TOLD[sentence]()
    assert str(caught.value) == sentence


def test_a_refusal_has_a_status_of_refusals() -> None:
    refusal = UpgradeRefused(HTTPStatus.NOT_FOUND, "CP1 is not ours")
    assert (str(refusal), refusal.status, refusal.reason) == ("404: CP1 is not ours", 404, "CP1 is not ours")
    assert [UpgradeRefused(status, "no").status for status in (400, 599)] == [400, 599]
    for status in (101, 200, 399, 600, "404", None):
        expected = f"^status is an HTTP status from 400 to 599, such as 404, not {status!r}$"
        with pytest.raises(ValueError, match=expected):
            UpgradeRefused(status, "no")  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [UpgradeRefused(401, "no password"), UpgradeFailed(404, "unknown")])
def test_refusals_and_failures_can_be_pickled(error: UpgradeRefused | UpgradeFailed) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.status, copy.reason) == (type(error), error.status, error.reason)


# A station.


@pytest.mark.parametrize(
    ("endpoint", "identity", "url"),
    [
        ("wss://h/ocppj", "RDAM|123", "wss://h/ocppj/RDAM%7C123"),
        ("ws://h:9000", "CP1", "ws://h:9000/CP1"),
        ("WSS://[::1]:9000/", "CP1", "WSS://[::1]:9000/CP1"),
        ("ws://h/ocpp/", "CP1", "ws://h/ocpp/CP1"),  # L-103
        ("ws://h/ocpp//?a=/b?@", "CP1", "ws://h/ocpp/CP1?a=/b?@"),
        ("ws://h?a=b", "CP1", "ws://h/CP1?a=b"),
        ("ws://h/a%20b/X", IDENTIFIER, f"ws://h/a%20b/X/{IDENTIFIER.replace('|', '%7C')}"),
    ],
)
def test_a_url_is_the_endpoint_a_slash_and_the_encoded_identity(
    endpoint: str, identity: str, url: str
) -> None:
    """J*-103, L-103"""
    assert url_for(endpoint, identity, Version) == url


def test_1_6_encodes_what_its_successors_forbid() -> None:
    """J16-103, J16-104"""
    assert url_for("ws://h", "RDAM 123", ["1.6"]) == "ws://h/RDAM%20123"
    assert url_for("ws://h", "a:/?#%é", ["1.6"]) == "ws://h/a:%2F%3F%23%25%C3%A9"


@successors
@pytest.mark.parametrize("identity", ["RDAM 123", "CP:1", "CP/1", "é", "C" * 49])
def test_an_identity_that_a_version_on_offer_forbids_is_not_sent(version: Version, identity: str) -> None:
    """J201-104, J21-104"""
    with pytest.raises(ValueError, match=f"^identity '.* has .*; take another for {version.subprotocol}$"):
        url_for("ws://h", identity, ["1.6", version])
    assert url_for("ws://h", identity, ["1.6"])


@every_version
@pytest.mark.parametrize("identity", ["", ".", "..", "CP\0", "CP\n", "\ud800", "C" * 256])
def test_an_identity_that_no_url_can_carry_is_not_sent(version: Version, identity: str) -> None:
    with pytest.raises(ValueError, match=r"^identity '"):
        url_for("ws://h", identity, [version])


def test_an_endpoint_is_an_encoded_url_of_a_websocket() -> None:
    nearly = ["wss://", "ws:///ocpp", "ws://h/ocpp#f", "ws://h/o cpp", "ws://h/é", "ws://h\n", "ws://user@h"]
    for endpoint in ("", "h/ocpp", "https://h/ocpp", "w\u017f://h", *nearly):
        with pytest.raises(
            ValueError, match=r"^endpoint is a URL such as .*, encoded, and without credentials$"
        ):
            url_for(endpoint, "CP1", Version)


def test_versions_are_offered_by_name_and_in_order_of_preference() -> None:
    """J*-109"""
    assert offer(["2.1", V201, "ocpp1.6"]) == ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]


def test_a_key_of_1_6_is_sent_as_raw_bytes_unless_it_is_given_as_text() -> None:
    """J16-703, J16-704, L-704"""
    assert authorization("AL1000", KEY) == "Basic QUwxMDAwOgABAgMEBQYH////////////////"
    assert authorization("AL1000", KEY.hex()) == basic(b"AL1000:" + KEY.hex().encode())


def test_a_password_of_2_x_is_sent_in_utf8() -> None:
    """J201-704, J21-704"""
    assert authorization("CS001", "abcd:ü") == basic("CS001:abcd:ü".encode())


def test_an_empty_identity_is_said_to_be_empty() -> None:
    with pytest.raises(ValueError, match=r"^the identity is empty, and it is the user name$"):
        authorization("", SECRET)


@pytest.mark.parametrize("identity", ["a:b", ":", "CP\n", "\ud800"])
def test_a_user_name_has_no_colon(identity: str) -> None:
    """J16-104"""
    with pytest.raises(ValueError, match=r"^identity '.* is no user name: it is printable and has no colon$"):
        authorization(identity, SECRET)


@every_version
def test_what_the_csms_chose_from_the_offer_is_spoken(version: Version) -> None:
    """J*-110"""
    for value in (version.subprotocol, f" {version.subprotocol}\t", version.subprotocol.encode()):
        headers = [("Upgrade", "websocket"), ("SEC-WebSocket-Protocol", value)]
        assert read_answer(HTTPStatus.SWITCHING_PROTOCOLS, headers, Version) is version


@every_version
@pytest.mark.parametrize("name", ["OCPP1.6", "ocpp1.5", "{0}, {0}", "x" * 10_000])
def test_what_was_not_offered_is_no_choice(version: Version, name: str) -> None:
    """J*-112"""
    headers = [("Sec-WebSocket-Protocol", name.format(version.subprotocol))]
    with pytest.raises(UpgradeFailed, match=f"^of {version.subprotocol} the CSMS chose '") as caught:
        read_answer(101, headers, [version])
    assert caught.value.closing == CloseRequested(1002, "no subprotocol in common")
    assert len(str(caught.value)) < 1100


@every_version
def test_no_choice_is_none_either(version: Version) -> None:
    """J*-112"""
    for headers in ([], [("Sec-WebSocket-Protocol", "")], [("X", version.subprotocol)]):
        with pytest.raises(UpgradeFailed, match=f"^of {version.subprotocol} the CSMS chose none$") as caught:
            read_answer(101, headers, [version])
        assert caught.value.closing is not None


@pytest.mark.parametrize("status", [0, 200, 302, 401, 404, 503])
def test_any_other_status_is_a_failed_attempt(status: int) -> None:
    """L-118"""
    with pytest.raises(UpgradeFailed, match=f"^the CSMS answered with HTTP status {status}$") as caught:
        read_answer(status, [("Sec-WebSocket-Protocol", "ocpp1.6")], ["1.6"])
    assert caught.value.status == status
    assert caught.value.closing is None


# Wrong arguments.

WRONG_TYPES: dict[str, Callable[[], object]] = {
    r"versions is a list such as \['2.0.1', '1.6'\], not '1.6'": lambda: offer("1.6"),
    "versions is a list such as .*, not <Version.V16": lambda: choose_version([], cast(Any, V16)),
    "values of a header are a list of texts, not a str": lambda: choose_version("ocpp1.6", Version),
    "values of a header are a list of texts, not a bytes": lambda: credentials_of(cast(Any, b"Basic x")),
    "values of a header are a list of texts, not a NoneType": lambda: credentials_of(NOTHING),
    "header is text or bytes, not a int": lambda: credentials_of(cast(Any, [3])),
    r"headers is a list of pairs \(name, value\), not a dict": lambda: read_answer(101, MAPPING, Version),
    "headers is a list of pairs .*, not a NoneType": lambda: read_answer(101, NOTHING, Version),
    "name of a header is text or bytes, not a NoneType": lambda: read_answer(101, [(NOTHING, "")], Version),
    "header is text or bytes, not a NoneType": lambda: read_answer(101, [("Host", NOTHING)], Version),
    "path is text or bytes, not a NoneType": lambda: read_upgrade(NOTHING, [], Version),
    "base is text, not a NoneType": lambda: identity_of("/CP1", base=NOTHING),
    "endpoint is text, not a NoneType": lambda: url_for(NOTHING, "CP1", Version),
    "identity is text, not a NoneType": lambda: url_for("ws://h", NOTHING, Version),
    "identity is text, not a bytes": lambda: authorization(cast(Any, b"CP1"), SECRET),
    "password is text or bytes, not a NoneType": lambda: authorization("CP1", NOTHING),
    "expected is text or bytes, not a NoneType": lambda: Credentials("CP1", KEY).matches(NOTHING),
    "status is an HTTP status such as 101, not '101'": lambda: read_answer(cast(Any, "101"), [], Version),
}
NONSENSE: dict[str, Callable[[], object]] = {
    r"versions has one or more, each once, and not \[\]": lambda: offer([]),
    r"versions has one or more, each once, and not \['1.6', '1.6'\]": lambda: offer(["1.6", V16]),
    "'ocpp1.5' is not a version of OCPP known here": lambda: offer(["ocpp1.5"]),
    "'1.5' is not a version of OCPP known here": lambda: key_of("CP1", "1.5"),
    "base is a path that begins with a slash, .*, not 'x'": lambda: identity_of("/CP1", base="x"),
    "'open' is not a valid NoCommon": lambda: read_upgrade("/CP1", [], Version, no_common_version="open"),
}


@pytest.mark.parametrize("message", WRONG_TYPES)
def test_an_argument_of_the_wrong_type(message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        WRONG_TYPES[message]()


@pytest.mark.parametrize("message", NONSENSE)
def test_an_argument_that_makes_no_sense(message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        NONSENSE[message]()
