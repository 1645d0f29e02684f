"""Admission: whom a CSMS lets in, by whichever door, and how a refusal is said.

What is asked for is read by `ocpp_sansio.handshake`, and who fits the security profile by
`ocpp_sansio.security`. A door asks `authenticate`, on an event loop or in a thread, and has the rest from
here. Moves no byte.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import responses
from typing import Any, Generic, TypeVar

import attrs
from websockets.http11 import Response
from websockets.server import ServerProtocol

from ocpp_sansio import Version
from ocpp_sansio.handshake import (
    Credentials,
    Headers,
    NoCommonVersion,
    Upgrade,
    UpgradeRefused,
    identity_of,
    read_upgrade,
)
from ocpp_sansio.security import SecurityProfile, admit, rejection

from ._settings import check_function

__all__ = ["Admission", "response_to"]

Verdict = TypeVar("Verdict")


@attrs.frozen(kw_only=True)
class Admission(Generic[Verdict]):
    """What a door was told of those whom it lets in. Raises TypeError and ValueError for what is wrong.

    `authenticate` is asked by the door itself: after `read`, and before `settled`. With `crashed` it says
    that this has raised.
    """

    logger: logging.Logger
    versions: Sequence[Version]
    authenticate: Callable[[str, Credentials | None, Mapping[str, Any] | None], Verdict] | None
    profile: SecurityProfile | None
    base: str
    no_common_version: NoCommonVersion

    def __attrs_post_init__(self) -> None:
        if self.authenticate is not None:
            check_function("authenticate", self.authenticate)
        with suppress(UpgradeRefused):
            identity_of("", base=self.base)

    def read(
        self, path: str, headers: Headers, *, secure: bool, certificate: Mapping[str, Any] | None
    ) -> Upgrade:
        """What is asked for. Raises UpgradeRefused, also where the profile is another (J16-702)."""
        return read_upgrade(
            path,
            admit(self.profile, headers, secure=secure, certificate=certificate),
            self.versions,
            base=self.base,
            no_common_version=self.no_common_version,
        )

    def settled(self, upgrade: Upgrade, welcome: object) -> Upgrade:
        """What was asked for, if `authenticate` has said yes. Raises UpgradeRefused."""
        if not welcome:
            raise rejection(self.profile)
        return upgrade

    def crashed(self, upgrade: Upgrade, error: BaseException) -> UpgradeRefused:
        """What to raise from this error of `authenticate`, which is logged."""
        self.logger.error("%s: authenticate has crashed", upgrade.identity, exc_info=error)
        return UpgradeRefused(500, "whether you may come in could not be found out")


def response_to(protocol: ServerProtocol, refusal: UpgradeRefused) -> Response:
    """The response that says so."""
    response = protocol.reject(400, f"{refusal.reason}\n")  # which knows fewer statuses than there are
    response.status_code = refusal.status
    response.reason_phrase = responses.get(refusal.status, "")
    response.headers.update(refusal.headers)
    return response
