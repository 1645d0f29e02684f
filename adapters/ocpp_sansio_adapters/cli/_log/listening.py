"""Frames of a log, one after the other: on which link each is, in which version, who has said it, and what is
wrong with it. What the log does not say is guessed from what is known so far.
"""

from collections.abc import Callable

import attrs

from ocpp_sansio import Role, Version

from .clues import Way
from .conversation import Conversation
from .finding import Found
from .guessing import SAMPLE, Meanings, Worth, by_action
from .spoken import Exchange, Spoken

__all__ = ["Heard", "Link", "Listener", "Reading"]

#: Frames among which the same one, seen from the other end, is looked for.
NEAR = 50

_BOTH = set(Way)


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
    """What is known of a log: its frames in order, if they are kept, and the links that they are on.

    `guessed` are links whose version the log does not tell, `answered` those of which it has answers, and
    `mirrored` is how many frames it has twice, from either end. `cut` is set if Ctrl-C has ended the reading.
    """

    heard: list[Heard] = attrs.field(factory=list[Heard])
    conversations: dict[Link, Conversation] = attrs.field(factory=dict[Link, Conversation])
    guessed: set[Link] = attrs.field(factory=set[Link])
    answered: set[Link] = attrs.field(factory=set[Link])
    mirrored: int = 0
    cut: bool = False

    @property
    def unanswered(self) -> list[Exchange]:
        """Calls without an answer, on links of which there are answers at all."""
        found = (
            item
            for link, told in self.conversations.items()
            if link in self.answered
            for item in told.unanswered
        )
        return sorted(found, key=lambda item: item.call.line)

    @property
    def versions(self) -> str:
        """The versions that are spoken, in words."""
        return ", ".join(sorted({link.version.value for link in self.conversations}))

    @property
    def one_sided(self) -> list[Link]:
        """Links of which the log has calls and no answers."""
        return [
            link for link, told in self.conversations.items() if told.unanswered and link not in self.answered
        ]

    @property
    def timed(self) -> list[Exchange]:
        """Calls whose answers came in a time that is known."""
        own = (item.spoken.exchange for item in self.heard if item.spoken.kind == "CALL")
        return [item for item in own if item is not None and item.seconds is not None]


class Listener:
    """Judges frames: `learn` first what can be learned of some, then `hear` these.

    A whole log is learned before the first frame of it is judged; of one that is still being written, one
    frame after the other. `version` is for frames whose version the log does not tell. `reading` is what is
    known so far; its frames are kept by whoever wants them.
    """

    def __init__(
        self, version: Version | None = None, make: Callable[[Version], Conversation] = Conversation
    ) -> None:
        self.reading = Reading()
        self._version = version
        self._make = make
        self._stations: dict[str, _Station] = {}
        self._told_anywhere: set[Version] = set()
        self._meanings = Meanings()
        self._near: dict[tuple[str, str], Found] = {}  # by station and text, the oldest first

    def learn(self, found: Found) -> bool:
        """Learn from a frame. False if it was there before, as the other end saw it: it is not to be judged."""
        station = self._station(found.clues.station)
        if self._is_mirrored(found):
            station.from_both_ends = True
            self.reading.mirrored += 1
            return False
        if found.clues.version is not None:
            station.told.add(found.clues.version)
            self._told_anywhere.add(found.clues.version)
        elif self._version is None:
            station.worth.add(found.text)
        if found.clues.way is not None and not self._meanings.are_settled:
            role = by_action(found.text, self._version_of(found, self._name_of(found)))
            self._meanings.add(found.clues.way, role)
        return True

    def hear(self, found: Found) -> Heard:
        """Judge a frame from which was learned."""
        name = self._name_of(found)
        link = Link(name, self._version_of(found, name))
        if link not in self.reading.conversations:
            self._begin(link)
        if self._told_version(found, name) is None:
            self.reading.guessed.add(link)
            self._stations[name].read_as = link
        self._stations[name].remember(found)
        return Heard(found, link, self._take(found, link))

    def _take(self, found: Found, link: Link) -> Spoken:
        conversation = self.reading.conversations[link]
        spoken = conversation.take(found.text, self._sender(found, link), found.clues.time)
        spoken.line, spoken.station = found.line, link.station
        if spoken.kind in ("CALLRESULT", "CALLERROR"):
            self.reading.answered.add(link)
        return spoken

    def _begin(self, link: Link) -> None:
        self.reading.conversations[link] = self._make(link.version)
        station = self._stations[link.station]
        before, station.read_as = station.read_as, None
        if before is None:
            return
        # What was taken for another version until now: its calls wait for their answers here.
        del self.reading.conversations[before]
        self.reading.guessed.discard(before)
        self.reading.answered.discard(before)
        for found in station.sample:
            self._take(found, link)

    def _is_mirrored(self, found: Found) -> bool:
        """Whether it was sent by one end and received by the other: then neither word says whose log it is."""
        key = (found.clues.station, found.text)
        before = self._near.pop(key, None)
        if before is not None and {found.clues.way, before.clues.way} == _BOTH:
            return True
        self._near[key] = found
        if len(self._near) > NEAR:
            del self._near[next(iter(self._near))]
        return False

    # What is known of a station.

    def _name_of(self, found: Found) -> str:
        """Its name, or that of the only station that has one."""
        if found.clues.station or len(self._stations) > 2:
            return found.clues.station
        named = self._stations.keys() - {""}
        return named.pop() if len(named) == 1 else ""

    def _station(self, name: str) -> "_Station":
        station = self._stations.get(name)
        if station is None:
            station = self._stations[name] = _Station()
        return station

    def _about(self, name: str) -> list["_Station"]:
        """What was learned of a station: of the only one, frames without a name tell, too."""
        nameless = self._stations.get("") if len(self._stations) == 2 and name else None
        own = self._station(name)
        return [own] if nameless is None else [own, nameless]

    def _version_of(self, found: Found, name: str) -> Version:
        told = self._told_version(found, name)
        if told is not None:
            return told
        choice = self._told_anywhere if len(self._told_anywhere) == 1 else Version
        about = self._about(name)
        return max(choice, key=lambda version: sum(station.worth.by_version[version] for station in about))

    def _told_version(self, found: Found, name: str) -> Version | None:
        if self._version is not None or found.clues.version is not None:
            return self._version or found.clues.version
        told = {version for station in self._about(name) for version in station.told}
        return told.pop() if len(told) == 1 else None

    def _sender(self, found: Found, link: Link) -> Role | None:
        """As the log says, else as its words mean elsewhere in it, else who may send such an action."""
        if found.clues.sender is not None:
            return found.clues.sender
        both = any(station.from_both_ends for station in self._about(link.station))
        said = None if both else self._meanings.of(found.clues.way)
        return said or by_action(found.text, link.version)


class _Station:
    """What was learned of a station: versions that the log tells, what its frames are worth in each, and the
    link that it was taken for, with the frames that may be asked again.
    """

    def __init__(self) -> None:
        self.told: set[Version] = set()
        self.worth = Worth()
        self.from_both_ends = False
        self.read_as: Link | None = None
        self.sample: list[Found] = []

    def remember(self, found: Found) -> None:
        if len(self.sample) < SAMPLE:
            self.sample.append(found)
