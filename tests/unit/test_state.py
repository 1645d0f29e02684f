"""What is remembered of a station, and what its boot status lets pass, by themselves."""

from typing import Any

import pytest

from ocpp_sansio import BootGate, BootStatus, Raw, Role, StationState, Version
from ocpp_sansio.messages import Message
from ocpp_sansio.state import MOST_ANSWERS, MOST_REQUESTED
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v16 import call_result as result16
from ocpp_sansio.v201 import call as call201
from ocpp_sansio.v201 import call_result as result201

V16 = Version.V16.rules.boot
V201 = Version.V201.rules.boot
BOOT16 = call16.BootNotification(charge_point_vendor="acme", charge_point_model="x1")
BOOT201 = call201.BootNotification(reason="PowerUp", charging_station={"model": "x1", "vendor_name": "acme"})
TIME = "2024-05-01T12:00:00Z"
ANSWERS = [BootStatus.ACCEPTED, BootStatus.PENDING, BootStatus.REJECTED]


def booted16(status: str) -> Message:
    return result16.BootNotification(current_time=TIME, interval=300, status=status)


def booted201(status: str) -> Message:
    return result201.BootNotification(current_time=TIME, interval=300, status=status)


# The state.


def test_of_a_new_station_nothing_is_known() -> None:
    state = StationState("CP1")
    assert (state.identity, state.boot, state.requested) == ("CP1", BootStatus.UNKNOWN, set())


def test_a_boot_status_is_taken_by_its_text() -> None:
    state = StationState(boot="Pending")  # type: ignore[arg-type]
    assert state.boot is BootStatus.PENDING
    state.boot = "Accepted"  # type: ignore[assignment]
    assert state.boot is BootStatus.ACCEPTED


@pytest.mark.parametrize("status", ["accepted", "Fine", "", None, 7])
def test_another_boot_status_is_refused(status: object) -> None:
    with pytest.raises(ValueError, match="is not a valid BootStatus"):
        StationState(boot=status)  # type: ignore[arg-type]
    state = StationState(boot=BootStatus.PENDING)
    with pytest.raises(ValueError, match="is not a valid BootStatus"):
        state.boot = status  # type: ignore[assignment]
    assert state.boot is BootStatus.PENDING


def test_states_of_two_stations_share_nothing() -> None:
    first, second = StationState(), StationState()
    first.requested.add("Heartbeat")
    first.remember_answer("1", "ClearCache", "call", "answer")
    assert second.requested == set()
    assert second.answer_to("1", "call") is None


def test_a_state_has_no_room_for_misspelt_attributes() -> None:
    with pytest.raises(AttributeError):
        StationState().bot = BootStatus.ACCEPTED  # type: ignore[attr-defined]


# Answers.


def test_the_answer_to_a_call_is_remembered() -> None:
    state = StationState()
    state.remember_answer("1", "ClearCache", '[2,"1","Heartbeat",{}]', '[3,"1",{}]')
    assert state.answer_to("1", '[2,"1","Heartbeat",{}]') == '[3,"1",{}]'


def test_it_answers_as_often_as_the_call_comes() -> None:
    state = StationState()
    state.remember_answer("1", "ClearCache", "call", "answer")
    assert [state.answer_to("1", "call") for _ in range(3)] == ["answer"] * 3


def test_another_call_of_the_same_id_has_no_answer() -> None:
    state = StationState()
    state.remember_answer("1", "ClearCache", '[2,"1","Heartbeat",{}]', "answer")
    assert state.answer_to("1", '[2,"1","Authorize",{"idTag":"a"}]') is None


def test_a_call_of_another_id_has_no_answer() -> None:
    state = StationState()
    state.remember_answer("1", "ClearCache", "call", "answer")
    assert state.answer_to("2", "call") is None


def test_the_newest_answer_under_an_id_counts() -> None:
    state = StationState()
    state.remember_answer("1", "ClearCache", "first", "old")
    state.remember_answer("1", "ClearCache", "second", "new")
    assert state.answer_to("1", "first") is None
    assert state.answer_to("1", "second") == "new"


def test_a_call_beyond_ascii_is_recognised() -> None:
    state = StationState()
    state.remember_answer("1", "ClearCache", "ä😀", "answer")
    assert state.answer_to("1", "ä😀") == "answer"


def test_answers_are_remembered_within_a_bound() -> None:
    state = StationState()
    for n in range(MOST_ANSWERS + 1):
        state.remember_answer(str(n), "ClearCache", "call", "answer")
    assert state.answer_to("0", "call") is None
    assert state.answer_to("1", "call") == "answer"
    assert state.answer_to(str(MOST_ANSWERS), "call") == "answer"


def test_the_repr_shows_no_answers() -> None:
    state = StationState("CP1")
    state.remember_answer("1", "ClearCache", "call", "x" * 10**6)
    assert (
        repr(state) == "StationState(identity='CP1', boot=<BootStatus.UNKNOWN: 'Unknown'>, requested=set())"
    )


# What is observed.


@pytest.mark.parametrize("status", ANSWERS)
def test_the_answer_to_a_boot_notification_is_the_boot_status(status: BootStatus) -> None:
    state = StationState()
    state.observe(V16, "BootNotification", BOOT16, booted16(status.value))
    assert state.boot is status


@pytest.mark.parametrize("status", ANSWERS)
def test_the_boot_status_of_2_x_is_observed_alike(status: BootStatus) -> None:
    state = StationState()
    state.observe(V201, "BootNotification", BOOT201, booted201(status.value))
    assert state.boot is status


@pytest.mark.parametrize("status", ANSWERS)
def test_the_boot_status_is_found_in_a_message_without_a_class(status: BootStatus) -> None:
    state = StationState()
    answer = Raw("BootNotification", {"status": status.value})
    state.observe(V16, "BootNotification", Raw("BootNotification"), answer)
    assert state.boot is status


@pytest.mark.parametrize("payload", [{}, {"status": "Fine"}, {"status": 7}, {"status": "Unknown"}])
def test_an_answer_that_is_no_boot_status_changes_nothing(payload: dict[str, object]) -> None:
    state = StationState(boot=BootStatus.PENDING)
    state.observe(V16, "BootNotification", BOOT16, Raw("BootNotification", payload))
    assert state.boot is BootStatus.PENDING


def test_the_status_of_another_action_is_no_boot_status() -> None:
    state = StationState()
    state.observe(V16, "ClearCache", call16.ClearCache(), result16.ClearCache(status="Accepted"))
    assert state.boot is BootStatus.UNKNOWN


def test_a_later_answer_replaces_the_boot_status() -> None:
    state = StationState()
    for status in ("Rejected", "Pending", "Accepted", "Rejected"):
        state.observe(V16, "BootNotification", BOOT16, booted16(status))
    assert state.boot is BootStatus.REJECTED


def test_an_accepted_trigger_asks_for_its_message() -> None:
    state = StationState(boot=BootStatus.PENDING)
    trigger = call16.TriggerMessage(requested_message="MeterValues")
    state.observe(V16, "TriggerMessage", trigger, result16.TriggerMessage(status="Accepted"))
    assert state.requested == {"MeterValues"}


@pytest.mark.parametrize("status", ["Rejected", "NotImplemented"])
def test_a_refused_trigger_asks_for_nothing(status: str) -> None:
    state = StationState(boot=BootStatus.PENDING)
    trigger = call16.TriggerMessage(requested_message="MeterValues")
    state.observe(V16, "TriggerMessage", trigger, result16.TriggerMessage(status=status))
    assert state.requested == set()


def test_a_trigger_without_a_class_asks_too() -> None:
    state = StationState(boot=BootStatus.PENDING)
    trigger = Raw("TriggerMessage", {"requestedMessage": "Heartbeat"})
    state.observe(V16, "TriggerMessage", trigger, Raw("TriggerMessage", {"status": "Accepted"}))
    assert state.requested == {"Heartbeat"}


@pytest.mark.parametrize(
    ("requested", "actions"),
    [
        ("LogStatusNotification", {"LogStatusNotification"}),
        ("SignChargePointCertificate", {"SignChargePointCertificate", "SignCertificate"}),
        (
            "FirmwareStatusNotification",
            {"FirmwareStatusNotification", "SignedFirmwareStatusNotification"},
        ),
    ],
)
def test_the_extended_trigger_of_1_6_has_names_of_its_own(requested: str, actions: set[str]) -> None:
    # J16-604
    state = StationState(boot=BootStatus.PENDING)
    trigger = call16.ExtendedTriggerMessage(requested_message=requested)
    answer = result16.ExtendedTriggerMessage(status="Accepted")
    state.observe(V16, "ExtendedTriggerMessage", trigger, answer)
    assert state.requested == actions


@pytest.mark.parametrize("requested", ["SignChargingStationCertificate", "SignV2GCertificate"])
def test_triggers_of_certificates_ask_for_the_same_call(requested: str) -> None:
    state = StationState(boot=BootStatus.PENDING)
    trigger = call201.TriggerMessage(requested_message=requested)
    state.observe(V201, "TriggerMessage", trigger, result201.TriggerMessage(status="Accepted"))
    assert "SignCertificate" in state.requested


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ("GetBaseReport", "NotifyReport"),
        ("GetReport", "NotifyReport"),
        ("GetMonitoringReport", "NotifyMonitoringReport"),
        ("CustomerInformation", "NotifyCustomerInformation"),
        ("GetLog", "LogStatusNotification"),
    ],
)
@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_reports_of_2_x_are_asked_for_by_these(version: Version, action: str, wanted: str) -> None:
    state = StationState(boot=BootStatus.PENDING)
    state.observe(version.rules.boot, action, Raw(action), Raw(action, {"status": "Accepted"}))
    assert state.requested == {wanted}


def test_a_log_of_1_6_is_not_asked_for_before_acceptance() -> None:
    state = StationState(boot=BootStatus.PENDING)
    state.observe(V16, "GetLog", Raw("GetLog"), Raw("GetLog", {"status": "Accepted"}))
    assert state.requested == set()


@pytest.mark.parametrize("odd", [None, 7, ["Heartbeat"], {}, ""])
def test_a_trigger_of_nothing_that_has_a_name_asks_for_nothing(odd: Any) -> None:
    state = StationState(boot=BootStatus.PENDING)
    trigger = Raw("TriggerMessage", {"requestedMessage": odd})
    state.observe(V16, "TriggerMessage", trigger, Raw("TriggerMessage", {"status": "Accepted"}))
    assert state.requested == set()


@pytest.mark.parametrize("odd", [None, 7, ["Accepted"], {}])
def test_a_boot_whose_answer_has_no_status_changes_nothing(odd: Any) -> None:
    state = StationState(boot=BootStatus.PENDING, requested={"Heartbeat"})
    state.observe(V16, "BootNotification", BOOT16, Raw("BootNotification", {"status": odd}))
    assert state == StationState(boot=BootStatus.PENDING, requested={"Heartbeat"})


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
def test_acceptance_and_rejection_forget_what_was_asked_for(status: str) -> None:
    state = StationState(boot=BootStatus.PENDING, requested={"Heartbeat"})
    state.observe(V16, "BootNotification", BOOT16, booted16(status))
    assert state.requested == set()


@pytest.mark.parametrize("boot", [BootStatus.UNKNOWN, BootStatus.ACCEPTED, BootStatus.REJECTED])
def test_only_a_pending_station_is_asked_for_anything(boot: BootStatus) -> None:
    """What an accepted one was asked for must not pass the gate after its next boot."""
    state = StationState(boot=boot)
    trigger = call16.TriggerMessage(requested_message="MeterValues")
    state.observe(V16, "TriggerMessage", trigger, result16.TriggerMessage(status="Accepted"))
    assert state.requested == set()


def test_a_boot_makes_earlier_answers_void() -> None:
    state = StationState()
    state.remember_answer("1", "ClearCache", "call", "answer")
    state.remember_answer("2", "BootNotification", "boot", "booted")
    assert state.answer_to("1", "call") is None
    assert state.answer_to("2", "boot") is None


def test_an_identity_is_text_and_what_was_asked_for_a_set() -> None:
    with pytest.raises(TypeError, match="identity"):
        StationState(3)  # type: ignore[arg-type]
    assert StationState(requested=["Heartbeat"]).requested == {"Heartbeat"}
    with pytest.raises(TypeError, match="trust_unknown"):
        BootGate("x")  # type: ignore[arg-type]


def test_waiting_on_remembers_what_was_asked_for() -> None:
    state = StationState(boot=BootStatus.PENDING, requested={"Heartbeat"})
    state.observe(V16, "BootNotification", BOOT16, booted16("Pending"))
    assert state.requested == {"Heartbeat"}


def test_what_was_asked_for_is_bounded() -> None:
    state = StationState(boot=BootStatus.PENDING)
    for n in range(2 * MOST_REQUESTED):
        trigger = Raw("TriggerMessage", {"requestedMessage": str(n)})
        state.observe(V16, "TriggerMessage", trigger, Raw("TriggerMessage", {"status": "Accepted"}))
    assert len(state.requested) == MOST_REQUESTED


# The gate.

STATION, CSMS = Role.CHARGING_STATION, Role.CSMS


@pytest.mark.parametrize(
    ("boot", "action", "admitted"),
    [
        ("Unknown", "BootNotification", True),  # J16-501, J201-501, J21-501
        ("Unknown", "Heartbeat", False),
        ("Unknown", "StatusNotification", False),
        ("Pending", "BootNotification", True),  # J16-502, J201-502, J21-502
        ("Pending", "StatusNotification", True),
        ("Pending", "Heartbeat", False),
        ("Rejected", "BootNotification", True),  # J16-504, J201-504, J21-504
        ("Rejected", "StatusNotification", False),
        ("Accepted", "BootNotification", True),
        ("Accepted", "Heartbeat", True),
    ],
)
@pytest.mark.parametrize("version", list(Version))
def test_what_a_station_may_send(version: Version, boot: str, action: str, admitted: bool) -> None:
    state = StationState(boot=BootStatus(boot), requested={"StatusNotification"})
    assert BootGate().admits(STATION, STATION, state, version.rules.boot, action) is admitted


@pytest.mark.parametrize(
    ("boot", "action", "admitted"),
    [
        ("Unknown", "Reset", True),
        ("Unknown", "RemoteStartTransaction", True),
        ("Pending", "Reset", True),
        ("Pending", "RemoteStartTransaction", False),  # J16-503
        ("Pending", "RemoteStopTransaction", False),
        ("Rejected", "Reset", False),  # J16-505
        ("Rejected", "TriggerMessage", False),
        ("Accepted", "RemoteStartTransaction", True),
    ],
)
@pytest.mark.parametrize("here", list(Role))
def test_what_a_csms_may_send(here: Role, boot: str, action: str, admitted: bool) -> None:
    state = StationState(boot=BootStatus(boot))
    assert BootGate().admits(CSMS, here, state, V16, action) is admitted


@pytest.mark.parametrize(
    ("boot", "action", "admitted"),
    [
        ("Pending", "GetBaseReport", True),
        ("Pending", "RequestStartTransaction", False),  # J201-503, J21-503
        ("Pending", "RequestStopTransaction", False),
        ("Rejected", "TriggerMessage", False),  # J201-505, J21-505
        ("Accepted", "RequestStartTransaction", True),
    ],
)
@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_what_a_csms_of_2_x_may_send(version: Version, boot: str, action: str, admitted: bool) -> None:
    state = StationState(boot=BootStatus(boot))
    assert BootGate().admits(CSMS, STATION, state, version.rules.boot, action) is admitted


def test_a_csms_trusts_a_station_whose_boot_it_has_not_seen() -> None:
    """L-506: it may have been accepted before this CSMS started."""
    assert BootGate().admits(STATION, CSMS, StationState(), V16, "Heartbeat")


def test_a_csms_may_be_told_to_trust_nobody() -> None:
    gate = BootGate(trust_unknown=False)
    assert not gate.admits(STATION, CSMS, StationState(), V16, "Heartbeat")
    assert gate.admits(STATION, CSMS, StationState(), V16, "BootNotification")


@pytest.mark.parametrize("boot", ["Pending", "Rejected"])
def test_trust_is_for_the_unknown_only(boot: str) -> None:
    state = StationState(boot=BootStatus(boot))
    assert not BootGate().admits(STATION, CSMS, state, V16, "Heartbeat")


def test_a_station_does_not_trust_itself() -> None:
    assert not BootGate(trust_unknown=True).admits(STATION, STATION, StationState(), V16, "Heartbeat")
