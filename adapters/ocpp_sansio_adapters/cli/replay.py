"""`ocpp-sansio replay`: plays a recorded session again, and reports every deviation with the rule that it
breaks.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial

from ._command import FINE, NOT_FINE, Problem, examples
from ._log.input import add_version, frames_of, positive, progress_on
from ._log.reading import Heard, Reading, read
from ._log.redaction import Redactor
from ._log.rehearsal import Rehearsal
from ._log.telling import caption, counted, told_of
from ._paint import Paint

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `replay`."""
    parser.description = (
        "Plays a recorded session again and reports each deviation with the number of the rule that it breaks\n"
        "(docs/wire-rules.md). A recording is a trace of ours, or any log that `decode` reads.\n\n"
        "--offline (the default) plays both ends of it through a state machine for each, which know what may be\n"
        "said before the station is accepted, how long an answer may take, and that there is one call at a time.\n"
        "--against sends what the station has said to a live CSMS, and compares the answers.\n\n"
        "Exit status: 0 without a deviation, 1 with one, 2 if it cannot be played."
    )
    parser.epilog = examples(
        ("ocpp-sansio replay trace.jsonl", "check a recording"),
        ("ocpp-sansio replay trace.jsonl --against ws://localhost:9000 --station CP_1", "play it to a CSMS"),
    )
    parser.add_argument("source", metavar="TRACE", help="a trace or a log; - is standard input")
    add_version(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--offline", action="store_true", help="play it through state machines (default)")
    how.add_argument("--against", metavar="URL", help="play the station's part to the CSMS at this URL")
    parser.add_argument(
        "--password",
        metavar="P",
        help="of the stations, for --against; better in the environment: OCPP_PASSWORD",
    )
    parser.add_argument(
        "--station", metavar="ID", help="only this station; of a log without names, what to call it"
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=positive,
        default=30.0,
        help="seconds that an answer may take (default: 30)",
    )
    parser.add_argument("--secrets", action="store_true", help="show passwords, id tokens and certificates")
    parser.add_argument(
        "--json", action="store_true", help="write a line of JSON for each deviation, and a summary"
    )


def run(options: argparse.Namespace) -> int:
    """Play `options.source`."""
    frames = frames_of(options.source)
    reading = read(
        frames,
        options.version,
        progress=progress_on(len(frames), "playing frame"),
        make=partial(Rehearsal, patience=options.timeout),
    )
    if options.station is not None:
        reading = _only(reading, options.station)
    if options.against is not None:
        from ._log.against import play

        return play(reading, options)
    redactor = Redactor(off=options.secrets)
    deviations = [item for item in reading.heard if item.spoken.troubles]
    if options.json:
        _write_json(reading, deviations, redactor)
    else:
        _write_text(reading, deviations, redactor)
    return NOT_FINE if any(item.spoken.wrong for item in deviations) else FINE


def _only(reading: Reading, station: str) -> Reading:
    """What concerns one station; everything if no name is known. Raises Problem if nothing does."""
    if {link.station for link in reading.conversations} == {""}:
        return reading
    links = [link for link in reading.conversations if link.station == station]
    if not links:
        known = ", ".join(sorted({link.station for link in reading.conversations} - {""}))
        raise Problem(f"there is no station {station!r} in it; there is {known}.")
    return Reading(
        [item for item in reading.heard if item.link in links],
        {link: reading.conversations[link] for link in links},
        reading.guessed & set(links),
    )


def _write_text(reading: Reading, deviations: list[Heard], redactor: Redactor) -> None:
    paint = Paint(sys.stdout)
    names = len(reading.conversations) > 1
    for item in reading.heard:
        redactor.frame(item.spoken.text)  # placeholders count from the beginning, as elsewhere
        if item.spoken.troubles:
            print(*told_of(item, paint, redactor, slow=float("inf"), names=names), sep="\n")
    if deviations:
        print()
    print(*_summary(reading, paint), sep="\n")


def _summary(reading: Reading, paint: Paint) -> Iterator[str]:
    troubles = [trouble for item in reading.heard for trouble in item.spoken.troubles]
    wrong = [trouble for trouble in troubles if not trouble.noted]
    versions = ", ".join(sorted({link.version.value for link in reading.conversations}))
    yield f"{counted(len(reading.heard), 'frame')} played on {counted(len(reading.conversations), 'link')}, OCPP {versions}"
    if reading.guessed:
        yield paint("dim", "a version was guessed; --version says otherwise")
    for link in reading.one_sided:
        yield f"no answers recorded{f' for {link.station}' if link.station else ''}: nothing is said of those"
    rules = Counter(trouble.rule or "a call was refused" for trouble in wrong)
    for broken, number in sorted(rules.items()):
        yield f"  {broken}  {number}"
    if wrong:
        yield paint("red", counted(len(wrong), "deviation"))
    else:
        yield paint("green", "no deviation")


def _write_json(reading: Reading, deviations: list[Heard], redactor: Redactor) -> None:
    for item in deviations:
        redactor.frame(item.spoken.text)
        for trouble in item.spoken.troubles:
            found = {
                "kind": "note" if trouble.noted else "deviation",
                "line": item.found.line,
                "station": item.link.station,
                "version": item.link.version.value,
                "action": item.spoken.action,
                "id": item.spoken.id,
                "rule": trouble.rule,
                "path": trouble.path,
                "text": caption(trouble, redactor),
                "code": trouble.code,
            }
            print(json.dumps(found))
    number = sum(not trouble.noted for item in deviations for trouble in item.spoken.troubles)
    print(json.dumps({"kind": "summary", "frames": len(reading.heard), "deviations": number}))
