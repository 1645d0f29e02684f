"""docs/reference has every public name, and every message of every version."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from types import FunctionType, ModuleType
from typing import Any

import attrs
import pytest

import ocpp_sansio
import ocpp_sansio_adapters
from ocpp_sansio import Limits, Role, Version
from ocpp_sansio._shape import members
from ocpp_sansio.v16 import call_result as call_result16
from ocpp_sansio.v16 import datatypes as datatypes16
from ocpp_sansio.v21 import call as call21
from tests.docs.pages import ROOT, blocks
from tests.docs.test_coming_from_mobilityhouse import resolved
from tests.docs.test_pages import anchors
from tools import reference

FOLDER = ROOT / "docs" / "reference"

DIRECTIVE = re.compile(r"\.\. (?:py:|auto)(class|exception|function|data|method|property):: ([\w.]+)")


@attrs.define
class Entry:
    """A name that the reference has, and the text of its directive."""

    name: str
    found: Any
    text: str

    @property
    def is_class(self) -> bool:
        return self.text.startswith((".. autoclass", ".. autoexception"))

    @property
    def inherits(self) -> bool:
        return ":inherited-members:" in self.text

    def shows(self, name: str, member: Any) -> bool:
        """Whether a member is drawn in with it."""
        listed = re.search(r"(?m)^ +:members:(.*)$", self.text)
        if listed is None:
            return False
        has_words = bool(getattr(member, "__doc__", None)) or ":undoc-members:" in self.text
        return has_words and name in (listed[1].replace(",", " ").split() or [name])


def entries() -> Iterator[Entry]:
    """Every name that a page of the reference describes."""
    for page in sorted(FOLDER.glob("*.md")):
        module = ""
        for block in blocks(page):
            if block.language == "{eval-rst}":
                for part in re.split(r"(?m)^(?=\.\. )", block.text):
                    if part.startswith(".. py:currentmodule::"):
                        module = part.split()[-1]
                    elif directive := DIRECTIVE.match(part):
                        name = directive[2]
                        full = name if name.startswith("ocpp_sansio") else f"{module}.{name}"
                        yield Entry(full, resolved(full), part)


ENTRIES = {each.name: each for each in entries()}


def modules() -> list[ModuleType]:
    """Every module that users import, but for the messages, which have pages of their own, and the command."""
    found = []
    for package in (ocpp_sansio, ocpp_sansio_adapters):
        names = [module.name for module in walk_packages(package.__path__, f"{package.__name__}.")]
        found += [package.__name__, *(name for name in names if "._" not in name and ".cli" not in name)]
    return [import_module(name) for name in found if not re.match(r"ocpp_sansio\.v\d+", name)]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_every_public_name_is_there(module: ModuleType) -> None:
    described = {id(each.found) for each in ENTRIES.values()}
    missing = [
        name
        for name in getattr(module, "__all__", [])
        if f"{module.__name__}.{name}" not in ENTRIES and id(getattr(module, name)) not in described
    ]
    assert missing == [], f"docs/reference lacks these of {module.__name__}"


CLASSES = {each.found: each for each in ENTRIES.values() if each.is_class}


def own_members(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """Methods and properties of a class, and those of its bases that no other entry shows."""
    elsewhere = [base for base in cls.__mro__[1:] if base in CLASSES]
    elsewhere += [base for shown in elsewhere if CLASSES[shown].inherits for base in shown.__mro__]
    for base in cls.__mro__:
        if base.__module__.startswith("ocpp_sansio") and base not in elsewhere:
            for name, member in vars(base).items():
                is_one = isinstance(member, (property, classmethod, staticmethod, FunctionType))
                if is_one and not name.startswith("_"):
                    yield name, member


@pytest.mark.parametrize("described", CLASSES.values(), ids=lambda each: each.name)
def test_every_public_method_of_a_class_is_there(described: Entry) -> None:
    is_protocol = getattr(described.found, "_is_protocol", False)  # whose docstring says it all
    missing = [
        name
        for name, member in own_members(described.found)
        if f"{described.name}.{name}" not in ENTRIES and not described.shows(name, member) and not is_protocol
    ]
    assert missing == []


def test_the_settings_of_a_connection_are_all_named() -> None:
    text = (FOLDER / "connection.md").read_text(encoding="utf-8")
    code = ocpp_sansio.Connection.__init__.__code__
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    assert len(keywords) == 11
    assert [name for name in keywords if f"| `{name}` |" not in text] == []


def test_the_pages_of_events_and_errors_have_all_of_them_in_their_tables() -> None:
    text = (FOLDER / "events.md").read_text(encoding="utf-8")
    named = re.findall(r"(?m)^\| `(\w+)` \|", text)
    assert sorted(named) == sorted(event.__name__ for event in ocpp_sansio.Event.__args__)


def test_the_table_of_errors_has_all_of_them_and_their_bases() -> None:
    text = (FOLDER / "errors.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| (`.*?) \|", text))
    public = [getattr(module, name) for module in modules() for name in getattr(module, "__all__", [])]
    kinds = {
        found.__name__: ", ".join(f"`{base.__name__}`" for base in found.__bases__)
        for found in public
        if isinstance(found, type)
        and issubclass(found, Exception)
        and ocpp_sansio.OCPPError not in found.__bases__
    }
    assert rows == kinds


def test_every_limit_says_what_it_is() -> None:
    source = (ROOT / "src/ocpp_sansio/policies.py").read_text(encoding="utf-8")
    for field in attrs.fields(Limits):
        assert re.search(rf"(?m)^    {field.name}: .*  # \S", source), (
            "its comment is what the reference shows"
        )


# The generated pages.


@pytest.mark.parametrize("name", ["v16.md", "v201.md", "v21.md", "error-codes.md"])
def test_the_generated_pages_are_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == reference.pages()[name]


@pytest.mark.parametrize("version", list(Version), ids=lambda version: version.value)
def test_every_message_datatype_and_enum_of_a_version_has_a_heading(version: Version) -> None:
    package = f"ocpp_sansio.{version.name.lower()}"
    names = [*version.load(), *version.load_sends()]
    names += [name for kind in ("datatypes", "enums") for name in import_module(f"{package}.{kind}").__all__]
    found = anchors(FOLDER / f"{version.name.lower()}.md")
    assert [name for name in names if name.lower() not in found] == ["Action"]  # the names of the actions


@pytest.mark.parametrize(
    ("cls", "member", "words"),
    [
        (call21.BootNotification, "reason", "**required** [BootReasonEnumType](#bootreasonenumtype)"),
        (call21.NotifyEvent, "seq_no", "**required** integer, from 0 on"),
        (call21.NotifyEvent, "generated_at", "**required** date and time"),
        (call21.NotifyEvent, "event_data", "**required** array of [EventDataType](#eventdatatype) (at least 1)"),
        (call21.DataTransfer, "data", "any JSON"),
        (call_result16.GetConfiguration, "unknown_key", "array of text, at most 50 characters each"),
        (datatypes16.ChargingSchedulePeriod, "limit", "**required** number, a multiple of 0.1"),
        (datatypes16.SampledValue, "unit", "[UnitOfMeasure](#unitofmeasure); Hertz is understood and never sent"),
    ],
)  # fmt: skip
def test_a_member_is_described_in_words(cls: Any, member: str, words: str) -> None:
    [found] = [each for each in members(cls) if each.name == member]
    assert reference.describe(found) == words


@pytest.mark.parametrize("version", list(Version), ids=lambda version: version.value)
def test_every_action_is_linked_from_the_top_of_its_page_by_its_sender(version: Version) -> None:
    text = (FOLDER / f"{version.name.lower()}.md").read_text(encoding="utf-8")
    top = text.partition("## Actions")[2].partition("\n### ")[0]
    found = {
        line: re.findall(r"\[(\w+)\]\(#(\w+)\)", links)
        for line, links in re.findall(r"Sent by ([\w ]+), \d+:\n\n((?:.+\n)+)", top)
    }
    senders = {"the station": Role.CHARGING_STATION, "the CSMS": Role.CSMS, "either end": None}
    actions = {**version.load(), **version.load_sends()}
    assert found == {
        words: [(name, name.lower()) for name in sorted(actions) if actions[name].__sender__ is role]
        for words, role in senders.items()
    }


def test_the_check_tells_which_page_is_out_of_date(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    (tmp_path / "v16.md").write_text("old", encoding="utf-8")
    (tmp_path / "error-codes.md").unlink()
    assert reference.main(["--check"]) == 1
    names = re.findall(r"(?m)^(\S+) is out of date", capsys.readouterr().err)
    assert names == ["v16.md", "error-codes.md"]
