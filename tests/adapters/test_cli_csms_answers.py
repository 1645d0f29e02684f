"""The CSMS of the command answers whatever a station may ask, in every version; and what it learns of it by
that.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_sansio import Role, Version
from ocpp_sansio.v16 import call as call_16
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio_adapters._plain import plain_answer
from ocpp_sansio_adapters.cli._simulation.csms import MOST_KNOWN, SPOKEN, Known, answering
from ocpp_sansio_adapters.cli._simulation.sensible import STATUSES
from tests.adapters.live_command import Playground, playground

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def requests_of(version: Version, sender: Role) -> list[Any]:
    """The plainest request of each action that this end may send."""
    classes = [cls for cls in version.load().values() if cls.__sender__ in (sender, None)]
    return [plain_answer(cls, NOW, {}) for cls in classes]


@pytest.mark.parametrize("version", Version)
async def test_every_action_of_a_station_is_answered(
    version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life(version)
        await ground.joined()
        for request in requests_of(version, Role.CHARGING_STATION):
            answer = await life.station.call(request)
            assert type(answer) is type(request).__answer__
    assert "refused" not in ground.out.getvalue()


def test_a_no_is_said_in_the_words_of_the_answer() -> None:
    # a status that the class does not know would be our InternalError
    for version in Version:
        for action, cls in version.load().items():
            if action in STATUSES:
                assert (
                    plain_answer(cls.__answer__, NOW, {"status": STATUSES[action]}).status == STATUSES[action]
                )


async def talk_16(ground: Playground) -> tuple[Any, Known]:
    life = ground.life("1.6")
    await ground.joined()
    return life.station, ground.host.known["CP_1"]


async def test_a_transaction_of_1_6_has_an_id_of_its_own_and_is_known_until_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playground(monkeypatch) as ground:
        station, known = await talk_16(ground)
        start = call_16.StartTransaction(connector_id=1, id_tag="A", meter_start=0, timestamp=NOW)
        first, second = [(await station.call(start)).transaction_id for _ in range(2)]
        assert first != second
        assert known.transactions == {str(first): "1", str(second): "1"}
        await station.call(call_16.StopTransaction(transaction_id=first, meter_stop=1, timestamp=NOW))
        assert list(known.transactions) == [str(second)]


async def test_what_a_station_of_1_6_tells_of_itself_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        _, known = await talk_16(ground)
        assert known.maker == "ocpp-sansio Simulator"
        assert known.connectors == {"0": "Available", "1": "Available", "2": "Available"}


async def test_a_transaction_of_2_0_1_is_known_until_it_ends_and_a_token_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("2.0.1")
        await ground.joined()

        def event(kind: str, **more: Any) -> Any:
            return call_201.TransactionEvent(
                event_type=kind,
                timestamp=NOW,
                trigger_reason="Authorized",
                seq_no=0,
                transaction_info={"transaction_id": "T1"},
                **more,
            )

        answer = await life.station.call(
            event("Started", evse={"id": 2}, id_token={"id_token": "A", "type": "Central"})
        )
        assert answer.id_token_info.status == "Accepted"
        assert (await life.station.call(event("Updated"))).id_token_info is None
        assert ground.host.known["CP_1"].transactions == {"T1": "2"}
        await life.station.call(event("Ended"))
        assert ground.host.known["CP_1"].transactions == {}
        assert ground.host.known["CP_1"].connectors == {"1/1": "Available", "2/1": "Available"}


def test_what_is_known_of_one_station_is_bounded() -> None:
    known = Known()
    for number in range(MOST_KNOWN + 5):
        known.connector(str(number), "Available")
    known.connector("0", "Faulted")
    assert len(known.connectors) == MOST_KNOWN
    assert known.connectors["0"] == "Faulted"


def test_there_is_a_class_for_each_version_the_newest_first() -> None:
    assert SPOKEN == (Version.V21, Version.V201, Version.V16)
    assert [answering(version).version for version in SPOKEN] == list(SPOKEN)
