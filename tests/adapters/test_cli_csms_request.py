"""What is typed after `call`: words become a request of its class, and a mistake a sentence that names the
cure.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_sansio import Role, Version
from ocpp_sansio.messages import asdict
from ocpp_sansio_adapters.cli._messages.request import (
    Unreadable,
    find_action,
    message_from,
    payload_from,
    sendable,
    words_after,
)

V16, V201, V21 = (version.load() for version in Version)


@pytest.mark.parametrize(
    ("cls", "typed", "payload"),
    [
        (V16["ClearCache"], "", {}),
        (
            V16["ChangeAvailability"],
            "connectorId=0 type=Inoperative",
            {"connectorId": 0, "type": "Inoperative"},
        ),
        (V16["ChangeAvailability"], '{"connectorId": 0, "type": "x"}', {"connectorId": 0, "type": "x"}),
        (V16["ChangeConfiguration"], "key=A value=", {"key": "A", "value": ""}),
        (V16["ChangeConfiguration"], "key=A value=12", {"key": "A", "value": "12"}),
        (V16["ChangeConfiguration"], 'key=A value="two words"', {"key": "A", "value": "two words"}),
        (V16["ChangeConfiguration"], "key=A value=b=c", {"key": "A", "value": "b=c"}),
        (V16["GetConfiguration"], "key=A key=B", {"key": ["A", "B"]}),
        (V16["GetConfiguration"], 'key=["A","B"]', {"key": ["A", "B"]}),
        (
            V201["Authorize"],
            "idToken.idToken=04 idToken.type=Central",
            {"idToken": {"idToken": "04", "type": "Central"}},
        ),
        (
            V201["GetVariables"],
            (
                "getVariableData.component.name=A getVariableData.variable.name=B "
                "getVariableData[1].component.name=C getVariableData[1].variable.name=D"
            ),
            {
                "getVariableData": [
                    {"component": {"name": "A"}, "variable": {"name": "B"}},
                    {"component": {"name": "C"}, "variable": {"name": "D"}},
                ]
            },
        ),
        (V201["CustomerInformation"], "report=true clear=false", {"report": True, "clear": False}),
        (V201["CostUpdated"], "totalCost=1.5 transactionId=7", {"totalCost": 1.5, "transactionId": "7"}),
        (V201["ClearVariableMonitoring"], "id=1 id=2", {"id": [1, 2]}),
        (V201["DataTransfer"], "vendorId=a data=12", {"vendorId": "a", "data": 12}),
        (V201["DataTransfer"], "vendorId=a data=no", {"vendorId": "a", "data": "no"}),
        (
            V201["Heartbeat"],
            "customData.vendorId=a customData.more=1",
            {"customData": {"vendorId": "a", "more": 1}},
        ),
        (None, "whatever.there=is x[0]=1", {"whatever": {"there": "is"}, "x": [1]}),
    ],
)
def test_words_become_json_as_the_class_wants_it(cls: Any, typed: str, payload: Any) -> None:
    assert payload_from(cls, typed) == payload


def test_times_may_be_now_or_later() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    request = message_from(V16["ReserveNow"], "connectorId=1 expiryDate=now+3600 idTag=A reservationId=1")
    assert before <= request.expiry_date - timedelta(hours=1) <= before + timedelta(minutes=1)
    plain = message_from(V16["UpdateFirmware"], "location=x retrieveDate=2026-01-01T00:00:00Z")
    assert plain.retrieve_date == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_request_is_an_object_of_its_class() -> None:
    request = message_from(V16["ChangeAvailability"], "connectorId=3 type=Operative")
    assert type(request) is V16["ChangeAvailability"]
    assert asdict(request) == {"connector_id": 3, "type": "Operative"}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("connectorId=x type=Operative", "connectorId: 'x' is not an integer"),
        ("connectorId=1 type=Inoperativ", "did you mean 'Inoperative'?"),
        ("connectorID=1 type=Operative", "was it written 'connectorID'?"),
        ("connectorId=1", "type is missing"),
        ("connectorId=1 type=Operative extra=1", "unknown member 'extra'"),
        ("connectorId", "'connectorId' is not of the form member=value"),
        ("connectorId=1 connectorId=2", "connectorId is given twice"),
        ("connectorId={", "connectorId: '{' is not JSON"),
        ('type="a"b', "type: 'b' follows its JSON"),
        ('{"type":1} x', "nothing may follow the payload: 'x'"),
        ("{", "the payload: '{' is not JSON"),
        ("[" * 3 + "x=1", "is not a path"),
        ("type.more=1 type=1", "type is given twice"),
        ("type=1 type.more=1", "type has a value already, and no members"),
        ("x[1]=1", "x: element 1 is not the next one"),
        ("x[1].y=1", "x: there is no element before number 1"),
        ("x=" + "[" * 100_000, "is not JSON"),
    ],
)
def test_a_mistake_is_a_sentence_that_says_where(typed: str, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        message_from(V16["ChangeAvailability"], typed)
    assert words in str(caught.value)


def test_of_many_mistakes_the_first_are_named_and_the_rest_counted() -> None:
    with pytest.raises(Unreadable, match=r"and \d+ more$"):
        message_from(V16["ReserveNow"], "connectorId=a expiryDate=b reservationId=c more=1 evenMore=2")


def test_what_is_no_number_stays_text_for_the_judge() -> None:
    with pytest.raises(Unreadable, match=r"^totalCost: 'nan' is not a number"):
        message_from(V201["CostUpdated"], "totalCost=nan transactionId=7")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("Changeavailability", "did you mean ChangeAvailability?"),
        ("BootNotification", "BootNotification is sent by the Charging Station, not by the CSMS"),
        ("Nonsense", "there is no action 'Nonsense' in OCPP 1.6"),
    ],
)
def test_an_action_that_cannot_be_sent_is_explained(action: str, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        find_action(Version.V16, Role.CSMS, action)
    assert words in str(caught.value)


def test_what_is_never_answered_can_be_sent_too() -> None:
    name = "NotifyPeriodicEventStream"
    assert find_action(Version.V21, Role.CHARGING_STATION, name) is Version.V21.load_sends()[name]
    assert name not in sendable(Version.V21, Role.CSMS)


@pytest.mark.parametrize(
    ("action", "typed", "offered"),
    [
        ("ChangeAvailability", "", ["connectorId=", "type="]),
        ("ChangeAvailability", "t", ["type="]),
        ("ChangeAvailability", "type=", ["type=Inoperative", "type=Operative"]),
        ("ChangeAvailability", "type=O", ["type=Operative"]),
        ("ChangeAvailability", "connectorId=", []),
        ("ChangeAvailability", "nothing.", []),
        ("ReserveNow", "expiryDate=", ["expiryDate=now"]),
        ("SetChargingProfile", "csChargingProfiles.stack", ["csChargingProfiles.stackLevel="]),
        ("SetChargingProfile", "cs", ["csChargingProfiles."]),
    ],
)
def test_the_last_word_is_completed_from_the_class(action: str, typed: str, offered: list[str]) -> None:
    assert sorted(words_after(V16[action], typed)) == offered


def test_the_values_of_a_boolean_are_offered() -> None:
    assert words_after(V201["CustomerInformation"], "report=") == ["report=true", "report=false"]
