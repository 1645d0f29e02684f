"""A CSMS among other things in Starlette, as a web service has it, for `test_asgi_servers`."""

from collections import defaultdict
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from ocpp_sansio import ConnectionClosed, Version
from ocpp_sansio.handshake import Credentials, UpgradeRefused
from ocpp_sansio.messages import asdict
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call as call_16
from ocpp_sansio.v16 import call_result as call_result_16
from ocpp_sansio.v21 import call as call_21
from ocpp_sansio.v21 import call_result as call_result_21
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio.v201 import call_result as call_result_201
from ocpp_sansio_adapters import v16, v21, v201
from ocpp_sansio_adapters.asgi import CSMSApp
from ocpp_sansio_adapters.csms import CSMS, NotConnected
from tests.conformance.test_handshakes import ENTRIES, SITUATIONS, STATIONS
from tests.interop.session import SESSIONS

__all__ = ["CALLS", "app", "asked", "class_for"]

CLASSES: dict[Version, Any] = {
    Version.V16: v16.ChargePoint,
    Version.V201: v201.ChargePoint,
    Version.V21: v21.ChargePoint,
}
CALLS: dict[Version, Any] = {Version.V16: call_16, Version.V201: call_201, Version.V21: call_21}
RESULTS: dict[Version, Any] = {
    Version.V16: call_result_16,
    Version.V201: call_result_201,
    Version.V21: call_result_21,
}

#: By identity, what was asked of us.
asked: defaultdict[str, list[Any]] = defaultdict(list)


def class_for(version: Version, asker: str) -> Any:
    """What answers everything that `asker` asks in the session of this version."""

    def answering(action: str, answer: dict[str, Any]) -> Any:
        def handler(self: Any, **members: Any) -> Any:
            asked[self.id].append([action, members])
            return getattr(RESULTS[version], action)(**answer)

        return on(action)(handler)

    steps = [step for step in SESSIONS[version] if step.asker == asker]
    handlers = {f"on_{step.action}": answering(step.action, step.answer) for step in steps}
    return type(f"Asked{version.name}", (CLASSES[version],), handlers)


CLASSES_OF_CSMS = {version: class_for(version, "station") for version in Version}

csms = CSMS(*CLASSES_OF_CSMS.values())


async def call(request: Request) -> JSONResponse:
    identity, action = request.path_params["identity"], request.path_params["action"]
    try:
        station = csms.stations[identity]
    except NotConnected as error:
        return JSONResponse(str(error), 404)
    try:
        answer = await station.call(getattr(CALLS[station.version], action)(**await request.json()))
    except ConnectionClosed as error:
        return JSONResponse(str(error), 502)
    return JSONResponse(asdict(answer))


async def stations(request: Request) -> JSONResponse:
    return JSONResponse(list(csms.stations))


async def was_asked(request: Request) -> JSONResponse:
    return JSONResponse(asked[request.path_params["identity"]])


def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    if identity == "CP_404":
        raise UpgradeRefused(404, "no such station")
    return identity != "CP_401" or (credentials is not None and credentials.matches("secret"))


admitted: list[str] = []


async def was_admitted(request: Request) -> JSONResponse:
    return JSONResponse([admitted.pop() for _ in list(admitted)])


def situation(name: str) -> CSMSApp:
    """What an entry of the corpus of handshakes connects to."""
    entry = ENTRIES[name]
    wanted = SITUATIONS[entry.get("context")]
    registered = {station.lower(): station for station in STATIONS}

    def judge(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        if identity.lower() not in registered:
            raise UpgradeRefused(404, "no such station")
        admitted.append(registered[identity.lower()])
        password = wanted.password
        return password is None or (credentials is not None and credentials.matches(password))

    versions = [Version(version) for version in wanted.versions or (entry["version"],)]
    return CSMSApp(CSMS(*[CLASSES_OF_CSMS[version] for version in versions]), authenticate=judge)


app = Starlette(
    routes=[
        Route("/stations", stations),
        Route("/stations/{identity}", was_asked),
        Route("/stations/{identity}/{action}", call, methods=["POST"]),
        Route("/admitted", was_admitted),
        Mount("/ocpp", CSMSApp(csms, authenticate=authenticate)),
        Mount("/strict", CSMSApp(CSMS(CLASSES_OF_CSMS[Version.V201]), no_common_version="refuse")),
        *[Mount(f"/corpus/{name}", situation(name)) for name in ENTRIES],
    ]
)
