"""The handshakes of the conformance corpus: each request of frames.json, read by a CSMS in the situation that the
entry describes, has the outcome that the wire rules prefer; none is excepted. What others judge, stands in
`LEFT_TO_OTHERS` with the reason.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from ocpp_sansio import Version
from ocpp_sansio.handshake import (
    NoCommonVersion,
    Upgrade,
    UpgradeFailed,
    UpgradeRefused,
    key_of,
    read_answer,
    read_upgrade,
)
from tools.rules import CITATION

HERE = Path(__file__).parent
CORPUS: list[dict[str, Any]] = json.loads((HERE / "frames.json").read_text(encoding="utf-8"))["examples"]
ENTRIES = {entry["id"]: entry for entry in CORPUS if entry["kind"] == "handshake"}

#: Members of an expected outcome that are no business of these functions.
LEFT_TO_OTHERS = {
    "extensions": "compression is agreed on by the WebSocket library",
    "effect": "of an outcome that is not preferred: the application accepts strangers, to reject their boot",
    "why": "for the reader",
    "tolerated": "for the reader",
}
#: Rules that entries cite and that only a whole server obeys.
RULES_LEFT_TO_OTHERS = {
    "J16-115": "which stations there are, the application says",
    "J201-115": "which stations there are, the application says",
    "J16-117": "who is let in, the application says; that it is asked before the upgrade is for adapters to prove",
    "J201-117": "who is let in, the application says; that it is asked before the upgrade is for adapters to prove",
    "J201-119": "compression is agreed on by the WebSocket library",
}

STATIONS = {"CP3211", "CP1", "AL1000", "RDAM 123", "C" * 48, "CS001", "CS3211", "RDAM|123"}
KEY = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")


@attrs.frozen
class Situation:
    """What a CSMS speaks, and the password that it wants of every station; None if it wants none."""

    versions: tuple[str, ...] = ()  # none: the version of the entry
    password: str | bytes | None = None


SITUATIONS = {
    None: Situation(),
    "no Sec-WebSocket-Protocol header": Situation(),
    "identity unknown": Situation(),
    "known station, 48 characters": Situation(),
    "station registered as CS001": Situation(),
    "server under test is a CSMS": Situation(),
    "server supports 1.6; no authentication (profile 0)": Situation(("1.6",)),
    "server supports 2.0.1": Situation(("2.0.1",)),
    "server supports all": Situation(("1.6", "2.0.1", "2.1")),
    "server supports 2.0.1 and 1.6": Situation(("1.6", "2.0.1")),
    "same key": Situation(password=KEY),  # the one of an example in J16-704
    "profile 1": Situation(password="abcdefghijklmnop"),
    "profile 1, first request without credentials": Situation(password=KEY),
    "profile 1, password is abcd:fghi-klm_nop": Situation(password="abcd:fghi-klm_nop"),
}


def outcome_of(entry: Mapping[str, Any], policy: NoCommonVersion = NoCommonVersion.CLOSE) -> dict[str, Any]:
    """What the request comes to, in the words of the corpus."""
    situation = SITUATIONS[entry.get("context")]
    path, headers = request_of(entry["raw"])
    versions = situation.versions or (entry["version"],)
    try:
        upgrade = read_upgrade(path, headers, versions, no_common_version=policy)
        station = admitted(upgrade, situation.password)
    except UpgradeRefused as refusal:
        return {"outcome": "refuse-upgrade", "http_status": refusal.status}
    if upgrade.closing is not None:
        assert upgrade.subprotocol is None
        return {"outcome": "upgrade-without-subprotocol-then-immediate-close", "http_status": 101}
    return {"outcome": "upgrade", "http_status": 101, "subprotocol": upgrade.subprotocol, "identity": station}


def request_of(raw: str) -> tuple[str, list[tuple[str, str]]]:
    """The path and the headers of a request as it travels."""
    request_line, *lines = raw.removesuffix("\r\n\r\n").split("\r\n")
    method, path, protocol = request_line.split(" ")
    assert (method, protocol) == ("GET", "HTTP/1.1")
    return path, [(name, value) for name, _, value in (line.partition(":") for line in lines)]


def admitted(upgrade: Upgrade, password: str | bytes | None) -> str:
    """The station as it is registered, if an application as simple as can be lets it in."""
    registered = {key_of(name, upgrade.version): name for name in STATIONS}
    station = registered.get(key_of(upgrade.identity, upgrade.version))
    if station is None:
        raise UpgradeRefused(404, "no such station")
    if password is not None and (upgrade.credentials is None or not upgrade.credentials.matches(password)):
        raise UpgradeRefused(401, "no such password")
    return station


def fits(got: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Whether this is the expected outcome, in everything that is ours."""
    ours = {name: value for name, value in expected.items() if name not in LEFT_TO_OTHERS}
    return got["http_status"] in ours.pop("http_status") and ours.items() <= got.items()


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_handshakes_have_their_preferred_outcome(entry: dict[str, Any]) -> None:
    """The entries cite these rules, besides those that are left to others.

    J16-103, J16-108, J16-109, J16-110, J16-111, J16-704.
    J201-104, J201-105, J201-107, J201-111, J201-704.
    J21-103, J21-109, J21-110.
    L-110, L-111, L-704, L-714.
    """
    got, expected = outcome_of(entry), entry["expected"][0]
    assert fits(got, expected), f"{got}, not {expected}"
    assert got["http_status"] == expected["http_status"][0]


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_certification_refuses_where_the_standard_would_close_and_changes_nothing_else(
    entry: dict[str, Any],
) -> None:
    """L-111"""
    got, preferred = outcome_of(entry, NoCommonVersion.REFUSE), outcome_of(entry)
    if preferred["outcome"].startswith("upgrade-without-subprotocol"):
        [expected] = [each for each in entry["expected"] if "TC_B_58" in each.get("why", "")]
        assert fits(got, expected)
    else:
        assert got == preferred


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_a_station_understands_what_it_is_answered(entry: dict[str, Any]) -> None:
    """J16-110, J16-112, L-118"""
    got = outcome_of(entry)
    _, headers = request_of(entry["raw"])
    offered = [version for version in Version if any(version.subprotocol in value for _, value in headers)]
    answer = [("Sec-WebSocket-Protocol", got["subprotocol"])] if "subprotocol" in got else []
    if got["outcome"] == "upgrade":
        assert read_answer(101, answer, offered).subprotocol == got["subprotocol"]
    else:
        with pytest.raises(UpgradeFailed) as caught:
            read_answer(got["http_status"], answer, offered or [entry["version"]])
        assert (caught.value.closing is not None) == (got["http_status"] == 101)


def test_the_docstring_above_cites_what_the_entries_cite() -> None:
    cited = {id for entry in ENTRIES.values() for id in entry["rules"]}
    docstring = test_handshakes_have_their_preferred_outcome.__doc__ or ""
    assert {f"{prefix}-{number}" for prefix, number in CITATION.findall(docstring)} == cited - set(
        RULES_LEFT_TO_OTHERS
    )
    assert cited >= set(RULES_LEFT_TO_OTHERS)


def test_how_many_handshakes_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    preferred = sum(fits(outcome_of(entry), entry["expected"][0]) for entry in ENTRIES.values())
    with capsys.disabled():
        print(f"\nconformance: {len(ENTRIES)} handshakes, {preferred} with their preferred outcome", end="")
    assert (len(ENTRIES), preferred) == (17, 17)
    assert {entry.get("context") for entry in ENTRIES.values()} == set(SITUATIONS)
    members = {name for entry in ENTRIES.values() for expected in entry["expected"] for name in expected}
    assert members == {"outcome", "http_status", "subprotocol", "identity", *LEFT_TO_OTHERS}
