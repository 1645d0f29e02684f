"""Every program under examples/ runs, and says what its reader is promised."""

from pathlib import Path

import pytest

from tests.interop.process import running

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parents[2] / "examples"
RUN_HERE = {
    "relay.py",
    "v16/in_memory.py",
    "v16/central_system.py",
    "v16/charge_point.py",
    "v16/tutorial/csms.py",
    "v16/tutorial/charge_point.py",
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
