"""csms.py: which stations are connected, what replaces what, and what is remembered; in memory and on virtual time, on both
backends.
"""

import gc
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest

from ocpp_sansio import (
    BootGate,
    BootStatus,
    ConnectionClosed,
    OCPPError,
    Raw,
    StationState,
    Validation,
    Version,
)
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio_adapters import charge_point, v16
from ocpp_sansio_adapters import csms as csms_module
from ocpp_sansio_adapters.csms import CSMS, Joined, Left, NotConnected
from ocpp_sansio_adapters.records import CallFinished, Record
from tests.adapters.network import BOOT, NOW, At21, At201, AtCSMS, Link, network
from tests.adapters.pipe import station_and_csms
from tests.adapters.wire import End, quiet, wire

pytestmark = pytest.mark.anyio


ANY: Any = object()


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


@pytest.fixture(autouse=True)
def _forget() -> None:
    AtCSMS.seen.clear()


# Who is connected.


async def test_stations_are_a_mapping_of_those_that_are_connected() -> None:
    csms = CSMS(AtCSMS)
    async with network(csms) as stations:
        assert dict(csms.stations) == {}
        assert not csms.stations
        links = [await stations.connect(identity) for identity in ("CP_1", "cp_2")]
        assert list(csms.stations) == ["CP_1", "cp_2"]
        assert len(csms.stations) == 2
        assert {type(found) for found in csms.stations.values()} == {AtCSMS}
        assert csms.stations["CP_1"].id == "CP_1"
        assert "cp_2" in csms.stations
        assert "cp_1" not in csms.stations
        assert "CP_2" not in csms.stations
        await links[0].hang_up()
        assert list(csms.stations) == ["cp_2"]
        assert csms.stations.get("CP_1") is None


async def test_who_is_not_connected_is_told_by_a_sentence() -> None:
    csms = CSMS(AtCSMS)
    with pytest.raises(KeyError) as caught:
        csms.stations["CP_1"]
    assert type(caught.value) is NotConnected
    assert str(caught.value) == "CP_1 is not connected"


async def test_a_station_is_called_by_its_identity() -> None:
    csms = CSMS(AtCSMS)
    async with network(csms) as stations:
        await stations.connect()
        response = await csms.stations["CP_1"].call(call.ClearCache())
        assert response == call_result.ClearCache(status="Accepted")


async def test_one_may_wait_for_a_station() -> None:
    csms = CSMS(AtCSMS)
    came: list[str] = []

    async def wait(identity: str) -> None:
        came.append((await csms.stations.wait(identity)).id)

    async with network(csms) as stations:
        for identity in ("CP_2", "CP_1", "CP_1"):
            stations.tasks.start_soon(wait, identity)
        await anyio.sleep(100)
        assert came == []
        await stations.connect("CP_1")
        assert came == ["CP_1", "CP_1"]
        await wait("CP_1")
        assert len(came) == 3


async def test_changes_tell_who_joins_and_who_leaves() -> None:
    csms = CSMS(AtCSMS)
    async with network(csms) as stations:
        await stations.connect("CP_0")
        changes = csms.stations.changes()
        one = await stations.connect("CP_1")
        joined = await anext(changes)
        assert joined == Joined(csms.stations["CP_1"])
        await one.hang_up()
        assert await anext(changes) == Left(joined.charge_point)
        with anyio.move_on_after(100) as silence:
            await anext(changes)
        assert silence.cancelled_caught


async def test_of_changes_that_nobody_reads_the_last_of_each_station_is_kept() -> None:
    csms = CSMS(AtCSMS)
    changes = csms.stations.changes()
    async with network(csms) as stations:
        for _ in range(10):
            link = await stations.connect("CP_1")
            await link.hang_up()
        two = await stations.connect("CP_2")
        await stations.connect("CP_1")
        await two.hang_up()
        seen = [await anext(changes), await anext(changes)]
        assert [(type(change), change.charge_point.id) for change in seen] == [
            (Joined, "CP_1"),
            (Left, "CP_2"),
        ]
        with anyio.move_on_after(100) as silence:
            await anext(changes)
        assert silence.cancelled_caught


async def test_two_may_read_the_same_changes_and_each_goes_to_one() -> None:
    csms = CSMS(AtCSMS)
    changes = csms.stations.changes()
    seen: list[str] = []

    async def read() -> None:
        async for change in changes:
            seen.append(change.charge_point.id)  # noqa: PERF401 - it never ends

    async with network(csms) as stations:
        stations.tasks.start_soon(read)
        stations.tasks.start_soon(read)
        for number in range(4):
            await stations.connect(f"CP_{number}")
        assert seen == ["CP_0", "CP_1", "CP_2", "CP_3"]


async def test_a_reader_that_is_gone_is_forgotten() -> None:
    csms = CSMS(AtCSMS)
    readers = [csms.stations.changes() for _ in range(10)]
    assert len(csms.stations._readers) == 10
    readers.clear()
    gc.collect()
    assert len(csms.stations._readers) == 0


async def test_versions_are_served_side_by_side() -> None:
    csms = CSMS(At21, At201, AtCSMS)
    assert csms.versions == [Version.V21, Version.V201, Version.V16]
    async with network(csms) as stations:
        for version in csms.versions:
            link = await stations.connect(f"CP-{version.name}", version)
            serving = csms.stations[link.charge_point.id]
            assert type(serving).version is version
            assert serving.protocol.version is version
        response = await (await stations.connect("CP-V201", Version.V201)).charge_point.call(
            call_201.Heartbeat()
        )
        assert response.current_time.isoformat() == "2024-05-01T12:00:00+00:00"


# A station that connects anew.


async def test_a_new_link_replaces_the_old_one() -> None:
    # L-130
    csms = CSMS(AtCSMS)
    changes = csms.stations.changes()
    outcomes: list[Any] = []

    async def ask_in_vain() -> None:
        try:
            await csms.stations["CP_1"].call(call.Reset(type="Soft"))
        except ConnectionClosed as closed:
            outcomes.append(closed)

    async with network(csms) as stations:
        old = await stations.connect()
        before = csms.stations["CP_1"]
        stations.tasks.start_soon(ask_in_vain)
        await anyio.sleep(1)
        new = await stations.connect()
        assert (old.websocket.close_code, old.websocket.close_reason) == (
            1008,
            "the station has connected anew",
        )
        [closed] = outcomes
        assert str(closed.__cause__) == "CP_1 has connected anew"
        assert old.ended
        assert not new.ended
        assert csms.stations["CP_1"] is not before
        assert len(csms.stations) == 1
        await csms.stations["CP_1"].call(call.ClearCache())
        assert await anext(changes) == Joined(csms.stations["CP_1"])
        await new.hang_up()
        assert len(csms.stations) == 0
        assert isinstance(await anext(changes), Left)


async def test_nothing_that_comes_by_the_old_link_has_an_effect() -> None:
    # L-130: a boot and an answer that were on their way
    csms = CSMS(AtCSMS)
    async with network(csms) as stations:
        old = await stations.connect()
        await old.charge_point.call(BOOT)
        state = csms.states["CP_1"]
        _, far = station_and_csms(version=Version.V16)
        AtCSMS.verdict = "Rejected"
        try:
            async with anyio.create_task_group() as tasks:
                # In one breath: the new link, and what the old one has in its buffers.
                tasks.start_soon(csms.handle, far)
                old.websocket.protocol.send_text(
                    b'[2,"9","BootNotification",{"chargePointVendor":"x","chargePointModel":"late"}]'
                )
                await old.websocket._flush()
                await anyio.sleep(1)
                assert state.boot is BootStatus.ACCEPTED
                assert AtCSMS.seen == ["One"]
                tasks.cancel_scope.cancel()
        finally:
            AtCSMS.verdict = "Accepted"


async def test_a_handler_of_the_old_link_that_is_late_has_no_effect() -> None:
    class Slow(v16.ChargePoint):
        @on(call.BootNotification)
        async def boot(self, request: call.BootNotification) -> call_result.BootNotification:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(10)
            return call_result.BootNotification(current_time=NOW, interval=10, status="Rejected")

    csms = CSMS(Slow)
    async with network(csms) as stations:
        old = await stations.connect()
        stations.tasks.start_soon(boot_in_vain, old)
        await anyio.sleep(1)
        csms.states["CP_1"].boot = BootStatus.ACCEPTED
        await stations.connect()
        await anyio.sleep(20)
        assert csms.states["CP_1"].boot is BootStatus.ACCEPTED
        assert old.ended


async def boot_in_vain(link: Link) -> None:
    with suppress(ConnectionClosed):
        await link.charge_point.call(BOOT)


class Own:
    """A link that the user has made. It has what `handle` asks for, and nothing else."""

    identity = "CP_1"
    version = Version.V16

    def __init__(self, end: End) -> None:
        self.send, self.recv = end.send, end.recv
        self.closed: list[tuple[int, str]] = []

    async def aclose(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


async def test_links_of_ones_own_are_served_and_replaced() -> None:
    csms = CSMS(AtCSMS)
    async with wire() as (one, other), wire() as (another, _), anyio.create_task_group() as tasks:
        first, second = Own(one), Own(another)
        tasks.start_soon(csms.handle, first)
        other.ask("BootNotification", chargePointVendor="acme", chargePointModel="One")
        assert (await other.hear())[2]["status"] == "Accepted"
        assert csms.stations["CP_1"].transport is first
        tasks.start_soon(csms.handle, second)
        await quiet()
        assert first.closed == [(1008, "the station has connected anew")]
        assert csms.stations["CP_1"].transport is second
        assert second.closed == []
        tasks.cancel_scope.cancel()


async def test_a_link_may_be_replaced_before_it_is_served() -> None:
    class Preparing(AtCSMS):
        async def start(self) -> None:
            await anyio.sleep(10)
            await super().start()

    csms = CSMS(Preparing)
    async with network(csms) as stations:
        old = await stations.connect()
        new = await stations.connect()
        await anyio.sleep(20)
        assert old.ended
        assert old.websocket.close_code == 1008
        await csms.stations["CP_1"].call(call.ClearCache())
        await new.hang_up()
        assert len(csms.stations) == 0


async def test_a_class_that_cannot_be_made_ends_its_own_link() -> None:
    class Broken(AtCSMS):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            raise ZeroDivisionError

    csms = CSMS(Broken)
    _, far = station_and_csms(version=Version.V16)
    with pytest.raises(ZeroDivisionError):
        await csms.handle(far)
    assert len(csms.stations) == 0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (("CP_1", Version.V201), ("cp_1", Version.V201), True),  # J201-105
        (("CP_1", Version.V201), ("Cp_1", Version.V21), True),
        (("CP_1", Version.V16), ("cp_1", Version.V16), False),
        (("cp_1", Version.V16), ("CP_1", Version.V16), False),
        (("CP_1", Version.V16), ("CP_1", Version.V201), True),  # after an update
        (("CP_1", Version.V21), ("CP_1", Version.V16), True),
        (("CP_1", Version.V16), ("CP_2", Version.V16), False),
    ],
)
async def test_the_same_station_is_known_by_its_identity(
    first: tuple[str, Version], second: tuple[str, Version], same: bool
) -> None:
    csms = CSMS(At21, At201, AtCSMS)
    async with network(csms) as stations:
        old, new = await stations.connect(*first), await stations.connect(*second)
        assert old.ended is same
        assert not new.ended
        assert list(csms.stations) == ([second[0]] if same else [first[0], second[0]])
        assert csms.stations[second[0]].protocol.version is second[1]
        if second[1] is not Version.V16:
            assert csms.stations[second[0].swapcase()].id == second[0]
        else:
            assert second[0].swapcase() not in csms.stations or not same


# What serves a link.


class WithDatabase(AtCSMS):
    def __init__(self, *arguments: Any, database: list[str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.database = database

    @on(call.Authorize)
    def authorize(self, request: call.Authorize) -> call_result.Authorize:
        self.database.append(f"{self.id} {request.id_tag}")
        return call_result.Authorize(id_tag_info={"status": "Accepted"})


async def test_what_all_links_share_goes_by_a_partial() -> None:
    database: list[str] = []
    csms = CSMS(At201, partial(WithDatabase, database=database))
    assert csms.versions == [Version.V201, Version.V16]
    async with network(csms) as stations:
        for identity in ("CP_1", "CP_2"):
            await (await stations.connect(identity)).charge_point.call(call.Authorize(id_tag="A"))
    assert database == ["CP_1 A", "CP_2 A"]


async def test_observers_see_all_links() -> None:
    shared: list[Record] = []
    own: list[Record] = []
    csms = CSMS(At201, partial(AtCSMS, observers=iter([own.append])), observers=iter([shared.append]))
    async with network(csms) as stations:
        for identity, version in (("CP_1", Version.V16), ("CS_2", Version.V201), ("CP_3", Version.V16)):
            request: Any = BOOT if version is Version.V16 else call_201.Heartbeat()
            await (await stations.connect(identity, version)).charge_point.call(request)
    assert [(record.identity, record.action) for record in shared if isinstance(record, CallFinished)] == [
        ("CP_1", "BootNotification"),
        ("CS_2", "Heartbeat"),
        ("CP_3", "BootNotification"),
    ]
    assert {record.identity for record in own} == {"CP_1", "CP_3"}


async def test_what_only_some_versions_have_is_for_those() -> None:
    policy = Validation("lenient", actions={"StartTransaction": "strict", "Sing": "strict"})
    lengths = {"Get15118EVCertificateRequest.exiRequest": 6000}

    class Singing(AtCSMS):
        extensions = (Raw.declare("Sing", request={}, response={}),)

    csms = CSMS(At21, At201, Singing, validation=policy, field_lengths=lengths)
    async with network(csms) as stations:
        old = await stations.connect("CP_1", Version.V16)
        new = await stations.connect("CS_2", Version.V201)
        with pytest.raises(OCPPError, match="unknown member 'why'"):
            await old.charge_point.call(Raw("StartTransaction", {**START, "why": 1}))
        with pytest.raises(OCPPError, match="NotSupported"):  # no handler, but it is valid
            await new.charge_point.call(Raw("Get15118EVCertificate", {**EXI, "why": 1}))


START = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": NOW}
EXI = {"iso15118SchemaVersion": "1", "action": "Install", "exiRequest": "x" * 6000}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"validation": Validation(actions={"StartTransacton": "strict"})},
            "no action 'StartTransacton' .*; did you mean 'StartTransaction'",
        ),
        (
            {"field_lengths": {"BootNotificationRequest.chargePointModl": 30}},
            "no text of that name; did you mean 'chargePointModel'",
        ),
        ({"observers": ["no function"]}, "an observer is a function, not 'no function'"),
    ],
)
async def test_what_no_version_has_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        CSMS(AtCSMS, At201, **options)


def closed(id: str, connection: Any) -> AtCSMS:
    raise NotImplementedError


class Closed(AtCSMS):
    def __init__(self, id: str, connection: Any) -> None:
        raise NotImplementedError


class Unobserved(AtCSMS):
    def __init__(self, id: str, connection: Any, *, protocol: Any) -> None:
        super().__init__(id, connection, protocol=protocol)


@pytest.mark.parametrize(
    ("maker", "problem"),
    [
        (WithDatabase, r"a CSMS makes WithDatabase\(id, connection, protocol=...\): missing .*'database'"),
        (Closed, r"a CSMS makes Closed\(id, connection, protocol=...\): .*'protocol'"),
        (
            partial(WithDatabase, database=[], colour=1, id="CP_1"),
            r"partial\(WithDatabase, .*id is for a CSMS",
        ),
        (partial(AtCSMS, "CP_1"), r"partial\(AtCSMS, ...\): what is given by position is for a CSMS"),
        (partial(AtCSMS, response_timeout=3), "response_timeout is for a CSMS itself to give"),
        (partial(AtCSMS, observers=[5]), "an observer is a function, not 5"),
        (
            partial(Unobserved, observers=[print]),
            r"\(id, connection, protocol=..., observers=...\): .*'observers'",
        ),
        (partial(int, 3), "takes classes of charge points that have a version, not <class 'int'>"),
        (closed, "takes classes of charge points that have a version, not <function closed"),
    ],
)
async def test_what_cannot_serve_a_link_is_refused_before_there_is_one(maker: Any, problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        CSMS(maker)


async def test_a_class_that_knows_no_observers_serves_where_there_are_none() -> None:
    csms = CSMS(Unobserved)
    async with network(csms) as stations:
        await (await stations.connect()).charge_point.call(BOOT)
    with pytest.raises(TypeError, match=r"Unobserved\(id, connection, protocol=..., observers=...\)"):
        CSMS(Unobserved, observers=[print])


# What is remembered.


async def test_what_is_known_of_a_station_survives_its_link() -> None:
    # J16-129, L-506
    csms = CSMS(AtCSMS, boot_gate=BootGate())
    csms.states["CP_2"] = StationState("CP_2", BootStatus.REJECTED)
    async with network(csms) as stations:
        one = await stations.connect("CP_1")
        await one.charge_point.call(BOOT)
        await one.hang_up()
        assert csms.states["CP_1"].boot is BootStatus.ACCEPTED
        again = await stations.connect("CP_1")
        assert csms.stations["CP_1"].protocol.state is csms.states["CP_1"]
        with pytest.raises(OCPPError, match="NotSupported"):  # no handler, but it has passed the gate
            await again.charge_point.call(call.Heartbeat())
        two = await stations.connect("CP_2")
        with pytest.raises(OCPPError, match="SecurityError"):
            await two.charge_point.call(call.Heartbeat())


async def test_what_is_known_of_those_who_are_gone_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csms_module, "MOST_REMEMBERED", 3)
    csms = CSMS(AtCSMS)
    async with network(csms) as stations:
        connected = [await stations.connect(f"C_{number}") for number in range(5)]
        assert list(csms.states) == ["C_0", "C_1", "C_2", "C_3", "C_4"]
        for number in range(10):
            await (await stations.connect(f"G_{number}")).hang_up()
            await (await stations.connect("regular")).hang_up()
        known = set(csms.states)
        assert {link.charge_point.id for link in connected} | {"regular"} <= known
        assert len(known) == 5 + 3
        for link in connected:
            await link.hang_up()
        for number in range(10):
            await (await stations.connect(f"H_{number}")).hang_up()
        assert list(csms.states) == ["H_7", "H_8", "H_9"]


# Wrong arguments.


@pytest.mark.parametrize("wrong", [AtCSMS("CP_1", ANY), charge_point.ChargePoint, int, "1.6"])
async def test_a_csms_takes_classes_of_charge_points(wrong: Any) -> None:
    with pytest.raises(TypeError, match="a CSMS takes classes of charge points that have a version, not "):
        CSMS(wrong)


@pytest.mark.parametrize("classes", [[], [AtCSMS, v16.ChargePoint]])
async def test_a_csms_has_one_class_for_each_version(classes: list[Any]) -> None:
    with pytest.raises(ValueError, match="one class of charge points for each version"):
        CSMS(*classes)


@pytest.mark.parametrize("options", [{"call_timeout": 0}, {"validation": "lax"}, {"boot_gate": True}])
async def test_wrong_options_are_found_before_anybody_connects(options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        CSMS(AtCSMS, **options)
