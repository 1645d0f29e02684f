"""docs/how-to/coming-from-mobilityhouse.md: its names exist here and there, and what it says of `ocpp` is so."""

import asyncio
import contextlib
import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import ocpp.charge_point
import ocpp.exceptions
import ocpp.messages
import ocpp.v16
import ocpp.v201
import pytest
from ocpp.routing import after, on
from ocpp.v16 import call, call_result, enums
from ocpp.v201 import call as call201

import ocpp_sansio.v16.call
import ocpp_sansio_adapters.v16
from tests.docs.pages import texts

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "coming-from-mobilityhouse.md"


def section(heading: str) -> str:
    return PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table in a section, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def named(cell: str, package: str) -> list[str]:
    return re.findall(rf"`({package}[\w.]*)", cell)


def resolved(name: str) -> Any:
    """What a dotted name stands for. Raises if it is nothing."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            found: Any = import_module(".".join(parts[:length]))
            for part in parts[length:]:
                found = getattr(found, part)
            return found
    raise LookupError(name)


# What the page says of ours.


def test_the_imports_to_change_exist_on_both_sides() -> None:
    [diff] = texts(PAGE, "diff")
    sides = {sign: [line[1:] for line in diff.splitlines() if line[0] == sign] for sign in "-+"}
    assert len(sides["-"]) == len(sides["+"]) == 4
    scopes: dict[str, dict[str, Any]] = {sign: {} for sign in sides}
    for sign, lines in sides.items():
        exec("\n".join(lines), scopes[sign])
    assert scopes["-"].keys() == scopes["+"].keys()


def test_every_name_in_the_table_exists() -> None:
    table = rows("Names, module by module")
    assert len(table) == 18
    for old, new, _ in table:
        assert named(old, "ocpp")
        for name in [*named(old, "ocpp"), *named(new, "ocpp_sansio")]:
            assert resolved(name) is not None, name


def test_every_private_name_is_one_of_theirs_and_what_stands_in_for_it_exists() -> None:
    theirs = ocpp.v16.ChargePoint("CP_1", None)
    ours = ocpp_sansio_adapters.v16.ChargePoint("CP_1", End())
    table = rows("If you have reached for private names")
    assert len(table) == 9
    for old, new in table:
        names = re.findall(r"`(\w+)", old)
        assert [name for name in names if not hasattr(theirs, name)] == []
        for name in named(new, "ocpp_sansio"):
            assert resolved(name) is not None
    for name in ("transport", "_connection", "version", "protocol"):
        assert hasattr(ours, name)
    assert ours.protocol.call_timeout == 30
    with pytest.raises(AttributeError):
        ours._connection = None  # type: ignore[misc]


# What the page says of `ocpp`.


class End:
    """One end of a link, which hands over some frames and then waits."""

    def __init__(self, *frames: str) -> None:
        self.inbox: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.sent: list[str] = []
        self.peer: End | None = None
        for frame in frames:
            self.inbox.put_nowait(frame)

    async def send(self, text: str) -> None:
        self.sent.append(text)
        if self.peer is not None:
            self.peer.inbox.put_nowait(text)

    async def recv(self) -> str:
        item = await self.inbox.get()
        if isinstance(item, Exception):
            raise item
        return item


class Theirs(ocpp.v16.ChargePoint):  # type: ignore[misc]
    @on("Authorize")
    def authorize(self, id_tag: str) -> Any:
        return call_result.Authorize(id_tag_info={"status": "Accepted"})

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(current_time="2026-05-01T12:00:00Z")

    @on("Reset")
    async def reset(self, **members: Any) -> Any:
        await self.call(call.Heartbeat())

    @on("ClearCache")
    def clear_cache(self) -> Any:
        return None

    @on("UnlockConnector")
    def unlock(self, connector_id: int) -> Any:
        return call_result.UnlockConnector(status="Unlocked")

    @after("UnlockConnector")
    def unlocked(self, connector_id: int) -> None:
        raise LookupError


async def _asked(*requests: Any, **options: Any) -> list[Any]:
    near, far = End(), End()
    near.peer, far.peer = far, near
    asking, answering = ocpp.v16.ChargePoint("CP_1", near), Theirs("CP_1", far, **options)
    running = [asyncio.create_task(end.start()) for end in (asking, answering)]
    try:
        return [await asking.call(request) for request in requests]
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


def test_theirs_suppresses_by_default_and_leaves_nested_data_and_times_as_they_are() -> None:
    refused = call.StatusNotification(connector_id=1, error_code="NoError", status="Available")
    requests = [refused, call.Authorize("x"), call.Heartbeat()]
    none, authorized, heartbeat = asyncio.run(_asked(*requests))
    assert none is None
    assert authorized.id_tag_info == {"status": "Accepted"}
    assert heartbeat.current_time == "2026-05-01T12:00:00Z"
    assert inspect.signature(ocpp.v16.ChargePoint.call).parameters["suppress"].default is True


def test_theirs_cannot_call_back_from_a_handler() -> None:
    assert asyncio.run(_asked(call.Reset("Soft"), response_timeout=0.05)) == [None]


async def _ends(*frames: str) -> tuple[type[BaseException], list[str]]:
    """How a session of theirs ends that gets these frames before its link is lost, and what it has sent."""
    end = End(*frames)
    end.inbox.put_nowait(ConnectionError("lost"))
    [error] = await asyncio.gather(Theirs("CP_1", end).start(), return_exceptions=True)
    return type(error), end.sent


@pytest.mark.parametrize(
    ("frame", "raised"),
    [
        ('[2,"1",[],{}]', TypeError),
        ('[2,"1","ClearCache",{}]', TypeError),
        ('[2,"1","UnlockConnector",{"connectorId":1}]', LookupError),
    ],
    ids=["action", "None", "hook"],
)
def test_theirs_ends_with_a_frame_or_a_method_that_is_odd(frame: str, raised: type[Exception]) -> None:
    error, _ = asyncio.run(_ends(frame))
    assert error is raised


def test_theirs_has_two_codes_the_other_way_round() -> None:
    error, sent = asyncio.run(_ends('[2,"1","Fly",{}]', '[2,"2","GetDiagnostics",{"location":"ftp://x"}]'))
    assert error is ConnectionError
    assert [json.loads(text)[2] for text in sent[:2]] == ["NotSupported", "NotImplemented"]


def test_theirs_waits_for_the_time_out_when_the_link_is_lost() -> None:
    async def lost() -> list[Any]:
        end = End()
        end.inbox.put_nowait(ConnectionError("lost"))
        station = ocpp.v16.ChargePoint("CP_1", end, response_timeout=0.05)
        return await asyncio.gather(station.start(), station.call(call.Heartbeat()), return_exceptions=True)

    assert [type(result) for result in asyncio.run(lost())] == [ConnectionError, TimeoutError]


def test_theirs_renames_what_is_not_its_own() -> None:
    message = call201.DataTransfer(vendor_id="acme", data={"my_key": 1, "socket_url": 2})
    wire = ocpp.charge_point.snake_to_camel_case(ocpp.charge_point.serialize_as_dict(message))
    assert wire["data"] == {"myKey": 1, "SoCketURL": 2}


def test_theirs_has_no_names_from_before_version_1() -> None:
    assert not hasattr(call, "BootNotificationPayload")
    assert not hasattr(enums.Action, "BootNotification")


def test_theirs_takes_any_text_for_an_enum_and_members_by_position_and_ours_does_not() -> None:
    assert call.Reset("Sideways").type == "Sideways"
    with pytest.raises(ValueError, match="Sideways"):
        ocpp_sansio.v16.call.Reset(type="Sideways")
    with pytest.raises(TypeError):
        ocpp_sansio.v16.call.Reset("Soft")  # type: ignore[misc]
