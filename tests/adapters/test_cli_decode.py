"""`ocpp-sansio decode`: what it says of logs, and that its verdicts are those of the library."""

import io
import json
import sys
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_sansio import Connection, FrameRejected, Role, Version
from ocpp_sansio_adapters.cli import decode
from ocpp_sansio_adapters.cli._log.conversation import Conversation
from ocpp_sansio_adapters.cli._log.finding import find_frames
from ocpp_sansio_adapters.cli._log.guessing import guess_version
from ocpp_sansio_adapters.cli._log.listening import Link
from ocpp_sansio_adapters.cli._log.reading import read
from ocpp_sansio_adapters.cli._log.telling import title
from ocpp_sansio_adapters.cli._log.words import duration
from ocpp_sansio_adapters.cli.main import main
from tests.adapters.charger_log import ACCEPTED, BOOT, LOG, NOW, call, decoded, result

STATION, CSMS = Role.CHARGING_STATION, Role.CSMS


def told(*frames, version=Version.V16):
    """The frames of a conversation, judged; each is a sender and a text."""
    conversation = Conversation(version)
    return [conversation.take(text, sender) for sender, text in frames], conversation


@pytest.mark.parametrize(("seconds", "noted"), [(29, True), (31, False)])
def test_a_log_that_ends_too_soon_knows_of_no_answer(seconds, noted):
    lines = [
        f"2026-05-01T12:00:00Z CP_1: receive message {call('Heartbeat', {}, 'a')}",
        f"2026-05-01T12:00:{seconds}Z CP_1: receive message {call('Heartbeat', {}, 'b')}",
        f"2026-05-01T12:00:{seconds}Z CP_1: send {result({'currentTime': '2026-05-01T12:00:00Z'}, 'b')}",
    ]
    first = read(list(find_frames("\n".join(lines)))).heard[0].spoken
    assert [(trouble.text, trouble.noted) for trouble in first.troubles] == [
        (f"no answer in the {seconds} s until the log ends", noted)
    ]


# The verdicts.


def test_a_good_conversation_has_no_trouble():
    frames, conversation = told((STATION, call("BootNotification", BOOT)), (CSMS, result(ACCEPTED)))
    assert [spoken.troubles for spoken in frames] == [[], []]
    assert frames[0].exchange is frames[1].exchange
    assert frames[1].action == "BootNotification"
    assert conversation.unanswered == []


@pytest.mark.parametrize(
    ("version", "code", "rule"),
    [
        (Version.V16, "FormationViolation", "J16-416"),
        (Version.V201, "ProtocolError", "J201-416"),
        (Version.V21, "ProtocolError", "J21-416"),
    ],
)
def test_the_code_is_the_one_of_the_version(version, code, rule):
    (spoken,), _ = told((STATION, call("Heartbeat", {"x": 1})), version=version)
    (trouble,) = spoken.troubles
    assert (trouble.code, trouble.rule, trouble.keyword) == (code, rule, "additionalProperties")


def test_all_violations_are_told_and_the_one_that_is_answered_first():
    payload = {"connectorId": "0", "errorCode": "Error", "status": "x", "info": "y" * 51}
    text = call("StatusNotification", payload)
    (spoken,), _ = told((STATION, text))
    assert {trouble.path for trouble in spoken.troubles} == {
        "$.connectorId",
        "$.errorCode",
        "$.status",
        "$.info",
    }
    connection = Connection(CSMS, Version.V16)
    connection.receive_text(text, now=0.0)
    event = connection.next_event()
    assert isinstance(event, FrameRejected)
    assert spoken.troubles[0].path == event.error.details["path"]
    assert [trouble.code for trouble in spoken.troubles] == [event.error.code, "", "", ""]


def test_what_was_understood_all_the_same_is_noted():
    payload = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-05-01T12:00:00"}
    (spoken,), _ = told((STATION, call("StartTransaction", payload)))
    (trouble,) = spoken.troubles
    assert (trouble.path, trouble.noted, spoken.wrong) == ("$.timestamp", True, False)


@pytest.mark.parametrize(
    ("text", "version", "rule", "code"),
    [
        (call("Nonsense", {}), Version.V16, "J16-412", "NotImplemented"),
        (call("Reset", {"type": "Soft"}), Version.V16, "J16-413", "NotSupported"),
        (call("Heartbeat", {}, "x" * 37), Version.V201, "J201-410", "RpcFrameworkError"),
        ('[2,"1","Heartbeat"]', Version.V16, "J16-408", "FormationViolation"),
        ('[2,"1","Heartbeat",{', Version.V16, "J16-405", "FormationViolation"),
        ('[2,1,"Heartbeat",{}]', Version.V16, "J16-409", ""),
        ('[2,1,"Heartbeat",{}]', Version.V201, "J201-409", "RpcFrameworkError"),
        ('[7,"1"]', Version.V201, "J201-407", "MessageTypeNotSupported"),
        ('[6,"1","NotifyPeriodicEventStream",{}]', Version.V16, "J16-407", ""),
        (call("NotifyPeriodicEventStream", {}), Version.V21, "J21-603", "NotSupported"),
        ('[2,"1","Heartbeat",[]]', Version.V16, "J16-414", "FormationViolation"),
        ("hello", Version.V16, "J16-405", ""),
        ("", Version.V16, "J16-201", ""),
        ("{}", Version.V201, "J201-406", "RpcFrameworkError"),
    ],
)
def test_a_bad_frame_is_told_with_its_rule_and_its_code(text, version, rule, code):
    (spoken,), _ = told((STATION, text), version=version)
    (trouble,) = spoken.troubles
    assert (trouble.rule, trouble.code) == (rule, code)


def test_a_call_that_is_cut_off_is_called_by_its_name():
    (spoken,), _ = told((STATION, '[2,"17","MeterValues",{"connectorId":1,"met'))
    assert (spoken.kind, spoken.id, spoken.action) == ("CALL", "17", "MeterValues")


def test_a_bad_answer_is_judged_by_the_question():
    (_, spoken), _ = told(
        (STATION, call("BootNotification", BOOT)), (CSMS, result({**ACCEPTED, "status": "Yes"}))
    )
    (trouble,) = spoken.troubles
    assert (trouble.path, trouble.rule, trouble.code) == ("$.status", "J16-419", "")


def test_in_2_1_a_bad_answer_earns_a_code():
    (_, spoken), _ = told((STATION, call("Heartbeat", {})), (CSMS, result({})), version=Version.V21)
    (trouble,) = spoken.troubles
    assert (trouble.rule, trouble.code) == ("J21-415", "OccurrenceConstraintViolation")


def test_an_answer_that_is_cut_off_ends_its_call():
    (_, spoken), conversation = told(
        (STATION, call("Heartbeat", {}, "abc")), (CSMS, '[3,"abc",{"currentTime":"20')
    )
    assert (spoken.kind, spoken.action, spoken.wrong) == ("CALLRESULT", "Heartbeat", True)
    assert conversation.unanswered == []


@pytest.mark.parametrize("frame", ['[3,"1"]', '[3,"1",[]]', '[3,"1",{},1]'])
def test_an_answer_of_another_shape_ends_its_call(frame):
    (_, spoken), conversation = told((STATION, call("Heartbeat", {})), (CSMS, frame))
    assert spoken.wrong
    assert conversation.unanswered == []


def test_a_refusal_of_a_fine_call_says_so():
    (_, spoken), _ = told((STATION, call("Heartbeat", {})), (CSMS, '[4,"1","InternalError","oops",{}]'))
    assert spoken.troubles[0].text == "refused with InternalError, though the call is valid: oops"


def test_a_refusal_of_a_bad_call_does_not():
    (_, spoken), _ = told(
        (STATION, call("Heartbeat", {"x": 1})), (CSMS, '[4,"1","FormationViolation","",{}]')
    )
    assert [(trouble.text, trouble.noted) for trouble in spoken.troubles] == [
        ("refused with FormationViolation", True)
    ]
    assert title(spoken) == "Heartbeat refused: FormationViolation"  # as 1.6 spells it, there, too


def test_a_code_of_another_version_is_noted():
    (_, spoken), _ = told((STATION, call("Heartbeat", {})), (CSMS, '[4,"1","MadeUp","",{}]'))
    assert spoken.troubles[1].text == "MadeUp is no code of OCPP 1.6"


def test_an_answer_to_a_bad_call_is_noted():
    (bad, spoken), _ = told(
        (STATION, call("Heartbeat", {"x": 1})), (CSMS, result({"currentTime": "2026-05-01T12:00:00Z"}))
    )
    assert bad.wrong
    assert [(trouble.text, trouble.noted) for trouble in spoken.troubles] == [
        ("answered as if nothing were wrong with the call", True)
    ]


def test_an_answer_to_nobody_is_told():
    (spoken,), _ = told((CSMS, result({})))
    assert spoken.troubles[0].rule == "L-307"


def test_calls_that_cross_under_one_id_are_told_apart():
    frames, _ = told(
        (STATION, call("Heartbeat", {})),
        (CSMS, call("Reset", {"type": "Soft"})),
        (STATION, result({"status": "Accepted"})),
        (CSMS, result({"currentTime": "2026-05-01T12:00:00Z"})),
    )
    assert [spoken.action for spoken in frames] == ["Heartbeat", "Reset", "Reset", "Heartbeat"]
    assert not any(spoken.troubles for spoken in frames)


def test_the_same_call_again_is_noted():
    (_, again), _ = told((STATION, call("Heartbeat", {})), (STATION, call("Heartbeat", {})))
    assert [(trouble.rule, trouble.noted) for trouble in again.troubles] == [("L-205", True)]


def test_another_call_under_the_same_id_leaves_the_first_unanswered():
    (first, second, answer), conversation = told(
        (STATION, call("Heartbeat", {})),
        (STATION, call("BootNotification", BOOT)),
        (CSMS, result(ACCEPTED)),
    )
    assert second.troubles[0].rule == "J16-205"
    assert (answer.action, answer.troubles) == ("BootNotification", [])
    assert [exchange.call for exchange in conversation.unanswered] == [first]


def test_a_call_before_the_answer_to_another_is_noted():
    (_, second, _, _), _ = told(
        (STATION, call("Heartbeat", {}, "a")),
        (STATION, call("Heartbeat", {}, "b")),
        (CSMS, result({"currentTime": "2026-05-01T12:00:00Z"}, "a")),
        (CSMS, result({"currentTime": "2026-05-01T12:00:00Z"}, "b")),
    )
    assert [(trouble.rule, trouble.noted) for trouble in second.troubles] == [("J16-301", True)]


def test_a_send_of_2_1_is_read_and_never_waits_for_an_answer():
    payload = {"id": 1, "pending": 0, "basetime": "2026-05-01T12:00:00Z", "data": [{"t": 0, "v": "1"}]}
    (spoken,), conversation = told(
        (STATION, json.dumps([6, "1", "NotifyPeriodicEventStream", payload])), version=Version.V21
    )
    assert (spoken.kind, spoken.troubles, conversation.unanswered) == ("SEND", [], [])


def test_an_answer_that_was_rejected_is_told_with_its_action():
    frames, _ = told(
        (STATION, call("Heartbeat", {})),
        (CSMS, result({"currentTime": "2026-05-01T12:00:00Z"})),
        (STATION, '[5,"1","FormatViolation","no",{}]'),
        version=Version.V21,
    )
    assert (frames[2].kind, frames[2].action) == ("CALLRESULTERROR", "Heartbeat")
    assert frames[2].wrong


@pytest.mark.parametrize("id", ["", "-1"])
def test_an_answer_under_an_id_that_nobody_may_use_still_ends_its_call(id):
    _, conversation = told((STATION, call("Heartbeat", {}, id)), (CSMS, result({"currentTime": NOW}, id)))
    assert conversation.unanswered == []


def test_each_kind_of_frame_has_a_line_of_its_own(tmp_path, capsys):
    frames = [
        [2, "1", "Heartbeat", {}],
        [3, "1", {"currentTime": NOW}],
        [5, "1", "FormatViolation", "no", {}],
        [2, "2", "Heartbeat", {}],
        [4, "2", "GenericError", "", {}],
        [
            6,
            "3",
            "NotifyPeriodicEventStream",
            {"id": 1, "pending": 0, "basetime": NOW, "data": [{"t": 0, "v": "1"}]},
        ],
        [7],
    ]
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps({"raw": json.dumps(frame), "dir": "CSMS->CS" if frame[0] in (3, 4) else "CS->CSMS"})
        for frame in frames
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert main(["decode", str(path), "--version", "2.1"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("line ")]
    assert [line[10:].strip("→←? ").rsplit("  ", 1)[0] for line in lines] == [
        "Heartbeat",
        "Heartbeat answered",
        "answer to Heartbeat rejected",
        "Heartbeat",
        "Heartbeat refused: GenericError",
        "NotifyPeriodicEventStream (SEND)",
        "not a frame",
    ]


FRAMES = st.one_of(
    st.text(max_size=30),
    st.builds(
        lambda kind, id, name, payload: json.dumps([kind, id, name, payload]),
        st.sampled_from([2, 3, 4, 5, 6, 7]),
        st.sampled_from(["a", "b", "", "-1", 5, None]),
        st.sampled_from(["Heartbeat", "Reset", "DataTransfer", "Nonsense", {}, None]),
        st.sampled_from([{}, {"type": "Soft"}, {"vendorId": "v"}, None, [], "x"]),
    ),
    st.builds(
        lambda id, payload: json.dumps([3, id, payload]), st.sampled_from("ab"), st.sampled_from([{}, None])
    ),
)


@given(
    version=st.sampled_from(list(Version)),
    frames=st.lists(st.tuples(st.sampled_from([STATION, CSMS, None]), FRAMES), max_size=12),
)
def test_no_log_breaks_it(version, frames):
    conversation = Conversation(version)
    clock = count()
    spoken = [conversation.take(text, sender, float(next(clock))) for sender, text in frames]
    assert all(item.exchange is None or item in (item.exchange.call, item.exchange.answer) for item in spoken)


# Logs.


def test_a_log_is_explained(log, capsys):
    assert main(["decode", log]) == 1
    out = capsys.readouterr().out
    assert "8 frames of 2 stations, OCPP 1.6 (guessed" in out
    assert "earns PropertyConstraintViolation  [J16-419]" in out
    assert "unanswered  Reset r of CP_1 (line 7)" in out
    assert "no answer in the 10 s until the log ends" in out
    assert "slow        6.5 s  Authorize 1 of CP_2 (line 5)" in out
    assert "after 250 ms" in out
    assert "\x1b" not in out


def test_a_log_in_json(log, capsys):
    status, lines, summary = decoded(capsys, log)
    assert status == 1
    assert [line["sender"] for line in lines] == [
        "station", "csms", "station", "csms", "station", "csms", "csms", "station",
    ]  # fmt: skip
    assert lines[0]["answer_line"] == 2
    assert lines[1]["call_line"] == 1
    assert lines[1]["seconds"] == pytest.approx(0.25)
    assert lines[2]["troubles"][0]["code"] == "PropertyConstraintViolation"
    assert (summary["unanswered"], summary["slow"]) == ([7, 8], [5])
    assert summary["links"] == [
        {"station": name, "version": "1.6", "guessed": True} for name in ("CP_1", "CP_2")
    ]


def test_only_trouble(log, capsys):
    _, lines, summary = decoded(capsys, log, "--trouble")
    assert [line["line"] for line in lines] == [3, 4, 7, 8]
    assert summary["frames"] == 8


def test_secrets_are_hidden_unless_asked_for(log, capsys):
    main(["decode", log, "--payload"])
    out = capsys.readouterr().out
    assert "04E91C5A123456" not in out
    assert "hidden: 1 token; --secrets shows them" in out
    main(["decode", log, "--payload", "--secrets"])
    assert "04E91C5A123456" in capsys.readouterr().out


def test_a_secret_is_not_told_by_what_is_wrong_with_it(capsys):
    main(["decode", '[2,"1","Authorize",{"idTag":["SECRET"]}]'])
    main(["decode", '[2,"1","Authorize",{"idTag":123456}]'])
    main(["decode", '[2,"1","Authorize",{"idTag":123456}]', "--json"])
    out = capsys.readouterr().out
    assert "123456" not in out
    assert "SECRET" not in out
    assert "$.idTag: token-1 is not text" in out


def test_one_frame_is_shown_whole(capsys):
    assert main(["decode", '[2,"1","Heartbeat",{}]', "--version", "2.0.1"]) == 0
    assert "Heartbeat" in capsys.readouterr().out


def test_one_frame_whose_version_is_a_guess_says_so(capsys):
    main(["decode", '[2,"1","TransactionEvent",{}]'])
    assert "read as OCPP 2.0.1; --version says otherwise" in capsys.readouterr().out


def test_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOG.encode() + b"\xff\n")))
    status, lines, _ = decoded(capsys)
    assert (status, len(lines)) == (1, 8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot be read: No such file or directory."), ("nothing here", "there is no OCPP frame in ")],
)
def test_nothing_to_read_is_a_sentence(content, sentence, tmp_path, capsys):
    path = tmp_path / "a.log"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main(["decode", str(path)]) == 2
    assert sentence in capsys.readouterr().err


def test_a_closed_input_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["decode"]) == 2
    assert "standard input is closed" in capsys.readouterr().err


def test_a_log_of_calls_alone_says_so_and_nothing_of_answers(tmp_path, capsys):
    path = tmp_path / "a.log"
    path.write_text(f"{call('Heartbeat', {})}\n{call('Heartbeat', {}, '2')}\n", encoding="utf-8")
    assert main(["decode", str(path)]) == 0
    assert "this log has no answers, so unanswered calls are not told" in capsys.readouterr().out


def test_a_log_of_both_ends_has_each_frame_once():
    lines = [
        f"CP_1: {word} {text}"
        for text in (call("Heartbeat", {}), result({"currentTime": NOW}))
        for word in ("send", "receive message")
    ]
    reading = read(list(find_frames("\n".join(lines))))
    assert reading.mirrored == 2
    assert [item.spoken.troubles for item in reading.heard] == [[], []]


def test_words_that_mean_one_end_elsewhere_mean_it_for_what_either_may_send():
    log = f"""
    received {call("Heartbeat", {}, "1")}
    sent {result({"currentTime": "2026-05-01T12:00:00Z"}, "1")}
    received {call("DataTransfer", {"vendorId": "v"}, "2")}
    sent {call("DataTransfer", {"vendorId": "v"}, "3")}
    """
    senders = [item.spoken.sender for item in read(list(find_frames(log))).heard]
    assert senders == [STATION, CSMS, STATION, CSMS]


def test_without_a_word_the_action_says_who():
    log = f"{call('Heartbeat', {}, '1')}\n{call('Reset', {'type': 'Soft'}, '2')}\n{result({'status': 'Accepted'}, '2')}"
    assert [item.spoken.sender for item in read(list(find_frames(log))).heard] == [STATION, CSMS, STATION]


@pytest.mark.parametrize(
    ("texts", "version"),
    [
        ([call("Heartbeat", {})], Version.V16),
        ([call("StartTransaction", {})], Version.V16),
        ([call("Heartbeat", {}), call("TransactionEvent", {})], Version.V201),
        ([call("BatterySwap", {})], Version.V21),
        (['[6,"1","NotifyPeriodicEventStream",{}]'], Version.V21),
        ([call("BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}})], Version.V201),
        (["hello"], Version.V16),
    ],
)  # fmt: skip
def test_the_version_is_guessed(texts, version):
    assert guess_version(texts) is version


def test_what_the_log_says_of_the_version_counts_more_than_a_guess():
    asked = f"ocpp2.0.1 CP_1: receive message {call('Heartbeat', {})}"
    log = f"connected with ocpp2.0.1\n{asked}\nCP_1: send {result({'currentTime': NOW})}"
    reading = read(list(find_frames(log)))
    assert {item.link.version for item in reading.heard} == {Version.V201}
    assert not reading.guessed


def test_a_log_of_both_ends_does_not_believe_words():
    log = "\n".join(
        f"CP_1: {word} {text}"
        for text in (call("DataTransfer", {"vendorId": "v"}, "a"), call("Heartbeat", {}, "b"))
        for word in ("send", "receive message")
    )
    assert [item.spoken.sender for item in read(list(find_frames(log))).heard] == [None, STATION]


def test_frames_without_a_name_belong_to_the_only_station():
    log = f"{call('Heartbeat', {}, '1')}\nCP_1: receive message {call('TransactionEvent', {}, '2')}\n{call('Heartbeat', {}, '3')}"
    reading = read(list(find_frames(log)))
    assert set(reading.conversations) == {Link("CP_1", Version.V201)}


def test_two_stations_leave_frames_without_a_name_alone():
    log = f"CP_1: send {call('Heartbeat', {}, '1')}\nCP_2: send {call('Heartbeat', {}, '2')}\n{call('BatterySwap', {}, '3')}"
    assert [item.link.station for item in read(list(find_frames(log))).heard] == ["CP_1", "CP_2", ""]
    assert read(list(find_frames(log))).heard[2].link.version is Version.V21


def test_an_answer_before_any_call_may_answer_what_the_log_has_not():
    frames, _ = told((CSMS, result({}, "0")), (STATION, call("Heartbeat", {})), (CSMS, result({}, "0")))
    assert [(spoken.troubles[0].rule, spoken.wrong) for spoken in (frames[0], frames[2])] == [
        ("L-307", False),
        ("L-307", True),
    ]


def test_clocks_that_go_back_tell_no_time():
    log = f"23:59:59 CP_1: receive message {call('Heartbeat', {})}\n00:00:01 CP_1: send {result({'currentTime': NOW})}"
    reading = read(list(find_frames(log)))
    assert reading.heard[1].spoken.exchange.seconds is None
    assert reading.timed == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.0123, "12.3 ms"), (59.96, "60 s"), (999, "999 s"), (1470.4, "1,470 s")],
)
def test_lengths_of_time_have_the_digits_that_matter(seconds, said):
    assert duration(seconds) == said


def test_ctrl_c_ends_with_what_was_judged(log, monkeypatch, capsys):
    def interrupt(total, what):
        def tell(done):
            if done == 3:
                raise KeyboardInterrupt

        return tell

    monkeypatch.setattr(decode, "progress_on", interrupt)
    assert main(["decode", log]) == 130
    shown = capsys.readouterr()
    assert "3 frames of 1 station" in shown.out
    assert shown.err == "ocpp-sansio decode: interrupted: 3 of 8 frames are explained.\n"


def test_a_long_list_of_what_is_wrong_is_cut(tmp_path, capsys):
    lines = [f"12:00:00 CP_1: receive message {call('Heartbeat', {}, str(number))}" for number in range(12)]
    lines += [
        f"12:0{number % 2}:07 CP_1: send {result({'currentTime': NOW}, str(number))}" for number in range(11)
    ]
    path = tmp_path / "a.log"
    path.write_text(
        "\n".join([*lines, *(line.replace("CP_1", f"CP_{n}") for n in range(2, 14) for line in lines[:1])])
    )
    main(["decode", str(path)])
    out = capsys.readouterr().out
    assert "... and 1 more slow answers" in out
    assert "unanswered  Heartbeat 11 of CP_1 (line 12)" in out
    assert "... nor for 2 more stations" in out
