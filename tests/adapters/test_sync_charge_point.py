"""Charge points with threads: what is found when the class is made, and what a peer in memory gets."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from ocpp_sansio import Connection, ConnectionClosed, Raw, Role, Version
from ocpp_sansio.errors import OCPPError
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import send
from ocpp_sansio_adapters.sync import charge_point as module
from ocpp_sansio_adapters.sync.v16 import ChargePoint
from ocpp_sansio_adapters.sync.v21 import ChargePoint as ChargePoint21
from ocpp_sansio_adapters.sync.v201 import ChargePoint as ChargePoint201
from tests.adapters.threads import PATIENCE, Line, LinkLost, eventually, nothing_left, spawn

NOW = {"currentTime": "2026-05-01T12:00:00Z"}


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    with nothing_left():
        yield


def test_versions() -> None:
    found = [cls.version for cls in (ChargePoint, ChargePoint201, ChargePoint21)]
    assert found == [Version.V16, Version.V201, Version.V21]


# The class.


@pytest.mark.parametrize("decorator", [on("Heartbeat"), after("Heartbeat"), on(call.Heartbeat)])
def test_an_async_handler_is_refused_when_the_class_is_made(decorator: Any) -> None:
    async def heartbeat(self: Any, **members: Any) -> Any:
        raise NotImplementedError

    with pytest.raises(TypeError, match=r"Station\.beat is async, and nobody awaits it here"):
        type("Station", (ChargePoint,), {"beat": decorator(heartbeat)})


def test_an_async_method_that_overrides_a_handler_is_refused() -> None:
    class Station(ChargePoint):
        @on("Heartbeat")
        def beat(self) -> call_result.Heartbeat:
            raise NotImplementedError

    async def beat(self: Any) -> call_result.Heartbeat:
        raise NotImplementedError

    with pytest.raises(TypeError, match="is async"):
        type("Other", (Station,), {"beat": beat})


def test_an_async_handler_of_a_mixin_and_an_async_generator_are_refused() -> None:
    class Mixin:
        @staticmethod
        @on("Heartbeat")
        async def beat(**members: Any) -> Any:
            yield members

    with pytest.raises(TypeError, match=r"\.beat is async"):
        type("Station", (Mixin, ChargePoint), {})


@pytest.mark.parametrize("base", [ChargePoint, module.ChargePoint])
@pytest.mark.parametrize(
    "name",
    ["call", "close", "extensions", "id", "logger", "protocol", "send", "start", "transport", "version"],
)
def test_a_handler_may_not_hide_a_name_of_the_base(name: str, base: Any) -> None:
    handler = on("Heartbeat")(lambda self, **members: None)
    with pytest.raises(ValueError, match=rf"@on of Station\.{name}: ChargePoint has a {name} of its own"):
        type("Station", (base,), {name: handler})


def test_a_method_of_the_base_may_be_overridden_all_the_same() -> None:
    class Station(ChargePoint):
        def start(self) -> None:
            super().start()

    line = Line()
    with Station("CP_1", line):
        line.cut()


def test_a_method_that_is_async_and_no_handler_is_the_business_of_the_class() -> None:
    class Station(ChargePoint):
        async def other(self) -> None:
            raise NotImplementedError

    assert Station("CP_1", Line()).id == "CP_1"


def test_mistakes_in_decorators_are_found_when_the_class_is_made() -> None:
    def beat(self: Any) -> None:
        raise NotImplementedError

    with pytest.raises(ValueError, match="did you mean Heartbeat"):
        type("Station", (ChargePoint,), {"beat": on("Heartbeet")(beat)})


def test_skip_schema_validation_is_refused() -> None:
    def beat(self: Any) -> None:
        raise NotImplementedError

    with pytest.raises(ValueError, match="skips the validation of Heartbeat: leave out"):
        type("Station", (ChargePoint,), {"beat": on("Heartbeat", skip_schema_validation=True)(beat)})


def test_a_class_without_a_version_may_be_a_base() -> None:
    class Base(module.ChargePoint):
        @on("Heartbeat")
        def beat(self) -> call_result.Heartbeat:
            return call_result.Heartbeat(current_time="2026-05-01T12:00:00Z")

    class Station(Base, ChargePoint):
        pass

    line = Line()
    with Station("CP_1", line):
        line.say(2, "1", "Heartbeat", {})
        assert line.hear() == [3, "1", NOW]


# The object.


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"protocol": Connection(None, "2.0.1")}, "the protocol speaks 2.0.1, ChargePoint 1.6"),
        ({"protocol": Connection(None, "1.6"), "role": Role.CSMS}, "role and response_timeout are the"),
        ({"protocol": Connection(None, "1.6"), "response_timeout": 3}, "role and response_timeout are the"),
        ({"pool": 4}, "pool is an Executor"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], error: str) -> None:
    with pytest.raises((ValueError, TypeError), match=error):
        ChargePoint("CP_1", Line(), **options)


def test_arguments_reach_the_protocol() -> None:
    charge_point = ChargePoint("CP_1", Line(), 7, role=Role.CSMS)
    assert charge_point.protocol.call_timeout == 7
    assert charge_point.protocol.role is Role.CSMS
    assert ChargePoint("CP_1", Line()).protocol.role is None


def test_extensions_are_served() -> None:
    extension = Raw.declare("Fly", request={"type": "object"}, response={"type": "object"})

    class Station(ChargePoint):
        extensions = (extension,)

        @on(extension)
        def fly(self, request: Any) -> Any:
            return extension.__answer__({"high": request.payload})

    line = Line()
    with Station("CP_1", line):
        line.say(2, "1", "Fly", {"to": "Mars"})
        assert line.hear() == [3, "1", {"high": {"to": "Mars"}}]


class Station(ChargePoint):
    """Handlers of every kind."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.seen: list[Any] = []
        self.ran = Event()

    @on(call.Reset)
    def reset(self, request: call.Reset) -> call_result.Reset:
        self.seen.append(request)
        return call_result.Reset(status="Accepted")

    @after(call.Reset)
    def has_reset(self, request: call.Reset) -> None:
        self.seen.append("after")
        self.ran.set()

    @on("ChangeAvailability")
    def available(self, connector_id: int, call_unique_id: str, **others: Any) -> Any:
        return call_result.ChangeAvailability(status="Scheduled" if call_unique_id == "2" else "Rejected")

    @on(call.ClearCache)
    def call_back(self, request: call.ClearCache) -> call_result.ClearCache:
        self.call(call.Heartbeat())
        return call_result.ClearCache(status="Accepted")


def test_handlers_and_hooks_get_what_they_ask_for() -> None:
    line = Line()
    with Station("CP_1", line) as station:
        line.say(2, "1", "Reset", {"type": "Soft"})
        assert line.hear() == [3, "1", {"status": "Accepted"}]
        assert station.ran.wait(PATIENCE)
        assert station.seen == [call.Reset(type="Soft"), "after"]
        line.say(2, "2", "ChangeAvailability", {"connectorId": 1, "type": "Operative"})
        assert line.hear() == [3, "2", {"status": "Scheduled"}]


def test_what_has_no_handler_is_refused() -> None:
    line = Line()
    with Station("CP_1", line):
        line.say(2, "1", "UnlockConnector", {"connectorId": 1})
        assert line.hear()[:3] == [4, "1", "NotSupported"]
        line.say(2, "2", "Nonsense", {})
        assert line.hear()[:3] == [4, "2", "NotImplemented"]


def test_without_validation_unknown_actions_are_told_from_unsupported_ones() -> None:
    line = Line()
    with Station("CP_1", line, protocol=Connection(None, "1.6", validation="off")):
        line.say(2, "1", "UnlockConnector", {})
        assert line.hear()[:3] == [4, "1", "NotSupported"]
        line.say(2, "2", "Nonsense", {})
        assert line.hear()[:3] == [4, "2", "NotImplemented"]


def test_a_call_back_without_a_pool_names_the_cure(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    with Station("CP_1", line):
        line.say(2, "1", "ClearCache", {})
        assert line.hear()[:3] == [4, "1", "InternalError"]
    assert "Give the charge point a pool, such as pool=ThreadPoolExecutor()" in caplog.text


def test_a_call_back_with_a_pool_works() -> None:
    line = Line()
    with ThreadPoolExecutor() as pool, Station("CP_1", line, pool=pool):
        line.say(2, "1", "ClearCache", {})
        assert line.answer(NOW)[2] == "Heartbeat"
        assert line.hear() == [3, "1", {"status": "Accepted"}]


def test_a_call_chooses_its_id_and_its_patience() -> None:
    line = Line()
    with Station("CP_1", line) as station:
        asked = spawn(
            station.call, call.Heartbeat(), unique_id="mine", timeout=PATIENCE, queue_timeout=PATIENCE
        )
        assert line.answer(NOW)[1] == "mine"
        assert asked.result(PATIENCE) == call_result.Heartbeat(current_time="2026-05-01T12:00:00Z")


def test_a_station_for_2_1_sends_and_is_told() -> None:
    told: list[Any] = []

    class CSMS(ChargePoint21):
        @on(send.NotifyPeriodicEventStream)
        def values(self, message: send.NotifyPeriodicEventStream) -> None:
            told.append(message)

    message = send.NotifyPeriodicEventStream(
        id=1, pending=0, basetime="2026-05-01T12:00:00Z", data=[{"t": 0, "v": "1"}]
    )
    here, there = Line(), Line()
    with (
        CSMS("CS_1", here, role=Role.CSMS),
        ChargePoint21("CS_1", there, role=Role.CHARGING_STATION) as station,
    ):
        station.send(message)
        here.say(*there.hear())
        eventually(lambda: told == [message])


def test_a_send_without_a_handler_is_nobodys_business(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    records: list[Any] = []
    with ChargePoint21("CS_1", line, role=Role.CSMS, observers=[records.append]):
        data = [{"t": 0, "v": "1"}]
        line.say(
            6,
            "1",
            "NotifyPeriodicEventStream",
            {"id": 1, "pending": 0, "basetime": NOW["currentTime"], "data": data},
        )
        line.say(2, "2", "Nonsense", {})
        assert line.hear()[1] == "2"
    assert [record.levelname for record in caplog.records if record.name != "ocpp"] == ["WARNING"]


def test_frames_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    with caplog.at_level(logging.INFO, "ocpp"), Station("CP_1", line):
        line.say(2, "1", "Nonsense", {})
        line.hear()
    assert caplog.messages[0] == 'CP_1: receive message [2, "1", "Nonsense", {}]'
    assert caplog.messages[-1].startswith('CP_1: send [4,"1","NotImplemented"')


def test_a_block_closes_the_link_and_start_returns() -> None:
    line = Line()
    charge_point = ChargePoint("CP_1", line)
    started = spawn(charge_point.start)
    eventually(charge_point._ocpp_driver._started.is_set)
    charge_point.close(1001, "bye")
    assert started.result(PATIENCE) is None
    assert line.closings[0] == (1001, "bye")


def test_calls_in_the_block_of_a_lost_link_have_the_reason() -> None:
    line = Line()
    with ChargePoint("CP_1", line) as charge_point:
        line.lose(LinkLost("gone"))
        with pytest.raises(ConnectionClosed) as closed:
            charge_point.call(call.Heartbeat())
        assert isinstance(closed.value.__cause__, LinkLost)


def test_an_exception_of_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), ChargePoint("CP_1", Line()):
        raise ZeroDivisionError


def test_a_handler_refuses_by_the_codes_of_the_standard() -> None:
    class Refusing(ChargePoint):
        @on("Reset")
        def reset(self, **members: Any) -> Any:
            raise OCPPError("no")

    line = Line()
    with Refusing("CP_1", line):
        line.say(2, "1", "Reset", {"type": "Soft"})
        assert line.hear() == [4, "1", "GenericError", "no", {}]


def test_no_event_loop_is_loaded() -> None:
    program = (
        "import sys, ocpp_sansio_adapters.sync.v16, ocpp_sansio_adapters.sync.v21\n"
        "import ocpp_sansio_adapters.sync.websockets\n"
        "print(sorted({'anyio', 'asyncio', 'trio', 'sniffio'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
