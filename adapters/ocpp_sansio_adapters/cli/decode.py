"""`ocpp-sansio decode`: explains the OCPP frames in a log, and what is wrong with which."""

import argparse
import json
import sys
from abc import ABC, abstractmethod

from ocpp_sansio import Version

from ._arguments import add_version, some_seconds
from ._command import FINE, INTERRUPTED, NOT_FINE, Problem, examples
from ._interrupt import Interruption
from ._log.finding import Found, frames_in
from ._log.input import frames_of, no_frame_in, progress_on, say_that_input_is_read
from ._log.listening import Heard, Listener, Reading
from ._log.machine import frame_as_json
from ._log.reading import note_silence, read
from ._log.redaction import Redactor
from ._log.source import is_live, lines_of_pipe
from ._log.summary import Tally, summary, summary_as_json
from ._log.telling import shown_payload, told_of
from ._paint import Paint

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `decode`."""
    parser.description = (
        "Finds OCPP frames in any log, pairs answers with calls, and says what is wrong where, which error\n"
        "code that earns, what stayed unanswered and who was slow. Reads traces, logs in text and in JSON,\n"
        "several frames a line, a frame over several lines, and frames that were cut off; zipped, too.\n"
        "What is piped in is explained as it comes, and Ctrl-C ends with what was seen.\n\n"
        "Exit status: 0 if all is well, 1 if something is wrong, 2 if there is nothing to read."
    )
    parser.epilog = examples(
        ("ocpp-sansio decode charger.log", "explain every frame in a log"),
        ('ocpp-sansio decode \'[2,"1","Heartbeat",{}]\' --version 2.0.1', "explain one frame"),
        ("tail -f charger.log | ocpp-sansio decode - --trouble", "watch a log, and show only what is wrong"),
    )
    parser.add_argument(
        "source",
        metavar="FILE|-|FRAME",
        nargs="?",
        default="-",
        help="a log, standard input (default), or a frame",
    )
    add_version(parser)
    parser.add_argument(
        "--trouble", action="store_true", help="show only frames that something is wrong with"
    )
    parser.add_argument("--payload", action="store_true", help="show what is in each frame")
    parser.add_argument(
        "--slow",
        metavar="S",
        type=some_seconds,
        default=5.0,
        help="answers after S seconds are slow (default: 5)",
    )
    parser.add_argument("--secrets", action="store_true", help="show passwords, id tokens and certificates")
    parser.add_argument(
        "--json", action="store_true", help="write a line of JSON for each frame, and a summary"
    )


def run(options: argparse.Namespace) -> int:
    """Explain what is in `options.source`."""
    telling = (_Json if options.json else _Text)(options)
    return _follow(telling, options) if is_live(options.source) else _explain(telling, options)


def _explain(telling: "_Telling", options: argparse.Namespace) -> int:
    """A log that is there."""
    frames = frames_of(options.source)
    reading = read(frames, options.version, progress=progress_on(len(frames), "judging frame"))
    telling.names = len(reading.conversations) > 1
    telling.whole = telling.whole or len(reading.heard) == 1
    for item in reading.heard:
        telling.frame(item)
    telling.end(reading)
    if reading.cut:
        raise Problem(
            f"interrupted: {len(reading.heard):,} of {len(frames):,} frames are explained.", INTERRUPTED
        )
    return NOT_FINE if telling.tally.wrong else FINE


def _follow(telling: "_Telling", options: argparse.Namespace) -> int:
    """A log that is being written: each frame when it is there. Ctrl-C ends it with what was seen."""
    say_that_input_is_read(options.source)
    listener = Listener(options.version)
    known: list[Found] = []  # learned from and not judged yet: what comes at once is known at once

    def tell() -> None:
        for found in known:
            telling.names = telling.names or bool(found.clues.station)
            item = listener.hear(found)
            telling.guessed(item, listener.reading)
            telling.frame(item)
        known.clear()
        sys.stdout.flush()

    with Interruption() as guard:
        with lines_of_pipe(guard, idle=tell) as lines:
            for found in frames_in(lines):
                if listener.learn(found):
                    known.append(found)
                if len(known) == MOST_AT_ONCE:
                    tell()
        tell()
        if telling.tally.frames:
            _note_silence(listener.reading, telling.tally)
            telling.end(listener.reading)
        guard.check()
    if not telling.tally.frames:
        raise no_frame_in(options.source)
    return NOT_FINE if telling.tally.wrong else FINE


#: Frames that are learned from before the first of them is judged.
MOST_AT_ONCE = 300


def _note_silence(reading: Reading, tally: Tally) -> None:
    before = sum(exchange.call.wrong for exchange in reading.unanswered)
    note_silence(reading, tally.latest)
    tally.wrong += sum(exchange.call.wrong for exchange in reading.unanswered) - before


class _Telling(ABC):
    """How frames are told; `names` has each say its station, `whole` its payload."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.tally = Tally(options.slow)
        self.names = False
        self.whole: bool = options.payload
        self._options = options
        self._redactor = Redactor(off=options.secrets)

    def frame(self, item: Heard) -> None:
        """Count a frame, and tell of it if it is wanted."""
        self.tally.add(item.spoken)
        if item.spoken.troubles or not self._options.trouble:
            self.show(item)
        else:
            self._redactor.frame(item.spoken.text)  # later sentences may name what it has

    @abstractmethod
    def show(self, item: Heard) -> None:
        """Tell of a frame."""

    @abstractmethod
    def guessed(self, item: Heard, reading: Reading) -> None:
        """Say in which version a frame is read, if that is a guess and was not said."""

    @abstractmethod
    def end(self, reading: Reading) -> None:
        """Tell of all together."""


class _Text(_Telling):
    """For people."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._paint = Paint(sys.stdout)
        self._said: dict[str, Version] = {}
        self._usual: Version | None = None

    def show(self, item: Heard) -> None:
        raw = self._redactor.frame(item.spoken.text)
        print(
            *told_of(item, self._paint, self._redactor, slow=self._options.slow, names=self.names), sep="\n"
        )
        if self.whole or item.spoken.kind == "broken":
            print(*shown_payload(item.spoken, raw), sep="\n")

    def guessed(self, item: Heard, reading: Reading) -> None:
        version, station = item.link.version, item.link.station
        if item.link not in reading.guessed or self._said.get(station, self._usual) is version:
            return
        who = f"{station} " if station in self._said or self._usual else ""
        print(
            self._paint(
                "dim",
                f"{who}read as OCPP {version.value} from here, a guess so far; --version says otherwise",
            )
        )
        self._said[station] = version
        self._usual = self._usual or version

    def end(self, reading: Reading) -> None:
        hidden = self._redactor.hidden if self._options.payload else {}
        if self.tally.frames > 1:
            print("", *summary(reading, self.tally, hidden, self._paint), sep="\n")
        elif reading.guessed and self._usual is None:
            version = next(iter(reading.guessed)).version.value
            print(self._paint("dim", f"read as OCPP {version}; --version says otherwise"))


class _Json(_Telling):
    """For machines."""

    def show(self, item: Heard) -> None:
        print(json.dumps(frame_as_json(item, self._redactor)))

    def guessed(self, item: Heard, reading: Reading) -> None:
        """The summary says it."""

    def end(self, reading: Reading) -> None:
        print(json.dumps(summary_as_json(reading, self.tally)))
