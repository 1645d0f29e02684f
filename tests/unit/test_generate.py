"""The generator: what is committed is what it writes, and it stops at whatever it does not understand."""

import importlib
import json
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from ocpp_sansio import messages
from tools import generate, naming, overrides, schemas
from tools.generate import VERSIONS, main
from tools.schemas import Refused, installed_folder

MODULES = ["call", "call_result", "datatypes"]


class Folder:
    """A copy of the schemas of a version, to be spoilt."""

    def __init__(self, version: str, path: Path) -> None:
        self.version = version
        self.path = shutil.copytree(installed_folder(version), path)

    def change(self, file: str, pointer: str, value: Any) -> None:
        """Put the value where the pointer points, there already or not."""
        document = self.load(file)
        *steps, last = pointer.removeprefix("/").split("/")
        parent: Any = document
        for step in steps:
            parent = parent[int(step) if isinstance(parent, list) else step]
        parent[int(last) if isinstance(parent, list) else last] = value
        self.save(file, document)

    def load(self, file: str) -> Any:
        return json.loads((self.path / f"{file}.json").read_text(encoding="utf-8-sig"))

    def save(self, file: str, document: Any) -> None:
        (self.path / f"{file}.json").write_text(json.dumps(document), encoding="utf-8")

    def refusal(self) -> str:
        """The sentence with which the generator stops."""
        with pytest.raises(Refused) as caught:
            generate.generate(self.version, self.path)
        return str(caught.value)


@pytest.fixture
def v16(tmp_path: Path) -> Folder:
    return Folder("v16", tmp_path / "schemas")


once = cache(generate.generate)


@pytest.fixture
def generated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what happens to the files: their texts, which take a second or two, are the same each time."""
    monkeypatch.setattr(generate, "generate", once)


def test_the_committed_files_are_what_is_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_generation_is_repeatable() -> None:
    assert generate.generate("v16") == generate.generate("v16")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("module", MODULES)
def test_every_field_has_the_wire_name_of_its_property(version: str, module: str) -> None:
    """`messages.wire_name` and the generator derive it separately; they must not drift apart."""
    ours = importlib.import_module(f"ocpp_sansio.{version}.{module}")
    for name in ours.__all__:
        for field in attrs.fields(getattr(ours, name)):
            assert messages.wire_name(field) == field.metadata.get("wire", naming.camel(field.name))


@pytest.mark.parametrize("module", ["call", "call_result"])
def test_every_message_has_the_properties_of_its_schema(module: str) -> None:
    ours = importlib.import_module(f"ocpp_sansio.v16.{module}")
    suffix = "Response" if module == "call_result" else ""
    for name in ours.__all__:
        schema = json.loads((installed_folder("v16") / f"{name}{suffix}.json").read_text("utf-8-sig"))
        fields = attrs.fields(getattr(ours, name))
        assert {messages.wire_name(field) for field in fields} == set(schema.get("properties", {}))
        required = {messages.wire_name(field) for field in fields if field.default is attrs.NOTHING}
        assert required == set(schema.get("required", []))


@pytest.mark.usefixtures("generated_once")
def test_writing_makes_the_check_pass_and_removes_what_is_not_generated(tmp_path: Path) -> None:
    stray = tmp_path / "v16" / "stray.py"
    stray.parent.mkdir()
    stray.touch()
    assert main([], tmp_path) == 0
    assert not stray.exists()
    assert main(["--check"], tmp_path) == 0


@pytest.mark.usefixtures("generated_once")
def test_the_check_names_each_file_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], tmp_path)
    call, enums, stray = (tmp_path / "v16" / name for name in ("call.py", "enums.py", "stray.py"))
    call.write_text("# edited\n")
    enums.unlink()
    stray.touch()
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err.splitlines() == [
        "generate.py: v16/call.py is out of date; run `python tools/generate.py`",
        "generate.py: v16/enums.py is missing; run `python tools/generate.py`",
        "generate.py: v16/stray.py should not be there; run `python tools/generate.py`",
    ]
    assert call.read_text() == "# edited\n"
    assert not enums.exists()
    assert stray.exists()


@pytest.mark.usefixtures("generated_once")
def test_line_ends_count(tmp_path: Path) -> None:
    main([], tmp_path)
    path = tmp_path / "v16" / "call.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert main(["--check"], tmp_path) == 1


def test_a_refusal_is_one_sentence_and_status_1(
    v16: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    v16.change("Authorize", "/properties/idTag/pattern", "^x")
    monkeypatch.setattr(generate, "installed_folder", lambda _: v16.path)
    target = tmp_path / "package"
    assert main([], target) == 1
    assert (
        capsys.readouterr().err
        == "generate.py: OCPP 1.6: Authorize.json#/properties/idTag/pattern: unknown keyword 'pattern'\n"
    )
    assert not target.exists()


def test_without_the_schemas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Refused, match=r"pip install ocpp==2\.1\.0"):
        installed_folder("v16")


def test_text_that_is_no_python_is_refused() -> None:
    with pytest.raises(Refused, match=r"^ruff format: .*Expected"):
        generate.formatted("def")


ID_TAG = "/properties/idTag"
RATE = "/properties/chargingSchedule/properties/minChargingRate"
HASH = "/definitions/CertificateHashDataType"


@pytest.mark.parametrize(
    ("file", "pointer", "value", "place", "problem"),
    [
        ("Authorize", f"{ID_TAG}/pattern", "^x", f"{ID_TAG}/pattern", "unknown keyword 'pattern'"),
        ("Authorize", "/oneOf", [], "/oneOf", "unknown keyword 'oneOf'"),
        ("Authorize", f"{ID_TAG}/format", "ipv4", f"{ID_TAG}/format", "unknown format 'ipv4'"),
        ("Authorize", f"{ID_TAG}/minimum", 1, f"{ID_TAG}/minimum", "means nothing for the type string"),
        ("Authorize", f"{ID_TAG}/type", "null", f"{ID_TAG}/type", "unknown type 'null'"),
        ("Authorize", f"{ID_TAG}/type", ["string"], f"{ID_TAG}/type", "unknown type ['string']"),
        ("Authorize", f"{ID_TAG}/enum", ["A", 1], f"{ID_TAG}/enum", "a value that is no text"),
        ("Authorize", ID_TAG, {"maxLength": 5}, ID_TAG, "has no type and yet keywords"),
        ("Authorize", ID_TAG, True, ID_TAG, "True where an object should be"),
        ("Authorize", ID_TAG, {"type": "array"}, ID_TAG, "has no items"),
        ("Authorize", ID_TAG, {"type": "object"}, ID_TAG, "an open object other than CustomDataType"),
        ("Authorize", "/additionalProperties", True, "/additionalProperties", "only false is understood"),
        ("Authorize", "/additionalProperties", {}, "/additionalProperties", "only false is understood"),
        ("Authorize", "/required/0", "idtag", "/required", "'idtag' is no property"),
        ("Authorize", "/$schema", "draft-07", "/$schema", "unknown draft 'draft-07'"),
        ("DeleteCertificate", f"{HASH}/not", {}, f"{HASH}/not", "unknown keyword 'not'"),
        ("DeleteCertificate", "/definitions/Unused", {"const": 1}, "/definitions/Unused/const", "'const'"),
        (
            "DeleteCertificate",
            "/properties/certificateHashData/$ref",
            "other.json#/definitions/X",
            "/properties/certificateHashData/$ref",
            "is no definition of this file",
        ),
        (
            "DeleteCertificate",
            "/properties/certificateHashData/maxLength",
            5,
            "/properties/certificateHashData",
            "keywords beside $ref",
        ),
        (
            "DeleteCertificate",
            f"{HASH}/properties/serialNumber",
            {"$ref": "#/definitions/CertificateHashDataType"},
            f"{HASH}/properties/serialNumber/$ref",
            "contains itself",
        ),
        (
            "GetConfiguration",
            "/properties/key/items",
            {"type": "array", "items": {"type": "string"}},
            "/properties/key/items",
            "an array of arrays, times, any JSON or open objects",
        ),
        (
            "GetConfiguration",
            "/properties/key/items",
            {"type": "string", "format": "date-time"},
            "/properties/key/items",
            "an array of arrays, times, any JSON or open objects",
        ),
        (
            "GetConfiguration",
            "/properties/key/additionalItems",
            True,
            "/properties/key/additionalItems",
            "only false is understood",
        ),
    ],
)
def test_it_stops_with_file_and_pointer(
    v16: Folder, file: str, pointer: str, value: Any, place: str, problem: str
) -> None:
    v16.change(file, pointer, value)
    refusal = v16.refusal()
    assert refusal.startswith(f"OCPP 1.6: {file}.json#{place}: ")
    assert problem in refusal
    assert "\n" not in refusal


@pytest.mark.parametrize(
    ("file", "pointer", "value", "name"),
    [
        ("StopTransactionResponse", "/properties/idTagInfo/required", [], "IdTagInfo"),
        ("GetCompositeScheduleResponse", f"{RATE}/multipleOf", 0.5, "ChargingSchedule"),
        ("GetCompositeSchedule", "/properties/chargingRateUnit/enum/0", "kW", "ChargingRateUnitType"),
        # Only the draft differs, and with it whether 12.0 is an integer.
        (
            "SetChargingProfile",
            "/$schema",
            "http://json-schema.org/draft-06/schema#",
            "ChargingSchedulePeriod",
        ),
    ],
)
def test_two_definitions_of_one_class_must_be_the_same(
    v16: Folder, file: str, pointer: str, value: Any, name: str
) -> None:
    v16.change(file, pointer, value)
    assert f"differs from another definition that is to be the class {name} too" in v16.refusal()


def test_annotations_make_no_difference(v16: Folder) -> None:
    v16.change("StopTransactionResponse", "/properties/idTagInfo/description", "something")
    v16.change("StopTransactionResponse", "/properties/idTagInfo/javaType", "Something")
    assert generate.generate("v16", v16.path) == generate.generate("v16")


def test_a_nameless_enum_wants_a_name(v16: Folder) -> None:
    v16.change("Authorize", ID_TAG, {"type": "string", "enum": ["A"]})
    assert v16.refusal() == (
        "OCPP 1.6: Authorize.json#/properties/idTag: has no name; "
        "give Authorize.idTag one in tools/overrides.py"
    )


@pytest.mark.parametrize(
    ("pointer", "value", "problem"),
    [
        ("/properties/class", {"type": "string"}, "'class' is no usable Python name"),
        ("/properties/enums", {"type": "string"}, "'enums' is no usable Python name"),
        ("/properties/IDTag", {"type": "string"}, "'id_tag' would name two things"),
    ],
)
def test_a_field_that_python_cannot_have_wants_a_name(
    v16: Folder, pointer: str, value: Any, problem: str
) -> None:
    v16.change("Authorize", pointer, value)
    assert f"Authorize.json#: {problem}" in v16.refusal()


@pytest.mark.parametrize("value", ["", "1A", "Name", "-", "Import"])
def test_a_value_that_python_cannot_have_wants_a_name(v16: Folder, value: str) -> None:
    v16.change("Reset", "/properties/type/enum/0", value)
    assert "is no usable Python name; choose another in tools/overrides.py" in v16.refusal()


def test_values_that_differ_only_in_spelling_want_names(v16: Folder) -> None:
    v16.change("Reset", "/properties/type/enum/0", "soft")
    assert "Reset.json#/properties/type: 'soft' would name two things" in v16.refusal()


def test_every_schema_belongs_to_an_action_and_the_other_way_round(v16: Folder) -> None:
    v16.save("Extra", v16.load("Heartbeat"))
    assert v16.refusal() == "OCPP 1.6: Extra.json: belongs to no action of tools/actions.py"
    (v16.path / "HeartbeatResponse.json").unlink()
    assert (
        v16.refusal()
        == "OCPP 1.6: HeartbeatResponse.json: is missing; tools/actions.py has the action Heartbeat"
    )


def test_a_file_that_is_no_json_is_named(v16: Folder) -> None:
    (v16.path / "Reset.json").write_text("{")
    assert v16.refusal().startswith("OCPP 1.6: Reset.json: is not JSON (")


DEPARTURES = [(version, item) for version, items in overrides.DEPARTURES.items() for item in items]


@pytest.mark.parametrize(
    ("version", "departure"), DEPARTURES, ids=lambda item: getattr(item, "pointer", item)
)
def test_a_departure_that_is_gone_stops_it(
    version: str, departure: overrides.Departure, tmp_path: Path
) -> None:
    folder = Folder(version, tmp_path / "schemas")
    folder.change(departure.schema, departure.pointer, "something else")
    assert folder.refusal().startswith(
        f"{VERSIONS[version].title}: {departure.schema}.json#{departure.pointer}: is 'something else', not"
    )


@pytest.mark.parametrize("pointer", ["/properties/meterValue/maxItems", "/properties/x/y", "/required/9"])
def test_a_departure_that_points_at_nothing_stops_it(
    v16: Folder, pointer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    departure = overrides.Departure("MeterValues", pointer, 1, overrides.REMOVED, "none")
    monkeypatch.setitem(overrides.DEPARTURES, "v16", [departure])
    assert f"MeterValues.json#{pointer}: is not there" in v16.refusal()


def test_the_departures_are_undone() -> None:
    """Read from what is generated, beside the reasons in tools/overrides.py."""
    texts = generate.generate("v16")
    assert "min_items" not in texts["call.py"] + texts["datatypes.py"]
    assert 'celsius = "Celsius"' in texts["enums.py"]
    assert texts["enums.py"].count("Hertz") == 1
    assert texts["datatypes.py"].count("Hertz") == texts["datatypes.py"].count("receive_only") == 1
    texts = generate.generate("v201")
    assert "exi_response: str = attrs.field(metadata=limits(max_length=5600))" in texts["call_result.py"]


@pytest.mark.parametrize("table", ["CLASS_NAMES", "FIELD_NAMES", "MEMBER_NAMES", "RECEIVE_ONLY"])
def test_an_entry_that_fits_nothing_stops_it(
    v16: Folder, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(getattr(overrides, table)["v16"], "Nobody.nothing", "x")
    assert v16.refusal() == (
        f"OCPP 1.6: tools/overrides.py: 'Nobody.nothing' of {table} fits nothing in the schemas"
    )


def test_every_listed_word_is_needed() -> None:
    spellings = set[str]()
    for version in VERSIONS:
        for path in installed_folder(version).glob("*.json"):
            spellings.update(re.findall(r'"([\w.-]+)"', path.read_text("utf-8-sig")))
    assert [word for word in overrides.WORDS if not any(word in spelling for spelling in spellings)] == []


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("idTag", "id_tag"),
        ("BootNotification", "boot_notification"),
        ("EVCommunicationError", "ev_communication_error"),
        ("SuspendedEVSE", "suspended_evse"),
        ("DeAuthorized", "de_authorized"),
        ("Energy.Active.Import.Register", "energy_active_import_register"),
        ("L1-N", "l1_n"),
        ("SHA256", "sha256"),
        ("RPM", "rpm"),
        ("SoC", "soc"),
        ("kWh", "kwh"),
        ("kW", "kw"),
        ("kvarh", "kvarh"),
        # 2.0.1 and 2.1
        ("targetSoC", "target_soc"),
        ("soC", "soc"),
        ("limit_L2", "limit_l2"),
        ("priceScheduleID", "price_schedule_id"),
        ("prioritizedEMAIDs", "prioritized_emaids"),
        ("responderURL", "responder_url"),
        ("iso15118SchemaVersion", "iso15118_schema_version"),
        ("evMaxV2XEnergyRequest", "ev_max_v2x_energy_request"),
        ("v2xChargingParameters", "v2x_charging_parameters"),
        ("V2G20Certificate", "v2g20_certificate"),
        ("SignV2GCertificate", "sign_v2g_certificate"),
        ("evMaximumLevel1DCInjection", "ev_maximum_level1_dc_injection"),
        ("fixedPFAbsorb", "fixed_pf_absorb"),
        ("ISO15118-20", "iso15118_20"),
    ],
)
def test_snake(spelling: str, name: str) -> None:
    assert naming.snake(spelling) == name


@pytest.mark.parametrize(
    ("name", "wire"),
    [("id_tag", "idTag"), ("status", "status"), ("limit_l2", "limitL2"), ("language_1", "language1")],
)
def test_camel(name: str, wire: str) -> None:
    assert naming.camel(name) == wire


def test_digits_are_numbers_in_the_order_of_names() -> None:
    names = ["Get15118EVCertificate", "Get2", "Get", "GetLog", "Get1"]
    assert sorted(names, key=naming.natural) == ["Get", "Get1", "Get2", "Get15118EVCertificate", "GetLog"]
