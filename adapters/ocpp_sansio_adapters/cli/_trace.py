"""The trace: an observer that writes each frame as one line of JSON. Observe the stations' end, or every frame stands there twice."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ocpp_sansio import Version

from ..records import FrameReceived, FrameSent, Record
from ._settings import CannotStart

__all__ = ["FROM_CSMS", "FROM_STATION", "Trace"]

FROM_STATION, FROM_CSMS = "CS->CSMS", "CSMS->CS"


class Trace:
    """Writes line by line, so that whatever ends the process leaves whole lines. `failure` is set when the disk gave up.

    `stations` tells the version that each speaks.
    """

    def __init__(self, path: str, began: float, stations: Mapping[str, Version]) -> None:
        try:
            self._file = Path(path).open("w", encoding="utf-8", newline="\n", buffering=1)  # noqa: SIM115
        except OSError as error:
            raise CannotStart(f"the trace cannot be written to {path!r}: {error.strerror}.") from None
        self._began = began
        self._stations = stations
        self.failure: OSError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as error:
            self.failure = self.failure or error

    def __call__(self, record: Record) -> None:
        if not isinstance(record, FrameSent | FrameReceived) or self.failure is not None:
            return
        line = {
            "t": round(record.time - self._began, 6),
            "station": record.identity,
            "dir": FROM_STATION if isinstance(record, FrameSent) else FROM_CSMS,
            "version": self._stations[record.identity].value,
            "raw": record.text,
        }
        try:
            self._file.write(json.dumps(line) + "\n")
        except OSError as error:
            self.failure = error
