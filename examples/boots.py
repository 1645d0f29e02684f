"""A CSMS for all versions that stores who has booted in SQLite, once the answer has left.

    python boots.py DATABASE [port] [asyncio|trio]

Port 0 takes a free one. The stations of v16, v201 and v21 are clients for it.
"""

import sqlite3
import sys
from datetime import UTC, datetime
from typing import Any

import anyio
from anyio import to_thread

from ocpp_sansio.routing import after, on
from ocpp_sansio_adapters import v16, v21, v201
from ocpp_sansio_adapters.csms import CSMS

TABLE = "CREATE TABLE IF NOT EXISTS boots (time TEXT, identity TEXT, version TEXT, model TEXT)"

ONE_AT_A_TIME = anyio.CapacityLimiter(1)


class Boots:
    """What the charge points of all versions do, which differ in the members of the request alone."""

    database: sqlite3.Connection

    @on("BootNotification")
    def boot(self: Any, **members: Any) -> Any:
        answer = self.version.load()["BootNotification"].__answer__
        return answer(current_time=datetime.now(UTC), interval=300, status="Accepted")

    @after("BootNotification")
    async def store(self: Any, **members: Any) -> None:
        model = members.get("charge_point_model") or members["charging_station"]["model"]
        row = (datetime.now(UTC).isoformat(), self.id, self.version.value, model)
        # In a thread, for a disk may take its time.
        await to_thread.run_sync(self.insert, row, limiter=ONE_AT_A_TIME)
        print(f"{self.id}: {model} stored", flush=True)

    def insert(self, row: tuple[str, ...]) -> None:
        with self.database:
            self.database.execute("INSERT INTO boots VALUES (?, ?, ?, ?)", row)


class ChargePoint16(Boots, v16.ChargePoint): ...


class ChargePoint201(Boots, v201.ChargePoint): ...


class ChargePoint21(Boots, v21.ChargePoint): ...


async def main(database: str, port: str = "9000") -> None:
    Boots.database = sqlite3.connect(database, check_same_thread=False)
    Boots.database.execute(TABLE)
    csms = CSMS(ChargePoint21, ChargePoint201, ChargePoint16)
    async with csms.serving("127.0.0.1", int(port)) as endpoint:
        print(f"listening on {endpoint.url}", flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:3], backend=sys.argv[3] if len(sys.argv) > 3 else "asyncio")
