"""Text to frame and back."""

import json

import pytest

from ocpp_sansio import ErrorCode, Rejection
from ocpp_sansio._frames import Malformed, call_text, error_of, error_text, parse, read_call, result_text
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
    assert read_call([2, "1", "Heartbeat", None]) == ("1", "Heartbeat", {})
    assert read_call([2, "", "", {"a": 1}]) == ("", "", {"a": 1})
    assert read_call([2, "x" * 36, "Heartbeat", {}])[0] == "x" * 36


@pytest.mark.parametrize(
    ("text", "reason", "id"),
    [
        ('[2,"1","Heartbeat"]', Rejection.MALFORMED_CALL, "1"),
        ('[2,1,"Heartbeat"]', Rejection.MALFORMED_CALL, None),
        ("[2]", Rejection.MALFORMED_CALL, None),
        ('[2,"1",7,{}]', Rejection.MALFORMED_CALL, "1"),
        ('[2,7,"Heartbeat",{}]', Rejection.ID_NOT_TEXT, None),
        ('[2,"%s","Heartbeat",{}]' % ("ä" * 37), Rejection.ID_TOO_LONG, "ä" * 37),
        ('[2,"1","Heartbeat",7]', Rejection.PAYLOAD_NOT_AN_OBJECT, "1"),
        ('[2,"1","Heartbeat",false]', Rejection.PAYLOAD_NOT_AN_OBJECT, "1"),
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
