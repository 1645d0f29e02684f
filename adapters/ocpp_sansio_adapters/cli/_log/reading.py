"""A whole log, read and judged. Knows no terminal."""

from collections.abc import Callable, Iterable

from ocpp_sansio import Version

from .conversation import Conversation
from .finding import Found
from .listening import Listener, Reading
from .rules import rule
from .spoken import Spoken, Trouble
from .words import duration

__all__ = ["note_silence", "read"]

#: Seconds that an answer may take; of a log that ends sooner, nobody knows.
PATIENCE = 30.0

Progress = Callable[[int], object]


def read(
    frames: Iterable[Found],
    version: Version | None = None,
    *,
    progress: Progress = lambda done: None,
    make: Callable[[Version], Conversation] = Conversation,
) -> Reading:
    """Read the frames of a log. `version` is for those whose version the log does not tell; without, it is
    guessed.

    `progress` is told how many frames were judged. Ctrl-C ends it: then `cut` is set, and what was judged is
    there.
    """
    listener = Listener(version, make)
    learned = [item for item in frames if listener.learn(item)]
    reading = listener.reading
    try:
        for number, item in enumerate(learned):
            reading.heard.append(listener.hear(item))
            progress(number + 1)
    except KeyboardInterrupt:
        reading.cut = True
    times = [item.spoken.time for item in reading.heard if item.spoken.time is not None]
    note_silence(reading, max(times, default=0.0))
    return reading


def note_silence(reading: Reading, end: float) -> None:
    """Tell calls that have no answer so. `end` is when the log ends."""
    for link in reading.answered:
        for exchange in reading.conversations[link].unanswered:
            exchange.call.troubles.append(_silence(exchange.call, end, rule("302", link.version)))


def _silence(call: Spoken, end: float, number: str) -> Trouble:
    if call.time is None:
        return Trouble(text="no answer", rule=number)
    waited = end - call.time
    text = f"no answer in the {duration(waited)} until the log ends"
    return Trouble(text=text, rule=number, noted=waited < PATIENCE)
