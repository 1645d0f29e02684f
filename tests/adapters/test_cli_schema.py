"""`ocpp-sansio schema`: messages as people read them, and examples that are valid."""

import json

import pytest

from ocpp_sansio import Version
from ocpp_sansio._shape import members
from ocpp_sansio.messages import Raw
from ocpp_sansio.schema import schema_for
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v201 import call as call201
from ocpp_sansio.validation import encode, violations
from ocpp_sansio_adapters.cli._messages.example import example_of
from ocpp_sansio_adapters.cli.main import main


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def shown(capsys, *arguments):
    assert main(["schema", *arguments]) == 0
    return capsys.readouterr().out


def every_class():
    for version in Version:
        for cls in version.load().values():
            yield cls
            yield cls.__answer__
        yield from version.load_sends().values()


@pytest.mark.parametrize("full", [False, True])
def test_every_example_is_valid(full):
    checked = 0
    for cls in every_class():
        payload = json.loads(encode(example_of(cls, full=full)))
        assert violations(cls, payload, receiving=False) == ()
        checked += 1
    assert checked > 380


def test_a_full_example_has_every_member():
    payload = json.loads(encode(example_of(call201.TransactionEvent, full=True)))
    assert payload.keys() == {member.wire for member in members(call201.TransactionEvent)} - {"customData"}


def test_what_has_no_members_has_no_example():
    with pytest.raises(TypeError, match="has no members"):
        example_of(Raw)


def test_every_action_can_be_shown_in_each_version_in_which_it_is(capsys):
    for version in Version:
        for action, cls in version.load().items():
            out = shown(capsys, action, "--version", version.value)
            assert out.startswith(f"{action}  OCPP {version.value}, sent by ")
            assert all(f"  {member.wire}" in out for member in members(cls) if member.wire != "customData")


def test_a_message_is_shown_with_types_limits_values_and_an_example(capsys):
    out = shown(capsys, "starttransaction")
    assert out.splitlines()[:4] == [
        "StartTransaction  OCPP 1.6, sent by the station",
        "",
        "request",
        "  connectorId    required  integer",
    ]
    assert "  idTag          required  text, at most 20 characters\n" in out
    assert "    status       required  one of Accepted, Blocked, Expired, Invalid, ConcurrentTx\n" in out
    assert '  [3, "1", {"idTagInfo": {"status": "Accepted"}, "transactionId": 1}]\n' in out


def test_lists_say_how_many(capsys):
    assert "list of 1 to 1024: ChargingSchedulePeriodType" in shown(
        capsys, "SetChargingProfileRequest", "--version", "2.0.1"
    )
    assert "list of 1 or more: MeterValueType" in shown(capsys, "MeterValues", "--version", "2.0.1")


def test_a_narrow_terminal_has_descriptions_below_the_names(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    lines = shown(capsys, "Authorize", "--version", "1.6").splitlines()
    assert "    parentIdTag" in [line.rstrip() for line in lines]
    assert lines[3:5] == ["  idTag  required", "      text, at most 20 characters"]


def test_without_a_version_each_that_has_it_is_shown(capsys):
    out = shown(capsys, "Heartbeat")
    assert [line for line in out.splitlines() if line.startswith("Heartbeat")] == [
        f"Heartbeat  OCPP {version.value}, sent by the station" for version in Version
    ]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("AuthorizeRequest", ["request"]),
        ("AuthorizeResponse", ["answer"]),
        ("Authorize", ["request", "answer"]),
    ],
)
def test_half_a_message_can_be_asked_for(name, parts, capsys):
    lines = shown(capsys, name, "--version", "1.6").splitlines()
    assert [line for line in lines if line in ("request", "answer")] == parts


def test_a_send_a_datatype_and_an_enum_can_be_asked_for(capsys):
    assert '[6, "1", "NotifyPeriodicEventStream"' in shown(capsys, "NotifyPeriodicEventStream")
    assert "idToken  " in shown(capsys, "IdTokenType", "--version", "2.0.1")
    assert (
        shown(capsys, "RegistrationStatus") == "RegistrationStatus  OCPP 1.6\n  Accepted, Pending, Rejected\n"
    )


def test_the_document_is_the_one_of_the_library(capsys):
    out = shown(capsys, "AuthorizeRequest", "--version", "1.6", "--json-schema")
    assert json.loads(out) == schema_for(call16.Authorize)


def test_several_documents_are_named(capsys):
    found = json.loads(shown(capsys, "Authorize", "--json-schema"))
    assert list(found)[:2] == ["1.6 Authorize request", "1.6 Authorize answer"]
    assert len(found) == 6


def test_an_enum_has_no_document(capsys):
    assert main(["schema", "RegistrationStatus", "--json-schema"]) == 2
    assert "an enum has no JSON Schema of its own" in capsys.readouterr().err


def test_a_name_that_is_wrong_has_a_cure(capsys):
    assert main(["schema", "BootNotifcation", "--version", "1.6"]) == 2
    assert capsys.readouterr().err == (
        "ocpp-sansio schema: there is no message, datatype or enum 'BootNotifcation' in OCPP 1.6; "
        "did you mean BootNotification?\n"
    )


def test_without_a_name_all_actions_are_listed(capsys):
    out = shown(capsys)
    for version in Version:
        assert f"OCPP {version.value}\n" in out
    assert {*Version.V21.load(), *Version.V21.load_sends()} <= set(out.replace(",", " ").split())


def test_limits_at_both_ends_are_a_range(capsys):
    out = shown(capsys, "SetChargingProfile", "--version", "2.1")
    assert "integer, 0 to 3\n" in out
    assert "integer, at least 0\n" in out
    assert "number, at most 0\n" in out
