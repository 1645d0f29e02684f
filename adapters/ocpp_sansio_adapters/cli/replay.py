"""`ocpp-sansio replay`: plays a recorded session again, and reports every deviation with the rule that it
breaks.
"""

import argparse
from functools import partial

import attrs

from ._arguments import add_version, endpoint, some_seconds
from ._command import FINE, NOT_FINE, Problem, examples
from ._log.deviations import Deviations
from ._log.input import frames_of, progress_on
from ._log.listening import Reading
from ._log.reading import read
from ._log.redaction import Redactor
from ._log.rehearsal import Rehearsal
from ._log.words import counted

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `replay`."""
    parser.description = (
        "Plays a recorded session again and reports each deviation with the number of the rule that it breaks\n"
        "(docs/reference/wire-rules.md). A recording is a trace of ours, or any log that `decode` reads.\n\n"
        "--offline (the default) plays both ends of it through a state machine for each, which know what may be\n"
        "said before the station is accepted, how long an answer may take, and that there is one call at a time.\n"
        "--against sends what the stations have said to a live CSMS, one station after the other, each call when\n"
        "the one before is answered, and compares the answers; what the CSMS asks gets the recorded answers.\n"
        "Numbers that the CSMS gives, such as transaction ids of 1.6, are those of today. A recorded CSMS is not\n"
        "played to a live station: `ocpp-sansio csms` lets you ask one.\n\n"
        "Exit status: 0 without a deviation, 1 with one, 2 if it cannot be played."
    )
    parser.epilog = examples(
        ("ocpp-sansio replay trace.jsonl", "check a recording"),
        ("ocpp-sansio replay trace.jsonl --against ws://localhost:9000 --station CP_1", "play it to a CSMS"),
    )
    parser.add_argument("source", metavar="TRACE", help="a trace or a log; - is standard input")
    add_version(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--offline",
        dest="against",
        action="store_const",
        const=None,
        help="play it through state machines (default)",
    )
    how.add_argument(
        "--against",
        metavar="URL",
        type=endpoint,
        help="play the station's part to the CSMS at this URL, ws:// or wss://",
    )
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
        type=some_seconds,
        default=30.0,
        help="seconds that an answer may take (default: 30)",
    )
    parser.add_argument("--secrets", action="store_true", help="show passwords, id tokens and certificates")
    parser.add_argument(
        "--json", action="store_true", help="write a line of JSON for each deviation, and a summary"
    )


def run(options: argparse.Namespace) -> int:
    """Play `options.source`."""
    if options.password is not None and options.against is None:
        raise Problem("--password needs --against.")
    frames = frames_of(options.source)
    reading = read(
        frames,
        options.version,
        progress=progress_on(len(frames), "playing frame"),
        make=partial(Rehearsal, patience=options.timeout),
    )
    if reading.cut:
        raise KeyboardInterrupt
    if options.station is not None:
        reading = _only(reading, options.station)
    several = len(reading.conversations) > 1
    unruled = "a call was refused" if options.against is None else "other than recorded"
    told = Deviations(Redactor(off=options.secrets), unruled, as_json=options.json, names=several)
    if options.against is not None:
        from ._log.against import play

        return play(reading, told, options)
    for item in reading.heard:
        told.tell(item, item.spoken.troubles)
    if told.number and not options.json:
        print()
    links = counted(len(reading.conversations), "link")
    told.end(reading, f"{counted(len(reading.heard), 'frame')} played on {links}")
    return NOT_FINE if told.number else FINE


def _only(reading: Reading, station: str) -> Reading:
    """What concerns one station; everything if no name is known. Raises Problem if nothing does."""
    if {link.station for link in reading.conversations} == {""}:
        return reading
    links = {link for link in reading.conversations if link.station == station}
    if not links:
        known = sorted({link.station for link in reading.conversations} - {""})
        more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
        raise Problem(
            f"there is no station {station!r} in it; there is {', '.join(known[:MOST_NAMED])}{more}."
        )
    return attrs.evolve(
        reading,
        heard=[item for item in reading.heard if item.link in links],
        conversations={link: told for link, told in reading.conversations.items() if link in links},
        guessed=reading.guessed & links,
        answered=reading.answered & links,
    )


#: Stations that a sentence names.
MOST_NAMED = 10
