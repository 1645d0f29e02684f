"""Versions and their tables."""

import pytest

from ocpp_sansio import ErrorCode, Rejection, Version
from ocpp_sansio.errors import ERRORS_BY_CODE
from ocpp_sansio.messages import Request


def test_a_version_is_found_by_number_and_by_subprotocol() -> None:
    assert Version("1.6") is Version("ocpp1.6") is Version(Version.V16) is Version.V16
    assert Version("ocpp2.0.1") is Version.V201
    assert Version("2.1") is Version.V21
    assert [version.subprotocol for version in Version] == ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


@pytest.mark.parametrize("name", ["1.5", "2.0", "ocpp1.5", "OCPP1.6", "", None, 1.6, []])
def test_other_versions_are_refused_with_what_there_is(name: object) -> None:
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
