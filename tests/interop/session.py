"""One charging session in OCPP 1.6 as data: who asks what, and what the answer is. Names and values are those of both libraries."""

from typing import Any, NamedTuple

__all__ = ["NOON", "SESSION", "Payload", "Step"]

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
