"""Versions and their tables."""

import pytest

from ocpp_sansio import ErrorCode, Rejection, Version
from ocpp_sansio.errors import ERRORS_BY_CODE
from ocpp_sansio.messages import Request


def test_a_version_is_found_by_number_and_by_subprotocol() -> None:
    # J*-108
    assert Version("1.6") is Version("ocpp1.6") is Version(Version.V16) is Version.V16
    assert Version("ocpp2.0.1") is Version.V201
    assert Version("2.1") is Version.V21
    assert [version.subprotocol for version in Version] == ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


@pytest.mark.parametrize(
    "name", ["1.5", "2.0", "ocpp1.5", "ocpp2", "OCPP1.6", "Ocpp2.0.1", " ocpp2.1", "", None, 1.6, []]
)
def test_other_versions_are_refused_with_what_there_is(name: object) -> None:
    # J*-108: exact and in lower case
    with pytest.raises(
        ValueError, match=r"is not a version of OCPP known here; there is '1\.6', '2\.0\.1', '2\.1'"
    ):
        Version(name)


@pytest.mark.parametrize("version", Version)
def test_every_table_is_complete(version: Version) -> None:
    rules = version.rules
    assert set(rules.answers) == set(Rejection)
    for code in [*rules.answers.values(), *rules.violations.values()]:
        assert code is None or code in ERRORS_BY_CODE
    assert set(rules.spellings) <= set(ErrorCode)


def test_1_6_sends_only_its_own_ten_codes() -> None:  # J16-401
    assert {Version.V16.rules.spell(code) for code in ErrorCode} == {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
    }


def test_a_code_of_nobodys_is_spelled_as_given() -> None:
    assert Version.V16.rules.spell("Weird") == "Weird"


@pytest.mark.parametrize(("version", "count"), [(Version.V16, 39), (Version.V201, 64), (Version.V21, 90)])
def test_load_gives_the_requests_by_action(version: Version, count: int) -> None:
    catalogue = version.load()
    assert len(catalogue) == count  # J*-601; the 91st action of 2.1 is a SEND
    assert all(issubclass(cls, Request) and cls.__action__ == action for action, cls in catalogue.items())
    assert version.load() is catalogue
    with pytest.raises(TypeError):
        catalogue["New"] = catalogue["Heartbeat"]  # type: ignore[index]


def test_the_codes_of_a_version_are_those_that_it_spells_differently() -> None:
    # J16-401, J201-401, J21-401
    assert [len(version.rules.codes) for version in Version] == [10, 12, 12]


@pytest.mark.parametrize("version", Version)
def test_a_code_of_a_version_is_spelled_in_one_way(version: Version) -> None:
    spelled = [version.rules.spell(code) for code in version.rules.codes]
    assert len(set(spelled)) == len(spelled)


@pytest.mark.parametrize(
    ("version", "actions"),
    [(Version.V16, []), (Version.V201, []), (Version.V21, ["NotifyPeriodicEventStream"])],
)
def test_only_2_1_has_messages_that_travel_as_send(version: Version, actions: list[str]) -> None:
    # J21-603, J21-209
    sends = version.load_sends()
    assert list(sends) == actions
    assert all(cls.__action__ == action for action, cls in sends.items())


@pytest.mark.parametrize(
    ("version", "types"),
    [(Version.V16, {2, 3, 4}), (Version.V201, {2, 3, 4}), (Version.V21, {2, 3, 4, 5, 6})],
)
def test_the_message_types_of_a_version(version: Version, types: set[int]) -> None:
    # J*-203
    assert version.rules.message_types == types


@pytest.mark.parametrize("version", Version)
def test_what_the_boot_gate_speaks_of_are_actions(version: Version) -> None:
    actions = {*version.load()}
    boot = version.rules.boot
    assert boot.requests.keys() <= actions
    assert {wanted for wanted in boot.requests.values() if wanted is not None} <= actions
    assert {*boot.triggers.values()} <= actions
    assert boot.barred <= actions


def test_only_1_6_is_silent_when_rejected() -> None:
    # J16-505, J201-505, J21-505
    assert [version.rules.boot.rejected_answers for version in Version] == [False, True, True]
