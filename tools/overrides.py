"""What the installed schemas say wrongly or not at all: departures from OCA's text, and names. Pure data.

Every entry must fit something, or the generator stops: one that fits nothing is outdated.
"""

from typing import Any, Final, NamedTuple

REMOVED: Final = object()


class Departure(NamedTuple):
    """A place where mobilityhouse's copy of a schema says (`copy`) something else than OCA's (`official`).

    OCA's word is what is generated; REMOVED means that it has none. The two are equal where the copy is right
    and older sets of official schemas are not.
    """

    schema: str
    pointer: str
    copy: Any
    official: Any
    reason: str


_METER_VALUE = "/properties/meterValue"
_SAMPLED_VALUE = f"{_METER_VALUE}/items/properties/sampledValue"
_TRANSACTION_DATA_UNIT = "/properties/transactionData/items/properties/sampledValue/items/properties/unit"

DEPARTURES: dict[str, list[Departure]] = {
    "v16": [
        Departure(
            "MeterValues",
            f"{_METER_VALUE}/minItems",
            1,
            REMOVED,
            "added by the copy; OCA's schema has no lower bound",
        ),
        Departure(
            "MeterValues",
            f"{_SAMPLED_VALUE}/minItems",
            1,
            REMOVED,
            "added by the copy; real stations do send `sampledValue: []`, and OCA's schema lets them",
        ),
        Departure(
            "MeterValues",
            f"{_SAMPLED_VALUE}/items/properties/unit/enum/17",
            "Hertz",
            REMOVED,
            "added by the copy; no official unit, so it is never sent (but understood: see RECEIVE_ONLY)",
        ),
        Departure(
            "StopTransaction",
            f"{_TRANSACTION_DATA_UNIT}/enum/14",
            "Celsius",
            "Celsius",
            "official since urn:OCPP:1.6:2025:04; earlier sets have only the misspelt Celcius here",
        ),
    ],
    "v201": [
        Departure(
            "Get15118EVCertificateResponse",
            "/properties/exiResponse/maxLength",
            7500,
            5600,
            "widened by the copy; a longer maximum can be allowed per connection",
        ),
    ],
    "v21": [],
}

# Enum members that a peer may send us and that we never send, with the reason.
RECEIVE_ONLY: dict[str, dict[str, dict[str, str]]] = {
    "v16": {
        "UnitOfMeasure": {
            "Hertz": "not official, but what stations send as the unit of the measurand Frequency",
        },
    },
    "v201": {},
    "v21": {},
}

# Class of an enum or object: by `Owner.property`, else by the name of its definition or, if it has none, by
# the property. A definition without an entry keeps its name. Most schemas of 1.6 name nothing; what stands
# here are the names that the field knows from mobilityhouse/ocpp.
CLASS_NAMES: dict[str, dict[str, str]] = {
    "v16": {
        # datatypes
        "idTagInfo": "IdTagInfo",
        "localAuthorizationList": "AuthorizationData",
        "chargingProfile": "ChargingProfile",
        "csChargingProfiles": "ChargingProfile",
        "chargingSchedule": "ChargingSchedule",
        "chargingSchedulePeriod": "ChargingSchedulePeriod",
        "configurationKey": "KeyValue",
        "meterValue": "MeterValue",
        "transactionData": "MeterValue",
        "sampledValue": "SampledValue",
        # enums that one property means wherever it stands
        "chargingProfileKind": "ChargingProfileKindType",
        "chargingProfilePurpose": "ChargingProfilePurposeType",
        "chargingRateUnit": "ChargingRateUnitType",
        "context": "ReadingContext",
        "errorCode": "ChargePointErrorCode",
        "format": "ValueFormat",
        "location": "Location",
        "measurand": "Measurand",
        "phase": "Phase",
        "reason": "Reason",
        "recurrencyKind": "RecurrencyKind",
        "unit": "UnitOfMeasure",
        "updateType": "UpdateType",
        # enums of `type` and `status`, which mean something else in every message
        "BootNotificationResponse.status": "RegistrationStatus",
        "CancelReservationResponse.status": "CancelReservationStatus",
        "ChangeAvailability.type": "AvailabilityType",
        "ChangeAvailabilityResponse.status": "AvailabilityStatus",
        "ChangeConfigurationResponse.status": "ConfigurationStatus",
        "ClearCacheResponse.status": "ClearCacheStatus",
        "ClearChargingProfileResponse.status": "ClearChargingProfileStatus",
        "DataTransferResponse.status": "DataTransferStatus",
        "DeleteCertificateResponse.status": "DeleteCertificateStatus",
        "DiagnosticsStatusNotification.status": "DiagnosticsStatus",
        "FirmwareStatusNotification.status": "FirmwareStatus",
        "GetCompositeScheduleResponse.status": "GetCompositeScheduleStatus",
        "IdTagInfo.status": "AuthorizationStatus",
        "RemoteStartTransactionResponse.status": "RemoteStartStopStatus",
        "RemoteStopTransactionResponse.status": "RemoteStartStopStatus",
        "ReserveNowResponse.status": "ReservationStatus",
        "Reset.type": "ResetType",
        "ResetResponse.status": "ResetStatus",
        "SendLocalListResponse.status": "UpdateStatus",
        "SetChargingProfileResponse.status": "ChargingProfileStatus",
        "StatusNotification.status": "ChargePointStatus",
        "TriggerMessage.requestedMessage": "MessageTrigger",
        "TriggerMessageResponse.status": "TriggerMessageStatus",
        "UnlockConnectorResponse.status": "UnlockStatus",
        # the security extension, whose definitions have names
        "CertificateHashDataType": "CertificateHashData",
        "CertificateSignedStatusEnumType": "CertificateSignedStatus",
        "CertificateUseEnumType": "CertificateUse",
        "FirmwareType": "Firmware",
        "GenericStatusEnumType": "GenericStatus",
        "GetInstalledCertificateStatusEnumType": "GetInstalledCertificateStatus",
        "HashAlgorithmEnumType": "HashAlgorithm",
        "InstallCertificateStatusEnumType": "CertificateStatus",
        "LogEnumType": "Log",
        "LogParametersType": "LogParameters",
        "LogStatusEnumType": "LogStatus",
        "TriggerMessageStatusEnumType": "TriggerMessageStatus",
        "UpdateFirmwareStatusEnumType": "UpdateFirmwareStatus",
        "UploadLogStatusEnumType": "UploadLogStatus",
        # mobilityhouse's MessageTrigger and FirmwareStatus are each the union of two sets, so they allow
        # what the schema of either message refuses. Here the older message keeps the name, and the
        # extension's enum is named after its own message.
        "MessageTriggerEnumType": "ExtendedMessageTrigger",
        "FirmwareStatusEnumType": "SignedFirmwareStatus",
    },
    "v201": {},
    "v21": {},
}

# Words whose borders the case of the letters does not show, in names of properties and values.
WORDS = (
    "EMAIDs",
    "IKEv2",
    "IPSec",
    "L2TP",
    "RoCoF",
    "SoC",
    "V2G",
    "V2X",
    "kVA",
    "kW",
    "kWh",
    "soC",
    "soH",
    "v2x",
)

# Python name of a property, by `Owner.property`; without an entry it is `naming.snake` of the property.
#
# Several names of 2.1 differ in nothing but case, `soC` from `soc` and `priceScheduleID` from
# `priceScheduleId`. No class has both, so all are spelt alike in Python (`soc`, `price_schedule_id`), and
# each field knows its own name on the wire.
#
# Where mobilityhouse/ocpp spells a field differently in 2.0.1 and 2.1, `snake` decides for both:
# `language1`, `language2`, `iso15118_schema_version`, `iso15118_certificate_hash_data`. It agrees with one of
# theirs each time, and with the keys that their handlers get in both. (`language_1` is their 2.0.1,
# `iso_15118_schema_version` their 2.1.)
FIELD_NAMES: dict[str, dict[str, str]] = {
    "v16": {},
    "v201": {},
    "v21": {},
}

# Python name of an enum's value, by `Enum.value`; without an entry it is `naming.snake` of the value.
MEMBER_NAMES: dict[str, dict[str, str]] = {
    "v16": {
        # The field's names; a bare letter would say less.
        "ChargingRateUnitType.A": "amps",
        "ChargingRateUnitType.W": "watts",
    },
    "v201": {
        # The field's names again.
        "Action.Get15118EVCertificate": "get_15118_ev_certificate",
        "ChargingRateUnitEnumType.A": "amps",
        "ChargingRateUnitEnumType.W": "watts",
        "ConnectorEnumType.Other1PhMax16A": "other_1ph_max_16a",
        "ConnectorEnumType.Other1PhOver16A": "other_1ph_over_16a",
        "ConnectorEnumType.Other3Ph": "other_3ph",
        "ConnectorEnumType.s309-1P-16A": "s309_1p_16a",
        "ConnectorEnumType.s309-1P-32A": "s309_1p_32a",
        "ConnectorEnumType.s309-3P-16A": "s309_3p_16a",
        "ConnectorEnumType.s309-3P-32A": "s309_3p_32a",
    },
    # The field says `get15118_ev_certificate`, `a` and `w` here, unlike in 2.0.1, and so does `snake`.
    "v21": {},
}
