"""`ocpp-sansio decode`: explains the OCPP frames in a log, and what is wrong with which."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

import attrs

from ocpp_sansio import Role

from ._command import FINE, NOT_FINE, examples
from ._log.input import add_version, frames_of, positive, progress_on
from ._log.reading import Heard, Reading, read
from ._log.redaction import Redactor
from ._log.spoken import Spoken, Trouble
from ._log.telling import caption, counted, duration, shown_payload, told_of
from ._paint import Paint

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `decode`."""
    parser.description = (
        "Finds OCPP frames in any log, pairs answers with calls, and says what is wrong where, which error\n"
        "code that earns, what stayed unanswered and who was slow. Reads traces, logs in text and in JSON,\n"
        "several frames a line, a frame over several lines, and frames that were cut off.\n\n"
        "Exit status: 0 if all is well, 1 if something is wrong, 2 if there is nothing to read."
    )
    parser.epilog = examples(
        ("ocpp-sansio decode charger.log", "explain every frame in a log"),
        ('ocpp-sansio decode \'[2,"1","Heartbeat",{}]\' --version 2.0.1', "explain one frame"),
        ("kubectl logs csms | ocpp-sansio decode - --trouble", "show only what is wrong"),
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
        type=positive,
        default=5.0,
        help="answers after S seconds are slow (default: 5)",
    )
    parser.add_argument("--secrets", action="store_true", help="show passwords, id tokens and certificates")
    parser.add_argument(
        "--json", action="store_true", help="write a line of JSON for each frame, and a summary"
    )


def run(options: argparse.Namespace) -> int:
    """Explain what is in `options.source`."""
    frames = frames_of(options.source)
    reading = read(frames, options.version, progress=progress_on(len(frames), "judging frame"))
    redactor = Redactor(off=options.secrets)
    if options.json:
        _write_json(reading, redactor, options)
    else:
        _write_text(reading, redactor, options, sys.stdout)
    wrong = any(item.spoken.wrong for item in reading.heard)
    return NOT_FINE if wrong else FINE


def _wanted(reading: Reading, options: argparse.Namespace) -> Iterator[Heard]:
    return (item for item in reading.heard if item.spoken.troubles or not options.trouble)


# For people.


def _write_text(reading: Reading, redactor: Redactor, options: argparse.Namespace, out: TextIO) -> None:
    paint = Paint(out)
    whole = options.payload or len(reading.heard) == 1
    names = len(reading.conversations) > 1
    for item in _wanted(reading, options):
        raw = redactor.frame(item.spoken.text)
        print(*told_of(item, paint, redactor, slow=options.slow, names=names), sep="\n", file=out)
        if whole or item.spoken.kind == "broken":
            print(*shown_payload(item.spoken, raw), sep="\n", file=out)
    if len(reading.heard) > 1:
        print("", *_summary(reading, redactor, options, paint), sep="\n", file=out)
    elif reading.guessed:
        version = next(iter(reading.guessed)).version.value
        print(paint("dim", f"read as OCPP {version}; --version says otherwise"), file=out)


def _summary(
    reading: Reading, redactor: Redactor, options: argparse.Namespace, paint: Paint
) -> Iterator[str]:
    yield f"{counted(len(reading.heard), 'frame')}{_links(reading)}"
    if reading.mirrored:
        yield f"{counted(reading.mirrored, 'frame')} left out that the log has from both ends"
    wrong = sum(item.spoken.wrong for item in reading.heard)
    if wrong:
        yield paint("red", f"{counted(wrong, 'frame')} with something wrong") + _codes(reading)
    else:
        yield paint("green", "nothing is wrong")
    for exchange in reading.unanswered[:MOST_LISTED]:
        yield paint("red", "unanswered") + f"  {_named(exchange.call, reading)}"
    if len(reading.unanswered) > MOST_LISTED:
        yield f"... and {len(reading.unanswered) - MOST_LISTED} more unanswered"
    for link in reading.one_sided:
        yield f"no answers in this log{f' for {link.station}' if link.station else ''}: nothing is said of those"
    yield from _slowest(reading, options.slow, paint)
    if redactor.hidden and options.payload:
        hidden = ", ".join(counted(number, kind) for kind, number in redactor.hidden.items())
        yield paint("dim", f"hidden: {hidden}; --secrets shows them")


MOST_LISTED = 10


def _slowest(reading: Reading, slow: float, paint: Paint) -> Iterator[str]:
    timed = [(exchange.seconds or 0.0, exchange) for exchange in reading.answered()]
    late = sorted((pair for pair in timed if pair[0] >= slow), key=lambda pair: -pair[0])
    for seconds, exchange in late[:MOST_LISTED]:
        yield paint("yellow", f"slow        {duration(seconds)}") + f"  {_named(exchange.call, reading)}"
    if len(late) > MOST_LISTED:
        yield f"... and {len(late) - MOST_LISTED} more slow answers"
    if timed and not late:
        seconds, exchange = max(timed, key=lambda pair: pair[0])
        yield paint("dim", f"slowest answer: {duration(seconds)}, {_named(exchange.call, reading)}")


def _named(spoken: Spoken, reading: Reading) -> str:
    item = next(item for item in reading.heard if item.spoken is spoken)
    station = f" of {item.link.station}" if item.link.station else ""
    return f"{spoken.action} {spoken.id}{station} (line {item.found.line})"


def _links(reading: Reading) -> str:
    stations = {link.station for link in reading.conversations} - {""}
    versions = ", ".join(sorted({link.version.value for link in reading.conversations}))
    guessed = " (guessed; --version says otherwise)" if reading.guessed else ""
    of = f" of {counted(len(stations), 'station')}" if stations else ""
    return f"{of}, OCPP {versions}{guessed}"


def _codes(reading: Reading) -> str:
    earned = Counter(
        trouble.code for item in reading.heard for trouble in item.spoken.troubles if trouble.code
    )
    return f": {', '.join(f'{number} {code}' for code, number in earned.most_common())}" if earned else ""


# For machines.

_SENDERS = {Role.CHARGING_STATION: "station", Role.CSMS: "csms", None: None}


def _write_json(reading: Reading, redactor: Redactor, options: argparse.Namespace) -> None:
    lines = {id(item.spoken): item.found.line for item in reading.heard}
    for item in _wanted(reading, options):
        print(json.dumps(_as_json(item, lines, redactor)))
    answered = reading.answered()
    print(
        json.dumps(
            {
                "kind": "summary",
                "frames": len(reading.heard),
                "wrong": sum(item.spoken.wrong for item in reading.heard),
                "unanswered": [lines[id(exchange.call)] for exchange in reading.unanswered],
                "slow": [
                    lines[id(exchange.call)]
                    for exchange in answered
                    if exchange.seconds is not None and exchange.seconds >= options.slow
                ],
                "links": [
                    {
                        "station": link.station,
                        "version": link.version.value,
                        "guessed": link in reading.guessed,
                    }
                    for link in reading.conversations
                ],
            }
        )
    )


def _as_json(item: Heard, lines: dict[int, int], redactor: Redactor) -> dict[str, Any]:
    spoken, exchange = item.spoken, item.spoken.exchange
    called = exchange.call if exchange is not None and exchange.call is not spoken else None
    answer = exchange.answer if exchange is not None and exchange.call is spoken else None
    raw = redactor.frame(spoken.text)
    return {
        "line": item.found.line,
        "kind": spoken.kind,
        "time": item.found.clues.clock or None,
        "station": item.link.station,
        "version": item.link.version.value,
        "sender": _SENDERS[spoken.sender],
        "action": spoken.action,
        "id": spoken.id,
        "seconds": exchange.seconds if exchange is not None else None,
        "call_line": None if called is None else lines[id(called)],
        "answer_line": None if answer is None else lines[id(answer)],
        "troubles": [_trouble_as_json(trouble, redactor) for trouble in spoken.troubles],
        "raw": raw,
    }


def _trouble_as_json(trouble: Trouble, redactor: Redactor) -> dict[str, Any]:
    found = attrs.asdict(trouble, filter=lambda field, value: field.name != "value")
    return {**found, "text": caption(trouble, redactor)}
