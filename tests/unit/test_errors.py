"""The error codes and the exceptions."""

import copy
import pickle

import pytest

from ocpp_sansio import (
    CallTimeout,
    ConnectionClosed,
    ErrorCode,
    LocalProtocolError,
    OCPPError,
    QueueFull,
    RemoteProtocolError,
    SchemaViolation,
    Unanswered,
    Violation,
    errors,
)
from ocpp_sansio.errors import ERRORS_BY_CODE, GenericError, InternalError, NotSupportedError

VIOLATION = Violation("$.a", "type", 7, "7 is not text")


def test_there_is_one_class_for_each_code() -> None:
    assert set(ERRORS_BY_CODE) == set(ErrorCode)
    for code, cls in ERRORS_BY_CODE.items():
        assert cls.default_code is code
        assert getattr(errors, cls.__name__) is cls
        assert cls.__name__ in errors.__all__


def test_codes_are_spelled_as_ocpp_2_spells_them() -> None:
    assert {str(code) for code in ErrorCode} == {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormatViolation",
        "PropertyConstraintViolation",
        "OccurrenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
        "MessageTypeNotSupported",
        "RpcFrameworkError",
    }


def test_an_error_has_a_code_a_description_and_details() -> None:
    error = NotSupportedError()
    assert (error.code, error.details) == (ErrorCode.NOT_SUPPORTED, {})
    assert error.description == NotSupportedError.default_description
    error = NotSupportedError("no local list", {"a": 1})
    assert str(error) == "NotSupported: no local list"
    assert repr(error) == "NotSupportedError('no local list', {'a': 1}, code='NotSupported')"
    assert str(NotSupportedError("")) == "NotSupported"


def test_a_code_that_no_version_knows_is_kept() -> None:
    error = GenericError("d", code="Weird")
    assert error.code == "Weird"
    assert str(error) == "Weird: d"


def test_errors_that_say_the_same_are_equal() -> None:
    error = InternalError("d", {"a": [1]})
    same = InternalError("d", {"a": [1]})
    assert (error == same, hash(error) == hash(same), len({error, same})) == (True, True, 1)
    for other in (
        InternalError("d", {"a": [2]}),
        InternalError("e", {"a": [1]}),
        InternalError("d", {"a": [1]}, code="Weird"),
        GenericError("d", {"a": [1]}, code=error.code),
        "InternalError: d",
    ):
        assert error != other


def test_details_are_not_shared() -> None:
    NotSupportedError().details["a"] = 1
    assert NotSupportedError().details == {}


@pytest.mark.parametrize(
    "error",
    [
        InternalError("d", {"a": [1]}),
        GenericError("d", {}, code="Weird"),
        CallTimeout("Heartbeat", "1", 30.0),
        CallTimeout("Heartbeat", "1", 30.0, False),
        RemoteProtocolError("the answer is bad", VIOLATION),
        SchemaViolation("call.Authorize cannot be sent", VIOLATION),
    ],
)
def test_errors_survive_pickling_and_copying(error: Exception) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def test_errors_say_what_happened() -> None:
    assert str(CallTimeout("Heartbeat", "1", 30.0)) == "no answer to Heartbeat '1' within 30 s"
    assert str(CallTimeout("Heartbeat", "1", 0.5, sent=False)) == "no turn to send Heartbeat '1' within 0.5 s"
    assert isinstance(CallTimeout("Heartbeat", "1", 30.0), TimeoutError)
    assert CallTimeout("Heartbeat", "1", 30.0).errno is None
    assert str(RemoteProtocolError("the answer is bad", VIOLATION)) == "the answer is bad"
    assert (
        str(SchemaViolation("call.X cannot be sent", VIOLATION))
        == "call.X cannot be sent: $.a: 7 is not text"
    )


def test_a_call_is_refused_or_unanswered_and_nothing_else() -> None:
    ends = {CallTimeout, ConnectionClosed, QueueFull, RemoteProtocolError}
    assert {cls for cls in vars(errors).values() if cls in Unanswered.__subclasses__()} == ends
    for other in (OCPPError, LocalProtocolError, SchemaViolation):
        assert not issubclass(other, Unanswered)
    assert not issubclass(Unanswered, OCPPError)


def test_an_error_of_the_peer_is_not_an_error_of_ours() -> None:
    assert not issubclass(RemoteProtocolError, OCPPError)
    assert not issubclass(SchemaViolation, OCPPError)
    assert issubclass(SchemaViolation, ValueError)
