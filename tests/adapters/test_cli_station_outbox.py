"""What a simulated station tells of its transactions arrives, in order and once, however often the link is lost; in
memory, on virtual time.
"""

import json
from typing import Any

import anyio
import pytest

from ocpp_sansio import Version
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call as call_16
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio_adapters.cli._simulation import outbox
from ocpp_sansio_adapters.cli._simulation.csms import answering
from tests.adapters.live_command import Playground, playground

pytestmark = pytest.mark.anyio

#: A station that is away for longer than a customer charges.
AWAY: dict[str, Any] = {"charge": 600, "pause": 1, "connectors": 1, "reconnect": 2000}
TOLD = ("-> StartTransaction {", "-> MeterValues {", "-> StopTransaction {", "-> TransactionEvent {")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def told(ground: Playground) -> list[tuple[str, dict[str, Any]]]:
    lines = ground.said(*TOLD)
    return [(line.split()[1], json.loads(line[line.index("{") :])) for line in lines]


async def test_a_transaction_of_1_6_that_ends_without_a_link_is_told_in_order_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6", **AWAY)
        await anyio.sleep(200)
        before = len(told(ground))
        ground.cut()
        await anyio.sleep(1500)
        assert not list(life.charger.running())
        assert len(told(ground)) == before
        assert list(life.overview())[-1].endswith(" to be told")
        await anyio.sleep(2600)
        [start] = [payload for action, payload in told(ground) if action == "StartTransaction"][:1]
        rest = told(ground)[1:]
        end = [action for action, _ in rest].index("StopTransaction")
        assert end >= 7
        assert {action for action, _ in rest[:end]} == {"MeterValues"}
        stop = rest[end][1]
        # It tells when it ended, not when that could be told.
        assert stop["timestamp"] < "2026-01-01T00:12"
        assert stop["reason"] == "Local"
        times = [payload["meterValue"][0]["timestamp"] for _, payload in rest[:end]]
        assert times == sorted(set(times))
        assert start["meterStart"] < stop["meterStop"]
        assert ground.host.known["CP_1"].transactions.keys() <= {
            str(each.id) for _, each in life.charger.running()
        }


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_events_of_2_x_that_happen_without_a_link_say_so(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playground(monkeypatch) as ground:
        ground.life(version, **AWAY)
        await anyio.sleep(200)
        ground.cut()
        await anyio.sleep(4100)
        events = [payload for _, payload in told(ground)]
        first = events[0]["transactionInfo"]["transactionId"]
        events = [each for each in events if each["transactionInfo"]["transactionId"] == first]
        assert [each["seqNo"] for each in events] == list(range(len(events)))
        assert [each.get("offline", False) for each in events] == [False] * 4 + [True] * (len(events) - 4)
        assert (events[-1]["eventType"], len(events) > 7) == ("Ended", True)


async def test_a_customer_who_leaves_without_a_link_makes_room_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6", reconnect=2000)
        await ground.joined()
        transaction = life.begin(life.charger.connectors[1], "A")
        await anyio.sleep(30)
        ground.cut()
        await anyio.sleep(1)
        transaction.end("Local")
        await anyio.sleep(1)
        assert transaction.over.is_set()
        assert life.charger.free(1, "B") is life.charger.connectors[1]
        assert ground.host.known["CP_1"].connectors["1"] == "Charging"
        await anyio.sleep(4000)
        assert ground.host.known["CP_1"].connectors["1"] == "Available"
        assert [action for action, _ in told(ground)] == ["StartTransaction", "StopTransaction"]


async def test_what_is_lost_with_the_link_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(answering(Version.V16)):  # type: ignore[misc]  # made at run time
        @on(call_16.StartTransaction)
        async def begin(self, request: Any) -> Any:
            if len(ground.said("-> StartTransaction {")) == 1:
                await anyio.sleep_forever()
            return super().begin(request)

    async with playground(monkeypatch, Slow) as ground:
        life = ground.life("1.6", reconnect=10)
        await ground.joined()
        transaction = life.begin(life.charger.connectors[1], "A")
        await anyio.sleep(10)
        ground.cut()
        await anyio.sleep(1)
        transaction.end("Local")
        await anyio.sleep(100)
        assert [action for action, _ in told(ground)] == [
            "StartTransaction",
            "StartTransaction",
            "StopTransaction",
        ]
        assert told(ground)[-1][1]["transactionId"] == transaction.id
        assert transaction.told


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
async def test_of_a_transaction_that_the_csms_does_not_take_nothing_more_is_told(
    version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing16(answering(Version.V16)):  # type: ignore[misc]  # made at run time
        @on(call_16.StartTransaction)
        def begin(self, request: Any) -> Any:
            raise RuntimeError("no")

    class Refusing201(answering(Version.V201)):  # type: ignore[misc]  # made at run time
        @on(call_201.TransactionEvent)
        def transaction(self, request: Any) -> Any:
            raise RuntimeError("no")

    async with playground(monkeypatch, Refusing16, Refusing201) as ground:
        life = ground.life(version)
        await ground.joined()
        transaction = life.begin(life.charger.connectors[1], "A")
        await transaction.over.wait()
        assert (transaction.void, transaction.told) == (True, False)
        assert len(told(ground)) == 1


async def test_a_message_that_is_not_answered_is_tried_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute(answering(Version.V16)):  # type: ignore[misc]  # made at run time
        @on(call_16.StopTransaction)
        async def end(self, request: Any) -> Any:
            await anyio.sleep_forever()

    async with playground(monkeypatch, Mute) as ground:
        life = ground.life("1.6", timeout=10)
        await ground.joined()
        transaction = life.begin(life.charger.connectors[1], "A")
        await anyio.sleep(5)
        transaction.end("Local")
        await transaction.over.wait()
        assert [action for action, _ in told(ground)] == ["StartTransaction"] + ["StopTransaction"] * 3
        assert not transaction.told
        assert len(ground.said("StopTransaction was not answered: ")) == 3


async def test_without_a_link_meter_values_are_left_out_before_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "MOST_KEPT", 5)
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6", **AWAY)
        await anyio.sleep(100)
        ground.cut()
        await anyio.sleep(1500)
        assert len(life.outbox) == 6
        await anyio.sleep(2600)
        assert [action for action, _ in told(ground)][:9].count("StopTransaction") == 1
