"""Every program under examples/ runs, and says what its reader is promised."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.interop.process import running

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parents[2] / "examples"
RUN_HERE = {
    # Those of docs/how-to/drive-it-yourself.md run in tests/docs, with what it says about them.
    "drive/on_asyncio.py",
    "drive/on_demand.py",
    "drive/on_threads.py",
    "drive/on_trio.py",
    "boots.py",
    "relay.py",
    "serverless.py",
    "v16/in_memory.py",
    "v16/central_system.py",
    "v16/charge_point.py",
    "v16/tutorial/csms.py",
    "v16/tutorial/charge_point.py",
    "v201/csms.py",
    "v201/charging_station.py",
    "v21/csms.py",
    "v21/charging_station.py",
    # This one, with a real server, runs in test_asgi_servers.py.
    "fastapi_csms.py",
    # Those with threads run in tests/adapters/test_sync_examples.py.
    "threads/csms.py",
    "threads/charging_station.py",
}


def test_no_example_is_forgotten() -> None:
    assert {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")} == RUN_HERE


async def test_two_connections_talk_in_memory() -> None:
    async with running(EXAMPLES / "v16/in_memory.py") as program:
        assert await program.ended() == 0
    assert program.printed == [
        "CSMS: a charge point made by acme has booted",
        "station: Accepted, a heartbeat every 300 seconds",
    ]


async def test_a_relay_passes_a_boot_on() -> None:
    async with running(EXAMPLES / "relay.py") as program:
        assert await program.ended() == 0
    heard = [line.split(None, 3)[3] for line in program.printed[:4]]
    assert heard[0] == heard[1]
    assert heard[2] == heard[3]
    assert program.printed[4:] == ["station: Accepted"]


async def test_a_csms_lives_for_one_message_at_a_time(tmp_path: Path) -> None:
    async def run(now: int, *arguments: str) -> list[str]:
        database = str(tmp_path / "csms.db")
        async with running(EXAMPLES / "serverless.py", "--now", str(now), database, *arguments) as program:
            assert await program.ended() == 0
        return list(program.printed)

    boot = [2, "1", "BootNotification", {"chargePointVendor": "acme", "chargePointModel": "One"}]
    [answer] = await run(0, "message", "CP_1", json.dumps(boot))
    assert answer.startswith('send CP_1 [3,"1",{"status":"Accepted","currentTime":"1970-01-01T00:00:00Z"')
    [asked] = await run(1, "call", "CP_1", "ClearCache", "{}")
    id = json.loads(asked.removeprefix("send CP_1 "))[1]
    assert await run(2, "call", "CP_1", "Reset", '{"type":"Soft"}') == []  # waits for its turn
    done, sent = await run(3, "message", "CP_1", json.dumps([3, id, {"status": "Accepted"}]))
    assert done == 'done CP_1 ClearCache {"status": "Accepted"}'
    assert json.loads(sent.removeprefix("send CP_1 "))[2:] == ["Reset", {"type": "Soft"}]
    assert await run(32, "timeouts") == []
    assert await run(33, "timeouts") == ["lost CP_1 Reset"]
    [late] = await run(
        34, "message", "CP_1", json.dumps([3, json.loads(sent[10:])[1], {"status": "Accepted"}])
    )
    assert late.startswith("note CP_1 LateResponseReceived(")


async def test_charge_point_is_accepted_by_central_system() -> None:
    async with running(EXAMPLES / "v16/central_system.py", "0") as server:
        address = (await server.line("listening on ws://")).split()[-1]
        async with running(EXAMPLES / "v16/charge_point.py", f"{address}/CP_7") as client:
            await client.line("accepted by the central system")
            await server.line("CP_7: booted, model One by acme")
        await server.line("CP_7: disconnected")


async def test_tutorial_charge_point_sends_the_heartbeats_that_its_csms_wants() -> None:
    async with running(EXAMPLES / "v16/tutorial/csms.py", "0", "0") as csms:
        address = (await csms.line("listening on ws://")).split()[-1]
        async with running(EXAMPLES / "v16/tutorial/charge_point.py", f"{address}/CP_7") as charge_point:
            await charge_point.line("accepted")
            for _ in range(3):
                await charge_point.line("clock set to ")
            await csms.line("CP_7: One is registered")
            await csms.line("CP_7: heartbeat")
            await csms.line("CP_7: heartbeat")
        await csms.line("CP_7: disconnected")


@pytest.mark.parametrize("backends", [("asyncio", "trio"), ("trio", "asyncio")], ids="-".join)
async def test_a_csms_for_2_0_1_gets_a_report_of_each_station_that_boots(backends: tuple[str, str]) -> None:
    async with running(EXAMPLES / "v201/csms.py", "0", backends[0]) as csms:
        address = (await csms.line("listening on ws://")).split()[-1]
        async with running(EXAMPLES / "v201/charging_station.py", address, "CS_7", backends[1]) as station:
            await station.line("clock set to ")
            await station.line("reported")
        await csms.line("CS_7: left")
    told = ["joined", "booted, One", "report Accepted", "ChargingStation.Model = One", "left"]
    assert sorted(csms.printed[1:]) == sorted(f"CS_7: {line}" for line in told)


@pytest.mark.parametrize("backends", [("asyncio", "trio"), ("trio", "asyncio")], ids="-".join)
async def test_a_csms_for_2_1_gets_a_stream(backends: tuple[str, str]) -> None:
    async with running(EXAMPLES / "v21/csms.py", "0", backends[0]) as csms:
        address = (await csms.line("listening on ws://")).split()[-1]
        async with running(EXAMPLES / "v21/charging_station.py", address, "CS_7", backends[1]) as station:
            assert await station.ended() == 0
        for line in ("booted, One", "opens stream 1", "228 V", "232 V"):
            await csms.line(f"CS_7: {line}")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
async def test_a_csms_stores_who_has_booted(backend: str, tmp_path: Path) -> None:
    database = tmp_path / "boots.db"
    async with running(EXAMPLES / "boots.py", str(database), "0", backend) as csms:
        address = (await csms.line("listening on ws://")).split()[-1]
        async with running(EXAMPLES / "v16/charge_point.py", f"{address}/CP_7"):
            await csms.line("CP_7: One stored")
        async with running(EXAMPLES / "v201/charging_station.py", address, "CS_7"):
            await csms.line("CS_7: One stored")
    with closing(sqlite3.connect(database)) as stored:
        rows = stored.execute("SELECT identity, version, model FROM boots").fetchall()
    assert rows == [("CP_7", "1.6", "One"), ("CS_7", "2.0.1", "One")]
