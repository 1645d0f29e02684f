"""The fuzz targets pass on every input that a search found worth keeping, and fail where the core is broken.

Nothing here needs Atheris; `python3 run.py fuzz` goes on from here with it.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import fuzz.__main__
from fuzz import corpus, explore, tokens, under_atheris
from fuzz.choices import Choices
from fuzz.grown import grown, smallest
from fuzz.shrink import failure, shrunk
from fuzz.targets import TARGETS
from fuzz.targets.payloads import MESSAGES
from ocpp_sansio import _inbound, _lenient, _link, _outgoing, _snapshot, handshake
from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio.validation import Violation, violations

every_target = pytest.mark.parametrize("target", TARGETS)


@every_target
def test_every_input_worth_keeping_passes(target: str) -> None:
    found = corpus.inputs(target)
    assert len(found) > 20
    if target == "payloads":
        found += [b"\x07" + data[1:] for data in found]  # by jsonschema, too
    for data in found:
        try:
            TARGETS[target](data)
        except Exception as error:
            error.add_note(f"from fuzz.targets import TARGETS; TARGETS[{target!r}]({data!r})")
            raise


@every_target
def test_the_committed_file_is_as_it_would_be_written(
    target: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = corpus.inputs(target)
    committed = (corpus.FOLDER / f"{target}.txt").read_text(encoding="ascii")
    monkeypatch.setattr(corpus, "FOLDER", tmp_path)
    corpus.keep(target, found[::-1])
    assert (tmp_path / f"{target}.txt").read_text(encoding="ascii") == committed


# The teeth: each of these slips is noticed by some input.


def answer_twice(link: Any, *arguments: Any, **options: Any) -> None:
    before = len(link._frames)
    reject(link, *arguments, **options)
    link._frames += link._frames[before:]


reject = _inbound.Inbound._reject


def forget_it(*_: Any, **__: Any) -> None:
    pass


def call_them_equal(*_: object) -> bool:
    return True


def give_no_reason(payload: Any, *_: Any, **__: Any) -> Violation:
    return Violation("$", "", payload, "")


SLIPS: list[tuple[str, Any, str, Any]] = [
    ("text", _inbound.Inbound, "_reject", answer_twice),
    ("text", _inbound, "MAX_ECHOED_ID", 10_000),
    ("text", _outgoing.Outgoing, "next_turn", forget_it),
    ("operations", _inbound.Inbound, "_reject", answer_twice),
    ("operations", _outgoing.Outgoing, "check_room", forget_it),
    ("operations", _outgoing.Outgoing, "free_slot", forget_it),
    ("operations", _link.Link, "_withdraw", forget_it),
    ("operations", _snapshot, "_left", forget_it),
    ("payloads", _lenient._Node, "note", forget_it),
    ("payloads", _inbound, "explain", give_no_reason),
    ("handshake", handshake, "_UNENCODED", frozenset(range(0x21, 0x7F))),
    ("handshake", handshake, "_encoded", str),
    ("handshake", handshake, "compare_digest", call_them_equal),
]


@pytest.mark.parametrize(("target", "place", "name", "slip"), SLIPS)
def test_a_slip_is_noticed(
    target: str, place: Any, name: str, slip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, slip)
    assert any(failure(TARGETS[target], data) for data in corpus.inputs(target))


# How inputs become decisions.


def test_choices_end_with_the_first_of_each_menu() -> None:
    choose = Choices(b"\x05\x01\x02")
    assert choose.pick("abc") == "c"
    assert choose.pick_wide(range(300)) == 0x0102
    assert choose.over
    assert (choose.byte(), choose.pick("abc"), choose.pick_wide("abc"), choose.rest()) == (0, "a", "a", b"")


def test_from_no_bytes_grows_the_smallest_valid_payload_of_every_class() -> None:
    for *_, cls in MESSAGES:
        payload = smallest(cls)
        assert decoder(cls)(payload, [])
        for member in payload:
            with pytest.raises(Refused):
                decoder(cls)({name: value for name, value in payload.items() if name != member}, [])


def test_a_byte_for_each_member_makes_payloads_larger_and_wrong() -> None:
    [boot] = [
        cls
        for version, kind, action, cls in MESSAGES
        if (version.value, kind, action) == ("1.6", 2, "BootNotification")
    ]
    assert grown(Choices(b"\x00\x00\x01"), boot).keys() - smallest(boot).keys()
    assert violations(boot, grown(Choices(b"\xb0"), boot)) != ()


# How findings and inputs become short.


def fails_on_x_after_a(data: bytes) -> None:
    if b"x" in data.partition(b"a")[2]:
        raise ValueError(data)
    if len(data) > 6:
        raise TypeError(data)


def test_a_finding_is_shrunk_as_long_as_it_fails_in_the_same_way() -> None:
    assert shrunk(fails_on_x_after_a, b"....a...x..") == b"ax"
    assert shrunk(fails_on_x_after_a, b"........") == b"......."
    assert shrunk(fails_on_x_after_a, b"..") == b".."


def test_inputs_that_go_no_way_of_their_own_are_left_out() -> None:
    text = TARGETS["text"]
    good = b'\x00\x00\x00\x00\x00[2,"x","Heartbeat",{}]'
    bad = b"\x00\x00\x00\x00\x00[2"
    assert corpus.worth_keeping(text, [good, bad, good.replace(b"x", b"longer")]) == sorted(
        [good, bad], key=len, reverse=True
    )
    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace())


def test_steps_of_compiled_decoders_count() -> None:
    went = corpus.ways(TARGETS["payloads"], b"\x00\x00\x00")
    assert any(code.co_filename.startswith("<decode ") for code, _, _ in went)


# The command.


def test_progress_is_what_the_child_says() -> None:
    progress = explore.Progress("text")
    for line in (
        "INFO: Instrumenting ocpp_sansio",
        "#1024\tNEW    cov: 42 ft: 57 corp: 7/100b lim: 4 exec/s: 512 rss: 50Mb L: 4/4 MS: 1 EraseBytes-",
        "#2048\talive",
        "#2000\tREDUCE cov: 42 ft: 57 corp: 6/99b lim: 4 exec/s: 512 rss: 50Mb",
        "Killed",
    ):
        progress.take(line)
    assert re.fullmatch(r"text: +2,048 executions, [\d,]+/s, 42 branches, 6 inputs, 0 s", str(progress))
    assert progress.words == ["Killed"]


def test_rooms_that_are_left_out_exist() -> None:
    for target, rooms in under_atheris.LEFT_OUT.items():
        assert target in TARGETS
        assert all(find_spec(f"ocpp_sansio.{room}") for room in rooms)


def test_a_child_is_heard_to_its_end() -> None:
    progress = explore.Progress("text")
    program = "import sys; print('#7 alive', flush=True); sys.exit('no such thing')"
    assert explore.run([sys.executable, "-c", program], progress) == 1
    assert (progress.done, progress.words) == (7, ["no such thing"])


def test_a_finding_is_a_program_to_paste(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explore, "ROOT", tmp_path)
    monkeypatch.setitem(TARGETS, "text", fails_on_x_after_a)
    (tmp_path / "crash-1").write_bytes(b"..a..x")
    explore.report("text", tmp_path / "crash-1")
    said = capsys.readouterr().out
    assert "found crash-1\nfrom fuzz.targets import TARGETS\nTARGETS['text'](b'ax')\n" in said
    assert "ValueError" in said


def hang(data: bytes) -> None:
    raise AssertionError("called again")


def test_a_finding_that_takes_too_long_is_shown_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explore, "ROOT", tmp_path)
    monkeypatch.setitem(TARGETS, "text", hang)
    (tmp_path / "timeout-1").write_bytes(b"..a..x")
    explore.report("text", tmp_path / "timeout-1")
    assert "TARGETS['text'](b'..a..x')\n" in capsys.readouterr().out


def test_without_atheris_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert explore.MAINS["text"](["--seconds", "1"]) == 2
    said = capsys.readouterr().err
    assert "installs its wheel on Linux" in said
    assert said.count("\n") == 1


def test_without_a_name_all_targets_are_searched_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[tuple[str, int, int]] = []

    def explored(target: str, executions: int, seconds: int) -> int:
        searched.append((target, executions, seconds))
        return 0

    monkeypatch.setitem(sys.modules, "atheris", object())
    monkeypatch.setattr(explore, "explore", explored)
    for arguments, expected in (([], (0, 60)), (["--executions", "5"], (5, 0)), (["--seconds", "9"], (0, 9))):
        searched.clear()
        monkeypatch.setattr(sys, "argv", ["fuzz", *arguments])
        assert fuzz.__main__.main() == 0
        assert searched == [(target, *expected) for target in TARGETS]


def test_the_dictionary_is_one_that_libfuzzer_reads() -> None:
    lines = tokens.dictionary().splitlines()
    assert all(re.fullmatch(r'"(?:[A-Za-z0-9]|\\x[0-9a-f]{2})+"', line) for line in lines)
    assert '"BootNotification"' in lines
