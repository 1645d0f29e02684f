"""security.py: the TLS of both ends, with real certificates over real sockets and on both backends."""

import ssl
import warnings
from pathlib import Path
from typing import Any

import attrs
import pytest
import trustme
from anyio.streams.tls import TLSAttribute
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio_adapters import security
from ocpp_sansio_adapters.security import csms_tls, security_event, station_tls
from ocpp_sansio_adapters.websockets import WebSocket, connect, serve
from tests.adapters.certificates import ECDSA, RSA, Authority, Certificate, days
from tests.adapters.sockets import CALM, echo, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


def own(made: Certificate) -> security.Certificate:
    return security.Certificate(made.chain, made.key)


@attrs.frozen
class World:
    """Who issues certificates, and the two of the CSMS. Its name is localhost."""

    csms: Authority
    stations: Authority
    stranger: Authority
    in_rsa: Certificate
    in_ecdsa: Certificate

    def server(self, **options: Any) -> ssl.SSLContext:
        return csms_tls(own(self.in_rsa), own(self.in_ecdsa), **options)

    def client(self, **options: Any) -> ssl.SSLContext:
        return station_tls(csms=self.csms.path, **options)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = tmp_path_factory.mktemp("world")
    authorities = [Authority(directory, name) for name in ("csms", "stations", "stranger")]
    csms = authorities[0]
    return World(*authorities, csms.issue("localhost", key_type=RSA), csms.issue("localhost", key_type=ECDSA))


def secure(url: str, host: str = "localhost") -> str:
    return url.replace("ws://127.0.0.1", f"wss://{host}")


def spoken_by(websocket: WebSocket) -> tuple[str, str]:
    """The version of TLS, and the cipher suite."""
    stream = websocket._stream
    return stream.extra(TLSAttribute.tls_version), stream.extra(TLSAttribute.cipher)[0]


def only(context: ssl.SSLContext, version: ssl.TLSVersion, suites: str | None = None) -> ssl.SSLContext:
    """The context, speaking nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of old versions
        context.minimum_version = context.maximum_version = version
    if suites is not None:
        context.set_ciphers(suites)
    return context


async def failure(url: str, tls: ssl.SSLContext | None, host: str = "localhost") -> OSError:
    """How the attempt to connect fails."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the tests say in which words
        async with connect(secure(url, host), "CP_1", tls=tls, **CALM):
            pytest.fail("it is open")
    return caught.value


# Versions and suites.


async def test_tls_1_3_is_spoken_where_both_can(world: World) -> None:
    # J*-706
    async with (
        serving(tls=world.server()) as url,
        connect(secure(url), "CP_1", tls=world.client(), **CALM) as station,
    ):
        assert spoken_by(station)[0] == "TLSv1.3"
        await station.send("hello")
        assert await station.recv() == "hello"


@pytest.mark.parametrize(
    ("suite", "key"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "in_ecdsa"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "in_ecdsa"),
        ("AES128-GCM-SHA256", "in_rsa"),
        ("AES256-GCM-SHA384", "in_rsa"),
    ],
)
async def test_each_suite_that_a_station_may_have_is_spoken(suite: str, key: str, world: World) -> None:
    # J*-707
    tls = only(world.client(), ssl.TLSVersion.TLSv1_2, suite)
    async with serving(tls=world.server()) as url, connect(secure(url), "CP_1", tls=tls, **CALM) as station:
        assert spoken_by(station) == ("TLSv1.2", suite)
        shown = ssl.PEM_cert_to_DER_cert(getattr(world, key).chain.read_text())
        assert station._stream.extra(TLSAttribute.peer_certificate_binary) == shown


async def test_forward_secrecy_is_preferred_whatever_the_station_prefers(world: World) -> None:
    tls = only(world.client(), ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256")
    async with serving(tls=world.server()) as url, connect(secure(url), "CP_1", tls=tls, **CALM) as station:
        assert spoken_by(station)[1] == "ECDHE-RSA-AES128-GCM-SHA256"


async def test_a_suite_that_is_unfit_is_not_spoken(world: World) -> None:
    # J16-708, J*-712
    tls = only(world.client(), ssl.TLSVersion.TLSv1_2, "AES128-SHA:AES256-SHA256")
    async with serving(tls=world.server()) as url:
        error = await failure(url, tls)
    assert security_event(error, "2.0.1") == security_event(error, "1.6") == "InvalidTLSCipherSuite"


async def test_there_is_no_compression(world: World) -> None:
    # J16-708
    compressed = []

    async def handler(websocket: WebSocket) -> None:
        compressed.append(websocket._stream.extra(TLSAttribute.ssl_object).compression())
        await echo(websocket)

    tls = world.client()
    tls.options &= ~ssl.OP_NO_COMPRESSION
    async with (
        serving(handler, tls=world.server()) as url,
        connect(secure(url), "CP_1", tls=tls, **CALM) as station,
    ):
        await station.send("hello")
        await station.recv()
    assert compressed == [None]
    for context in (world.server(), world.client()):
        assert context.options & ssl.OP_NO_COMPRESSION


OLD = [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1]
LEGACY_SUITE = "AES128-SHA:@SECLEVEL=0"

old_tls = pytest.mark.skipif(not (ssl.HAS_TLSv1 and ssl.HAS_TLSv1_1), reason="OpenSSL has no TLS 1.0 and 1.1")


@old_tls
@pytest.mark.parametrize("version", OLD)
async def test_what_is_older_than_1_2_is_not_spoken(version: ssl.TLSVersion, world: World) -> None:
    # J*-706, J*-712
    tls = only(world.client(), version, "DEFAULT:@SECLEVEL=0")
    async with serving(tls=world.server()) as url:
        error = await failure(url, tls)
    assert security_event(error, "2.1") == security_event(error, "1.6") == "InvalidTLSVersion"


@old_tls
async def test_a_station_does_not_speak_it_either(world: World) -> None:
    # J*-706, J*-712
    async with serving(tls=only(world.server(legacy=True), ssl.TLSVersion.TLSv1_1)) as url:
        assert security_event(await failure(url, world.client()), "2.1") == "InvalidTLSVersion"


@old_tls
@pytest.mark.parametrize("version", OLD)
async def test_a_station_of_1_6_that_can_nothing_else_is_let_in_on_demand(
    version: ssl.TLSVersion, world: World
) -> None:
    # J16-706
    old = only(world.client(legacy=True), version, LEGACY_SUITE)
    settings: dict[str, Any] = {"versions": ["1.6"], "profile": 2}
    async with (
        serving(tls=world.server(legacy=True), authenticate=lambda *_: True, **settings) as url,
        connect(secure(url), "CP_1", tls=old, password="x", **settings, **CALM) as station,
    ):
        assert spoken_by(station)[1] == "AES128-SHA"
        async with connect(
            secure(url), "CP_2", tls=world.client(), password="x", **settings, **CALM
        ) as other:
            assert spoken_by(other)[0] == "TLSv1.3"


@pytest.mark.parametrize("versions", [["2.0.1"], ["2.1", "1.6"]])
async def test_its_successors_have_nothing_older(versions: list[str], world: World) -> None:
    # J201-706, J21-706
    complaint = "^tls allows what is older than TLS 1.2, which no version but 1.6 does$"
    settings: dict[str, Any] = {"versions": versions, "profile": 2}
    with pytest.raises(ValueError, match=complaint):
        connect("wss://h", "CP_1", tls=world.client(legacy=True), password="x", **settings)
    with pytest.raises(ValueError, match=complaint):
        await serve(echo, tls=world.server(legacy=True), authenticate=lambda *_: True, **settings)


# What a station checks.


@pytest.mark.parametrize(
    ("hosts", "options"),
    [
        (["localhost"], {}),
        ([], {"cn": "localhost"}),
        (["127.0.0.1"], {"cn": "localhost"}),
        (["other.example", "localhost"], {"cn": "other.example"}),
    ],
)
async def test_the_name_of_the_csms_is_in_its_certificate(
    hosts: list[str], options: dict[str, Any], world: World
) -> None:
    # J*-709
    tls = csms_tls(own(world.csms.issue(*hosts, **options)))
    async with serving(tls=tls) as url, connect(secure(url), "CP_1", tls=world.client(), **CALM):
        pass


@pytest.mark.parametrize(
    ("hosts", "options", "words"),
    [
        (["localhost"], {"not_after": days(-1)}, "expired"),
        (["localhost"], {"not_before": days(1)}, "not yet valid"),
        (["other.example"], {}, "mismatch"),
        ([], {"cn": "other.example"}, "mismatch"),
        (["other.example"], {"cn": "localhost"}, "mismatch"),
    ],
)
async def test_a_certificate_of_the_csms_that_is_not_right_is_refused(
    hosts: list[str], options: dict[str, Any], words: str, world: World
) -> None:
    # J*-709
    async with serving(tls=csms_tls(own(world.csms.issue(*hosts, **options)))) as url:
        error = await failure(url, world.client())
    assert words in str(error)
    assert security_event(error, "1.6") == "InvalidCentralSystemCertificate"
    assert security_event(error, "2.0.1") == security_event(error, "2.1") == "InvalidCsmsCertificate"


async def test_a_csms_of_another_authority_or_another_name_is_refused(world: World) -> None:
    # J*-709
    async with serving(tls=world.server()) as url:
        errors = [
            await failure(url, station_tls(csms=world.stranger.path)),
            await failure(url, station_tls()),  # the system knows none of them
            await failure(url, world.client(), host="127.0.0.1"),
        ]
    assert [type(error) for error in errors] == [ssl.SSLCertVerificationError] * 3


async def test_authorities_may_be_in_memory(world: World) -> None:
    tls = station_tls(
        csms=world.stranger.pem + world.csms.pem, certificate=own(world.stations.issue(cn="SN-1"))
    )
    async with (
        serving(tls=world.server(stations=world.stations.pem)) as url,
        connect(secure(url), "CP_1", tls=tls, **CALM),
    ):
        pass


# What a CSMS checks.

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "fault", ["none", "a stranger's", "expired", "not yet valid", "of the authority of the CSMS"]
)
async def test_a_station_without_a_right_certificate_is_not_let_in(
    fault: str, version: ssl.TLSVersion, world: World
) -> None:
    # J*-710, J*-712
    asked: list[object] = []
    shown = {
        "a stranger's": lambda: world.stranger.issue(cn="SN-1"),
        "expired": lambda: world.stations.issue(cn="SN-1", not_after=days(-1)),
        "not yet valid": lambda: world.stations.issue(cn="SN-1", not_before=days(1)),
        "of the authority of the CSMS": lambda: world.csms.issue(cn="SN-1"),
    }
    certificate = own(shown[fault]()) if fault in shown else None
    tls = only(world.client(certificate=certificate), version)
    server = world.server(stations=world.stations.path)
    async with serving(tls=server, profile=3, authenticate=asked.append) as url:
        await failure(url, tls)
    assert not asked


async def test_keys_are_long_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # J16-711
    def short(kind: trustme.KeyType) -> Any:
        return rsa.generate_private_key(public_exponent=65537, key_size=1024)

    monkeypatch.setattr(trustme.KeyType, "_generate_key", short)
    weak = world.csms.issue("localhost")
    with pytest.raises(ssl.SSLError, match="KEY_TOO_SMALL"):
        csms_tls(own(weak))
    async with serving(tls=csms_tls_that_takes_all(weak)) as url:
        error = await failure(url, world.client())
    assert "key too weak" in str(error).lower()


def csms_tls_that_takes_all(made: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(made.chain, made.key)
    return context


# Files.


@pytest.fixture
def encrypted(world: World, tmp_path: Path) -> Certificate:
    """One whose key has the password `open sesame`."""
    key: Any = serialization.load_pem_private_key(world.in_ecdsa.key.read_bytes(), None)
    sealed = Certificate(world.in_ecdsa.chain, tmp_path / "sealed.key")
    encryption = serialization.BestAvailableEncryption(b"open sesame")
    form = serialization.PrivateFormat.PKCS8
    sealed.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
    return sealed


@pytest.mark.parametrize("password", ["open sesame", b"open sesame"])
def test_a_key_may_be_encrypted(password: str | bytes, encrypted: Certificate) -> None:
    certificate = security.Certificate(encrypted.chain, encrypted.key, password)
    assert "sesame" not in repr(certificate)
    assert csms_tls(certificate).minimum_version == ssl.TLSVersion.TLSv1_2


def test_nobody_is_asked_for_a_password_at_the_terminal(encrypted: Certificate) -> None:
    with pytest.raises(ValueError, match=r"^the key of .*\.pem is encrypted, and there is no password$"):
        csms_tls(own(encrypted))
    with pytest.raises(ssl.SSLError) as caught:
        csms_tls(security.Certificate(encrypted.chain, encrypted.key, "open barley"))
    assert "barley" not in f"{caught.value!r} {caught.value}"


def test_key_and_certificate_may_be_in_one_file(world: World, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(world.in_rsa.key.read_bytes() + world.in_rsa.chain.read_bytes())
    assert csms_tls(security.Certificate(both)).get_ciphers() == csms_tls(own(world.in_rsa)).get_ciphers()


def test_files_that_are_missing_are_an_os_error(world: World, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(FileNotFoundError):
        csms_tls(security.Certificate(missing))
    with pytest.raises(FileNotFoundError):
        world.server(stations=str(missing))
    with pytest.raises(FileNotFoundError):
        station_tls(csms=missing)


@pytest.mark.parametrize("arguments", [(), ("csms.pem",), (None,)])
def test_a_csms_has_a_certificate(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"^csms_tls takes one or more of Certificate\(chain, key\)$"):
        csms_tls(*arguments)


# What is owed to the CSMS.


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_let_in_tells_so_later(status: int) -> None:
    # L-118
    refused = UpgradeFailed(status, "no")
    assert security_event(refused, "1.6") == "FailedToAuthenticateAtCentralSystem"
    assert security_event(refused, "2.0.1") == security_event(refused, "2.1") == "FailedToAuthenticateAtCsms"


@pytest.mark.parametrize(
    "error", [None, UpgradeFailed(404, "no"), OSError(), TimeoutError(), ssl.SSLError(), ssl.SSLEOFError()]
)
def test_what_is_no_matter_of_security_is_not_told(error: Exception | None) -> None:
    assert security_event(error, "2.0.1") is None
