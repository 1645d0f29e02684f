"""What a log does not say, guessed from its frames: the version, who has sent a frame, and whom its words mean."""

from collections import Counter
from collections.abc import Iterable

from ocpp_sansio import CallReceived, Connection, FrameRejected, Rejection, Role, SendReceived, Version
from ocpp_sansio.errors import GenericError

from .clues import Way
from .conversation import fresh, hear
from .spoken import Spoken, look

__all__ = ["Meanings", "Worth", "by_action", "guess_version"]

#: Frames of a station that its version is guessed from.
SAMPLE = 300
#: How much more they must be worth in one version than in any other to settle it sooner.
LEAD = 60
#: How sure words such as "received" must be of who is meant.
SURE = 0.9

_OTHER = {Way.IN: Way.OUT, Way.OUT: Way.IN}


class Worth:
    """What frames are worth in each version: most where they are valid."""

    def __init__(self) -> None:
        self.by_version = dict.fromkeys(Version, 0)
        self._connections: dict[Version, Connection] = {}
        self._left = SAMPLE

    def add(self, text: str) -> None:
        if not self._left:
            return
        self._left -= 1
        self._connections = self._connections or {version: fresh(None, version) for version in Version}
        for version, connection in self._connections.items():
            self.by_version[version] += _worth(text, connection)
        _, second, first = sorted(self.by_version.values())
        if first - second >= LEAD:
            self._left = 0
        if not self._left:
            self._connections = {}


def guess_version(texts: Iterable[str]) -> Version:
    """The version in which these frames are worth most: the oldest of equals."""
    worth = Worth()
    for text in texts:
        worth.add(text)
    return max(Version, key=worth.by_version.__getitem__)


def _worth(text: str, connection: Connection) -> int:
    match hear(connection, text):
        case CallReceived() as received:
            connection.reply_error(received, GenericError())
            connection.next_frame()
            return 3
        case SendReceived():
            return 3
        case FrameRejected(reason=Rejection.INVALID_PAYLOAD):
            return 1  # the action is there
        case _:
            return 0


class Meanings:
    """Who is meant by words such as "received": whoever may send the actions that they stand before."""

    def __init__(self) -> None:
        self._votes = {way: Counter[Role]() for way in Way}

    @property
    def are_settled(self) -> bool:
        """Whether more votes would hardly change them."""
        return all(votes.total() >= SAMPLE for votes in self._votes.values())

    def add(self, way: Way, role: Role | None) -> None:
        if role is not None:
            self._votes[way][role] += 1
            self._votes[_OTHER[way]][role.peer] += 1

    def of(self, way: Way | None) -> Role | None:
        """Whom a word means, if it means one; None of no word."""
        votes = self._votes[way] if way is not None else None
        if not votes:
            return None
        role, most = max(votes.items(), key=lambda pair: pair[1])
        return role if most >= SURE * votes.total() else None


def by_action(text: str, version: Version) -> Role | None:
    """The only end that may send this action."""
    spoken = Spoken(text=text)
    look(spoken)
    cls = version.load().get(spoken.action) or version.load_sends().get(spoken.action)
    return cls.__sender__ if cls is not None else None
