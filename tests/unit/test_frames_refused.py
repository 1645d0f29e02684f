"""What is no frame: the reason, the whole sentence, and everything that could still be read of it."""

import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from ocpp_sansio import Rejection
from ocpp_sansio._frames import (
    SAFE_NESTING,
    Malformed,
    _check_stack,
    check_nesting,
    error_of,
    error_text,
    loads_once,
    object_of,
    parse,
    read_call,
)
from ocpp_sansio.errors import GenericError

#: Reason, sentence, message type, message id, and what a broken text begins with.
Told = tuple[Rejection, str, int | None, str | None, list[Any] | None]

HALF = "contains a lone surrogate, which is not Unicode"


def told(caught: "pytest.ExceptionInfo[Malformed]") -> Told:
    problem = caught.value
    return problem.reason, str(problem), problem.kind, problem.id, problem.frame


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[NaN]", (Rejection.NOT_JSON, "not JSON: NaN is not JSON", None, None, None)),
        (
            "hello",
            (Rejection.NOT_JSON, "not JSON: Expecting value: line 1 column 1 (char 0)", None, None, None),
        ),
        ("[3,", (Rejection.NOT_JSON, "not JSON: Expecting value: line 1 column 4 (char 3)", 3, None, None)),
        (
            '[3,"1",',
            (Rejection.NOT_JSON, "not JSON: Expecting value: line 1 column 8 (char 7)", 3, "1", [3, "1"]),
        ),
        (
            '[9,"1","X",',
            (
                Rejection.NOT_JSON,
                "not JSON: Expecting value: line 1 column 12 (char 11)",
                9,
                "1",
                [9, "1", "X"],
            ),
        ),
        (
            '[2,"1",',
            (Rejection.BROKEN_CALL, "not JSON: Expecting value: line 1 column 8 (char 7)", 2, "1", [2, "1"]),
        ),
        (
            '[2,"1","X",',
            (
                Rejection.BROKEN_CALL,
                "not JSON: Expecting value: line 1 column 12 (char 11)",
                2,
                "1",
                [2, "1", "X"],
            ),
        ),
        (
            '[2,"1","\\ud800",',
            (Rejection.NOT_JSON, "not JSON: Expecting value: line 1 column 17 (char 16)", 2, None, None),
        ),
        (
            '[2,"\\q",',
            (Rejection.NOT_JSON, "not JSON: Invalid \\escape: line 1 column 5 (char 4)", 2, None, None),
        ),
        ("", (Rejection.EMPTY, "an empty text", None, None, None)),
        (" \t\r\n", (Rejection.EMPTY, "an empty text", None, None, None)),
        ("X", (Rejection.NOT_JSON, "not JSON: Expecting value: line 1 column 1 (char 0)", None, None, None)),
        ("{}", (Rejection.NOT_A_FRAME, "not a JSON array with a message in it", None, None, None)),
        ("[]", (Rejection.NOT_A_FRAME, "not a JSON array with a message in it", None, None, None)),
        ("[true]", (Rejection.UNKNOWN_MESSAGE_TYPE, "the message type is not a number", None, None, None)),
        ('["2","1"]', (Rejection.UNKNOWN_MESSAGE_TYPE, "the message type is not a number", None, "1", None)),
        ('[2,"1","X",{"a":"\\ud800"}]', (Rejection.NOT_UNICODE, HALF, 2, "1", None)),
        ('[2,"1","X",{"a":"\ud800"}]', (Rejection.NOT_UNICODE, HALF, 2, "1", None)),
        ('[3,"\\udfff",{}]', (Rejection.NOT_UNICODE, HALF, 3, None, None)),
        ('[3,"1",' + "[" * 100_000, (Rejection.TOO_DEEP, "nested too deeply", 3, "1", [3, "1"])),
        ('[2,"1","X",' + "[" * 100_000, (Rejection.TOO_DEEP, "nested too deeply", 2, "1", [2, "1", "X"])),
    ],
)
def test_a_text_that_is_no_frame_is_told_with_what_could_be_read(text: str, expected: Told) -> None:
    with pytest.raises(Malformed) as caught:
        parse(text)
    assert told(caught) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[2,"1","X",{"a":1,"b":1,"b":2,"a":3}]',
            (Rejection.DUPLICATE_KEYS, "the key 'b' twice", 2, "1", [2, "1", "X"]),
        ),
        (
            '[3,"1",{KEY:1,KEY:2}]'.replace("KEY", '"' + "k" * 70 + '"'),
            (Rejection.DUPLICATE_KEYS, f"the key '{'k' * 60}' twice", 3, "1", [3, "1"]),
        ),
    ],
)
def test_a_key_that_comes_twice_is_named_and_shortened(text: str, expected: Told) -> None:
    # L-218
    with pytest.raises(Malformed) as caught:
        parse(text, loads_once)
    assert told(caught) == expected


class Mute(Exception):
    """An error that has no words."""

    def __str__(self) -> str:
        raise TypeError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("odd"), "odd"),
        (ValueError("x" * 200), "x" * 200),
        (ValueError("x" * 200 + "y"), "x" * 200),
        (Mute(), "Mute"),
    ],
    ids=["short", "of the greatest length", "too long", "without words"],
)
def test_what_another_parser_says_is_repeated_as_far_as_200_characters(error: Exception, words: str) -> None:
    def loads(text: str) -> Any:
        raise error

    with pytest.raises(Malformed) as caught:
        parse('[3,"1",{}]', loads)
    assert told(caught) == (Rejection.NOT_JSON, f"not JSON: {words}", 3, "1", [3, "1"])


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ([2], (Rejection.MALFORMED_CALL, "a CALL has 4 elements, not 1", 2, None, None)),
        ([2, "1", "X"], (Rejection.MALFORMED_CALL, "a CALL has 4 elements, not 3", 2, "1", None)),
        ([6, "1", "X", {}, {}], (Rejection.MALFORMED_CALL, "a SEND has 4 elements, not 5", 6, "1", None)),
        ([2, 7, "X", {}], (Rejection.ID_NOT_TEXT, "the message id is not text", 2, None, None)),
        (
            [6, "x" * 37, "X", {}],
            (Rejection.ID_TOO_LONG, "the message id has 37 characters, at most 36", 6, "x" * 37, None),
        ),
        ([2, "1", 7, {}], (Rejection.MALFORMED_CALL, "the action is not text", 2, "1", None)),
    ],
)
def test_a_call_of_the_wrong_shape_is_told_with_what_could_be_read(frame: list[Any], expected: Told) -> None:
    with pytest.raises(Malformed) as caught:
        read_call(frame)
    assert told(caught) == expected


def test_a_payload_that_is_no_object_is_told() -> None:
    with pytest.raises(Malformed) as caught:
        object_of([6, "1", "X", []])
    expected = (Rejection.PAYLOAD_NOT_AN_OBJECT, "the payload is not an object", 6, "1", None)
    assert told(caught) == expected


@pytest.mark.parametrize(
    ("frame", "depth"),
    [
        ([2, "1", "X", {}], 2),
        ([2, "1", {}, []], 2),
        ([2, "1", [{}, 1], "[[["], 3),
        ([2, "1", {"a": []}], 3),
    ],
)
def test_a_frame_may_be_as_deep_as_allowed_and_no_deeper(frame: list[Any], depth: int) -> None:
    # L-218
    check_nesting(frame, depth)
    with pytest.raises(Malformed) as caught:
        check_nesting(frame, depth - 1)
    assert told(caught) == (Rejection.TOO_DEEP, f"nested deeper than {depth - 1} levels", 2, "1", frame)


# Texts that a parser would follow deeper than the stack of C allows.


@pytest.mark.parametrize(
    "text",
    [
        "[" * SAFE_NESTING,
        '{"a":' * SAFE_NESTING,
        "[]" * 2 * SAFE_NESTING,
        "{}" * 2 * SAFE_NESTING,
        "[[]" * (SAFE_NESTING - 1) + "[",
        '["' + "[" * 2 * SAFE_NESTING,
        '["\\"' + "[{" * SAFE_NESTING + '"]',
    ],
)
def test_what_the_stack_can_follow_is_followed(text: str) -> None:
    # L-218
    _check_stack(text)


@pytest.mark.parametrize(
    "text",
    [
        '[3,"1",' + "[" * SAFE_NESTING,
        '[3,"1",' + '{"a":' * SAFE_NESTING,
        '[3,"1",' + "[],{}," * SAFE_NESTING + "[" * SAFE_NESTING,
        '[3,"1","]]]]",' + '"]",[' * SAFE_NESTING,
    ],
)
def test_what_it_cannot_follow_is_refused_by_its_brackets(text: str) -> None:
    # L-218
    with pytest.raises(Malformed) as caught:
        _check_stack(text)
    reason, sentence, kind, id, frame = told(caught)
    assert (reason, sentence, kind, id) == (Rejection.TOO_DEEP, "nested too deeply", 3, "1")
    assert frame is not None
    assert frame[:2] == [3, "1"]


# An error with half a character in it.


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        (
            '[4,"1","NotSupported","a\\ud800b",{"ä":"\\udc00"}]',
            [4, "1", "NotSupported", "a?b", {"ä": "?"}],
        ),
        ('[4,"1","NotSupported","\ud800ä",{}]', [4, "1", "NotSupported", "?ä", {}]),
        ('[5,"1","\\ud800"]', [5, "1", "?"]),
    ],
)
def test_an_error_is_heard_with_question_marks_for_half_characters(text: str, frame: list[Any]) -> None:
    # L-401
    assert parse(text) == frame


def test_of_an_error_that_cannot_be_repaired_the_id_is_heard() -> None:
    # L-401: here, the numbers of another parser are no JSON
    loads = partial(json.loads, parse_float=Decimal)
    assert parse('[4,"1","\\ud800","",{"a":1.5}]', loads) == [4, "1"]


# Errors as they are written and read.


def test_an_error_is_read_from_three_places_and_no_more() -> None:
    error = error_of([4, "1", "InternalError", "why", {"a": 1}, {"b": 2}])
    assert (error.code, error.description, error.details) == ("InternalError", "why", {"a": 1})


@pytest.mark.parametrize(
    ("error", "exception", "sentence"),
    [
        (
            GenericError("", [1]),  # type: ignore[arg-type]
            TypeError,
            "error details are a JSON object (J16-212), not list",
        ),
        (GenericError(7), TypeError, "the code and the description of an error are text"),  # type: ignore[arg-type]
        (
            GenericError("", {"a": "\ud800"}),
            ValueError,
            "the error contains a lone surrogate, which is not Unicode",
        ),
    ],
)
def test_an_error_that_cannot_be_written_says_why(
    error: GenericError, exception: type[Exception], sentence: str
) -> None:
    with pytest.raises(exception) as caught:
        error_text("1", "GenericError", error)
    assert str(caught.value) == sentence


def test_the_code_of_an_error_is_unicode_text() -> None:
    with pytest.raises(TypeError) as no_text:
        error_text("1", 7, GenericError())  # type: ignore[arg-type]
    assert str(no_text.value) == "the code and the description of an error are text"
    with pytest.raises(ValueError, match=r"^the error contains a lone surrogate, which is not Unicode$"):
        error_text("1", "\ud800", GenericError())


def test_details_that_are_too_deep_are_named_as_such() -> None:
    details: dict[str, Any] = {}
    for _ in range(100_000):
        details = {"a": details}
    with pytest.raises(ValueError, match=r"^the error details are nested too deeply$"):
        error_text("1", "GenericError", GenericError("", details))
