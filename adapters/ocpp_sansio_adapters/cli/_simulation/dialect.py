"""Dialect: what a version makes of the things that happen at a station."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, ClassVar

from ocpp_sansio import Version
from ocpp_sansio.messages import Request

from .charger import Connector, Phase, Setting, Transaction
from .meter import Reading
from .sensible import Sensible

__all__ = ["Dialect"]


class Dialect(ABC):
    """Which message says what has happened, and what an answer means.

    `sample_interval` is the name of the setting with the seconds between two meter values,
    `heartbeat_interval` of that with those before a heartbeat. `answering` answers for a station.
    """

    version: ClassVar[Version]
    sample_interval: ClassVar[str]
    heartbeat_interval: ClassVar[str]
    answering: type[Sensible]

    @abstractmethod
    def settings(self, connectors: int, interval: float) -> dict[str, Setting]: ...
    @abstractmethod
    def boot(self, identity: str) -> Request[Any, Any]: ...
    @abstractmethod
    def whole(self, operative: bool, now: datetime) -> Request[Any, Any] | None:
        """The status of the station as a whole, if this version has one."""

    @abstractmethod
    def status(self, connector: Connector, phase: Phase, now: datetime) -> Request[Any, Any]: ...
    @abstractmethod
    def authorize(self, token: str) -> Request[Any, Any]: ...
    @abstractmethod
    def welcome(self, answer: Any) -> bool:
        """Whether the CSMS has accepted a token: of the answer to whichever message had one."""

    @abstractmethod
    def began(
        self, connector: Connector, transaction: Transaction, reading: Reading
    ) -> Request[Any, Any]: ...
    @abstractmethod
    def learn(self, transaction: Transaction, answer: Any) -> None:
        """Take from the answer to `began` what it says of the transaction."""

    @abstractmethod
    def sample(
        self, connector: Connector, transaction: Transaction | None, reading: Reading, *, asked: bool = False
    ) -> Request[Any, Any]: ...
    @abstractmethod
    def ended(
        self, connector: Connector, transaction: Transaction, reading: Reading
    ) -> Request[Any, Any]: ...
