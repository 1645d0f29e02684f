"""When a station tries to connect again."""

import random
from itertools import pairwise
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_sansio.reconnect import ReconnectTimer


def timer(**options: Any) -> ReconnectTimer:
    return ReconnectTimer(
        **{"wait_minimum": 10, "random_range": 0, "repeat_times": 3, "draw": lambda: 0.5, **options}
    )


def delays(of: ReconnectTimer, count: int) -> list[float]:
    """The seconds before each of the next failing attempts, on a clock that begins at 1000."""
    now, found = 1000.0, []
    for _ in range(count):
        of.disconnected(now=now)
        assert of.deadline is not None
        found.append(of.deadline - now)
        now = of.deadline
        assert of.handle_timeout(now=now)
    return found


def test_the_delay_doubles_repeat_times_and_stays() -> None:
    # J201-125, J21-125, L-125
    assert delays(timer(), 6) == [10, 20, 40, 80, 80, 80]


def test_without_doubling_it_stays_at_the_minimum() -> None:
    # J201-125
    assert delays(timer(repeat_times=0), 3) == [10, 10, 10]


def test_each_attempt_has_a_random_part_of_its_own_which_is_not_doubled() -> None:
    # J201-125, L-126
    draws = iter([0.0, 1.0, 0.25])
    assert delays(timer(random_range=8, draw=draws.__next__), 3) == [10, 28, 42]


def test_after_a_success_the_delay_is_the_shortest_again() -> None:
    # J201-127, J21-127
    waiting = timer()
    assert delays(waiting, 3) == [10, 20, 40]
    waiting.connected()
    assert delays(waiting, 2) == [10, 20]


def test_nothing_is_due_before_a_link_is_lost() -> None:
    waiting = timer()
    assert waiting.deadline is None
    assert not waiting.handle_timeout(now=1e9)


def test_nothing_is_due_once_connected() -> None:
    waiting = timer()
    waiting.disconnected(now=0)
    waiting.connected()
    assert waiting.deadline is None
    assert not waiting.handle_timeout(now=1e9)


@pytest.mark.parametrize(
    ("now", "due"), [(0, False), (9.999, False), (10, True), (10.001, True), (1e9, True)]
)
def test_it_is_due_at_its_deadline_and_not_before(now: float, due: bool) -> None:
    waiting = timer()
    waiting.disconnected(now=0)
    assert waiting.handle_timeout(now=now) is due
    assert (waiting.deadline is None) is due


def test_it_is_due_once() -> None:
    waiting = timer()
    waiting.disconnected(now=0)
    assert waiting.handle_timeout(now=10)
    assert not waiting.handle_timeout(now=10)
    assert waiting.deadline is None


def test_a_second_loss_before_the_attempt_counts_as_a_failure_of_its_own() -> None:
    waiting = timer()
    waiting.disconnected(now=0)
    waiting.disconnected(now=1)
    assert waiting.deadline == 21


def test_variables_may_change_at_run_time() -> None:
    # J201-125: all three are ReadWrite.
    waiting = timer()
    assert delays(waiting, 1) == [10]
    waiting.wait_minimum = 1
    assert delays(waiting, 1) == [2]


@pytest.mark.parametrize("name", ["wait_minimum", "random_range"])
@pytest.mark.parametrize("value", [-1, inf, nan, 10**400, "10", None])
def test_seconds_are_a_number(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} is a number of seconds, 0 or more, not "):
        timer(**{name: value})


@pytest.mark.parametrize("value", [-1, 1.0, True, "1", None])
def test_repeat_times_is_a_whole_number(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^repeat_times is a whole number, 0 or more, not "):
        timer(repeat_times=value)


def test_after_thousands_of_failures_it_still_has_a_deadline() -> None:
    waiting = timer(repeat_times=10**9)
    for _ in range(3000):
        waiting.disconnected(now=0)
    assert waiting.deadline == 1e300


@pytest.mark.parametrize("now", [inf, nan, 10**400])
def test_an_instant_is_finite_or_nothing_happens(now: float) -> None:
    waiting = timer()
    waiting.disconnected(now=0)
    with pytest.raises(ValueError, match="now is a finite number"):
        waiting.disconnected(now=now)
    with pytest.raises(ValueError, match="now is a finite number"):
        waiting.handle_timeout(now=now)
    assert waiting.deadline == 10


@given(
    st.floats(0, 1e5),
    st.floats(0, 1e5),
    st.integers(0, 20),
    st.integers(0),
    st.floats(-1e9, 1e9),
    st.integers(1, 30),
)
def test_delays_are_within_their_bounds_and_only_grow(
    minimum: float, extra: float, times: int, seed: int, now: float, attempts: int
) -> None:
    # J201-125, with the bound that the formula has.
    waiting = ReconnectTimer(
        wait_minimum=minimum, random_range=extra, repeat_times=times, draw=random.Random(seed).random
    )
    bases = []
    for k in range(attempts):
        waiting.disconnected(now=now)
        assert waiting.deadline is not None
        base = minimum * 2 ** min(k, times)
        assert now + base <= waiting.deadline <= now + base + extra
        bases.append(base)
    assert all(earlier <= later for earlier, later in pairwise(bases))
