"""A whole log, read and judged: who said what in which version, guessed where the log does not say.

Knows no terminal. The verdicts are those of `_conversation`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from ocpp_sansio import CallReceived, FrameRejected, Rejection, Role, SendReceived, Version
from ocpp_sansio.errors import GenericError

from .clues import Way
from .conversation import Conversation, fresh, hear
from .finding import Found
from .rules import rule
from .spoken import Exchange, Spoken, Trouble, look

__all__ = ["Heard", "Link", "Reading", "guess_version", "read"]

#: Frames of a station that its version is guessed from.
SAMPLE = 300
#: How sure words such as "received" must be of who is meant.
SURE = 0.9
#: Seconds that an answer may take; of a log that ends sooner, nobody knows.
PATIENCE = 30.0
#: Frames among which the same one, seen from the other end, is looked for.
NEAR = 50

Progress = Callable[[int], object]


@attrs.frozen
class Link:
    """One station and the version that it speaks; its name is empty where the log has none."""

    station: str
    version: Version


@attrs.frozen
class Heard:
    """One frame: where it was found, on which link, and what is to be said of it."""

    found: Found
    link: Link
    spoken: Spoken


@attrs.define
class Reading:
    """The frames in order; `guessed` are links whose version the log does not tell, `mirrored` frames that it
    has twice, from either end.
    """

    heard: list[Heard] = attrs.field(factory=list[Heard])
    conversations: dict[Link, Conversation] = attrs.field(factory=dict[Link, Conversation])
    guessed: set[Link] = attrs.field(factory=set[Link])
    mirrored: int = 0

    @property
    def unanswered(self) -> list[Exchange]:
        """Calls without an answer, on links of which there are answers at all."""
        return [item for link in self._with_answers() for item in self.conversations[link].unanswered]

    @property
    def one_sided(self) -> list[Link]:
        """Links of which the log has calls and no answers."""
        answered = self._with_answers()
        return [link for link, told in self.conversations.items() if told.unanswered and link not in answered]

    def _with_answers(self) -> dict[Link, None]:
        answers = ("CALLRESULT", "CALLERROR")
        return dict.fromkeys(item.link for item in self.heard if item.spoken.kind in answers)

    def answered(self) -> list[Exchange]:
        """Calls whose answers came in a time that is known."""
        own = (item.spoken.exchange for item in self.heard if item.spoken.kind == "CALL")
        return [item for item in own if item is not None and item.seconds is not None]


def read(
    frames: Iterable[Found],
    version: Version | None = None,
    *,
    progress: Progress = lambda done: None,
    make: Callable[[Version], Conversation] = Conversation,
) -> Reading:
    """Read the frames of a log. `version` is for those whose version the log does not tell; without, it is
    guessed.

    `progress` is told how many frames were judged.
    """
    found, mirrored = _without_mirrored(list(frames))
    reading = Reading(mirrored=mirrored)
    links = _links(found, version, reading.guessed)
    senders = _Senders(found, links)
    for number, (item, link) in enumerate(zip(found, links, strict=True)):
        conversation = reading.conversations.get(link)
        if conversation is None:
            conversation = reading.conversations[link] = make(link.version)
        spoken = conversation.take(item.text, senders.of(item, link.version), item.clues.time)
        reading.heard.append(Heard(item, link, spoken))
        progress(number + 1)
    _note_silence(reading)
    return reading


def _note_silence(reading: Reading) -> None:
    times = [item.found.clues.time for item in reading.heard if item.found.clues.time is not None]
    silent = {id(exchange.call): exchange for exchange in reading.unanswered}
    for item in reading.heard:
        if id(item.spoken) in silent:
            item.spoken.troubles.append(_silence(item, max(times, default=0.0)))


def _silence(item: Heard, end: float) -> Trouble:
    number = rule("302", item.link.version)
    if item.spoken.time is None:
        return Trouble(text="no answer", rule=number)
    waited = end - item.spoken.time
    text = f"no answer in the {waited:.3g} s until the log ends"
    return Trouble(text=text, rule=number, noted=waited < PATIENCE)


def _without_mirrored(found: Sequence[Found]) -> tuple[list[Found], int]:
    """Without frames that stand there twice, as sent and as received: a log of both ends."""
    near: dict[tuple[str, str], int] = {}  # station and text: the place among those kept, the oldest first
    kept: list[Found] = []
    for item in found:
        key = (item.clues.station, item.text)
        place = near.pop(key, None)
        if place is not None and {item.clues.way, kept[place].clues.way} == _BOTH:
            # Sent by one end and received by the other: neither word says whose log it is.
            kept[place] = attrs.evolve(kept[place], clues=attrs.evolve(kept[place].clues, way=None))
            continue
        near[key] = len(kept)
        kept.append(item)
        if len(near) > NEAR:
            del near[next(iter(near))]
    return kept, len(found) - len(kept)


_BOTH = set(Way)


# Which version.


def _links(found: Sequence[Found], version: Version | None, guessed: set[Link]) -> list[Link]:
    named = {item.clues.station for item in found} - {""}
    alone = named.pop() if len(named) == 1 else ""
    stations = [item.clues.station or alone for item in found]
    told = _told(zip(stations, found, strict=True))
    everywhere = set(told.values())
    texts: dict[str, list[str]] = {}
    for station, item in zip(stations, found, strict=True):
        texts.setdefault(station, []).append(item.text)
    links: list[Link] = []
    defaults: dict[str, Version] = {}
    for station, item in zip(stations, found, strict=True):
        known = version or item.clues.version or told.get(station)
        if known is None:
            if station not in defaults:
                choice = everywhere if len(everywhere) == 1 else Version
                defaults[station] = guess_version(texts[station], choice)
                guessed.add(Link(station, defaults[station]))
            known = defaults[station]
        links.append(Link(station, known))
    return links


def _told(found: Iterable[tuple[str, Found]]) -> dict[str, Version]:
    """What the log says of each station, if it says one thing."""
    versions: dict[str, set[Version]] = {}
    for station, item in found:
        if item.clues.version is not None:
            versions.setdefault(station, set()).add(item.clues.version)
    return {station: next(iter(some)) for station, some in versions.items() if len(some) == 1}


def guess_version(texts: Sequence[str], among: Iterable[Version] = Version) -> Version:
    """The version in which these frames are worth most: the oldest of equals."""
    return max(among, key=lambda version: sum(_worth(texts[:SAMPLE], version)))


def _worth(texts: Iterable[str], version: Version) -> Iterator[int]:
    connection = fresh(None, version)
    for text in texts:
        match hear(connection, text):
            case CallReceived() as received:
                connection.reply_error(received, GenericError())
                connection.next_frame()
                yield 3
            case SendReceived():
                yield 3
            case FrameRejected(reason=Rejection.INVALID_PAYLOAD):
                yield 1  # the action is there
            case _:
                yield 0


# Who said it.


class _Senders:
    """Who has sent a frame: as the log says, else as its words mean elsewhere in it, else who may send such
    an action.
    """

    def __init__(self, found: Sequence[Found], links: Sequence[Link]) -> None:
        votes = {Way.IN: Counter[Role](), Way.OUT: Counter[Role]()}
        for item, link in zip(found, links, strict=True):
            if item.clues.way is not None and (role := _by_action(item.text, link.version)) is not None:
                votes[item.clues.way][role] += 1
                votes[_OTHER[item.clues.way]][role.peer] += 1
        self._meaning = {way: role for way, counted in votes.items() if (role := _sure(counted)) is not None}

    def of(self, item: Found, version: Version) -> Role | None:
        clues = item.clues
        if clues.sender is not None:
            return clues.sender
        said = self._meaning.get(clues.way) if clues.way is not None else None
        return said or _by_action(item.text, version)


_OTHER = {Way.IN: Way.OUT, Way.OUT: Way.IN}


def _sure(counted: Counter[Role]) -> Role | None:
    if not counted:
        return None
    role, most = counted.most_common(1)[0]
    return role if most >= SURE * counted.total() else None


def _by_action(text: str, version: Version) -> Role | None:
    """The only end that may send this action."""
    spoken = Spoken(text=text)
    look(spoken)
    cls = version.load().get(spoken.action) or version.load_sends().get(spoken.action)
    return cls.__sender__ if cls is not None else None
