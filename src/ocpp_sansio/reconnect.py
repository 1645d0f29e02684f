"""ReconnectTimer: when a station that has lost its link, or was not let in, tries again.

The rule of 2.x (J201-125), which serves 1.6 as well (L-125), because that has none. Instants come in, a
deadline comes out, as in `Connection`.
"""

from collections.abc import Callable

from ._values import FOREVER, check_instant

__all__ = ["ReconnectTimer"]

_MOST_DOUBLINGS = 1000  # a float holds the power, and a second so often doubled is FOREVER


class ReconnectTimer:
    """Growing, randomised delays between attempts to connect.

    Before attempt k since the last success pass `wait_minimum * 2 ** min(k - 1, repeat_times)` seconds, and
    up to `random_range` more, drawn anew each time. The three are named as the variables of OCPPCommCtrlr
    are. `draw` gives a number from 0 to 1, such as `random.random`.
    """

    __slots__ = ("_attempts", "_draw", "deadline", "random_range", "repeat_times", "wait_minimum")

    def __init__(
        self,
        *,
        wait_minimum: float = 10.0,
        random_range: float = 10.0,
        repeat_times: int = 5,
        draw: Callable[[], float],
    ) -> None:
        for name, seconds in (("wait_minimum", wait_minimum), ("random_range", random_range)):
            if not isinstance(seconds, (int, float)) or not 0 <= seconds < FOREVER:
                raise ValueError(f"{name} is a number of seconds, 0 or more, not {seconds!r:.60}")
        if type(repeat_times) is not int or repeat_times < 0:
            raise ValueError(f"repeat_times is a whole number, 0 or more, not {repeat_times!r}")
        self.wait_minimum = wait_minimum
        self.random_range = random_range
        self.repeat_times = repeat_times
        self._draw = draw
        self._attempts = 0
        self.deadline: float | None = None

    def disconnected(self, *, now: float) -> None:
        """The link was lost, or an attempt has failed: the next is due at `deadline`."""
        check_instant(now)
        wait = self.wait_minimum * 2.0 ** min(self._attempts, self.repeat_times, _MOST_DOUBLINGS)
        self._attempts += 1
        self.deadline = min(now + wait + self.random_range * self._draw(), FOREVER)

    def connected(self) -> None:
        """An attempt has succeeded: the next delay is the shortest again (J201-127)."""
        self._attempts = 0
        self.deadline = None

    def handle_timeout(self, *, now: float) -> bool:
        """Whether to try now. Any time will do; True comes once for each `disconnected`."""
        check_instant(now)
        if self.deadline is None or now < self.deadline:
            return False
        self.deadline = None
        return True
