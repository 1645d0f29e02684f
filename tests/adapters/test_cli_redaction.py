"""Passwords, id tokens and certificates: in no trace, and in no page."""

import json

import pytest

from ocpp_sansio import Role, Version
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v21 import call as call21
from ocpp_sansio.validation import encode, violations
from ocpp_sansio_adapters.cli._log.redaction import MEMBERS, Redactor
from ocpp_sansio_adapters.cli._log.trace import Trace
from ocpp_sansio_adapters.cli._messages.example import example_of
from ocpp_sansio_adapters.records import CallStarted, FrameReceived, FrameSent

TOKEN = "04E91C5A123456"


def frame(payload, action="Authorize"):
    return json.dumps([2, "1", action, payload])


def hidden(text, redactor=None):
    return (redactor or Redactor()).frame(text)


def test_the_same_token_has_the_same_placeholder():
    redactor = Redactor()
    first, again, other = (
        json.loads(redactor.frame(frame({"idTag": tag})))[3]["idTag"]
        for tag in (TOKEN, TOKEN.lower(), "OTHER")
    )
    assert first == again == "token-1"
    assert other == "token-2"
    assert redactor.hidden == {"token": 2}


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_of_the_table_is_hidden_wherever_it_is(name):
    secret = "SECRET-VALUE"
    for payload in ({name: secret}, {"a": [{"b": {name: secret}}]}, {"data": json.dumps({name: secret})}):
        text = hidden(frame(payload))
        assert secret not in text
        assert json.loads(text)[3].keys() == payload.keys()


def test_of_an_object_that_is_called_so_what_is_in_it_is_hidden():
    payload = {"idToken": {"idToken": TOKEN, "type": "ISO14443"}}
    assert json.loads(hidden(frame(payload)))[3] == {"idToken": {"idToken": "token-1", "type": "ISO14443"}}


def test_text_within_text_within_text_is_hidden():
    data = json.dumps({"more": json.dumps({"idTag": TOKEN, "x": 1})})
    text = hidden(frame({"vendorId": "v", "data": data}, "DataTransfer"))
    assert TOKEN not in text
    inner = json.loads(json.loads(json.loads(text)[3]["data"])["more"])
    assert inner == {"idTag": "token-1", "x": 1}


def test_lists_of_tokens_are_hidden():
    assert json.loads(hidden(frame({"idTokens": ["A1B2", "C3D4"]})))[3] == {
        "idTokens": ["token-1", "token-2"]
    }


def test_passwords_are_hidden():
    text = hidden(frame({"key": "AuthorizationKey", "value": "0011223344"}, "ChangeConfiguration"))
    assert "0011223344" not in text


def test_passwords_in_addresses_are_hidden():
    text = hidden(frame({"location": "ftp://user:pass@host/path"}, "GetDiagnostics"))
    assert json.loads(text)[3]["location"] == "ftp://***@host/path"


@pytest.mark.parametrize(
    ("broken", "shown"),
    [
        (f'[2,"1","Authorize",{{"idTag":"{TOKEN}"', '[2,"1","Authorize",{"idTag":"token-1"'),
        (f'[2,"1","Authorize",{{"idTag":"{TOKEN[:5]}', '[2,"1","Authorize",{"idTag":"token-1'),
        ('[2,"1","Authorize",{"idTag":"04E\\', '[2,"1","Authorize",{"idTag":"token-1\\'),
    ],
)
def test_broken_frames_are_redacted_and_stay_broken(broken, shown):
    assert hidden(broken) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r'{"id\u0054ag":"04E9TOKEN"}', '{"idTag":"token-1"}'),
        (r'{"x":"\\","id\u0054ag":"04E9TOKEN"}', r'{"x":"\\","idTag":"token-1"}'),
        (r'{"p\u0061ssword":"hunter2"}', '{"password":"***"}'),
        (r'{"key":"Auth\u006FrizationKey","value":"hunter2"}', '{"key":"AuthorizationKey","value":"***"}'),
        (r'{"x":"\\u0054"}', r'{"x":"\\u0054"}'),  # a backslash, and no letter
        (r'{"x":"\\\u0054"}', r'{"x":"\\T"}'),
    ],
)
def test_a_name_whose_letters_are_spelled_out_hides_nothing(written, shown):
    assert hidden(f'[2,"1","A",{written}]') == f'[2,"1","A",{shown}]'


def test_a_number_in_the_place_of_a_token_stays_a_number():
    assert hidden('[2,"1","Authorize",{"idTag":12345}]') == '[2,"1","Authorize",{"idTag":1}]'


@pytest.mark.parametrize(
    "text",
    [
        '[2, "1",  "Heartbeat", {} ]',
        '[2,"1","Authorize",{"idTag":""}]',
        '[2,"1","Authorize",{"idTag":null}]',
        '[2,"1","StatusNotification",{"info":"the idTag is not here"}]',
        '[3,"1",{"data":"\\"quoted\\" text"}]',
        "not a frame",
        "",
    ],
)
def test_what_holds_no_secret_stays_byte_for_byte(text):
    assert hidden(text) == text


def test_whoever_asks_sees_everything():
    text = frame({"idTag": TOKEN})
    assert Redactor(off=True).frame(text) == text
    assert Redactor(off=True).words(f"unknown tag {TOKEN}") == f"unknown tag {TOKEN}"


def test_sentences_do_not_tell_what_frames_hide():
    redactor = Redactor()
    redactor.frame(frame({"idTag": TOKEN}))
    assert redactor.words(f"Unknown tag {TOKEN.lower()}, sorry") == "Unknown tag token-1, sorry"


def test_an_error_does_not_tell_what_its_call_had():
    redactor = Redactor()
    redactor.frame(frame({"idTag": TOKEN}))
    refused = redactor.frame(f'[4,"1","SecurityError","{TOKEN} is unknown",{{}}]')
    assert refused == '[4,"1","SecurityError","token-1 is unknown",{}]'


def test_a_sentence_about_an_empty_value_stays_as_it_is():
    assert Redactor().words("it is empty", [""]) == "it is empty"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("DE-ABC-1 and DE-ABC-12", "token-1 and token-2"),
        ("de-abc-12, -X-9Y-, DE-ABC-123", "token-2, token-3, DE-ABC-123"),
        ("xDE-ABC-1 DE-ABC-1x DE-ABC", "xDE-ABC-1 DE-ABC-1x DE-ABC"),
        ("the tag 12 is short", "the tag 12 is short"),
    ],
)
def test_values_are_found_as_whole_words_and_the_longest_first(said, shown):
    redactor = Redactor()
    for token in ("DE-ABC-1", "DE-ABC-12", "-X-9Y-", "12"):
        redactor.frame(frame({"idTag": token}))
    assert redactor.words(said) == shown


def test_what_a_sentence_costs_does_not_grow_with_the_tokens_that_are_known():
    redactor = Redactor()
    for number in range(5_000):
        redactor.frame(frame({"idTag": f"DE-{number:08}"}))
    texts = [redactor.words(f"unknown tag DE-{number:08}") for number in range(5_000)]
    assert texts[-1] == "unknown tag token-5000"


@pytest.mark.parametrize(
    "cls",
    [
        call16.Authorize,
        call16.SendLocalList,
        call21.Authorize,
        call21.InstallCertificate,
        call21.SignCertificate,
    ],
)
def test_a_redacted_message_is_still_valid(cls):
    payload = encode(example_of(cls, full=True))
    redacted = json.loads(hidden(payload))
    assert redacted != json.loads(payload)
    assert violations(cls, redacted, receiving=False) == ()


# The trace.


def written(tmp_path, records, **options):
    path = tmp_path / "trace.jsonl"
    with Trace(str(path), 10.0, {"CP_1": Version.V16}, **options) as trace:
        for record in records:
            trace(record)
    assert trace.failure is None
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_trace_hides_secrets_unless_asked_for(tmp_path):
    text = frame({"idTag": TOKEN})
    records = [FrameSent(10.5, "CP_1", text), CallStarted(10.5, "CP_1", "1", "Authorize", True)]
    (line,) = written(tmp_path, records)
    assert line == {
        "t": 0.5,
        "station": "CP_1",
        "dir": "CS->CSMS",
        "version": "1.6",
        "raw": text.replace(TOKEN, "token-1"),
    }
    (line,) = written(tmp_path, records, secrets=True)
    assert line["raw"] == text


def test_a_trace_of_a_csms_has_its_directions(tmp_path):
    records = [FrameSent(10.0, "CP_1", "a"), FrameReceived(11.0, "CP_1", "b")]
    lines = written(tmp_path, records, end=Role.CSMS)
    assert [line["dir"] for line in lines] == ["CSMS->CS", "CS->CSMS"]
