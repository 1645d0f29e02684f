"""The trace: an observer that writes each frame as one line of JSON. Observe the stations' end, or every
frame stands there twice.

A line has `t`, seconds since the beginning; `station`; `dir`; `version`; and `raw`, the frame as it was sent,
but for passwords, id tokens and certificates, in whose place something stands that fits.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ocpp_sansio import Role, Version

from ...records import FrameReceived, FrameSent, Record
from .._command import Problem
from .redaction import Redactor

__all__ = ["FROM_CSMS", "FROM_STATION", "Trace"]

FROM_STATION, FROM_CSMS = "CS->CSMS", "CSMS->CS"

_SENT = {Role.CHARGING_STATION: FROM_STATION, Role.CSMS: FROM_CSMS}


class Trace:
    """Writes line by line, so that whatever ends the process leaves whole lines. `failure` is set when the
    disk gave up.

    `stations` tells the version that each speaks, at the latest when its first frame comes. `end` is whose
    records these are; `secrets` leaves everything as it was sent.
    """

    def __init__(
        self,
        path: str,
        began: float,
        stations: Mapping[str, Version],
        *,
        end: Role = Role.CHARGING_STATION,
        secrets: bool = False,
    ) -> None:
        try:
            self._file = Path(path).open("w", encoding="utf-8", newline="\n", buffering=1)  # noqa: SIM115
        except OSError as error:
            raise Problem(f"the trace cannot be written to {path!r}: {error.strerror}.") from None
        self._began = began
        self._stations = stations
        self._directions = {FrameSent: _SENT[end], FrameReceived: _SENT[end.peer]}
        self._redactor = Redactor(off=secrets)
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
            "dir": self._directions[type(record)],
            "version": self._stations[record.identity].value,
            "raw": self._redactor.frame(record.text),
        }
        try:
            self._file.write(json.dumps(line) + "\n")
        except OSError as error:
            self.failure = error
