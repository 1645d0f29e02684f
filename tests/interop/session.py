"""Charging sessions as data: who asks what, and what the answer is.

Names and values are those of both libraries. SESSION is the one of OCPP 1.6, SESSIONS has one of each
version.
"""

from typing import Any, NamedTuple

from ocpp_sansio import Version

__all__ = ["NOON", "SESSION", "SESSIONS", "Payload", "Step"]

NOON = "2025-01-01T12:00:00Z"

Payload = dict[str, Any]


class Step(NamedTuple):
    """One call of a session, and the answer that it gets."""

    asker: str
    action: str
    request: Payload
    answer: Payload


SAMPLES = [
    {
        "value": "1234.5",
        "context": "Sample.Periodic",
        "format": "Raw",
        "measurand": "Energy.Active.Import.Register",
        "location": "Outlet",
        "unit": "Wh",
    },
    {"value": "16.0", "measurand": "Current.Import", "phase": "L1-N", "unit": "A"},
]
PROFILE = {
    "charging_profile_id": 1,
    "stack_level": 0,
    "charging_profile_purpose": "TxProfile",
    "charging_profile_kind": "Relative",
    "transaction_id": 7,
    "charging_schedule": {
        "charging_rate_unit": "A",
        "charging_schedule_period": [{"start_period": 0, "limit": 21.4, "number_phases": 3}],
    },
}
SESSION = [
    Step(
        "station",
        "BootNotification",
        {"charge_point_vendor": "acme", "charge_point_model": "One"},
        {"status": "Accepted", "current_time": NOON, "interval": 300},
    ),
    Step(
        "station",
        "StatusNotification",
        {"connector_id": 1, "error_code": "NoError", "status": "Available", "timestamp": NOON},
        {},
    ),
    Step("station", "Heartbeat", {}, {"current_time": NOON}),
    Step(
        "csms",
        "GetConfiguration",
        {"key": ["HeartbeatInterval", "Größe"]},
        {
            "configuration_key": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
            "unknown_key": ["Größe"],
        },
    ),
    Step(
        "csms",
        "ChangeConfiguration",
        {"key": "HeartbeatInterval", "value": "60"},
        {"status": "RebootRequired"},
    ),
    Step(
        "station",
        "Authorize",
        {"id_tag": "04E91C5A123480"},
        {"id_tag_info": {"status": "Accepted", "expiry_date": NOON}},
    ),
    Step(
        "station",
        "StartTransaction",
        {"connector_id": 1, "id_tag": "04E91C5A123480", "meter_start": 1234, "timestamp": NOON},
        {"transaction_id": 7, "id_tag_info": {"status": "Accepted"}},
    ),
    Step(
        "csms",
        "SetChargingProfile",
        {"connector_id": 1, "cs_charging_profiles": PROFILE},
        {"status": "Accepted"},
    ),
    Step(
        "station",
        "MeterValues",
        {
            "connector_id": 1,
            "transaction_id": 7,
            "meter_value": [{"timestamp": NOON, "sampled_value": SAMPLES}],
        },
        {},
    ),
    Step(
        "csms",
        "TriggerMessage",
        {"requested_message": "MeterValues", "connector_id": 1},
        {"status": "Rejected"},
    ),
    # What is inside the text is nobody's business; keys in there are of either style.
    Step(
        "csms",
        "DataTransfer",
        {"vendor_id": "com.acme", "message_id": "price", "data": '{"my_key": 1, "myKey": null}'},
        {"status": "Accepted", "data": '{"associated_socket": "☃"}'},
    ),
    Step(
        "station",
        "DataTransfer",
        {"vendor_id": "com.acme", "data": "text"},
        {"status": "UnknownVendorId"},
    ),
    Step("csms", "RemoteStopTransaction", {"transaction_id": 7}, {"status": "Accepted"}),
    Step(
        "station",
        "StopTransaction",
        {
            "transaction_id": 7,
            "meter_stop": 2345,
            "timestamp": NOON,
            "reason": "Remote",
            "transaction_data": [{"timestamp": NOON, "sampled_value": [{"value": "2345"}]}],
        },
        {"id_tag_info": {"status": "Expired"}},
    ),
    Step("csms", "Reset", {"type": "Soft"}, {"status": "Accepted"}),
]

TOKEN = {"id_token": "04E91C5A123480", "type": "ISO14443"}
HEARTBEAT_INTERVAL = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
READING = {
    "timestamp": NOON,
    "sampled_value": [{"value": 1234.5, "context": "Sample.Periodic", "unit_of_measure": {"unit": "Wh"}}],
}

#: What 2.0.1 and 2.1 have in common.
SESSION_2 = [
    Step(
        "station",
        "BootNotification",
        {"charging_station": {"model": "One", "vendor_name": "acme"}, "reason": "PowerUp"},
        {"current_time": NOON, "interval": 300, "status": "Accepted"},
    ),
    Step("station", "Heartbeat", {}, {"current_time": NOON}),
    Step(
        "station",
        "StatusNotification",
        {"timestamp": NOON, "connector_status": "Available", "evse_id": 1, "connector_id": 1},
        {},
    ),
    Step(
        "csms",
        "GetVariables",
        {"get_variable_data": [HEARTBEAT_INTERVAL]},
        {
            "get_variable_result": [
                {"attribute_status": "Accepted", "attribute_value": "300", **HEARTBEAT_INTERVAL}
            ]
        },
    ),
    Step(
        "csms",
        "SetVariables",
        {"set_variable_data": [{"attribute_value": "Größe", **HEARTBEAT_INTERVAL}]},
        {"set_variable_result": [{"attribute_status": "Rejected", **HEARTBEAT_INTERVAL}]},
    ),
    Step(
        "csms",
        "RequestStartTransaction",
        {"id_token": TOKEN, "remote_start_id": 7, "evse_id": 1},
        {"status": "Accepted"},
    ),
    Step("station", "Authorize", {"id_token": TOKEN}, {"id_token_info": {"status": "Accepted"}}),
    Step(
        "station",
        "TransactionEvent",
        {
            "event_type": "Started",
            "timestamp": NOON,
            "trigger_reason": "RemoteStart",
            "seq_no": 0,
            "transaction_info": {"transaction_id": "c0ffee", "remote_start_id": 7},
            "meter_value": [READING],
            "offline": False,
        },
        {"total_cost": 0.25},
    ),
    # In 2.x it may be any JSON. Keys of it are left out: mobilityhouse's library rewrites them.
    Step(
        "csms",
        "DataTransfer",
        {"vendor_id": "com.acme", "message_id": "price", "data": ["☃", 1, 2.5, True, ""]},
        {"status": "Accepted", "data": "text"},
    ),
    Step("station", "DataTransfer", {"vendor_id": "com.acme", "data": 0}, {"status": "UnknownVendorId"}),
    Step("csms", "GetBaseReport", {"request_id": 1, "report_base": "FullInventory"}, {"status": "Accepted"}),
    Step(
        "station",
        "NotifyReport",
        {
            "request_id": 1,
            "generated_at": NOON,
            "seq_no": 0,
            "tbc": False,
            "report_data": [{**HEARTBEAT_INTERVAL, "variable_attribute": [{"value": "300"}]}],
        },
        {},
    ),
    Step("csms", "Reset", {"type": "Immediate"}, {"status": "Scheduled"}),
]
#: What only 2.1 has.
SESSION_21 = [
    Step(
        "station",
        "OpenPeriodicEventStream",
        {
            "constant_stream_data": {
                "id": 1,
                "variable_monitoring_id": 2,
                "params": {"interval": 60, "values": 10},
            }
        },
        {"status": "Accepted"},
    ),
    Step(
        "station",
        "VatNumberValidation",
        {"vat_number": "NL000099998B57", "evse_id": 1},
        {"vat_number": "NL000099998B57", "status": "Rejected", "evse_id": 1},
    ),
    Step("csms", "AFRRSignal", {"timestamp": NOON, "signal": -3}, {"status": "Accepted"}),
    Step("csms", "GetTariffs", {"evse_id": 0}, {"status": "NoTariff"}),
]
SESSIONS: dict[Version, list[Step]] = {
    Version.V16: SESSION,
    Version.V201: SESSION_2,
    Version.V21: [*SESSION_2, *SESSION_21],
}
