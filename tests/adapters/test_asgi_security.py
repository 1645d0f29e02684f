"""asgi.py: security profiles against the bare application, where TLS is the server's; and passwords that are
not logged.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from ocpp_sansio.handshake import Credentials, authorization
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters.asgi import CSMSApp
from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.asgi_server import Peer, exchange, joined, scope_of
from tests.adapters.network import AtCSMS
from tests.adapters.profiles import PASSWORD, Door
from tests.adapters.revealed import KEY, SECRET, Log, assert_hidden, listening
from tests.adapters.wire import quiet

pytestmark = pytest.mark.anyio

#: How a station of a profile arrives: the scheme, and whether it shows a password.
ARRIVES = [("ws", False), ("ws", True), ("wss", True), ("wss", False)]
#: What it is answered at a CSMS of profile 0, 1 and 2. Here all get as far as the upgrade.
ANSWERS = [[101, 401, 403], [403, 101, 403], [403, 403, 101], [403, 403, 401]]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


@pytest.fixture
def log() -> Iterator[Log]:
    with listening() as log:
        yield log


def shown(password: str | bytes | None) -> list[tuple[str, str]]:
    """The headers of a station with this password, or none."""
    return [] if password is None else [("Authorization", authorization("CP_1", password))]


def status_of(peer: Peer) -> int:
    kind, said = peer.answer[:2]
    return 101 if kind == "accept" else int(said)


@pytest.mark.parametrize("csms", range(3))
@pytest.mark.parametrize("station", range(4))
async def test_a_station_is_let_in_where_its_profile_is_spoken_and_nowhere_else(
    station: int, csms: int
) -> None:
    # J*-702, J16-703, J*-117
    scheme, shows = ARRIVES[station]
    door, expected = Door(), ANSWERS[station][csms]
    scope = scope_of("/CP_1", *shown(PASSWORD if shows else None), scheme=scheme)
    peer = await exchange(CSMSApp(CSMS(AtCSMS), authenticate=door, profile=csms), scope)
    assert status_of(peer) == expected
    credentials = Credentials("CP_1", PASSWORD.encode()) if shows else None
    assert door.asked == ([("CP_1", credentials, None)] if expected == 101 else [])


async def test_a_server_that_does_not_tell_the_scheme_has_no_tls() -> None:
    app = CSMSApp(CSMS(AtCSMS), authenticate=Door(), profile=2)
    assert status_of(await exchange(app, scope_of("/CP_1", *shown(PASSWORD)))) == 403
    app = CSMSApp(CSMS(AtCSMS), authenticate=Door(), profile=1)
    assert status_of(await exchange(app, scope_of("/CP_1", *shown(PASSWORD)))) == 101


@pytest.mark.parametrize(("profile", "scheme"), [(1, "ws"), (2, "wss")])
async def test_a_password_is_checked_before_the_upgrade(profile: int, scheme: str) -> None:
    # J*-117
    app = CSMSApp(CSMS(AtCSMS), authenticate=Door(), profile=profile)
    assert status_of(await exchange(app, scope_of("/CP_1", *shown("wrong"), scheme=scheme))) == 401


async def test_without_passwords_no_password_is_asked_for() -> None:
    # J16-117
    def nobody(*args: object) -> bool:
        return False

    app = CSMSApp(CSMS(AtCSMS), authenticate=nobody, profile=0)
    peer = await exchange(app, scope_of())
    assert status_of(peer) == 403
    assert b"www-authenticate" not in dict(peer.told[0]["headers"])


async def test_profile_0_needs_nobody_to_ask() -> None:
    app = CSMSApp(CSMS(AtCSMS), profile=0)
    assert status_of(await exchange(app, scope_of())) == 101
    assert status_of(await exchange(app, scope_of("/CP_1", *shown(PASSWORD)))) == 403


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"profile": 1}, "profile 1 needs authenticate"),
        ({"profile": 2}, "profile 2 needs authenticate"),
        ({"profile": 3, "authenticate": Door()}, "profile 3 needs the certificate of the station"),
        ({"profile": 4}, "profile is a number from 0 to 3, not 4"),
    ],
)
async def test_a_profile_that_cannot_be_had_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        CSMSApp(CSMS(AtCSMS), **settings)


# What the log shows.


@pytest.mark.parametrize("profile", [None, 0, 1, 2])
@pytest.mark.parametrize("password", [SECRET, KEY], ids=["text", "raw"])
async def test_no_password_of_the_upgrade_is_logged(
    password: str | bytes, profile: int | None, log: Log
) -> None:
    # J*-705
    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        return credentials is not None and credentials.matches(password)

    app = CSMSApp(CSMS(AtCSMS), authenticate=authenticate, profile=profile)
    for scheme in ("ws", "wss"):
        await exchange(app, scope_of("/CP_1", *shown(password), scheme=scheme))
    assert "CP_1" in log.text
    assert_hidden(log.text)


async def test_a_new_password_is_sent_and_not_logged(log: Log) -> None:
    # J*-705
    csms = CSMS(AtCSMS)
    async with joined(CSMSApp(csms)) as peer:
        change = call.ChangeConfiguration(key="AuthorizationKey", value=KEY.hex())
        with pytest.raises(TimeoutError):
            await csms.stations["CP_1"].call(change, timeout=1.0)
        await quiet()
    [text] = peer.texts
    assert KEY.hex() in text
    assert log.text.count("***") >= 2  # of the WebSocket, and of the charge point
    assert_hidden(log.text)
