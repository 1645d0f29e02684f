"""What npm's `ocpp-rpc` judges, refuses, waits for and comes back from, with our doors at the other end.

Whole sessions with it are in test_foreign_libraries.py.
"""

from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from ocpp_sansio import CallTimeout, ConnectionClosed, Version
from ocpp_sansio.errors import RemoteProtocolError
from ocpp_sansio.handshake import Credentials, NoCommonVersion, UpgradeFailed
from ocpp_sansio.messages import Raw
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.websockets import connect
from tests.adapters.sockets import CALM, eventually, nothing_left
from tests.interop.foreign import (
    IDENTITY,
    OTHER,
    Answers,
    Ours,
    Refused,
    Withheld,
    linked,
    our_class,
    serving,
)
from tests.interop.node import NodeError
from tests.interop.peers.ocpp_rpc import OcppRpc
from tests.interop.session import NOON, Payload

pytestmark = pytest.mark.anyio

ROLES = pytest.mark.parametrize("role", ["station", "csms"], ids="their {}".format)
V16, V201 = Version.V16, Version.V201
VERSIONS = pytest.mark.parametrize("version", [V16, V201], ids=lambda version: version.value)

#: What a station asks and a CSMS asks, and the answers. They are the same in both versions.
ASKED: dict[str, tuple[str, Payload, Payload]] = {
    "station": ("Heartbeat", {}, {"current_time": NOON}),
    "csms": ("ClearCache", {}, {"status": "Accepted"}),
}
ANSWERS: dict[str, Answers] = {OTHER[asker]: {action: answer} for asker, (action, _, answer) in ASKED.items()}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


async def still_well(ends: dict[str, Any]) -> None:
    """Both ways."""
    for asker, (action, payload, answer) in ASKED.items():
        assert await ends[asker].call(action, payload) == answer


# What breaks a schema.

EMPTY_EVENTS = {"generatedAt": NOON, "seqNo": 0, "eventData": []}
#: Requests that are wrong: version, who asks, action and payload; then what ocpp-rpc calls that, and what we do.
#: The codes that we get are spelled as in 2.x; those that we send travel as the version spells them (J16-415 to
#: J16-421).
VIOLATIONS: list[tuple[Version, str, str, Payload, str, str]] = [
    (V16, "station", "Authorize", {}, "OccurrenceConstraintViolation", "ProtocolError"),
    (V16, "station", "Authorize", {"idTag": 7}, "TypeConstraintViolation", "TypeConstraintViolation"),
    (V16, "station", "Authorize", {"idTag": "x" * 21}, "FormatViolation", "PropertyConstraintViolation"),
    (V16, "csms", "GetLocalListVersion", {"a": 1}, "PropertyConstraintViolation", "FormationViolation"),
    (V16, "csms", "Reset", {"type": "Tepid"}, "FormatViolation", "PropertyConstraintViolation"),
    (V201, "station", "NotifyEvent", EMPTY_EVENTS, *["OccurrenceConstraintViolation"] * 2),
    (V201, "csms", "GetVariables", {}, *["OccurrenceConstraintViolation"] * 2),
    (V201, "csms", "Reset", {"type": "Immediate", "evseId": "1"}, *["TypeConstraintViolation"] * 2),
]
EACH_VIOLATION = pytest.mark.parametrize(
    ("version", "asker", "action", "payload", "theirs", "ours"),
    [pytest.param(*row, id=f"{row[0].value}-{row[2]}-{row[3]}") for row in VIOLATIONS],
)


@EACH_VIOLATION
async def test_they_refuse_what_breaks_a_schema(
    ocpp_rpc: OcppRpc, version: Version, asker: str, action: str, payload: Payload, theirs: str, ours: str
) -> None:
    answers = {**ANSWERS, OTHER[asker]: {**ANSWERS[OTHER[asker]], action: {}}}
    async with linked(ocpp_rpc, OTHER[asker], version, answers) as ends:
        with pytest.raises(Refused) as caught:
            await ends[asker].ask(Raw(action, payload))
        assert caught.value.refusal.code == theirs
        assert caught.value.refusal.details["data"] == payload
        assert await ends[OTHER[asker]].asked() == []
        await still_well(ends)


@EACH_VIOLATION
async def test_we_refuse_what_breaks_a_schema(
    ocpp_rpc: OcppRpc, version: Version, asker: str, action: str, payload: Payload, theirs: str, ours: str
) -> None:
    async with linked(ocpp_rpc, asker, version, ANSWERS, strictMode=False) as ends:
        with pytest.raises(Refused) as caught:
            await ends[asker].call(action, payload)
        assert caught.value.refusal.code == ours
        await still_well(ends)


@VERSIONS
@ROLES
async def test_they_do_not_take_an_answer_that_breaks_a_schema(
    ocpp_rpc: OcppRpc, role: str, version: Version
) -> None:
    action, payload, _ = ASKED[role]
    answers = {**ANSWERS, OTHER[role]: {action: Raw(action, {"surprise": 1})}}
    async with linked(ocpp_rpc, role, version, answers) as ends:
        with pytest.raises(Refused):  # so it says, although nobody has
            await ends[role].call(action, payload)
        failure = await ends[role].next("strictValidationFailure")
        assert failure["method"] == action
        assert not failure["outbound"]
        assert await ends[OTHER[role]].call(*ASKED[OTHER[role]][:2]) == ASKED[OTHER[role]][2]


@VERSIONS
@ROLES
async def test_we_do_not_take_an_answer_that_breaks_a_schema(
    ocpp_rpc: OcppRpc, role: str, version: Version
) -> None:
    action, payload, _ = ASKED[OTHER[role]]
    answers = {**ANSWERS, role: {action: {"surprise": 1}}}
    async with linked(ocpp_rpc, role, version, answers, strictMode=False) as ends:
        with pytest.raises(RemoteProtocolError, match="is missing"):
            await ends[OTHER[role]].call(action, payload)
        assert await ends[role].call(*ASKED[role][:2]) == ASKED[role][2]


@VERSIONS
@ROLES
async def test_an_answer_that_they_do_not_let_out_is_an_internal_error(
    ocpp_rpc: OcppRpc, role: str, version: Version
) -> None:
    action, payload, _ = ASKED[OTHER[role]]
    async with linked(ocpp_rpc, role, version, {**ANSWERS, role: {action: {"surprise": 1}}}) as ends:
        with pytest.raises(Refused) as caught:
            await ends[OTHER[role]].call(action, payload)
        assert caught.value.refusal.code == "InternalError"


@VERSIONS
@ROLES
async def test_an_action_that_nobody_knows_is_not_implemented(
    ocpp_rpc: OcppRpc, role: str, version: Version
) -> None:
    async with linked(ocpp_rpc, role, version, ANSWERS, strictMode=False) as ends:
        with pytest.raises(Refused) as by_us:
            await ends[role].call("Sing", {"song": "of ours"})
        with pytest.raises(Refused) as by_them:
            await ends[OTHER[role]].ask(Raw("Sing", {"song": "of theirs"}))
        assert {by_us.value.refusal.code, by_them.value.refusal.code} == {"NotImplemented"}
        await still_well(ends)


#: What is no CALL that could be answered by a CALLRESULT; the id and the code of our answer.
NO_CALLS = [
    ("{", "-1", "RpcFrameworkError"),  # J201-405
    ("[]", "-1", "RpcFrameworkError"),  # J201-406
    ("7", "-1", "RpcFrameworkError"),
    ('[9,"2",{}]', "2", "MessageTypeNotSupported"),  # J201-407
    ('[2,"3"]', "3", "RpcFrameworkError"),  # J201-408
    ('[2,"4","Sing",{}]', "4", "NotImplemented"),  # J201-412
]


@ROLES
async def test_what_is_no_call_is_answered_and_harms_nobody(ocpp_rpc: OcppRpc, role: str) -> None:
    async with linked(ocpp_rpc, role, V201, ANSWERS) as ends:
        for frame, id, code in NO_CALLS:
            await ends[role].raw(frame)
            answer = await ends[role].next("badMessage")  # because they know of no call with such an id
            assert (answer["details"]["msgId"], answer["details"]["errorCode"]) == (id, code)
        await still_well(ends)


# What takes too long.


@ROLES
async def test_a_call_of_theirs_times_out_and_the_late_answer_harms_nobody(
    ocpp_rpc: OcppRpc, role: str
) -> None:
    action, payload, answer = ASKED[role]
    answers = {**ANSWERS, OTHER[role]: {action: Withheld(answer)}}
    async with linked(ocpp_rpc, role, V16, answers) as ends:
        with pytest.raises(NodeError) as caught:
            await ends[role].call(action, payload, callTimeoutMs=20)
        assert caught.value.name == "TimeoutError"
        await ends[OTHER[role]].release()
        late = await ends[role].next("badMessage")
        assert "unrecognised message ID" in late["message"]
        await still_well(ends)


@ROLES
async def test_a_call_of_ours_times_out_and_the_late_answer_harms_nobody(
    ocpp_rpc: OcppRpc, role: str
) -> None:
    action, payload, answer = ASKED[OTHER[role]]
    answers = {**ANSWERS, role: {action: Withheld(answer)}}
    async with linked(ocpp_rpc, role, V16, answers) as ends:
        with pytest.raises(CallTimeout):
            await ends[OTHER[role]].call(action, payload, timeout=0.02)
        await ends[role].release()
        # Answered in order of arrival: once this one is answered, the late answer has come.
        assert await ends[role].call(*ASKED[role][:2]) == ASKED[role][2]
        assert not ends[OTHER[role]].charge_point.protocol.calls
        with pytest.raises(CallTimeout):  # and was not taken for the answer to the next
            await ends[OTHER[role]].call(action, payload, timeout=0.02)
        await ends[role].release()


@ROLES
async def test_a_call_of_ours_ends_with_the_link(ocpp_rpc: OcppRpc, role: str) -> None:
    action, payload, answer = ASKED[OTHER[role]]
    async with linked(ocpp_rpc, role, V16, {**ANSWERS, role: {action: Withheld(answer)}}) as ends:

        async def ask() -> None:
            with pytest.raises(ConnectionClosed):
                await ends[OTHER[role]].call(action, payload)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await ends[role].next("asked")
            await ends[role].close(1000, "", force=True)


@ROLES
async def test_a_call_of_theirs_ends_with_the_link(ocpp_rpc: OcppRpc, role: str) -> None:
    action, payload, answer = ASKED[role]
    answers = {**ANSWERS, OTHER[role]: {action: Withheld(answer)}}
    async with linked(ocpp_rpc, role, V16, answers) as ends:

        async def ask() -> None:
            with pytest.raises(NodeError, match="Client disconnected"):
                await ends[role].call(action, payload)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await eventually(lambda: ends[OTHER[role]].charge_point.asked)
            await ends[OTHER[role]].close(4001, "")


@ROLES
async def test_our_pongs_are_heard(ocpp_rpc: OcppRpc, role: str) -> None:
    async with linked(ocpp_rpc, role, V16, ANSWERS) as ends:
        for _ in range(3):
            await ends[role].ping()
        await still_well(ends)


# Who is let in, and who comes back.


async def test_their_client_comes_back_to_our_csms_with_what_it_wants_to_say(ocpp_rpc: OcppRpc) -> None:
    csms = CSMS(our_class(V16, ANSWERS["csms"]))
    patience = {"initialDelay": 5, "maxDelay": 20, "factor": 2, "randomisationFactor": 0}
    async with nothing_left(), AsyncExitStack() as stack:
        async with serving(csms) as url:
            theirs = await stack.enter_async_context(
                ocpp_rpc.station(url, IDENTITY, V16, ANSWERS["station"], reconnect=True, backoff=patience)
            )
            await csms.stations.wait(IDENTITY)
            await theirs.next("open")
        assert await theirs.next("disconnect") == {"code": 1001, "reason": "the server shuts down"}
        again = CSMS(our_class(V16, ANSWERS["csms"]))
        async with serving(again, int(url.rpartition(":")[2])):
            ends = {"station": theirs, "csms": Ours(await again.stations.wait(IDENTITY))}
            await theirs.next("open")
            await still_well(ends)
            await theirs.close(1000, "")


async def test_the_older_of_two_clients_with_one_identity_is_closed(ocpp_rpc: OcppRpc) -> None:
    # L-130
    csms = CSMS(our_class(V16, ANSWERS["csms"]))
    async with (
        nothing_left(),
        serving(csms) as url,
        ocpp_rpc.station(url, IDENTITY, V16, {}) as first,
        ocpp_rpc.station(url, IDENTITY, V16, ANSWERS["station"]) as second,
    ):
        assert await first.closed() == (1008, "the station has connected anew")
        await still_well({"station": second, "csms": Ours(csms.stations[IDENTITY])})


PASSWORD = "pa:ss wörd"


async def test_their_client_shows_its_password(ocpp_rpc: OcppRpc) -> None:
    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        return identity == IDENTITY and credentials is not None and credentials.matches(PASSWORD)

    csms = CSMS(our_class(V16, ANSWERS["csms"]))
    async with nothing_left(), serving(csms, authenticate=authenticate) as url:
        async with ocpp_rpc.station(url, IDENTITY, V16, {}, password=PASSWORD) as theirs:
            assert await theirs.call(*ASKED["station"][:2]) == ASKED["station"][2]
        for options in ({}, {"password": "another"}):
            with pytest.raises(NodeError) as caught:
                await ocpp_rpc.station(url, IDENTITY, V16, {}, **options).__aenter__()
            assert (caught.value.name, caught.value.code) == ("UnexpectedHttpResponse", 401)


async def test_our_client_shows_its_password(ocpp_rpc: OcppRpc) -> None:
    versions: dict[str, Any] = {"versions": ["1.6"], **CALM}
    async with nothing_left(), ocpp_rpc.csms(V16, {}, password=PASSWORD) as csms:
        async with connect(csms.url, IDENTITY, password=PASSWORD, **versions) as websocket:
            assert websocket.subprotocol == "ocpp1.6"
        for options in ({}, {"password": "another"}):
            with pytest.raises(UpgradeFailed) as caught:
                await connect(csms.url, IDENTITY, **{**versions, **options}).__aenter__()
            assert caught.value.status == 401


@pytest.mark.parametrize(
    ("switch", "seen"),
    [
        (NoCommonVersion.CLOSE, ("Error", "Server sent no subprotocol")),
        (NoCommonVersion.REFUSE, ("UnexpectedHttpResponse", "Bad Request")),
    ],
)
async def test_their_client_speaks_no_version_of_ours(
    ocpp_rpc: OcppRpc, switch: NoCommonVersion, seen: tuple[str, str]
) -> None:
    # J16-111, L-111
    csms = CSMS(our_class(V201, {}))
    async with nothing_left(), serving(csms, no_common_version=switch) as url:
        with pytest.raises(NodeError) as caught:
            await ocpp_rpc.station(url, IDENTITY, V16, {}).__aenter__()
        assert (caught.value.name, caught.value.message) == seen


async def test_their_server_speaks_no_version_of_ours(ocpp_rpc: OcppRpc) -> None:
    # J16-112
    async with nothing_left(), ocpp_rpc.csms(V16, {}) as csms:
        with pytest.raises(UpgradeFailed, match="none"):
            await connect(csms.url, IDENTITY, versions=["2.0.1"], **CALM).__aenter__()
        assert await (await csms.arrived()).closed() == (1002, "no subprotocol in common")


@pytest.mark.parametrize("version", [V201, V16], ids=lambda version: version.value)
async def test_the_station_of_several_versions_gets_the_one_that_it_prefers(
    ocpp_rpc: OcppRpc, version: Version
) -> None:
    # L-110
    other = Version.V16 if version is V201 else V201
    csms = CSMS(our_class(V16, {}), our_class(V201, {}))
    protocols = [version.subprotocol, other.subprotocol]
    async with (
        nothing_left(),
        serving(csms) as url,
        ocpp_rpc.station(url, IDENTITY, version, {}, protocols=protocols),
    ):
        assert (await csms.stations.wait(IDENTITY)).version is version
