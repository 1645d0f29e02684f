"""asgi.py: the life of a link, against the bare application: what comes and goes, how it ends, and that it
may end, or be cancelled, at any moment.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from websockets.exceptions import ConnectionClosedError as LinkLost

from ocpp_sansio import BootStatus, ConnectionClosed, Limits
from ocpp_sansio.handshake import Credentials
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters._settings import SHUTDOWN_GRACE
from ocpp_sansio_adapters.asgi import CLOSE_TIMEOUT, CSMSApp
from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.asgi_server import Peer, exchange, joined, scope_of
from tests.adapters.network import NOW, At21, At201, AtCSMS
from tests.adapters.virtual_time import only_asyncio
from tests.adapters.wire import quiet

pytestmark = pytest.mark.anyio

BOOT = '[2,"1","BootNotification",{"chargePointVendor":"acme","chargePointModel":"One"}]'
HEARTBEAT = '[2,"1","Heartbeat",{}]'
BEATEN = '[3,"1",{"currentTime":"2024-05-01T12:00:00Z"}]'


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class Slow(v16.ChargePoint):
    """Answers a heartbeat after `seconds`."""

    seconds = 1.0

    @on(call.Heartbeat)
    async def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        await anyio.sleep(self.seconds)
        return call_result.Heartbeat(current_time=NOW)


async def answered(csms: CSMS, peer: Peer) -> None:
    """A call of ours finds its way, and its answer the way back."""
    ended: list[Any] = []

    async def ask() -> None:
        ended.append(await csms.stations["CP_1"].call(call.ClearCache()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await quiet()
        _, id, action, payload = json.loads(peer.texts[-1])
        assert (action, payload) == ("ClearCache", {})
        peer.say(json.dumps([3, id, {"status": "Accepted"}]))
    assert ended == [call_result.ClearCache(status="Accepted")]


async def ask_in_vain(csms: CSMS, errors: list[ConnectionClosed]) -> None:
    try:
        await csms.stations["CP_1"].call(call.ClearCache())
    except ConnectionClosed as error:
        errors.append(error)


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


# What comes and goes.


async def test_calls_go_both_ways() -> None:
    csms = CSMS(AtCSMS)
    async with joined(CSMSApp(csms)) as peer:
        peer.say(BOOT)
        await quiet()
        assert json.loads(peer.texts[0])[2]["status"] == "Accepted"
        await answered(csms, peer)
        assert peer.told[-1] == {"type": "websocket.send", "text": peer.texts[-1]}
    assert not csms.stations


async def test_a_station_that_says_farewell_is_gone() -> None:
    csms = CSMS(AtCSMS)
    app = CSMSApp(csms)
    async with joined(app) as peer:
        websocket = csms.stations["CP_1"].transport
        assert (websocket.close_code, websocket.close_reason) == (None, None)
        peer.leave(1000, "bye")
        await peer.over()
        assert (websocket.close_code, websocket.close_reason) == (1000, "bye")
        for verb in (websocket.recv(), websocket.send("[2]")):
            with pytest.raises(ConnectionClosed, match=r"^the link was closed with 1000 bye$"):
                await verb
        await websocket.aclose(1001)
    assert peer.answer == ("accept", "ocpp1.6")
    assert peer.refused == 0
    assert not app._links


@pytest.mark.parametrize("event", [{"type": "websocket.disconnect"}, EOFError("no server any more")])
async def test_a_link_may_be_lost_without_any_word(event: Any) -> None:
    csms = CSMS(AtCSMS)
    errors: list[ConnectionClosed] = []
    async with joined(CSMSApp(csms)) as peer, anyio.create_task_group() as tasks:
        websocket = csms.stations["CP_1"].transport
        tasks.start_soon(ask_in_vain, csms, errors)
        peer.say(HEARTBEAT)
        await quiet()
        peer.happen(event)
        await peer.over()
        assert websocket.close_code == (1005 if isinstance(event, dict) else 1006)
    [error] = errors
    assert isinstance(error.__cause__, ConnectionClosed)


@pytest.mark.parametrize(
    ("octets", "more"), [(b"[2]", [HEARTBEAT]), (b"", [HEARTBEAT]), (None, [HEARTBEAT]), (b"[2]", [])]
)
async def test_a_binary_message_closes_with_1003(octets: bytes | None, more: list[str]) -> None:
    # L-132
    csms = CSMS(AtCSMS)
    async with joined(CSMSApp(csms)) as peer:
        peer.say(HEARTBEAT)
        await quiet()
        peer.polite = bool(more)
        peer.say(None, octets)
        for text in more:
            peer.say(text)
        await peer.over()
    assert len(peer.texts) == 1
    assert peer.answer == ("accept", "ocpp1.6", (1003, "OCPP messages are text"))
    assert not csms.stations


async def test_limits_of_ours_hold_besides_those_of_the_server() -> None:
    csms = CSMS(AtCSMS, limits=Limits(frame_size=1000))
    async with joined(CSMSApp(csms)) as peer:
        peer.say("x" * 1001)
        await peer.over()
    assert peer.answer[2][0] == 1009


async def test_a_reason_is_cut_to_what_a_close_frame_has_room_for() -> None:
    csms = CSMS(AtCSMS)
    async with joined(CSMSApp(csms)) as peer:
        await csms.stations["CP_1"].transport.aclose(3000, "ö" * 100)
        await peer.over()
    assert peer.answer[2] == (3000, "ö" * 61)


async def test_versions_are_served_side_by_side() -> None:
    csms = CSMS(At21, At201, AtCSMS)
    scopes = [scope_of(f"/{name}", offers=[name]) for name in ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")]
    async with joined(CSMSApp(csms), *scopes) as peers:
        assert [type(csms.stations[peer.scope["path"][1:]]) for peer in peers] == [AtCSMS, At201, At21]
        peers[1].say(HEARTBEAT)
        await quiet()
        assert json.loads(peers[1].texts[0])[2]["currentTime"].startswith("2024-05-01T12:00:00")


# A station that connects anew.


@pytest.mark.parametrize("polite", [True, False])
async def test_a_new_link_replaces_the_old_one_and_what_is_known_stays(polite: bool) -> None:
    # L-130, J16-129
    csms = CSMS(AtCSMS)
    app = CSMSApp(csms)
    async with joined(app) as old:
        old.polite = polite
        old.say(BOOT)
        await quiet()
        before = csms.states["CP_1"]
        async with joined(app) as new:
            assert old.answer == ("accept", "ocpp1.6", (1008, "the station has connected anew"))
            old.say(HEARTBEAT)
            await old.over()
            assert len(old.texts) == 1
            assert csms.states["CP_1"] is before
            assert before.boot is BootStatus.ACCEPTED
            await answered(csms, new)
    assert not csms.stations


@pytest.mark.parametrize("shielded", [True, False])
async def test_a_station_that_left_while_it_was_judged_evicts_nobody(shielded: bool) -> None:
    """It has tried again meanwhile. Hypercorn would not say that an acceptance came too late."""
    judged: list[str] = []
    slowly = False

    async def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        with anyio.CancelScope(shield=shielded), suppress(KeyError):
            judged.append("begun")
            await anyio.sleep(10 if slowly else 0)
            judged.append("done")
        return True

    csms = CSMS(AtCSMS)
    app = CSMSApp(csms, authenticate=authenticate)
    async with joined(app) as healthy:
        slowly = True
        async with joined(app) as impatient:
            impatient.leave()
            impatient.error = None
            await impatient.over()
        assert impatient.told == []
        assert judged == ["begun", "done", "begun"] + ["done"] * shielded
        await answered(csms, healthy)


async def test_a_server_may_end_before_anything_has_begun() -> None:
    peer = Peer(scope_of())
    peer._events.receive_nowait()
    peer.leave()
    await peer.run(CSMSApp(CSMS(AtCSMS)))
    assert peer.told == peer.faults == []


async def test_a_server_may_fail_before_anything_has_begun(caplog: pytest.LogCaptureFixture) -> None:
    csms = CSMS(AtCSMS)
    peer = Peer(scope_of())
    peer.happen(EOFError("no server any more"))
    await peer.run(CSMSApp(csms))
    assert peer.answer[:2] == ("accept", "ocpp1.6")
    assert not csms.stations
    assert not errors_in(caplog)


# Faults.


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("Unexpected ASGI message")])
async def test_a_server_that_cannot_send_has_lost_the_link(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    csms = CSMS(AtCSMS)
    errors: list[ConnectionClosed] = []
    async with joined(CSMSApp(csms)) as peer, anyio.create_task_group() as tasks:
        peer.error = error
        tasks.start_soon(ask_in_vain, csms, errors)
        await peer.over()  # although the server says nothing of an end
        assert peer.refused == 1
        assert not csms.stations
    assert errors[0].__cause__.__cause__ is error  # type: ignore[union-attr]
    assert not errors_in(caplog)


async def test_a_link_can_be_closed_whatever_the_server_says() -> None:
    csms = CSMS(AtCSMS)
    async with joined(CSMSApp(csms)) as peer:
        peer.error = RuntimeError("Unexpected ASGI message")
        await csms.stations["CP_1"].transport.aclose()
        await peer.over()
    assert peer.answer == ("accept", "ocpp1.6")


async def test_a_server_that_cannot_accept_is_not_asked_for_more(caplog: pytest.LogCaptureFixture) -> None:
    csms = CSMS(AtCSMS)
    for error in (OSError("gone"), RuntimeError("invalid subprotocol")):
        peer = Peer(scope_of())
        peer.error = error
        await peer.run(CSMSApp(csms))
        assert peer.told == peer.faults == []
    assert errors_in(caplog) == ["a station could not be served"]
    assert not csms.states


async def test_a_peer_that_does_not_read_is_left_in_time() -> None:
    csms = CSMS(AtCSMS)
    errors: list[ConnectionClosed] = []
    async with joined(CSMSApp(csms)) as peer, anyio.create_task_group() as tasks:
        peer.hold()
        tasks.start_soon(ask_in_vain, csms, errors)
        await quiet()
        began = anyio.current_time()
        tasks.start_soon(csms.stations["CP_1"].transport.aclose)
        await quiet()
        with pytest.raises(ConnectionClosed, match=r"^the link is being closed$"):
            await csms.stations["CP_1"].transport.send("[2]")
        await peer.over()
        assert anyio.current_time() - began == pytest.approx(CLOSE_TIMEOUT, abs=0.1)
    assert len(errors) == 1


async def test_a_peer_that_floods_instead_of_going_is_left_in_time() -> None:
    csms = CSMS(AtCSMS)
    async with joined(CSMSApp(csms)) as peer, anyio.create_task_group() as tasks:
        peer.polite = False

        async def flood() -> None:
            while not peer.ended:
                peer.say(HEARTBEAT)
                await anyio.sleep(0.01)

        tasks.start_soon(flood)
        await csms.stations["CP_1"].transport.aclose(1000, "enough")
        await peer.over()
    assert peer.answer == ("accept", "ocpp1.6", (1000, "enough"))


async def test_a_charge_point_that_crashes_ends_its_own_link(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(AtCSMS):
        async def start(self) -> None:
            raise RuntimeError("not today")

    csms = CSMS(Broken, At201)
    async with joined(CSMSApp(csms), scope_of("/CP_2", offers=["ocpp2.0.1"])) as healthy:
        peer = await exchange(CSMSApp(csms), scope_of())
        assert peer.answer == ("accept", "ocpp1.6", (1011, ""))
        assert not healthy.ended
    assert errors_in(caplog) == ["CP_1: the handler of the link has crashed"]


@pytest.mark.parametrize("loss", [LinkLost(None, None), ExceptionGroup("", [ConnectionClosed("lost")])])
async def test_a_charge_point_that_ends_with_its_link_has_not_crashed(
    loss: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Lost(AtCSMS):
        async def start(self) -> None:
            raise loss

    assert (await exchange(CSMSApp(CSMS(Lost)), scope_of())).answer == ("accept", "ocpp1.6", (1000, ""))
    assert not errors_in(caplog)


# The end of the server.


async def owed_at_the_end(part: Callable[[CSMSApp, Peer], Awaitable[None]], seconds: float) -> Peer:
    """A peer that has asked something, and what it was told when the server ended."""
    csms = CSMS(Slow)
    app = CSMSApp(csms)
    async with joined(app) as peer, anyio.create_task_group() as tasks:
        csms.stations["CP_1"].seconds = seconds  # type: ignore[attr-defined]
        peer.say(HEARTBEAT)
        await quiet()
        tasks.start_soon(part, app, peer)
        await quiet()
        await peer.over()
        assert not csms.stations
    assert isinstance(peer, Peer)
    return peer


async def close(app: CSMSApp, peer: Peer) -> None:
    newcomers: list[Any] = []

    async def come() -> None:
        newcomers.append((await exchange(app, scope_of("/CP_2"))).answer)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app.aclose)
        await quiet()
        tasks.start_soon(come)
    assert newcomers == [("http.response.start", 503)]


async def end_lifespan(app: CSMSApp, peer: Peer) -> None:
    events = [{"type": "lifespan.shutdown"}]
    told: list[Any] = []

    async def receive() -> Any:
        return events.pop()

    async def send(message: Any) -> None:
        told.append((message["type"], peer.ended or peer.answer[2:]))

    await app({"type": "lifespan"}, receive, send)
    assert told[0][0] == "lifespan.shutdown.complete"
    assert told[0][1]  # after the link


async def cancel(app: CSMSApp, peer: Peer) -> None:
    peer.polite = False  # nobody reads any more
    peer.stop.cancel()


@pytest.mark.parametrize("part", [close, end_lifespan, cancel])
async def test_answers_that_are_owed_leave_before_links_are_closed_with_1001(part: Any) -> None:
    peer = await owed_at_the_end(part, seconds=1)
    assert peer.texts == [BEATEN]
    assert peer.answer == ("accept", "ocpp1.6", (1001, "the server shuts down"))


@pytest.mark.parametrize("part", [close, cancel])
async def test_but_they_do_not_have_for_ever(part: Any) -> None:
    began = anyio.current_time()
    peer = await owed_at_the_end(part, seconds=1000)
    assert anyio.current_time() - began == pytest.approx(SHUTDOWN_GRACE, abs=0.1)
    assert peer.texts == []
    assert peer.answer[2][0] == 1001


@only_asyncio
@pytest.mark.parametrize("times", [1, 2])
async def test_a_server_may_cancel_as_asyncio_does(times: int) -> None:
    csms = CSMS(Slow)
    peer = Peer(scope_of())
    peer.polite = False
    task = asyncio.create_task(peer.run(CSMSApp(csms)))
    await quiet()
    peer.say(HEARTBEAT)
    await quiet()
    for _ in range(times):
        task.cancel()
        await quiet()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not csms.stations
    assert peer.faults == []
    if_patient = ([BEATEN], ("accept", "ocpp1.6", (1001, "the server shuts down")))
    assert (peer.texts, peer.answer) == {1: if_patient, 2: ([], ("accept", "ocpp1.6", (1000, "")))}[times]


class Hooked(AtCSMS):
    @after(call.BootNotification)
    async def wait(self, request: call.BootNotification, response: object) -> None:
        await anyio.sleep_forever()


class Stubborn(AtCSMS):
    async def start(self) -> None:
        with suppress(ConnectionClosed):
            await super().start()
        await anyio.sleep_forever()


@pytest.mark.parametrize("cls", [Hooked, Stubborn])
async def test_what_does_not_end_holds_up_no_shutdown(cls: type[AtCSMS]) -> None:
    csms = CSMS(cls)
    app = CSMSApp(csms)
    async with joined(app) as peer:
        peer.say(BOOT)
        await quiet()
        began = anyio.current_time()
        await app.aclose()
        assert anyio.current_time() - began <= SHUTDOWN_GRACE + CLOSE_TIMEOUT + 0.1
        assert not csms.stations
        await peer.over()
    assert peer.answer[2][0] == 1001


async def test_a_link_that_opens_while_the_server_ends_is_closed() -> None:
    csms = CSMS(AtCSMS)
    app = CSMSApp(csms)
    peer = Peer(scope_of())
    peer.hold()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(peer.run, app)
        await quiet()
        await app.aclose()
        peer.release()
    assert peer.answer == ("accept", "ocpp1.6", (1001, "the server shuts down"))
    assert not csms.states


# At any moment.


async def at_each_turn(stop: Callable[[Peer], None]) -> list[Peer]:
    """A link with a call that is stopped after so many turns of the event loop; the last one was all done
    then.
    """
    peers: list[Peer] = []

    async def authenticate(*args: object) -> bool:
        await checkpoint()
        return True

    async def wait(turns: int, peer: Peer) -> None:
        for _ in range(turns):
            await checkpoint()
        stop(peer)

    while not peers or not peers[-1].texts:
        csms = CSMS(AtCSMS)
        peers.append(Peer(scope_of()))
        before = {task.id for task in anyio.get_running_tasks()}
        peers[-1].say(BOOT)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peers[-1].run, CSMSApp(csms, authenticate=authenticate))
            tasks.start_soon(wait, len(peers) - 1, peers[-1])
        assert peers[-1].ended
        assert {task.id for task in anyio.get_running_tasks()} == before
        assert peers[-1].faults == []
        assert not csms.stations
    return peers


async def test_a_station_may_leave_at_any_moment(caplog: pytest.LogCaptureFixture) -> None:
    peers = await at_each_turn(lambda peer: peer.leave())
    assert peers[0].told == []
    assert peers[-1].answer == ("accept", "ocpp1.6")
    assert not errors_in(caplog)


async def test_a_server_may_cancel_at_any_moment(caplog: pytest.LogCaptureFixture) -> None:
    peers = await at_each_turn(lambda peer: peer.stop.cancel())
    assert peers[0].told == []
    assert peers[-1].answer == ("accept", "ocpp1.6", (1001, "the server shuts down"))
    assert not errors_in(caplog)
