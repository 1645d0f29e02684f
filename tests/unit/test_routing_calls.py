"""routing.py: how a handler or a hook is called, and with what."""

from typing import Any

import pytest

from ocpp_sansio import Version
from ocpp_sansio.messages import Raw
from ocpp_sansio.routing import Handler, Routes, after, on, routes_of
from ocpp_sansio.v16 import call, call_result

CATALOGUE = Version.V16.load()


def routes(cls: type[Any]) -> Routes:
    return routes_of(cls, CATALOGUE)


def test_a_typed_handler_gets_the_request_and_a_keyword_handler_its_members() -> None:
    got: list[Any] = []

    class Handlers:
        @on(call.StartTransaction)
        def typed(self, request: call.StartTransaction) -> None:
            got.append(request)

        @on("StopTransaction")
        def keywords(self, **members: Any) -> None:
            got.append(members)

    start = call.StartTransaction(connector_id=1, id_tag="x", meter_start=0, timestamp="2024-05-01T12:00:00Z")
    stop = call.StopTransaction(
        meter_stop=5,
        timestamp="2024-05-01T14:00:00.123+02:00",
        transaction_id=7,
        transaction_data=[{"timestamp": "2024-05-01T12:00:00Z", "sampled_value": [{"value": "1"}]}],
    )
    found = routes(Handlers).on
    found["StartTransaction"](Handlers(), start, "1")
    found["StopTransaction"](Handlers(), stop, "1")
    assert got[0] is start
    assert got[1] == {
        "meter_stop": 5,
        "timestamp": "2024-05-01T12:00:00.123Z",
        "transaction_id": 7,
        "transaction_data": [{"timestamp": "2024-05-01T12:00:00Z", "sampled_value": [{"value": "1"}]}],
    }
    assert type(got[1]["transaction_data"][0]) is dict


def test_a_raw_is_itself_to_a_typed_handler_and_its_payload_to_a_keyword_handler() -> None:
    class Handlers:
        @on(call.Heartbeat)
        def typed(self, request: call.Heartbeat) -> Any:
            return request

        @on("Reset")
        def keywords(self, **members: Any) -> Any:
            return members

    found = routes(Handlers).on
    heartbeat, reset = Raw("Heartbeat", {"surplus": 1}), Raw("Reset", {"type": "Sideways"})
    assert found["Heartbeat"](Handlers(), heartbeat, "1") is heartbeat
    assert found["Reset"](Handlers(), reset, "1") == {"payload": {"type": "Sideways"}}


def test_a_keyword_handler_that_names_it_gets_the_message_id() -> None:
    class Handlers:
        @on("Reset")
        def reset(self, type: str, call_unique_id: str) -> Any:
            return type, call_unique_id

        @after("Reset")
        def hook(self, call_unique_id: str, **members: Any) -> Any:
            return call_unique_id, members

        @on("Authorize")
        def authorize(self, **members: Any) -> Any:
            return members

    found = routes(Handlers)
    assert found.on["Reset"](Handlers(), call.Reset(type="Soft"), "7") == ("Soft", "7")
    [hook] = found.after["Reset"]
    assert hook(Handlers(), call.Reset(type="Soft"), "7", None) == ("7", {"type": "Soft"})
    assert found.on["Authorize"](Handlers(), call.Authorize(id_tag="x"), "7") == {"id_tag": "x"}


def test_a_hook_gets_the_response_if_it_wants_it() -> None:
    class Handlers:
        @after("Reset", inject_response=True)
        def hook(self, type: str, call_response: Any) -> Any:
            return type, call_response

    [hook] = routes(Handlers).after["Reset"]
    answered = call_result.Reset(status="Accepted")
    assert hook(Handlers(), call.Reset(type="Soft"), "7", answered) == ("Soft", {"status": "Accepted"})


def test_a_typed_hook_has_no_place_for_the_response() -> None:
    with pytest.raises(TypeError, match="inject_response is for hooks that get keyword arguments"):
        after(call.Reset, inject_response=True)  # type: ignore[call-overload]


def test_a_handler_knows_whether_it_skips_validation_and_inherits_that() -> None:
    class Handlers:
        @on("Reset", skip_schema_validation=True)
        def reset(self, **members: Any) -> None: ...

        @on("Heartbeat", skip_schema_validation=False)
        @after("Reset")
        def heartbeat(self) -> None: ...

    class Derived(Handlers):
        def reset(self, **members: Any) -> None: ...

    found = routes(Derived)
    assert found.on == {
        "Reset": Handler("reset", None, skip_schema_validation=True),
        "Heartbeat": Handler("heartbeat", None),
    }
    assert found.after == {"Reset": (Handler("heartbeat", None),)}


def test_a_typed_handler_cannot_skip_validation() -> None:
    with pytest.raises(TypeError, match="skip_schema_validation is for handlers that get keyword arguments"):
        on(call.Reset, skip_schema_validation=True)  # type: ignore[call-overload]


def test_the_action_may_be_given_by_name_as_well() -> None:
    class Handlers:
        @on(action="Reset")
        def reset(self, **members: Any) -> None: ...

        @after(action=call.Reset)
        def hook(self, request: call.Reset) -> None: ...

    found = routes(Handlers)
    assert (set(found.on), set(found.after)) == ({"Reset"}, {"Reset"})


def test_who_routes_may_say_what_the_members_are() -> None:
    class Handlers:
        @on("Reset")
        def reset(self, **members: Any) -> Any:
            return members

        @after("Reset", inject_response=True)
        def hook(self, **members: Any) -> Any:
            return members

    def members_of(message: Any) -> dict[str, Any]:
        return {"kind": type(message).__name__}

    found = routes(Handlers)
    asked, answered = Raw("Reset"), call_result.Reset(status="Accepted")
    assert found.on["Reset"](Handlers(), asked, "1", members_of=members_of) == {"kind": "Raw"}
    [hook] = found.after["Reset"]
    members = hook(Handlers(), asked, "1", answered, members_of=members_of)
    assert members == {"kind": "Raw", "call_response": {"kind": "Reset"}}
