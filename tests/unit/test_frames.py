"""Text to frame and back."""

import json
import sys
from collections.abc import Iterator

import pytest

from ocpp_sansio import ErrorCode, Rejection
from ocpp_sansio._frames import (
    SAFE_NESTING,
    Malformed,
    call_text,
    error_of,
    error_text,
    object_of,
    parse,
    read_call,
    readable_id,
    result_text,
)
from ocpp_sansio.errors import FormatViolationError, GenericError, OccurrenceConstraintViolationError


def reason_of(text: str) -> tuple[Rejection, str | None]:
    with pytest.raises(Malformed) as caught:
        read_call(parse(text))
    return caught.value.reason, caught.value.id


def test_a_frame_is_the_json_array() -> None:
    assert parse('[2,"1","Heartbeat",{"a":[1,2.5,true,null,"\\u00e4"]}]') == [
        2,
        "1",
        "Heartbeat",
        {"a": [1, 2.5, True, None, "ä"]},
    ]


@pytest.mark.parametrize("text", [" [2]", "[2] ", "\n[2]\t\r\n", "[ 2 ]"])
def test_white_space_around_a_frame_is_fine(text: str) -> None:
    assert parse(text) == [2]


@pytest.mark.parametrize(
    "text", ["NaN", "[NaN]", "[2,Infinity]", "[2,-Infinity]", "[2]x", "[2][2]", "\ufeff[2]", "[01]", "['2']"]
)
def test_what_is_not_json_is_refused(text: str) -> None:
    assert reason_of(text) == (Rejection.NOT_JSON, None)


def test_ten_megabytes_of_text_are_read_or_refused() -> None:
    assert reason_of('"' + "x" * 10_000_000) == (Rejection.NOT_JSON, None)
    assert len(parse('[2,"' + "x" * 10_000_000 + '"]')[1]) == 10_000_000


def test_read_call_gives_id_action_and_payload() -> None:
    assert read_call([2, "1", "Heartbeat", {}]) == ("1", "Heartbeat", {})
    assert read_call([2, "", "", {"a": 1}]) == ("", "", {"a": 1})
    assert read_call([2, "x" * 36, "Heartbeat", {}])[0] == "x" * 36


def test_the_payload_is_an_object_and_null_another_way_to_write_none() -> None:
    # J*-210
    assert object_of([2, "1", "Heartbeat", {"a": 1}]) == {"a": 1}
    assert object_of([2, "1", "Heartbeat", None]) == {}
    for payload in ([], 7, False, "{}"):
        with pytest.raises(Malformed) as caught:
            object_of([2, "1", "Heartbeat", payload])
        assert (caught.value.reason, caught.value.id) == (Rejection.PAYLOAD_NOT_AN_OBJECT, "1")


@pytest.mark.parametrize(
    ("text", "reason", "id"),
    [
        ('[2,"1","Heartbeat"]', Rejection.MALFORMED_CALL, "1"),
        ('[2,1,"Heartbeat"]', Rejection.MALFORMED_CALL, None),
        ("[2]", Rejection.MALFORMED_CALL, None),
        ('[2,"1",7,{}]', Rejection.MALFORMED_CALL, "1"),
        ('[2,7,"Heartbeat",{}]', Rejection.ID_NOT_TEXT, None),
        ('[2,"%s","Heartbeat",{}]' % ("ä" * 37), Rejection.ID_TOO_LONG, "ä" * 37),
        ('[2,"1","\\ud83d",{}]', Rejection.NOT_UNICODE, "1"),
        ('[3,"1",{"a":"\\udc00"}]', Rejection.NOT_UNICODE, "1"),
        ('[3,"\\udc00",{}]', Rejection.NOT_UNICODE, None),
        ('["\\ud83d"]', Rejection.UNKNOWN_MESSAGE_TYPE, None),
    ],
)
def test_the_id_of_a_bad_call_is_kept_where_an_answer_could_carry_it(
    text: str, reason: Rejection, id: str | None
) -> None:
    assert reason_of(text) == (reason, id)


def test_a_backslash_before_u_is_no_escape() -> None:
    assert parse('[2,"\\\\ud800"]') == [2, "\\ud800"]


@pytest.mark.parametrize(
    ("frame", "cls", "code", "description", "details"),
    [
        (
            [4, "1", "FormationViolation", "d", {"a": 1}],
            FormatViolationError,
            ErrorCode.FORMAT_VIOLATION,
            "d",
            {"a": 1},
        ),
        ([4, "1", "FormatViolation", "", {}], FormatViolationError, ErrorCode.FORMAT_VIOLATION, "", {}),
        (
            [4, "1", "OccurenceConstraintViolation", "", {}],
            OccurrenceConstraintViolationError,
            ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
            "",
            {},
        ),
        ([4, "1", "Weird", "d", {}], GenericError, "Weird", "d", {}),
        ([4, "1", "GenericError"], GenericError, ErrorCode.GENERIC_ERROR, "", {}),
        ([4, "1"], GenericError, ErrorCode.GENERIC_ERROR, "", {}),
        ([4], GenericError, ErrorCode.GENERIC_ERROR, "", {}),
        ([4, "1", {}, None, None], GenericError, ErrorCode.GENERIC_ERROR, "", {}),
        ([4, "1", "GenericError", 7, [1]], GenericError, ErrorCode.GENERIC_ERROR, "", {}),
        (
            [4, "1", "GenericError", "d", {"a": 1}, "more"],
            GenericError,
            ErrorCode.GENERIC_ERROR,
            "d",
            {"a": 1},
        ),
    ],
)
def test_any_callerror_reports_an_error(frame, cls, code, description, details) -> None:
    error = error_of(frame)
    assert type(error) is cls
    assert (error.code, error.description, error.details) == (code, description, details)


def test_every_code_comes_back_as_its_class() -> None:
    for code in ErrorCode:
        error = error_of([4, "1", str(code), "", {}])
        assert error.code is code
        assert type(error).default_code is code


def test_frames_are_compact_ascii() -> None:
    assert call_text('a"ä', "Heartbeat", "{}") == '[2,"a\\"\\u00e4","Heartbeat",{}]'
    assert result_text("1", '{"a":1}') == '[3,"1",{"a":1}]'
    assert (
        error_text("1", "GenericError", GenericError("ä", {"b": [1, "ü"]}))
        == '[4,"1","GenericError","\\u00e4",{"b":[1,"\\u00fc"]}]'
    )


def test_a_description_is_cut_and_made_unicode() -> None:
    assert json.loads(error_text("1", "GenericError", GenericError("x" * 300)))[3] == "x" * 255
    assert json.loads(error_text("1", "GenericError", GenericError("a\ud800b")))[3] == "a?b"


@pytest.mark.parametrize("details", [[], "x"])
def test_details_are_an_object(details: object) -> None:
    with pytest.raises(TypeError, match="J16-212"):
        error_text("1", "GenericError", GenericError("", details))  # type: ignore[arg-type]


def test_details_that_contain_themselves_are_refused() -> None:
    details: dict[str, object] = {}
    details["self"] = details
    with pytest.raises(ValueError, match="Circular"):
        error_text("1", "GenericError", GenericError("", details))


def test_details_that_are_nested_too_deeply_are_refused() -> None:
    details: dict[str, object] = {}
    for _ in range(100_000):
        details = {"a": details}
    with pytest.raises(ValueError, match="the error details are nested too deeply"):
        error_text("1", "GenericError", GenericError("", details))


@pytest.mark.parametrize("kind", [2, 6])
def test_a_call_and_a_send_are_written_alike(kind: int) -> None:
    assert call_text("1", "Sing", "{}", kind) == f'[{kind},"1","Sing",{{}}]'


@pytest.mark.parametrize("kind", [4, 5])
def test_both_kinds_of_error_are_written_alike(kind: int) -> None:
    assert error_text("1", "GenericError", GenericError("d"), kind) == f'[{kind},"1","GenericError","d",{{}}]'


@pytest.mark.parametrize("frame", [[2], [2, 7], [2, None], [2, "\ud800"], [2, ["1"]]])
def test_some_ids_no_answer_could_carry(frame: list[object]) -> None:
    assert readable_id(frame) is None


@pytest.mark.parametrize("id", ["", "1", "x" * 1000, "ä"])
def test_any_other_text_is_an_id_to_answer(id: str) -> None:
    assert readable_id([2, id]) == id


@pytest.mark.parametrize("frame", ["[6]", "[6.0]", '[2.0,"1"]'])
def test_a_wrong_number_of_elements_is_told_by_its_kind(frame: str) -> None:
    with pytest.raises(Malformed, match=r"a (CALL|SEND) has 4 elements, not"):
        read_call(parse(frame))


@pytest.fixture
def deep_stack() -> Iterator[None]:
    """An interpreter that would follow a parser deeper than the stack of C allows."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("deep_stack")
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_no_text_brings_the_stack_down(opening: str, closing: str) -> None:
    # L-218
    depth = 100_000
    with pytest.raises(Malformed) as caught:
        parse('[2,"1","Sing",' + opening * depth + "1" + closing * depth + "]")
    assert (caught.value.reason, caught.value.kind, caught.value.id) == (Rejection.TOO_DEEP, 2, "1")


@pytest.mark.usefixtures("deep_stack")
def test_brackets_in_texts_are_not_deep() -> None:
    text = '[2,"1","Sing",{"a":"' + "[" * 2 * SAFE_NESTING + '"}]'
    assert parse(text)[3] == {"a": "[" * 2 * SAFE_NESTING}
