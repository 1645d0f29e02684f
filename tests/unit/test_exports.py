"""What the packages offer, what importing them loads, and what the core may not touch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ocpp_sansio

CORE = Path(ocpp_sansio.__file__).parent

# A core that imports one of these could do I/O, run a loop, keep time or roll dice.
FORBIDDEN = {
    "_thread",
    "anyio",
    "asyncio",
    "concurrent",
    "http",
    "io",
    "multiprocessing",
    "os",
    "pathlib",
    "queue",
    "random",
    "sched",
    "select",
    "selectors",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "trio",
    "urllib",
    "uuid",
    "websockets",
}
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter", "time_ns", "monotonic_ns"}

FILES = sorted(CORE.rglob("*.py"))


def test_every_public_name_is_there_and_sorted() -> None:
    assert sorted(ocpp_sansio.__all__) == sorted(set(ocpp_sansio.__all__))
    for name in ocpp_sansio.__all__:
        assert name == "Event" or getattr(ocpp_sansio, name).__name__ == name


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_importing_the_core_loads_nothing_that_could_do_io_and_no_version() -> None:
    loaded = loaded_by("import ocpp_sansio")
    roots = {name.partition(".")[0] for name in loaded}
    assert "attrs" in roots
    assert not roots & {
        "asyncio",
        "anyio",
        "trio",
        "websockets",
        "socket",
        "_socket",
        "ssl",
        "_ssl",
        "select",
        "selectors",
    }
    assert not roots & {"jsonschema", "referencing", "hypothesis", "ocpp_sansio_adapters"}
    assert not {name for name in loaded if name.startswith(("ocpp_sansio.v16", "ocpp_sansio.v2"))}


def test_a_connection_without_refusals_never_loads_jsonschema() -> None:
    session = (
        "from ocpp_sansio import Connection, Role; from ocpp_sansio.v16 import call;"
        "a = Connection(Role.CHARGING_STATION, '1.6'); b = Connection(Role.CSMS, '1.6');"
        "a.call(call.Heartbeat(), now=0.0); b.receive_text(a.next_frame(), now=0.0)"
    )
    loaded = loaded_by(session)
    assert "ocpp_sansio.v16.call" in loaded
    assert "jsonschema" not in loaded
    assert not {"asyncio", "socket", "ssl"} & loaded


def test_importing_the_adapters_package_loads_no_backend() -> None:
    roots = {name.partition(".")[0] for name in loaded_by("import ocpp_sansio_adapters")}
    assert not roots & {"asyncio", "anyio", "trio", "websockets", "ocpp_sansio"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORE)))
def test_no_file_of_the_core_can_read_a_clock_or_do_io(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = {(node.module or "").partition(".")[0]}
        else:
            modules = set()
        assert not modules & FORBIDDEN, f"{path}:{getattr(node, 'lineno', 0)} imports {modules & FORBIDDEN}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in CLOCKS, f"{path}:{node.lineno} reads a clock: {node.attr}"
        if isinstance(node, ast.Name):
            assert node.id not in {"open", "print", "input"}, f"{path}:{node.lineno} does I/O: {node.id}"


# Downwards only: each room may import the rooms that stand in its line, and no other.
ROOMS = {
    "_datetime": set(),
    "messages": {"_datetime"},
    "converters": {"_datetime", "_words", "messages"},
    "errors": {"messages", "validation"},  # for types alone
    "_memory": set(),
    "policies": set(),
    "_shape": {"messages"},
    "_values": {"_datetime"},
    "_paths": set(),
    "_judge": {"_datetime", "_values"},
    "_words": {"_paths", "_values"},
    "_codec": {"_judge", "_shape", "_values", "messages"},
    "schema": {"_shape", "_values", "messages"},
    "validation": {
        "_codec",
        "_judge",
        "_paths",
        "_shape",
        "_values",
        "_words",
        "errors",
        "messages",
        "schema",
    },
    "version": {"_frames", "errors", "messages"},
    "events": {"_values", "errors", "messages", "validation"},
    "_frames": {"_values", "errors"},
    "_lenient": {"_codec", "_datetime", "_paths", "_shape", "_values", "messages", "validation"},
    "_dialect": {
        "_codec",
        "_frames",
        "_lenient",
        "_shape",
        "_values",
        "_words",
        "errors",
        "messages",
        "policies",
        "validation",
        "version",
    },
    "state": {"_memory", "messages", "version"},
    "_outgoing": {"_memory", "errors", "events"},
    "_incoming": {"_memory", "errors", "events"},
    "routing": {"messages"},
    "handshake": {"_values", "events", "version"},
    "security": {"_values", "handshake", "version"},
    "reconnect": {"_values"},
    "_link": {
        "_values",
        "_dialect",
        "_frames",
        "_incoming",
        "_outgoing",
        "errors",
        "events",
        "messages",
        "policies",
        "state",
    },
    "_inbound": {
        "_codec",
        "_frames",
        "_link",
        "_values",
        "errors",
        "events",
        "messages",
        "state",
        "validation",
    },
    "_snapshot": {"_codec", "_frames", "_lenient", "_link", "_values", "events", "messages", "validation"},
    "connection": {
        "_dialect",
        "_frames",
        "_inbound",
        "_snapshot",
        "_values",
        "errors",
        "events",
        "messages",
        "policies",
        "state",
        "version",
    },
    "_older_names": set(),
    "strategies": {"_codec", "_shape", "messages", "version"},
}


@pytest.mark.parametrize("room", [path.stem for path in CORE.glob("*.py") if path.stem != "__init__"])
def test_rooms_import_downwards_only(room: str) -> None:
    tree = ast.parse((CORE / f"{room}.py").read_text(encoding="utf-8"))
    imported = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1
    }
    assert imported <= ROOMS[room]


@pytest.mark.parametrize("path", [path for path in FILES if path.parent == CORE], ids=lambda path: path.name)
def test_hand_written_files_stay_readable_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 700
