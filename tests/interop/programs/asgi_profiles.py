"""CSMSs of security profiles 0, 1 and 2, each below its number, for `test_asgi_profiles`."""

from starlette.applications import Starlette
from starlette.routing import Mount

from ocpp_sansio.handshake import Credentials
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.asgi import CSMSApp
from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.profiles import PASSWORD

__all__ = ["app"]


def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    return credentials is None or credentials.matches(PASSWORD)


def of(profile: int) -> CSMSApp:
    return CSMSApp(CSMS(v16.ChargePoint), authenticate=authenticate, profile=profile)


app = Starlette(routes=[Mount(f"/{profile}", of(profile)) for profile in range(3)])
