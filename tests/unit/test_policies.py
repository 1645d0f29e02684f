"""What a user decides about a connection, as plain objects."""

import attrs
import pytest

from ocpp_sansio import Connection, Duplicates, Limits, Role, Strictness, Validation

# Limits.


def test_limits_are_given_by_name() -> None:
    with pytest.raises(TypeError):
        Limits(10)  # type: ignore[misc]


def test_limits_do_not_change() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Limits().nesting = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", ["frame_size", "bad_frames"])
@pytest.mark.parametrize("value", [True, "7", 2.0])
def test_a_limit_is_a_whole_number_and_nothing_like_it(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"Limits.{name} is a positive whole number, not {value!r}"):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_a_limit_of_one_is_the_smallest() -> None:
    assert Limits(undrained=1).undrained == 1


def test_refusing_duplicate_keys_is_no_number() -> None:
    assert Limits(reject_duplicate_keys=True).reject_duplicate_keys is True


# Strictness.


def test_everything_is_strict_unless_said_otherwise() -> None:
    assert Validation() == Validation(Strictness.STRICT, Strictness.STRICT, {})


@pytest.mark.parametrize("strictness", list(Strictness))
def test_a_strictness_is_for_what_is_received(strictness: Strictness) -> None:
    expected = Validation(received=strictness, sent=Strictness.STRICT)
    assert Validation.of(strictness) == expected
    assert Validation.of(strictness.value) == expected


def test_a_policy_stays_as_it_is() -> None:
    policy = Validation("lenient", "off")  # type: ignore[arg-type]
    assert Validation.of(policy) is policy


def test_each_direction_has_its_own_strictness() -> None:
    policy = Validation(received="off", sent="lenient")  # type: ignore[arg-type]
    assert (policy.received, policy.sent) == (Strictness.OFF, Strictness.LENIENT)


@pytest.mark.parametrize("strictness", ["Strict", "none", "", None, True])
def test_other_words_for_a_strictness_are_refused(strictness: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Strictness"):
        Validation.of(strictness)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is not a valid Strictness"):
        Validation(sent=strictness)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is not a valid Strictness"):
        Validation(actions={"Heartbeat": strictness})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="is not a valid Strictness"):
        Connection(Role.CSMS, "1.6", validation=strictness)  # type: ignore[arg-type]


def test_an_action_may_be_judged_in_its_own_way() -> None:
    policy = Validation("lenient", actions={"DataTransfer": "off"})  # type: ignore[arg-type, dict-item]
    assert policy.of_action("DataTransfer").received is Strictness.OFF
    assert policy.of_action("DataTransfer").sent is Strictness.STRICT
    assert policy.of_action("Heartbeat") is policy


def test_an_action_may_be_judged_by_direction() -> None:
    exception = Validation(received="strict", sent="off")  # type: ignore[arg-type]
    assert Validation("off", actions={"X": exception}).of_action("X") is exception  # type: ignore[arg-type]


def test_a_policy_does_not_change() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Validation().sent = Strictness.OFF  # type: ignore[misc]


def test_a_change_of_the_users_mapping_changes_no_policy() -> None:
    actions: dict[str, Validation | Strictness | str] = {"X": "off"}
    policy = Validation(actions=actions)  # type: ignore[arg-type]
    actions["Y"] = "off"
    assert list(policy.actions) == ["X"]


# Duplicates.


@pytest.mark.parametrize("duplicates", ["reply", "HANDLE", "", None])
def test_other_words_for_duplicates_are_refused(duplicates: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Duplicates"):
        Connection(Role.CSMS, "1.6", duplicates=duplicates)  # type: ignore[arg-type]


@pytest.mark.parametrize("duplicates", [*Duplicates, "handle", "replay"])
def test_duplicates_are_handled_or_replayed(duplicates: Duplicates | str) -> None:
    assert Connection(Role.CSMS, "1.6", duplicates=duplicates).calls == ()


# What does not go together.


def test_refusing_duplicate_keys_is_for_our_own_parser() -> None:
    with pytest.raises(ValueError, match="reject_duplicate_keys is for our own parser: leave out loads"):
        Connection(Role.CSMS, "1.6", loads=len, limits=Limits(reject_duplicate_keys=True))
