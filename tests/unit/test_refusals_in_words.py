"""Verbs that are refused: the whole sentence that their user reads."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ocpp_sansio import (
    BootGate,
    CallResultReceived,
    Connection,
    ConnectionClosed,
    Limits,
    LocalProtocolError,
    QueueFull,
    Role,
    StationState,
    Validation,
)
from ocpp_sansio.errors import GenericError, NotSupportedError
from ocpp_sansio.messages import Raw
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v16 import call_result as result16
from ocpp_sansio.v21 import call as call21
from tests.pair import events_of, frames_of, receive
from tests.unit.exchange import STREAM, asked, received

NOTIFY = "NotifyPeriodicEventStream"
EXI = "Get15118EVCertificateRequest.exiRequest"
TIME = {"currentTime": "2024-05-01T12:00:00Z"}
SING = Raw.declare("Sing", request={}, response={})


def station(**options: Any) -> Connection:
    return Connection(Role.CHARGING_STATION, "2.1", **options)


def exactly(sentence: str) -> str:
    return f"^{re.escape(sentence)}$"


def result_at(connection: Connection) -> CallResultReceived:
    """An answer that the connection has just received."""
    [result] = receive(connection, 3, asked(connection, id="1").id, TIME)
    assert isinstance(result, CallResultReceived)
    return result


@pytest.mark.parametrize("verb", ["call", "send", "reply", "reply_error", "reject_result"])
def test_once_the_link_is_closed_every_verb_says_so(verb: str) -> None:
    connection = station()
    result = result_at(connection)
    owed = received(connection, 2, "1", "ClearCache", {})
    connection.receive_close()
    verbs: dict[str, Callable[[], object]] = {
        "call": lambda: connection.call(call21.Heartbeat(), now=0),
        "send": lambda: connection.send(Raw(NOTIFY, STREAM), now=0),
        "reply": lambda: connection.reply(owed, Raw("ClearCache")),
        "reply_error": lambda: connection.reply_error(owed, GenericError()),
        "reject_result": lambda: connection.reject_result(result, GenericError()),
    }
    with pytest.raises(ConnectionClosed, match=exactly("the link is closed")):
        verbs[verb]()


def test_what_is_no_request_is_not_called() -> None:
    long = "x" * 100
    sentence = f"call takes a request such as call.Heartbeat(), not '{'x' * 59}"
    with pytest.raises(TypeError, match=exactly(sentence)):
        station().call(long, now=0)  # type: ignore[arg-type]


def test_what_is_confirmed_is_not_sent() -> None:
    sentence = "send takes a message such as send.NotifyPeriodicEventStream, not Heartbeat()"
    with pytest.raises(TypeError, match=exactly(sentence)):
        station().send(call21.Heartbeat(), now=0)  # type: ignore[arg-type]


def test_what_was_not_received_is_not_answered() -> None:
    with pytest.raises(TypeError, match=exactly("only a CallReceived can be answered, not 'hello'")):
        station().reply_error("hello", GenericError())  # type: ignore[arg-type]


def test_what_is_no_result_is_not_rejected() -> None:
    with pytest.raises(TypeError, match=exactly("only a CallResultReceived can be rejected, not None")):
        station().reject_result(None, GenericError())  # type: ignore[arg-type]


def test_an_answer_is_owed_once_and_here() -> None:
    connection = station()
    owed = received(connection, 2, "1", "ClearCache", {})
    connection.reply_error(owed, GenericError())
    sentence = "ClearCache '1' is not owed an answer: it has one, or came by another connection"
    for verb in (
        lambda: connection.reply(owed, Raw("ClearCache")),
        lambda: connection.reply_error(owed, GenericError()),
    ):
        with pytest.raises(LocalProtocolError, match=exactly(sentence)):
            verb()


def test_an_answer_is_rejected_once_and_soon() -> None:
    connection = station()
    result = result_at(connection)
    connection.reject_result(result, GenericError())
    sentence = "the answer to Heartbeat '1' cannot be rejected: it was before, or came long ago or by another connection"
    with pytest.raises(LocalProtocolError, match=exactly(sentence)):
        connection.reject_result(result, GenericError())


def test_an_error_is_one_of_ocpp() -> None:
    connection = station()
    owed = received(connection, 2, "1", "ClearCache", {})
    result = result_at(connection)
    with pytest.raises(
        TypeError, match=exactly("a CALLERROR is made from an OCPPError, not from ValueError")
    ):
        connection.reply_error(owed, ValueError())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=exactly("a CALLRESULTERROR is made from an OCPPError, not from str")):
        connection.reject_result(result, "no")  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_version_without_a_message_type_says_so(version: str) -> None:
    connection = Connection(Role.CHARGING_STATION, version)
    result = result_at(connection)
    with pytest.raises(LocalProtocolError, match=exactly(f"OCPP {version} has no SEND")):
        connection.send(Raw(NOTIFY), now=0)
    with pytest.raises(LocalProtocolError, match=exactly(f"OCPP {version} has no CALLRESULTERROR")):
        connection.reject_result(result, GenericError())


def test_a_gate_says_what_it_holds_back() -> None:
    sentence = f"{NOTIFY} may not be sent before the station is accepted (L-511)"
    with pytest.raises(LocalProtocolError, match=exactly(sentence)):
        station(boot_gate=BootGate()).send(Raw(NOTIFY, STREAM), now=0)


def test_a_full_queue_says_how_full_it_is() -> None:
    connection = station(limits=Limits(queued_calls=1, undrained=1))
    connection.call(call21.Heartbeat(), now=0)
    connection.call(call21.Heartbeat(), now=0)
    with pytest.raises(QueueFull, match=exactly("1 calls are waiting for their turn already")):
        connection.call(call21.Heartbeat(), now=0)
    with pytest.raises(QueueFull, match=exactly("1 frames have not been pulled")):
        connection.send(Raw(NOTIFY, STREAM), now=0)


@pytest.mark.parametrize(("id", "shown"), [("", "''"), ("x" * 70, f"'{'x' * 59}"), (7, "7")])
def test_an_id_that_is_none_is_shown(id: Any, shown: str) -> None:
    sentence = f"a message id is text of 1 to 36 characters and not '-1' (J16-204), not {shown}"
    with pytest.raises(ValueError, match=exactly(sentence)):
        station().call(call21.Heartbeat(), now=0, id=id)
    with pytest.raises(ValueError, match=exactly(sentence)):
        station(new_id=lambda: id).send(Raw(NOTIFY, STREAM), now=0)


def test_an_id_that_is_taken_is_shown() -> None:
    connection = station()
    connection.call(call21.Heartbeat(), now=0, id="a")
    with pytest.raises(
        ValueError, match=exactly("the message id 'a' belongs to a call that has not ended (J16-205)")
    ):
        connection.call(call21.Heartbeat(), now=0, id="a")


@pytest.mark.parametrize(
    ("keyword", "sentence"),
    [
        ("timeout", "timeout is a positive number of seconds, not 0"),
        ("queue_timeout", "queue_timeout is a positive number of seconds, not 0"),
    ],
)
def test_a_time_that_is_none_is_shown(keyword: str, sentence: str) -> None:
    arguments: dict[str, Any] = {keyword: 0}
    with pytest.raises(ValueError, match=exactly(sentence)):
        station().call(call21.Heartbeat(), now=0, **arguments)


def test_an_event_that_was_not_pulled_would_be_lost() -> None:
    connection = station()
    connection.receive_text("[]", now=0)
    with pytest.raises(LocalProtocolError, match=exactly("pull events first: 1 would be lost")):
        connection.snapshot(now=0)


# Who sends what, and what answers it.


@pytest.mark.parametrize(
    ("role", "request_", "exception", "sentence"),
    [
        (
            Role.CSMS,
            call16.Heartbeat(),
            LocalProtocolError,
            "Heartbeat is sent by the Charging Station; we are the CSMS",
        ),
        (
            Role.CSMS,
            call21.Reset(type="Immediate"),
            TypeError,
            "ocpp_sansio.v21.call.Reset is not a request of OCPP 1.6",
        ),
        (Role.CSMS, Raw(7), TypeError, "the action of a Raw is text, not 7"),  # type: ignore[arg-type]
        (
            Role.CSMS,
            Raw("\ud800"),
            ValueError,
            "the action '\\ud800' contains a lone surrogate, which is not Unicode",
        ),
    ],
)
def test_a_request_that_is_not_ours_to_send_is_named(
    role: Role, request_: Any, exception: type[Exception], sentence: str
) -> None:
    with pytest.raises(exception, match=exactly(sentence)):
        Connection(role, "1.6").call(request_, now=0)


def test_what_goes_through_another_verb_is_told_which() -> None:
    with pytest.raises(LocalProtocolError, match=exactly(f"{NOTIFY} goes through send() (J21-603)")):
        station().call(Raw(NOTIFY, STREAM), now=0)
    with pytest.raises(LocalProtocolError, match=exactly("Heartbeat goes through call() (J21-603)")):
        station().send(Raw("Heartbeat"), now=0)


def test_an_answer_of_another_class_is_told_which_is_right() -> None:
    connection = Connection(Role.CSMS, "1.6")
    owed = received(connection, 2, "1", "Heartbeat", {})
    sentence = "Heartbeat is answered with call_result.Heartbeat, not with call_result.ClearCache"
    with pytest.raises(TypeError, match=exactly(sentence)):
        connection.reply(owed, result16.ClearCache(status="Accepted"))


# Arguments of the constructor.


@pytest.mark.parametrize(
    ("keyword", "value", "exception", "sentence"),
    [
        ("limits", 5, TypeError, "limits is a Limits, not 5"),
        ("state", "CP_1", TypeError, "state is a StationState, not 'CP_1'"),
        ("boot_gate", True, TypeError, "boot_gate is a BootGate, not True"),
        ("new_id", "x" * 70, TypeError, f"new_id is a Callable, not '{'x' * 59}"),
        ("loads", 3, TypeError, "loads is a Callable, not 3"),
        ("half_duplex", "no", TypeError, "half_duplex is a bool, not 'no'"),
        ("call_timeout", -1, ValueError, "call_timeout is a positive number of seconds, not -1"),
        ("call_timeout", None, ValueError, "call_timeout is a positive number of seconds, not None"),
        ("extensions", "Sing", TypeError, "extensions is a list of request classes, not 'Sing'"),
        ("extensions", [3], TypeError, "an extension is a request class, not 3"),
        ("extensions", [SING, SING], ValueError, "there are two extensions Sing"),
        (
            "extensions",
            [Raw.declare("Heartbeat", request={}, response={})],
            ValueError,
            "Heartbeat is an action of OCPP 2.1 already; an extension has a name of its own",
        ),
        ("field_lengths", [1], TypeError, "field_lengths is a mapping of names to lengths, not [1]"),
        (
            "field_lengths",
            {"a.b": 0},
            ValueError,
            "the length of a.b is a positive number of characters, not 0",
        ),
        (
            "field_lengths",
            {"Heartbeat.x": 5},
            ValueError,
            (
                "'Heartbeat.x': there is no such message; write it like 'AuthorizeRequest.idTag'"
                "; did you mean 'HeartbeatRequest'?"
            ),
        ),
        (
            "field_lengths",
            {"Get15118EVCertificateRequest.exiRequests": 5},
            ValueError,
            f"'{EXI}s': no text of that name; did you mean 'exiRequest'?",
        ),
        (
            "field_lengths",
            {EXI: 10},
            ValueError,
            f"{EXI} may have more than 10 characters already; a FieldLength is longer",
        ),
        (
            "validation",
            Validation(actions={"Autorize": "lenient"}),
            ValueError,
            "validation: there is no action 'Autorize' that could be judged lenient; did you mean 'Authorize'?",
        ),
    ],
)
def test_a_wrong_argument_is_named_and_shown(
    keyword: str, value: Any, exception: type[Exception], sentence: str
) -> None:
    arguments: dict[str, Any] = {keyword: value}
    with pytest.raises(exception, match=exactly(sentence)):
        station(**arguments)


def test_a_role_is_named_and_shown() -> None:
    with pytest.raises(TypeError, match=exactly("role is Role.CSMS or Role.CHARGING_STATION, not 'CSMS'")):
        Connection("CSMS", "1.6")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=exactly("a boot gate needs to know which end this is: give a role")):
        Connection(None, "1.6", boot_gate=BootGate())


def test_another_parser_finds_duplicate_keys_itself() -> None:
    with pytest.raises(
        ValueError, match=exactly("Limits.reject_duplicate_keys is for our own parser: leave out loads")
    ):
        station(loads=json.loads, limits=Limits(reject_duplicate_keys=True))


# What cannot be restored.


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (None, "its format is None"),
        ({"format": "x" * 70}, f"its format is '{'x' * 59}"),
    ],
)
def test_another_format_is_shown_beside_ours(found: Any, sentence: str) -> None:
    begins = "not a snapshot that can be restored here: "
    with pytest.raises(ValueError, match=exactly(f"{begins}{sentence}, not 'ocpp-sansio connection 1'")):
        Connection.restore(found, now=0)
    with pytest.raises(ValueError, match=exactly(f"{begins}{sentence}, not 'ocpp-sansio station 1'")):
        StationState.restore(found)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"role": "Nobody"}, "malformed snapshot: 'Nobody'"),
        ({"ids": [1]}, "malformed snapshot: not enough values to unpack (expected 2, got 1)"),
        ({"closed": 0}, "malformed snapshot: closed is not of type bool"),
    ],
)
def test_what_is_wrong_in_a_snapshot_is_told(changes: dict[str, Any], sentence: str) -> None:
    snapshot = {**station().snapshot(now=0), **changes}
    with pytest.raises(ValueError, match=exactly(sentence)):
        Connection.restore(snapshot, now=0)


def test_what_is_missing_in_the_snapshot_of_a_station_is_told() -> None:
    snapshot = StationState("CP1").snapshot()
    del snapshot["answers"]
    with pytest.raises(ValueError, match=exactly("malformed snapshot: 'answers'")):
        StationState.restore(snapshot)


def test_a_refusal_leaves_the_connection_as_it_was() -> None:
    connection = station()
    owed = received(connection, 2, "1", "ClearCache", {})
    with pytest.raises(TypeError):
        connection.reply_error(owed, ValueError())  # type: ignore[arg-type]
    connection.reply_error(owed, NotSupportedError())
    assert (len(frames_of(connection)), events_of(connection)) == (1, [])
