"""Our doors and the OCPP libraries of others: sessions, refusals and ends, in both roles, on both backends.

Their libraries judge each frame by schemas of their own, but for ocpp-rpc in 2.1.
"""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from ocpp_sansio import ErrorCode, Version
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.station import Station
from tests.adapters.sockets import CALM, nothing_left
from tests.interop.foreign import (
    IDENTITY,
    MESSAGES,
    OTHER,
    Foreign,
    Refusal,
    Refused,
    linked,
    our_class,
    serving,
)
from tests.interop.session import NOON, SESSIONS

pytestmark = pytest.mark.anyio

ROLES = pytest.mark.parametrize("role", ["station", "csms"], ids="their {}".format)
VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.value)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=["mobilityhouse", "ocpp_rpc"])
def library(request: pytest.FixtureRequest) -> Foreign:
    found: Foreign = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("bare", [False, True], ids=["", "bare"])
@VERSIONS
@ROLES
async def test_a_whole_session(library: Foreign, role: str, version: Version, bare: bool) -> None:
    session = SESSIONS[version]
    answers = {end: {step.action: step.answer for step in session if step.asker != end} for end in OTHER}
    async with linked(library, role, version, answers, bare=bare) as ends:
        for step in session:
            assert await ends[step.asker].call(step.action, step.request) == step.answer
        for name, end in ends.items():
            assert await end.asked() == [
                (step.action, step.request) for step in session if step.asker != name
            ]


#: All that both of their libraries know.
CODES = [
    code
    for code in ErrorCode
    if code not in (ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED, ErrorCode.RPC_FRAMEWORK_ERROR)
]
#: Misprints of the standard, which travel so (J16-401). Ours are spelled as in 2.x.
MISPRINTS = {
    Version.V16: {
        "FormatViolation": "FormationViolation",
        "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    }
}


@VERSIONS
@ROLES
async def test_refusals_arrive_with_code_words_and_details(
    library: Foreign, role: str, version: Version
) -> None:
    def travelling(code: str) -> str:
        return MISPRINTS.get(version, {}).get(code, code)

    def refusal(answerer: str, code: str) -> Refusal:
        """As the end raises it."""
        theirs = answerer == role
        return Refusal(travelling(code) if theirs else code, f"Not {code}.", {"why": ["holiday", None]})

    # A session has fewer steps than there are codes: one end takes the first of them, the other the last.
    order = {"station": CODES, "csms": CODES[::-1]}
    calls = {end: [step for step in SESSIONS[version] if step.asker == end] for end in OTHER}
    answers = {
        OTHER[end]: {
            step.action: refusal(OTHER[end], code) for step, code in zip(steps, order[end], strict=False)
        }
        for end, steps in calls.items()
    }
    async with linked(library, role, version, answers) as ends:
        for asker, steps in calls.items():
            for step, code in zip(steps, order[asker], strict=False):
                with pytest.raises(Refused) as caught:
                    await ends[asker].call(step.action, step.request)
                seen = travelling(code) if asker == role else code
                assert caught.value.refusal == refusal(OTHER[asker], code)._replace(code=seen)


@pytest.mark.parametrize("version", [Version.V16, Version.V201], ids=["1.6", "2.0.1"])
@ROLES
async def test_what_nobody_handles_is_refused_both_ways(
    library: Foreign, role: str, version: Version
) -> None:
    # J16-413. Neither of theirs tells an action that is not known from one that has no handler; and in 2.1,
    # mobilityhouse's does not answer at all.
    async with linked(library, role, version, {"station": {}, "csms": {}}) as ends:
        for asker, action in (("station", "Heartbeat"), ("csms", "ClearCache")):
            with pytest.raises(Refused) as caught:
                await ends[asker].call(action, {})
            assert caught.value.refusal.code == ("NotSupported" if asker == role else "NotImplemented")


@pytest.mark.parametrize("bare", [False, True], ids=["", "bare"])
@pytest.mark.parametrize("closer", ["station", "csms"], ids="{} closes".format)
@ROLES
async def test_either_end_closes_with_code_and_reason(
    library: Foreign, role: str, closer: str, bare: bool
) -> None:
    version = Version.V16
    answers = {"station": {}, "csms": {"Heartbeat": {"current_time": NOON}}}
    async with linked(library, role, version, answers, bare=bare) as ends:
        await ends["station"].call("Heartbeat", {})
        await ends[closer].close(4001, "Schön war's")
        assert await ends[OTHER[closer]].closed() == (4001, "Schön war's")
        assert await ends[closer].closed() == (4001, "Schön war's")  # which the other has said in its turn


async def test_their_station_sees_that_our_csms_shuts_down(library: Foreign) -> None:
    csms = CSMS(our_class(Version.V16, {}))
    async with nothing_left(), AsyncExitStack() as stack:
        async with serving(csms) as url:
            theirs = await stack.enter_async_context(library.station(url, IDENTITY, Version.V16, {}))
            await csms.stations.wait(IDENTITY)
        assert await theirs.closed() == (1001, "the server shuts down")


async def test_their_csms_sees_that_our_station_leaves(library: Foreign) -> None:
    async with nothing_left(), library.csms(Version.V16, {}) as csms:
        async with Station(csms.url, IDENTITY, our_class(Version.V16, {}), settings=CALM) as station:
            await station.connected()
            theirs = await csms.arrived()
        assert await theirs.closed() == (1000, "")


@VERSIONS
async def test_our_station_boots_at_their_csms_and_comes_back(library: Foreign, version: Version) -> None:
    # J16-129: it does not boot anew.
    boot, heartbeat = SESSIONS[version][0], ("Heartbeat", {"current_time": NOON})
    answers = {boot.action: boot.answer, **dict([heartbeat])}
    async with (
        nothing_left(),
        library.csms(version, answers) as csms,
        Station(
            csms.url,
            IDENTITY,
            our_class(version, {}),
            boot=getattr(MESSAGES[version][0], boot.action)(**boot.request),
            timer=ReconnectTimer(wait_minimum=0.01, random_range=0, draw=lambda: 0),
            settings=CALM,
        ) as station,
    ):
        first = await csms.arrived()
        await station.call(MESSAGES[version][0].Heartbeat())  # waits until the boot is accepted
        assert await first.asked() == [(boot.action, boot.request), ("Heartbeat", {})]
        await first.close(1012, "restart")
        second = await csms.arrived()
        await station.call(MESSAGES[version][0].Heartbeat())
        assert await second.asked() == [("Heartbeat", {})]
