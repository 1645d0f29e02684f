"""security.py: which upgrade fits which profile, whose a certificate is, what may be logged of a frame."""

import json
from typing import Any, cast

import pytest

from ocpp_sansio.handshake import UpgradeRefused, authorization
from ocpp_sansio.security import (
    SecurityProfile,
    StationCertificate,
    admit,
    check_csms,
    check_station,
    may_change,
    rejection,
    station_certificate,
    without_secrets,
)

SECRET = "zq8X-very-secret-0123"
BASIC = ("Authorization", authorization("CP1", SECRET))
UNREADABLE = ("AUTHORIZATION", "Basic !")
BEARER = (b"authorization", b"Bearer x")
HOST = ("Host", "h")


def subject(*names: tuple[str, str]) -> dict[str, Any]:
    """A certificate as `ssl` tells it."""
    return {"subject": tuple(((name, value),) for name, value in names), "version": 3}


SHOWN = subject(("organizationName", "acme"), ("commonName", "SN-1"))

every_profile = pytest.mark.parametrize("profile", list(SecurityProfile), ids=lambda profile: f"{profile:d}")


def status_of(profile: int, *headers: Any, **situation: Any) -> int:
    """What a station is answered: 101 if it is admitted."""
    try:
        admit(profile, headers, **situation)
    except UpgradeRefused as refusal:
        return refusal.status
    return 101


# Profiles.


def test_there_are_four_profiles() -> None:
    """J16-701"""
    table = [
        (int(profile), profile.tls, profile.password, profile.certificate) for profile in SecurityProfile
    ]
    assert table == [
        (0, False, False, False),
        (1, False, True, False),
        (2, True, True, False),
        (3, True, False, True),
    ]


@pytest.mark.parametrize("value", [-1, 4, "2", None])
def test_there_is_no_other_profile(value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^profile is a number from 0 to 3, not {value!r}$"):
        SecurityProfile(value)


#: What a station of each profile brings along.
ARRIVALS: list[dict[str, Any]] = [
    {"headers": [HOST], "secure": False},
    {"headers": [HOST, BASIC], "secure": False},
    {"headers": [HOST, BASIC], "secure": True},
    {"headers": [HOST], "secure": True, "certificate": SHOWN},
]
#: By the profile of the CSMS, then by that of the station.
ANSWERS = [[101, 403, 403, 403], [401, 101, 403, 403], [403, 403, 101, 401], [403, 403, 403, 101]]


@every_profile
def test_a_station_is_admitted_with_the_profile_of_the_csms_and_with_no_other(
    profile: SecurityProfile,
) -> None:
    """J*-702, J*-117"""
    answers = []
    for arrival in ARRIVALS:
        situation = {**arrival}
        answers.append(status_of(profile, *situation.pop("headers"), **situation))
    assert answers == ANSWERS[profile]


def test_whoever_lacks_nothing_but_a_password_is_challenged() -> None:
    """J*-117, L-714"""
    for profile, secure in ((1, False), (2, True)):
        for headers in ([], [HOST], [BEARER], [UNREADABLE]):
            assert status_of(profile, *headers, secure=secure) == 401
        with pytest.raises(UpgradeRefused, match=r"^401: stations show a password here$") as caught:
            admit(profile, [HOST], secure=secure)
        assert caught.value.headers


@pytest.mark.parametrize(("profile", "status"), [(None, 401), (0, 403), (1, 401), (2, 401), (3, 403)])
def test_only_where_another_password_may_do_one_is_asked_for(profile: int | None, status: int) -> None:
    """J*-117, L-714"""
    assert rejection(profile).status == status


def test_credentials_by_the_wrong_transport_are_not_looked_at() -> None:
    """J*-702"""
    for profile, secure in ((0, True), (1, True), (2, False), (3, False)):
        for headers in ([BASIC], [UNREADABLE], [BASIC, BEARER]):
            assert status_of(profile, *headers, secure=secure, certificate=SHOWN) == 403


@pytest.mark.parametrize("header", [BASIC, UNREADABLE, BEARER])
def test_without_security_a_password_is_another_profile(header: Any) -> None:
    """J16-702"""
    assert status_of(0, HOST, header, secure=False) == 403


@pytest.mark.parametrize("header", [BASIC, UNREADABLE, BEARER])
def test_where_a_certificate_counts_a_password_counts_for_nothing(header: Any) -> None:
    assert admit(3, [HOST, header], secure=True, certificate=SHOWN) == [HOST]
    assert status_of(3, HOST, header, secure=True) == 403


def test_what_is_admitted_keeps_its_headers() -> None:
    for profile, secure in ((1, False), (2, True)):
        assert admit(profile, iter([HOST, BASIC]), secure=secure, certificate={}) == [HOST, BASIC]


def test_without_a_profile_everything_is_admitted() -> None:
    headers = [UNREADABLE]
    for secure in (False, True):
        assert admit(None, headers, secure=secure) is headers
        check_station(None, secure=secure, password=True, tls=not secure)
        check_csms(None, tls=secure, asks_certificate=True, authenticates=False)


# What the two ends are told.


@every_profile
def test_a_csms_has_what_its_profile_wants(profile: SecurityProfile) -> None:
    """J*-702"""
    right = {"tls": profile.tls, "asks_certificate": profile.certificate, "authenticates": profile > 0}
    check_csms(int(profile), **right)
    complaints = {
        "tls": f"profile {profile:d} {'needs' if profile.tls else 'has no'} tls",
        "asks_certificate": f"profile {profile:d}: its tls {'must' if profile.certificate else 'may not'} ask",
    }
    for name, complaint in complaints.items():
        with pytest.raises(ValueError, match=f"^{complaint}"):
            check_csms(profile, **{**right, name: not right[name]})


@pytest.mark.parametrize("profile", [1, 2, 3])
def test_only_without_security_everybody_may_come_in(profile: int) -> None:
    check_csms(0, tls=False, asks_certificate=False, authenticates=False)
    check_csms(0, tls=False, asks_certificate=False, authenticates=True)  # who is known at all
    with pytest.raises(ValueError, match=rf"^profile {profile} needs authenticate: "):
        check_csms(profile, tls=profile > 1, asks_certificate=profile == 3, authenticates=False)


@every_profile
def test_a_station_has_what_its_profile_wants(profile: SecurityProfile) -> None:
    """J*-702"""
    right = {"secure": profile.tls, "password": profile.password, "tls": profile.tls}
    check_station(int(profile), **right)
    complaints = {
        "secure": f"profile {profile:d} wants a url that begins with {'wss' if profile.tls else 'ws'}://$",
        "password": f"profile {profile:d} {'needs a' if profile.password else 'has no'} password$",
    }
    for name, complaint in complaints.items():
        with pytest.raises(ValueError, match=f"^{complaint}"):
            check_station(profile, **{**right, name: not right[name]})


def test_the_certificate_of_a_station_is_in_its_tls() -> None:
    check_station(2, secure=True, password=True, tls=False)  # the authorities of the system
    with pytest.raises(ValueError, match=r"^profile 3 needs tls, with the certificate of the station in it$"):
        check_station(3, secure=True, password=False, tls=False)


# Up and down.

ALL = {"password": True, "authorities": True, "certificate": True}


def changes(version: str, **has: bool) -> set[tuple[int, int]]:
    """The changes that a station takes part in."""
    profiles = [int(profile) for profile in SecurityProfile]
    return {(a, b) for a in profiles for b in profiles if may_change(a, b, version, **has)}


UP = {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
SAME = {(profile, profile) for profile in range(4)}


@pytest.mark.parametrize(("version", "allowed"), [("1.6", UP), ("2.0.1", UP | SAME), ("2.1", UP | SAME)])
def test_profiles_go_up(version: str, allowed: set[tuple[int, int]]) -> None:
    """J*-713"""
    assert changes(version, **ALL) == allowed


@pytest.mark.parametrize(("version", "more"), [("1.6", set()), ("2.0.1", {(3, 2)}), ("2.1", {(3, 2)})])
def test_they_go_down_by_one_step_if_the_operator_allows_it(version: str, more: set[tuple[int, int]]) -> None:
    """J16-713, J21-713"""
    assert changes(version, **ALL, downgrade=True) - changes(version, **ALL) == more


@pytest.mark.parametrize(
    ("missing", "reached"), [("password", {3}), ("authorities", {1}), ("certificate", {1, 2})]
)
def test_what_a_profile_wants_has_to_be_there_first(missing: str, reached: set[int]) -> None:
    """J16-713, J201-713"""
    assert {b for a, b in changes("1.6", **{**ALL, missing: False}) if a == 0} == reached


# Certificates of stations.


def test_a_certificate_says_whose_it_is() -> None:
    """J*-710"""
    expected = StationCertificate("acme", "SN-1")
    assert station_certificate(SHOWN, "acme") == expected
    assert station_certificate(SHOWN, ["other", "acme"]) == expected
    in_one = {"subject": ((("commonName", "SN-1"), ("organizationName", "acme")),)}
    assert station_certificate(in_one, iter(["acme"])) == expected


@pytest.mark.parametrize("certificate", [None, {}])
def test_no_certificate_is_none_of_a_station(certificate: Any) -> None:
    with pytest.raises(UpgradeRefused, match=r"^403: there is no client certificate$"):
        station_certificate(certificate, "acme")


@pytest.mark.parametrize(
    "names",
    [
        [],
        [("organizationName", "Acme")],
        [("organizationName", "other")],
        [("organizationName", "acme"), ("organizationName", "other")],
        [("organizationalUnitName", "acme")],
    ],
)
def test_a_certificate_of_another_operator_is_refused(names: list[tuple[str, str]]) -> None:
    """J*-710"""
    with pytest.raises(UpgradeRefused, match=r"^403: the client certificate is not one of this operator$"):
        station_certificate(subject(*names, ("commonName", "SN-1")), "acme")


@pytest.mark.parametrize("values", [[], [""], [" "], ["SN-1", "SN-2"]])
def test_a_certificate_without_one_serial_number_is_refused(values: list[str]) -> None:
    """J*-710"""
    names = [("organizationName", "acme"), *(("commonName", value) for value in values)]
    with pytest.raises(UpgradeRefused, match=r"^403: the client certificate has no serial number in its CN"):
        station_certificate(subject(*names), "acme")


@pytest.mark.parametrize(
    "name",
    [
        "https://csms.example.com",
        "wss://x",
        "csms.example.com",
        "csms.example.com.",
        "csms.example.com:443",
        "*.example.com",
        "127.0.0.1",
        "::1",
        "[::1]",
        "example.com/ocpp",
    ],
)
def test_a_serial_number_does_not_look_like_an_address(name: str) -> None:
    """J*-710"""
    with pytest.raises(UpgradeRefused, match=r"^403: the CN of the client certificate is an address"):
        station_certificate(subject(("organizationName", "acme"), ("commonName", name)), "acme")


@pytest.mark.parametrize(
    "name", ["SN-1", "00:1A:2B:3C:4D:5E", "V2.13.7", "AC 0815 * |", "1234567890", "localhost"]
)
def test_serial_numbers_are_what_a_maker_likes(name: str) -> None:
    certificate = subject(("organizationName", "acme"), ("commonName", name))
    assert station_certificate(certificate, "acme").serial_number == name


# What is logged.


def call(action: str, payload: Any) -> str:
    return json.dumps([2, "1", action, payload])


VPN = {"server": "v", "user": "u", "password": SECRET, "key": SECRET, "type": "IKEv2"}
SET_VARIABLE = {
    "attributeValue": SECRET,
    "component": {"name": "SecurityCtrlr"},
    "variable": {"name": "BasicAuthPassword"},
}
SECRETS = {
    "1.6": call("ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}),
    "1.6, in other letters": call("ChangeConfiguration", {"value": SECRET, "key": "authorizationKEY"}),
    "2.x": call("SetVariables", {"setVariableData": [SET_VARIABLE]}),
    "a profile": call("SetNetworkProfile", {"connectionData": {"basicAuthPassword": SECRET, "vpn": VPN}}),
    "an access point": call("SetNetworkProfile", {"connectionData": {"apn": {"apnPassword": SECRET}}}),
    "an answer": json.dumps([3, "1", {"configurationKey": [{"key": "AuthorizationKey", "value": SECRET}]}]),
    "escaped": call("ChangeConfiguration", {"key": "@", "value": SECRET}).replace(
        "@", r"\u0041uthorizationKey"
    ),
    "broken": call("ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET})[:-1],
    "too deep": "[" * 100_000 + f'{{"password":"{SECRET}"}}',
}


@pytest.mark.parametrize("frame", SECRETS.values(), ids=SECRETS)
def test_a_password_in_a_frame_is_not_shown(frame: str) -> None:
    """J*-705"""
    assert SECRET in frame
    assert SECRET not in without_secrets(frame)


def test_the_rest_of_a_frame_is_shown() -> None:
    assert json.loads(without_secrets(SECRETS["2.x"])) == [
        2,
        "1",
        "SetVariables",
        {"setVariableData": [{**SET_VARIABLE, "attributeValue": "***"}]},
    ]
    [_, _, _, payload] = json.loads(without_secrets(SECRETS["a profile"]))
    assert payload["connectionData"]["vpn"] == {**VPN, "password": "***", "key": "***"}
    assert (
        without_secrets(SECRETS["broken"])
        == f"<{len(SECRETS['broken'])} characters that may hold a password>"
    )


@pytest.mark.parametrize(
    "frame",
    [
        '[2, "1","Heartbeat",{}]',
        "what is no frame",
        call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "vpn password"}),
        call("GetConfiguration", {"key": ["AuthorizationKey"]}),
        call("GetVariables", {"getVariableData": [{"variable": {"name": "BasicAuthPassword"}}]}),
        '[2,"1","X",{"password":null,"key":7,"text":"\\u00fc"}]',
    ],
)
def test_a_frame_without_a_password_is_shown_as_it_is(frame: str) -> None:
    assert without_secrets(frame) == frame


@pytest.mark.parametrize("headers", [None, 3])
def test_headers_are_pairs(headers: Any) -> None:
    with pytest.raises(TypeError):
        admit(1, cast(Any, headers), secure=False)
