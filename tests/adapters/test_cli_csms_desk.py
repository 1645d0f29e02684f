"""The commands of an operator: carried out at one station or many, each failure in one sentence, and
completed by Tab.
"""

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import pytest

from ocpp_sansio import BootStatus, ConnectionClosed, LocalProtocolError, OCPPError, Role
from ocpp_sansio.errors import SchemaViolation
from ocpp_sansio_adapters.cli._desk.desk import Desk, Verb
from tests.adapters.live_command import Playground, a_shell, playground

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


@attrs.define
class Typist:
    """A console on which these lines are typed."""

    lines: list[str]
    interactive: bool = False
    lost: bool = False

    def show(self, text: str) -> None:
        raise AssertionError(text)

    def close(self) -> None:
        raise AssertionError

    async def command(self) -> str | None:
        await anyio.sleep(1)
        return self.lines.pop(0) if self.lines else None


def a_desk(ground: Playground, role: Role = Role.CSMS, **more: Any) -> tuple[Desk, list[str]]:
    shown: list[str] = []
    shell: Any = SimpleNamespace(show=shown.append, narrator=a_shell(role, io.StringIO()).narrator)
    stations = ground.csms.stations
    peers: Callable[[], Any] = (
        (lambda: stations)
        if role is Role.CSMS
        else (lambda: {life.identity: life.station.charge_point for life in ground.lives})
    )
    return Desk(role, shell, peers, stations.wait, lambda: list(stations), **more), shown


@asynccontextmanager
async def at_work(
    monkeypatch: pytest.MonkeyPatch, *stations: tuple[str, str], role: Role = Role.CSMS
) -> AsyncIterator[tuple[Desk, list[str]]]:
    """A desk with these stations: identity and version."""
    async with playground(monkeypatch) as ground:
        for identity, version in stations:
            ground.life(version, identity=identity)
        await anyio.sleep(1)
        yield a_desk(ground, role)


async def test_a_call_shows_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6")) as (desk, shown):
        await desk.obey("call CP_1 ChangeAvailability connectorId=0 type=Inoperative")
        assert shown == ['CP_1: ChangeAvailability was answered after 0 ms: {\n  "status": "Accepted"\n}']
        assert desk.failures == 0


async def test_a_call_goes_to_all_that_a_pattern_names(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6"), ("CP_2", "2.0.1"), ("XX", "2.1")) as (desk, shown):
        await desk.obey("call CP_* ClearCache")
        assert sorted(line.split(":")[0] for line in shown) == ["CP_1", "CP_2"]
        shown.clear()
        await desk.obey("call * ChangeAvailability operationalStatus=Inoperative")
        answered = [line for line in shown if "was answered" in line]
        assert len(answered) == 2
        assert desk.failures == 1  # 1.6 has other members


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("dance", "failed: there is no command 'dance'; help lists them."),
        ("call CP_1", "failed: usage: call STATION ACTION [MEMBER=VALUE ...]."),
        ("call CP_9 Reset", "failed: CP_9 is not connected; there is CP_1."),
        (
            "call CP_1 Resett type=Soft",
            "failed: there is no action 'Resett' in OCPP 1.6; did you mean Reset?.",
        ),
        ("call CP_1 Reset type=Sof", "failed: type: 'Sof' is not one of Hard, Soft; did you mean 'Soft'?."),
        ("call CP_1 Reset", "failed: type is missing."),
        ("wait CP_9 5", "failed: CP_9 has not connected within 5 s."),
        ("wait CP_9 soon", "failed: a number of seconds is needed, not 'soon'."),
        ("sleep -1", "failed: a number of seconds is needed, not '-1'."),
        (
            'raw CP_1 Reset {"a":NaN}',
            (
                "failed: CP_1: Reset was not sent: messages.Raw cannot be sent: $.a: a number beyond all bounds "
                "cannot be written as JSON: Out of range float values are not JSON compliant."
            ),
        ),
        (
            'raw CP_1 Reset {"a":"\\ud800"}',
            (
                "failed: CP_1: Reset was not sent: messages.Raw cannot be sent: $.a: contains a lone surrogate, "
                "which is not Unicode."
            ),
        ),
        (
            'call CP_1 DataTransfer vendorId="\\ud800"',
            (
                "failed: CP_1: DataTransfer was not sent: call.DataTransfer cannot be sent: $.vendorId: contains a "
                "lone surrogate, which is not Unicode."
            ),
        ),
        ('call CP_1 Reset {"type": "Soft"} 5', "failed: nothing may follow the payload: '5'."),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_sentence(
    line: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6")) as (desk, shown):
        await desk.obey(line)
        assert shown == [sentence.replace("?.", "?")]
        assert desk.failures == 1


async def test_a_refusal_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6")) as (desk, shown):
        await desk.obey('raw CP_1 Invented {"a": 1}')
        assert shown[0].startswith("failed: CP_1: Invented was refused: NotImplemented: ")
        await desk.obey('raw CP_1 Reset {"a": 1}')
        assert shown[1].startswith("failed: CP_1: Reset was refused: ")
        await desk.obey("raw CP_1 ClearCache")
        assert shown[2].startswith("CP_1: ClearCache was answered")
    assert desk.failures == 2


async def test_what_may_not_be_sent_yet_is_a_failure_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.host.boot = BootStatus.REJECTED
        ground.life("1.6")
        await ground.joined()
        desk, shown = a_desk(ground)
        await desk.obey("call CP_1 ClearCache")
        assert shown[0].startswith("failed: CP_1: ClearCache was not answered: no turn to send ClearCache")
        assert desk.failures == 1


async def test_a_link_that_is_lost_meanwhile_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6")) as (desk, shown):
        peer = desk.peers()["CP_1"]
        monkeypatch.setattr(desk, "peers", lambda: {"CP_1": peer})
        await peer.transport.aclose()  # type: ignore[attr-defined]
        await anyio.sleep(1)
        await desk.obey("call CP_1 ClearCache")
        assert shown[-1].startswith("failed: CP_1: ClearCache was not answered: ")


async def test_at_a_station_the_same_command_asks_the_csms(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "2.1"), role=Role.CHARGING_STATION) as (desk, shown):
        await desk.obey("call CP_1 Authorize idToken.idToken=04E9 idToken.type=Central")
        assert '"status": "Accepted"' in shown[0]
        await desk.obey("call CP_1 NotifyPeriodicEventStream id=1 pending=0 basetime=now data.t=1 data.v=2")
        assert shown[1] == "CP_1: NotifyPeriodicEventStream is sent, and is never answered."


async def test_a_script_is_carried_out_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6")) as (desk, shown):
        script = ["# a comment", "", "stations", "sleep 5", "call CP_1 ClearCache", "quit", "stations"]
        await desk.serve(Typist(script))
        assert [line.split(":")[0] for line in shown] == ["CP_1", "CP_1"]


async def test_at_a_terminal_commands_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6")) as (desk, shown):
        began = anyio.current_time()
        await desk.serve(Typist(["sleep 1000", "wait CP_9 1000", "stations"], interactive=True))
        assert shown == ["CP_1"]
        assert anyio.current_time() - began < 10


async def test_without_any_command_it_goes_on_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch) as (desk, _):
        with anyio.move_on_after(100_000) as scope:
            await desk.serve(Typist([]))
        assert scope.cancelled_caught
        with anyio.move_on_after(100_000) as scope:
            await desk.serve(Typist(["wait"]))
        assert scope.cancelled_caught


async def test_help_names_every_command_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch) as (desk, shown):
        await desk.obey("help")
        for name, verb in desk.verbs.items():
            assert f"{name} {verb.arguments}".rstrip() in shown[0]


async def test_who_is_connected_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch) as (desk, shown):
        await desk.obey("stations")
        assert shown == ["Nobody is connected."]


async def test_help_says_that_there_are_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch) as (desk, shown):
        await desk.obey("help")
        assert "call CP_* " in shown[0]


VIOLATION: Any = "no"


async def test_what_a_station_has_not_done_in_time_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6")) as (desk, shown):
        desk.wait_for = lambda identity: anyio.sleep_forever()
        await desk.obey("wait CP_1 5")
        assert shown == ["failed: CP_1 is connected, and has not booted within 5 s."]


async def test_quit_needs_no_words_and_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6")) as (desk, shown):
        await desk.serve(Typist(["quit now", "stations"]))
        assert (shown, desk.failures) == ([], 0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OCPPError("no"), "was refused: GenericError: no"),
        (SchemaViolation("It", VIOLATION), "was not sent: It: no"),
        (LocalProtocolError("no"), "was not sent: no"),
        (ConnectionClosed("no"), "was not answered: no"),
    ],
)
@pytest.mark.parametrize(
    "line", ["Heartbeat", "NotifyPeriodicEventStream id=1 pending=0 basetime=now data.t=1 data.v=2"]
)
async def test_whatever_becomes_of_a_message_is_a_sentence(
    line: str, error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*arguments: Any, **options: Any) -> Any:
        raise error

    async with at_work(monkeypatch, ("CP_1", "2.1"), role=Role.CHARGING_STATION) as (desk, shown):
        for method in ("call", "send"):
            monkeypatch.setattr(desk.peers()["CP_1"], method, fail)
        await desk.obey(f"call CP_1 {line}")
        assert [text.replace(line.split()[0], "It") for text in shown] == [f"failed: CP_1: It {said}."]


@pytest.mark.parametrize(
    ("line", "word", "offered"),
    [
        ("", "", ["call ", "raw ", "stations ", "wait ", "sleep ", "help ", "quit "]),
        ("ca", "ca", ["call "]),
        ("call ", "", ["CP_1 ", "XX "]),
        ("call C", "C", ["CP_1 "]),
        ("wait X", "X", ["XX "]),
        ("stations ", "", []),
        ("call CP_1 Reset", "Reset", ["Reset "]),
        ("call CP_1 Reset ", "", ["type="]),
        ("call XX Reset ty", "ty", ["type="]),
        ("call CP_1 Reset type=S", "type=S", ["type=Soft"]),
        ("call Nobody Re", "Re", []),
        ("call CP_1 Nothing t", "t", []),
        ("sleep 1", "1", []),
    ],
)
async def test_tab_completes_commands_stations_actions_members_and_values(
    line: str, word: str, offered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(monkeypatch, ("CP_1", "1.6"), ("XX", "2.1")) as (desk, _):
        assert [each for each in desk.complete(line, word) if each != "customData."] == offered


async def test_tab_knows_what_the_station_has(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6")
        await ground.joined()
        life.begin(life.charger.connectors[2], "A")
        await anyio.sleep(1)
        [(_, transaction)] = life.charger.running()
        desk, _ = a_desk(
            ground,
            values=lambda identity, member: ground.host.of(identity).values(member),
            names=lambda: ["CP_2"],
        )
        line = "call CP_1 RemoteStopTransaction transactionId="
        assert desk.complete(line, "transactionId=") == [f"transactionId={transaction.id}"]
        assert desk.complete("call CP_1 UnlockConnector c", "connectorId=") == [
            f"connectorId={number}" for number in range(3)
        ]
        assert desk.complete("wait CP", "CP") == ["CP_1 ", "CP_2 "]
        at_station, _ = a_desk(ground, Role.CHARGING_STATION, values=lambda _, member: life.values(member))
        line = "call CP_1 StopTransaction transactionId="
        assert at_station.complete(line, "transactionId=") == [f"transactionId={transaction.id}"]
        assert at_station.complete("call CP_1 MeterValues c", "connectorId=2") == ["connectorId=2"]


async def test_commands_of_one_end_stand_among_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dance(rest: str) -> None:
        danced.append(rest)

    danced: list[str] = []
    async with playground(monkeypatch) as ground:
        desk, _ = a_desk(ground, more={"dance": Verb("", "dance", dance)})
        await desk.obey("dance well")
    assert danced == ["well"]
