"""The long parts of the measured payloads."""

from typing import Any

__all__ = ["charging_needs", "charging_profile", "report_items", "samples"]

_MEASURANDS = ["Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"]
_UNITS = ["Wh", "W", "A", "V"]


def samples(count: int, *, as_text: bool) -> list[dict[str, Any]]:
    """Sampled values: 1.6 writes numbers as text and the unit as a member, 2.x numbers and an object."""
    found: list[dict[str, Any]] = []
    for n in range(count):
        value = f"{1000 + 17 * n}.{1 + n % 9}"
        unit = _UNITS[n % 4]
        found.append(
            {
                "value": value if as_text else float(value),
                "context": "Sample.Periodic",
                "measurand": _MEASURANDS[n % 4],
                "phase": f"L{n % 3 + 1}",
                "location": "Outlet",
                **({"unit": unit} if as_text else {"unitOfMeasure": {"unit": unit, "multiplier": 0}}),
            }
        )
    return found


def charging_profile(periods: int) -> dict[str, Any]:
    """A day's profile of 1.6, one period an hour."""
    return {
        "chargingProfileId": 100,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "validFrom": "2026-05-01T00:00:00Z",
        "validTo": "2026-06-01T00:00:00Z",
        "chargingSchedule": {
            "duration": 86400,
            "startSchedule": "2026-05-01T00:00:00Z",
            "chargingRateUnit": "A",
            "minChargingRate": 6.0,
            "chargingSchedulePeriod": [
                {"startPeriod": 3600 * n, "limit": (60 + n % 10 * 26) / 10, "numberPhases": 3}
                for n in range(periods)
            ],
        },
    }


def report_items(count: int) -> list[dict[str, Any]]:
    """Variables of the device model, 360 bytes each."""
    return [
        {
            "component": {
                "name": "EVSE",
                "instance": f"main-{n:02d}",
                "evse": {"id": n % 4 + 1, "connectorId": 1},
            },
            "variable": {"name": "AllowReset"},
            "variableAttribute": [
                {
                    "type": "Actual",
                    "value": f"value {n}",
                    "mutability": "ReadWrite",
                    "persistent": True,
                    "constant": False,
                }
            ],
            "variableCharacteristics": {
                "unit": "Percent",
                "dataType": "integer",
                "minLimit": 0,
                "maxLimit": 100.5,
                "supportsMonitoring": True,
            },
        }
        for n in range(count)
    ]


def charging_needs() -> dict[str, Any]:
    """A car that can give energy back, with an offer of power and price."""
    anchor = "2026-05-01T12:00:00Z"
    return {
        "requestedEnergyTransfer": "DC_BPT",
        "availableEnergyTransfer": ["DC", "DC_BPT", "AC_three_phase"],
        "controlMode": "DynamicControl",
        "mobilityNeedsMode": "EVCC_SECC",
        "departureTime": "2026-05-01T18:00:00Z",
        "dcChargingParameters": {
            "evMaxCurrent": 200.0,
            "evMaxVoltage": 920.0,
            "evMaxPower": 150000.0,
            "evEnergyCapacity": 77000.0,
            "stateOfCharge": 34,
            "fullSoC": 100,
            "bulkSoC": 80,
        },
        "v2xChargingParameters": {
            "minChargePower": 1400.0,
            "maxChargePower": 11000.0,
            "minDischargePower": 1400.0,
            "maxDischargePower": 11000.0,
            "evTargetEnergyRequest": 42000.0,
            "evMinEnergyRequest": 8000.0,
            "evMaxEnergyRequest": 50000.0,
            "targetSoC": 80,
        },
        "evEnergyOffer": {
            "evPowerSchedule": {
                "timeAnchor": anchor,
                "evPowerScheduleEntries": [
                    {"duration": 1800, "power": -11000.0 + 500.0 * n} for n in range(6)
                ],
            },
            "evAbsolutePriceSchedule": {
                "timeAnchor": anchor,
                "currency": "EUR",
                "priceAlgorithm": "urn:iso:std:iso:15118:-20:PriceAlgorithm:1-Power",
                "evAbsolutePriceScheduleEntries": [
                    {"duration": 3600, "evPriceRule": [{"energyFee": 0.31, "powerRangeStart": 0.0}]}
                ],
            },
        },
    }
