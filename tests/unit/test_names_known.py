"""Whoever comes from mobilityhouse's `ocpp` finds its names here, in all three versions, or below why not.

A name is written as users reach it from the version's package: `call.Authorize.id_tag`.
"""

import dataclasses
from collections import Counter
from enum import Enum
from functools import cache
from importlib import import_module
from types import ModuleType

import attrs
import pytest
from ocpp.charge_point import snake_to_camel_case

from ocpp_sansio.messages import wire_name
from ocpp_sansio.v201 import datatypes as datatypes_201

MODULES = ("call", "call_result", "datatypes", "enums")

# How much is compared: classes, their fields, enums, their members. Without it, another way of declaring
# classes over there would leave nothing to compare, and the tests green.
COMPARED = {
    "v16": (89, 187, 48, 317),
    "v201": (182, 636, 176, 1294),
    "v21": (301, 1337, 111, 689),
}

# Their enums of names in the device model of 2.0.1.
DEVICE_MODEL = """
AcDcConverterVariableName AcPhaseSelectorVariableName AccessBarrierVariableName ActuatorVariableName
AirCoolingSystemVariableName AlignedDataCtrlrVariableName AreaVentilationVariableName
AuthCacheCtrlrVariableName AuthCtrlrVariableName BayOccupancySensorVariableName BeaconLightingVariableName
CHAdeMOCtrlrVariableName CPPWMControllerVariableName CableBreakawaySensorVariableName
CaseAccessSensorVariableName ChargingStateVariableName ChargingStationVariableName
ChargingStatusIndicatorVariableName ClockCtrlrVariableName ConnectedEVVariableName
ConnectorHolsterReleaseVariableName ConnectorHolsterSensorVariableName ConnectorPlugRetentionLockVariableName
ConnectorProtectionReleaseVariableName ConnectorVariableName ControlMeteringVariableName
ControllerComponentName ControllerVariableName CustomizationCtrlrVariableName DataLinkVariableName
DeviceDataCtrlrInstanceName DeviceDataCtrlrVariableName DisplayMessageCtrlrVariableName DisplayVariableName
DistributionPanelVariableName ELVSupplyVariableName EVRetentionLockVariableName EVSEVariableName
ElectricalFeedVariableName EmergencyStopSensorVariableName EnvironmentalLightingVariableName
ExternalTemperatureSensorVariableName FiscalMeteringVariableName FloodSensorVariableName
GroundIsolationProtectionVariableName HeaterVariableName HumiditySensorVariableName ISO15118CtrlrVariableName
LightSensorVariableName LiquidCoolingSystemVariableName LocalAuthListCtrlrVariableName
LocalAvailabilitySensorVariableName LocalControllerVariableName LocalEnergyStorageVariableName
MonitoringCtrlrInstanceName MonitoringCtrlrVariableName OCPPCommCtrlrInstanceName OCPPCommCtrlrVariableName
OverCurrentProtectionRecloserVariableName OverCurrentProtectionVariableName PhysicalComponentName
PowerContactorVariableName RCDRecloserVariableName RCDVariableName RealTimeClockVariableName
ReservationCtrlrVariableName SampledDataCtrlrVariableName SecurityCtrlrVariableName ShockSensorVariableName
SmartChargingCtrlrInstanceName SmartChargingCtrlrVariableName SpacesCountSignageVariableName
StandardizedVariableName SwitchVariableName TariffCostCtrlrInstanceName TariffCostCtrlrVariableName
TemperatureSensorVariableName TiltSensorVariableName TokenReaderVariableName TxCtrlrVariableName
UIInputVariableName UpstreamProtectionTriggerVariableName VehicleIdSensorVariableName
"""

# Their names that are not here: by version and reason, each with ours for the same thing if there is one.
DIFFERENT: dict[str, dict[str, dict[str, str | None]]] = {
    "v16": {
        "no schema has it: keys are free text on the wire": {
            "enums.ConfigurationKey": None,
        },
        "theirs is the union of two messages' enums; only SignedFirmwareStatusNotification may say these": {
            f"enums.FirmwareStatus.{member}": f"enums.SignedFirmwareStatus.{member}"
            for member in (
                "download_paused",
                "download_scheduled",
                "install_rebooting",
                "install_scheduled",
                "install_verification_failed",
                "invalid_signature",
                "signature_verified",
            )
        },
        "theirs is the union of two messages' enums; only ExtendedTriggerMessage may ask for these": {
            f"enums.MessageTrigger.{member}": f"enums.ExtendedMessageTrigger.{member}"
            for member in ("log_status_notification", "sign_charge_point_certificate")
        },
    },
    "v201": {
        "no schema has it: names of components and variables are free text on the wire": {
            f"enums.{name}": None for name in DEVICE_MODEL.split()
        },
        "no schema has it: free text on the wire, for which the standard only suggests values": {
            "enums.SecurityEventType": None,
            "enums.StandardizedUnitsOfMeasureType": None,
            "enums.StatusInfoReasonType": None,
            "enums.TxStartStopPointEnumType": None,
        },
        "the schema refuses the value": {
            "enums.ConnectorEnumType.c_chao_ji": None,
            "enums.ConnectorEnumType.c_gbt": None,
            "enums.ConnectorEnumType.opp_charge": None,
            "enums.DataEnumType.password_string": None,
        },
        "schema says MonitoringBaseEnumType, and so do they in 2.1": {
            "enums.MonitorBaseEnumType": "enums.MonitoringBaseEnumType",
        },
        "their slip: camel case, unlike all others": {
            "enums.GetInstalledCertificateStatusEnumType.notFound": (
                "enums.GetInstalledCertificateStatusEnumType.not_found"
            ),
        },
        "one spelling for 2.0.1 and 2.1: language1 in their 2.1 and as the key that their handlers get": {
            "datatypes.IdTokenInfoType.language_1": "datatypes.IdTokenInfoType.language1",
            "datatypes.IdTokenInfoType.language_2": "datatypes.IdTokenInfoType.language2",
        },
    },
    "v21": {
        "one spelling for 2.0.1 and 2.1: iso15118 in their 2.0.1 and as the key that their handlers get": {
            "call.Authorize.iso_15118_certificate_hash_data": "call.Authorize.iso15118_certificate_hash_data",
            "call.Get15118EVCertificate.iso_15118_schema_version": (
                "call.Get15118EVCertificate.iso15118_schema_version"
            ),
        },
        "one class for both versions, which also keeps what a vendor adds": {
            "datatypes.CustomDataType": "messages.CustomData",
        },
        "their slip: a double underscore": {
            "enums.DERUnitEnumType.not__applicable": "enums.DERUnitEnumType.not_applicable",
        },
        "their slip: two words run together, beside pct_max_var and pct_w_avail": {
            "enums.DERUnitEnumType.pct_effectivev": "enums.DERUnitEnumType.pct_effective_v",
            "enums.DERUnitEnumType.pct_maxw": "enums.DERUnitEnumType.pct_max_w",
        },
        "their slip: a word cut in two; their 2.0.1 has soc, ikev2, ipsec and l2tp": {
            "enums.IslandingDetectionEnumType.ro_cof": "enums.IslandingDetectionEnumType.rocof",
            "enums.TriggerReasonEnumType.so_c_limit_reached": "enums.TriggerReasonEnumType.soc_limit_reached",
            "enums.VPNEnumType.ik_ev2": "enums.VPNEnumType.ikev2",
            "enums.VPNEnumType.ip_sec": "enums.VPNEnumType.ipsec",
            "enums.VPNEnumType.l2_tp": "enums.VPNEnumType.l2tp",
        },
    },
}
ENTRIES = [
    (version, theirs, ours)
    for version, groups in DIFFERENT.items()
    for names in groups.values()
    for theirs, ours in names.items()
]

# Our names that they lack, beside those above.
ONLY_HERE = {
    "v16": {
        "enums.ExtendedMessageTrigger",
        "enums.SignedFirmwareStatus",
        "enums.UnitOfMeasure.celcius",
        "enums.UnitOfMeasure.hertz",
    },
    "v201": {
        "enums.MessageStateEnumType.unavailable",
        *(f"datatypes.{name}.custom_data" for name in datatypes_201.__all__),
    },
    "v21": {
        "datatypes.StreamDataElementType",
        "enums.Action.notify_periodic_event_stream",
    },
}


def classes_of(module: ModuleType) -> dict[str, type]:
    """What the module itself defines: theirs of 2.1 also hold what they import from each other, and their
    enums of 1.6 a class of lengths.
    """
    return {
        name: item
        for name, item in vars(module).items()
        if isinstance(item, type) and item.__module__ == module.__name__
        if issubclass(item, Enum) or dataclasses.is_dataclass(item) or attrs.has(item)
    }


def members_of(cls: type) -> set[str]:
    """The fields of a message class or the members of an enum, theirs or ours."""
    if issubclass(cls, Enum):
        return set(cls.__members__)
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else attrs.fields(cls)
    return {field.name for field in fields}


@cache
def names_of(library: str, version: str) -> frozenset[str]:
    """All names of a version: each class, and each field or member below its class."""
    names = set[str]()
    for module in MODULES:
        for name, cls in classes_of(import_module(f"{library}.{version}.{module}")).items():
            names.update([f"{module}.{name}", *(f"{module}.{name}.{member}" for member in members_of(cls))])
    return frozenset(names)


def lacking(names: frozenset[str], others: frozenset[str]) -> set[str]:
    """The names that are not among the others; of a class that is not, only its own."""
    absent = names - others
    return {name for name in absent if name.rpartition(".")[0] not in absent}


def listed(version: str) -> dict[str, str | None]:
    return {theirs: ours for of_version, theirs, ours in ENTRIES if of_version == version}


def on_the_wire(library: str, version: str, name: str) -> set[str]:
    """The values of an enum or the keys of a message class; of a member or field, its own only."""
    module, class_name, *member = name.split(".")
    package = library if module == "messages" else f"{library}.{version}"
    cls = getattr(import_module(f"{package}.{module}"), class_name)
    members = member or members_of(cls)
    if issubclass(cls, Enum):
        return {str(cls.__members__[member].value) for member in members}
    if dataclasses.is_dataclass(cls):
        return set(snake_to_camel_case(dict.fromkeys(members)))
    return {wire_name(getattr(attrs.fields(cls), member)) for member in members}


@pytest.mark.parametrize("version", COMPARED)
def test_all_their_names_are_compared(version: str) -> None:
    kinds = Counter((name.startswith("enums."), name.count(".")) for name in names_of("ocpp", version))
    assert (kinds[False, 1], kinds[False, 2], kinds[True, 1], kinds[True, 2]) == COMPARED[version]


@pytest.mark.parametrize("version", COMPARED)
def test_every_name_of_theirs_is_here_or_listed_with_a_reason(version: str) -> None:
    assert lacking(names_of("ocpp", version), names_of("ocpp_sansio", version)) == set(listed(version))


@pytest.mark.parametrize("version", COMPARED)
def test_every_name_of_ours_is_theirs_or_listed(version: str) -> None:
    more = lacking(names_of("ocpp_sansio", version), names_of("ocpp", version))
    assert more - set(listed(version).values()) == ONLY_HERE[version]


@pytest.mark.parametrize("version", COMPARED)
def test_a_member_of_the_same_name_has_the_same_value(version: str) -> None:
    shared = names_of("ocpp", version) & names_of("ocpp_sansio", version)
    members = [name for name in shared if name.startswith("enums.") and name.count(".") == 2]
    for name in members:
        assert on_the_wire("ocpp", version, name) == on_the_wire("ocpp_sansio", version, name), name


@pytest.mark.parametrize(("version", "theirs", "ours"), [entry for entry in ENTRIES if entry[2]])
def test_a_name_of_ours_in_the_list_means_what_theirs_does(version: str, theirs: str, ours: str) -> None:
    assert on_the_wire("ocpp", version, theirs) <= on_the_wire("ocpp_sansio", version, ours)


@pytest.mark.parametrize(("version", "theirs"), [entry[:2] for entry in ENTRIES if not entry[2]])
def test_what_has_no_name_of_ours_is_not_here_by_another(version: str, theirs: str) -> None:
    """A member is looked for among those of its enum, an enum among all of them."""
    parent = theirs.rpartition(".")[0]
    places = [name for name in names_of("ocpp_sansio", version) if name.rpartition(".")[0] == parent]
    assert places
    meaning = on_the_wire("ocpp", version, theirs)
    assert [name for name in places if on_the_wire("ocpp_sansio", version, name) == meaning] == []
