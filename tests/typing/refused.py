"""What a type checker must refuse. Checked by test_typing.py, never run.

A line that must be an error says so, to mypy and to pyright apart. Where it no longer is one, the remark is superfluous, and that
fails the test. What neither refuses, because a field for an enum takes text too: a member of another enum. That is for run time.
"""

# These three repeat an error as its consequence.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false

from datetime import UTC, datetime
from typing import Any

from ocpp_sansio import CallReceived, Connection, Event, PendingCall
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result, datatypes, enums
from ocpp_sansio_adapters.v16 import ChargePoint


def use(value: object) -> None: ...


def a_field_is_missing() -> None:
    call.BootNotification(charge_point_vendor="acme")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    datatypes.IdTagInfo()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def a_field_is_unknown() -> None:
    call.Heartbeat(interval=10)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    call.Authorize("positional")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def a_field_has_the_wrong_type(key: datatypes.KeyValue) -> None:
    call.Authorize(id_tag=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    call.Reset(type=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    call_result.Heartbeat(current_time=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    call_result.Authorize(id_tag_info="Accepted")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    call_result.Authorize(id_tag_info=key)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    call.SendLocalList(
        list_version=1,
        update_type="Full",
        local_authorization_list=[key],  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    )


def an_attribute_has_the_wrong_type(answer: call_result.BootNotification) -> None:
    answer.interval = "10"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    use(answer.intervall)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def a_member_is_of_another_enum(answer: call_result.BootNotification) -> bool:
    use(enums.ResetType.operative)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    # Refused by mypy only: to pyright an attribute takes what its converter takes, and all text may be equal.
    answer.status = enums.ResetStatus.accepted  # type: ignore[assignment]
    return answer.status == enums.ResetStatus.accepted  # type: ignore[comparison-overlap]


def a_name_is_misspelt_or_resolves_at_run_time_only() -> None:
    use(call.BootNotifcation)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    use(call.BootNotificationPayload)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    use(call_result.HeartbeatPayload)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    use(enums.Action.BootNotification)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def a_call_is_not_a_request(conn: Connection, response: call_result.Heartbeat) -> None:
    conn.call(response, now=0.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    conn.call("Heartbeat", now=0.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    conn.call(call.Heartbeat, now=0.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    conn.call(call.Heartbeat())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# Which response answers a call is known at run time only; that it is a response at all is known before.
def a_reply_is_not_a_response(conn: Connection, received: CallReceived) -> None:
    conn.reply(received, call.Heartbeat())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def an_answer_may_be_none(pending: PendingCall[call_result.Heartbeat], event: Event) -> call_result.Heartbeat:
    return pending.response_in(event)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


async def an_answer_is_of_another_call(charge_point: ChargePoint) -> call_result.Authorize:
    return await charge_point.call(call.Heartbeat())  # type: ignore[arg-type]  # pyright: ignore[reportReturnType]


async def a_suppressed_answer_may_be_none(charge_point: ChargePoint, may_fail: bool) -> None:
    answer: call_result.Heartbeat
    answer = await charge_point.call(call.Heartbeat(), suppress=True)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    answer = await charge_point.call(call.Heartbeat(), may_fail)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    use(answer.current_time)


class WrongHandlers(ChargePoint):
    @on(call.BootNotification)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    def another_request(self, request: call.Heartbeat) -> call_result.BootNotification:
        raise NotImplementedError

    @on(call.Heartbeat)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    def another_response(self, request: call.Heartbeat) -> call_result.Authorize:
        raise NotImplementedError

    @on(call.Authorize)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    async def another_response_later(self, request: call.Authorize) -> call_result.Heartbeat:
        raise NotImplementedError

    @on(call.ClearCache)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    def no_response(self, request: call.ClearCache) -> None:
        raise NotImplementedError

    @on(call.Reset)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    def keywords(self, type: str, **kwargs: Any) -> call_result.Reset:
        raise NotImplementedError

    @on(call_result.Heartbeat)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    def no_action(self, request: Any) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=datetime.now(UTC))

    @on(call.ChangeAvailability, skip_schema_validation=True)  # type: ignore[call-overload, untyped-decorator]  # pyright: ignore[reportArgumentType]
    def typed_and_not_judged(self, request: Any) -> call_result.ChangeAvailability:
        raise NotImplementedError

    @after(call.Heartbeat)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    def another_request_afterwards(self, request: call.Authorize) -> None:
        raise NotImplementedError
