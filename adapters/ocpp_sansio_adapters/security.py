"""TLS for both ends, as the security profiles 2 and 3 want it, and what of it a log or an event is told.

Contexts are plain ones of `ssl`: change what you like. Which upgrade fits which profile is decided by
`ocpp_sansio.security`.
"""

import logging
import os
import ssl
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from ocpp_sansio import Version
from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.security import SecurityProfile, check_csms, check_station, without_secrets

__all__ = ["Authorities", "Certificate", "csms_tls", "hide_secrets", "security_event", "station_tls"]

#: Certificates in PEM: the path of a file, or as bytes the certificates themselves.
Authorities: TypeAlias = str | os.PathLike[str] | bytes

# J16-707, J201-707, J21-707 demand the four that are not ECDHE-RSA. Those with forward secrecy come first.
_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
)
_LEGACY_SUITE = "AES128-SHA"  # J16-706: TLS_RSA_WITH_AES_128_CBC_SHA
_LEVEL = "@SECLEVEL=2"  # J16-711: RSA from 2048 bits on, elliptic curves from 224 on
_LEGACY_LEVEL = "@SECLEVEL=0"  # OpenSSL 3 has TLS 1.0 and 1.1 nowhere else


@attrs.frozen
class Certificate:
    """A certificate of our own in PEM files, with those between it and its authority behind it, and its key.

    Without `key`, that is in the same file. `password` is that of the key, if it is encrypted.
    """

    chain: str | os.PathLike[str]
    key: str | os.PathLike[str] | None = None
    password: str | bytes | None = attrs.field(default=None, repr=False)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Let the context show this certificate. Raises OSError if it cannot."""
        context.load_cert_chain(self.chain, self.key, self._ask)

    def _ask(self) -> str | bytes:
        if self.password is None:  # OpenSSL would ask at the terminal
            raise ValueError(f"the key of {os.fspath(self.chain)} is encrypted, and there is no password")
        return self.password


def csms_tls(
    *certificates: Certificate, stations: Authorities | None = None, legacy: bool = False
) -> ssl.SSLContext:
    """The TLS of a CSMS, from 1.2 on.

    `certificates` are its own, one with a key of RSA and one of ECDSA for the stations of all kinds
    (J16-707). `stations` are the authorities of the stations' certificates, which makes it one of profile 3:
    nobody is let in without a certificate. `legacy` lets stations of 1.6 in that speak nothing better than
    TLS 1.0 (J16-706); it weakens the link of every station that somebody can disturb.

    Raises ValueError, TypeError, and OSError where a certificate cannot be loaded.
    """
    if not certificates or not all(isinstance(each, Certificate) for each in certificates):
        raise TypeError("csms_tls takes one or more of Certificate(chain, key)")
    context = _context(ssl.PROTOCOL_TLS_SERVER, legacy)
    # A peer could keep us busy with new handshakes on the same link.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    for certificate in certificates:
        certificate.load_into(context)
    if stations is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, stations)
    return context


def station_tls(
    *, csms: Authorities | None = None, certificate: Certificate | None = None, legacy: bool = False
) -> ssl.SSLContext:
    """The TLS of a station, from 1.2 on. It checks path, dates and name of the CSMS's certificate (J16-709).

    `csms` are the authorities to be trusted; without it, the system's are. `certificate` is the station's
    own, for profile 3. The name of the CSMS is looked for among the DNS names of its certificate, or in its
    CN if it has none; an IP address among its IP addresses. `legacy` is for a CSMS of 1.6 that speaks nothing
    better than TLS 1.0.

    Raises ValueError, TypeError, and OSError where a certificate cannot be loaded.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, legacy)
    context.hostname_checks_common_name = True
    if csms is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _trust(context, csms)
    if certificate is not None:
        certificate.load_into(context)
    return context


def _context(side: int, legacy: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    suites = [*_SUITES, _LEGACY_SUITE, _LEGACY_LEVEL] if legacy else [*_SUITES, _LEVEL]
    context.set_ciphers(":".join(suites))
    with warnings.catch_warnings():  # of Python, about TLS 1.0, which is what was asked for
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1 if legacy else ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION  # J16-708
    return context


def _trust(context: ssl.SSLContext, authorities: Authorities) -> None:
    if isinstance(authorities, bytes):
        context.load_verify_locations(cadata=authorities.decode("ascii"))
    else:
        context.load_verify_locations(cafile=Path(authorities))


def check_server(
    profile: SecurityProfile | int | None,
    versions: Iterable[Version],
    tls: ssl.SSLContext | None,
    authenticates: bool,
) -> SecurityProfile | None:
    """The profile, if a CSMS can have it with these. Raises ValueError."""
    if profile is None:
        return None
    asks = tls is not None and tls.verify_mode is not ssl.CERT_NONE
    check_csms(profile, tls=tls is not None, asks_certificate=asks, authenticates=authenticates)
    if tls is not None and SecurityProfile(profile).certificate and tls.verify_mode is not ssl.CERT_REQUIRED:
        raise ValueError("profile 3 needs tls that lets nobody in without a certificate: ssl.CERT_REQUIRED")
    _check_oldest(versions, tls)
    return SecurityProfile(profile)


def check_app(profile: SecurityProfile | int | None, authenticates: bool) -> SecurityProfile | None:
    """The profile, if a CSMS can have it whose TLS is that of its ASGI server. Raises ValueError."""
    if profile is None:
        return None
    profile = SecurityProfile(profile)
    if profile.certificate:
        raise ValueError("profile 3 needs the certificate of the station, which no ASGI server tells")
    check_csms(profile, tls=profile.tls, asks_certificate=False, authenticates=authenticates)
    return profile


def check_client(
    profile: SecurityProfile | int | None,
    versions: Iterable[Version],
    tls: ssl.SSLContext | None,
    secure: bool,
    password: bool,
) -> None:
    """Raise ValueError where a station cannot have this profile with these."""
    if profile is not None:
        check_station(profile, secure=secure, password=password, tls=tls is not None)
        if tls is not None and (tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname):
            raise ValueError(f"profile {profile:d} needs tls that checks the certificate of the CSMS")
        _check_oldest(versions, tls)


def _check_oldest(versions: Iterable[Version], tls: ssl.SSLContext | None) -> None:
    """Nothing below TLS 1.2, but for 1.6 (J16-706, J201-706)."""
    if tls is not None and tls.minimum_version < ssl.TLSVersion.TLSv1_2 and set(versions) != {Version.V16}:
        raise ValueError("tls allows what is older than TLS 1.2, which no version but 1.6 does")


#: Names of the security events of a station, by what has happened: in 1.6, and in 2.x.
_CERTIFICATE = ("InvalidCentralSystemCertificate", "InvalidCsmsCertificate")
_PASSWORD = ("FailedToAuthenticateAtCentralSystem", "FailedToAuthenticateAtCsms")
_TLS_VERSION = ("InvalidTLSVersion", "InvalidTLSVersion")
_TLS_SUITE = ("InvalidTLSCipherSuite", "InvalidTLSCipherSuite")

#: What OpenSSL says. A server that has no suite in common with us tells nothing but "handshake failure".
_REASONS = {
    "UNSUPPORTED_PROTOCOL": _TLS_VERSION,
    "NO_PROTOCOLS_AVAILABLE": _TLS_VERSION,
    "WRONG_SSL_VERSION": _TLS_VERSION,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TLS_VERSION,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _TLS_SUITE,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _TLS_SUITE,
    "NO_CIPHERS_AVAILABLE": _TLS_SUITE,
    "WRONG_CIPHER_RETURNED": _TLS_SUITE,
    "UNKNOWN_CIPHER_RETURNED": _TLS_SUITE,
}


def security_event(error: BaseException | None, version: Version | str) -> str | None:
    """The type of the SecurityEventNotification that a station owes for this error of `connect`, if any.

    J16-709, J16-712, L-118. It is to be sent once the station is connected, and once alone, however many
    attempts have failed.
    """
    names: tuple[str, str] | None = None
    if isinstance(error, ssl.SSLCertVerificationError):
        names = _CERTIFICATE
    elif isinstance(error, ssl.SSLError):
        names = _REASONS.get(getattr(error, "reason", None) or "")
    elif isinstance(error, UpgradeFailed) and error.status in (401, 403):
        names = _PASSWORD
    return None if names is None else names[Version(version) is not Version.V16]


def hide_secrets(record: logging.LogRecord) -> bool:
    """A filter for loggers and handlers: hides the passwords in the frames that our loggers show.

    `logger.addFilter(hide_secrets)`; those of the doors have it, and "ocpp", the one of a `ChargePoint`.
    """
    if isinstance(record.args, tuple):  # the first names the station
        record.args = (*record.args[:1], *map(_hidden, record.args[1:]))
    return True


def _hidden(argument: Any) -> Any:
    if isinstance(argument, bytes):  # a text that is not UTF-8
        shown = argument.decode(errors="replace")
        return argument if without_secrets(shown) == shown else without_secrets(shown)
    return without_secrets(argument) if isinstance(argument, str) else argument
