"""`ocpp-sansio replay`: recordings played again, through state machines and against a live CSMS."""

import json
from functools import partial

import anyio
import pytest
from anyio import to_thread

from ocpp_sansio import Role, Version
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.cli._log import against
from ocpp_sansio_adapters.cli._log.numbers import Numbers
from ocpp_sansio_adapters.cli._log.rehearsal import Rehearsal
from ocpp_sansio_adapters.cli._log.spoken import Trouble
from ocpp_sansio_adapters.cli.main import main
from ocpp_sansio_adapters.v16 import ChargePoint
from ocpp_sansio_adapters.websockets import serve
from tests.adapters.sockets import CALM, eventually

STATION, CSMS = Role.CHARGING_STATION, Role.CSMS
NOW = "2026-05-01T12:00:00Z"
BOOT = [2, "b", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]
HEARTBEAT = [2, "h", "Heartbeat", {}]
ALIVE = [3, "h", {"currentTime": NOW}]


def booted(status):
    return [3, "b", {"status": status, "currentTime": NOW, "interval": 300}]


def rules(*frames, version=Version.V16, patience=30.0):
    """The rules that each frame of a rehearsal breaks; each is a sender and an array, with a time or without."""
    rehearsal = Rehearsal(version, patience=patience)
    told = [rehearsal.take(json.dumps(frame), sender, *time) for sender, frame, *time in frames]
    return [[trouble.rule for trouble in spoken.troubles if not trouble.noted] for spoken in told]


# The rules that need a state.


def test_a_good_session_has_no_deviation():
    assert rules((STATION, BOOT), (CSMS, booted("Accepted")), (STATION, HEARTBEAT), (CSMS, ALIVE)) == [
        [],
        [],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("status", "found"), [("Accepted", []), ("Pending", ["J16-423"]), ("Rejected", ["J16-423"])]
)
def test_who_is_not_accepted_keeps_silent(status, found):
    *_, heartbeat = rules((STATION, BOOT), (CSMS, booted(status)), (STATION, HEARTBEAT))
    assert heartbeat == found


def test_a_pending_station_is_not_started_remotely():
    start = [2, "r", "RemoteStartTransaction", {"idTag": "A"}]
    *_, found = rules((STATION, BOOT), (CSMS, booted("Pending")), (CSMS, start))
    assert found == ["J16-423"]


def test_a_pending_station_sends_what_it_is_asked_for():
    frames = [
        (STATION, BOOT),
        (CSMS, booted("Pending")),
        (CSMS, [2, "t", "TriggerMessage", {"requestedMessage": "Heartbeat"}]),
        (STATION, [3, "t", {"status": "Accepted"}]),
        (STATION, HEARTBEAT),
        (CSMS, ALIVE),
    ]
    assert rules(*frames) == [[], [], [], [], [], []]


def test_one_call_at_a_time():
    rehearsal = Rehearsal(Version.V16)
    rehearsal.take(json.dumps(HEARTBEAT), STATION)
    second = rehearsal.take(json.dumps([2, "i", "Heartbeat", {}]), STATION)
    assert second.troubles == []  # nobody knows yet that the first will be answered
    rehearsal.take(json.dumps(ALIVE), CSMS)
    assert [(trouble.rule, trouble.noted) for trouble in second.troubles] == [("J16-301", False)]


def test_calls_of_both_ends_may_cross():
    reset = [2, "r", "Reset", {"type": "Soft"}]
    accepted = [3, "r", {"status": "Accepted"}]
    assert rules((STATION, HEARTBEAT), (CSMS, reset), (STATION, accepted), (CSMS, ALIVE)) == [[], [], [], []]


@pytest.mark.parametrize(("seconds", "found"), [(29.9, []), (30.0, ["L-307"]), (31.0, ["L-307"])])
def test_an_answer_comes_in_time(seconds, found):
    assert rules((STATION, HEARTBEAT, 100.0), (CSMS, ALIVE, 100.0 + seconds))[1] == found


def test_a_clock_that_goes_back_is_no_deviation():
    assert rules((STATION, HEARTBEAT, 100.0), (CSMS, ALIVE, 50.0)) == [[], []]


def test_an_id_that_was_used_before_is_noted():
    rehearsal = Rehearsal(Version.V16)
    for sender, frame in [(STATION, BOOT), (CSMS, booted("Accepted"))]:
        rehearsal.take(json.dumps(frame), sender)
    again = rehearsal.take(json.dumps([2, "b", "Heartbeat", {}]), STATION)
    assert [(trouble.rule, trouble.noted) for trouble in again.troubles] == [("J16-205", True)]


# Offline.


def trace(tmp_path, *frames, station="CP_1", version="1.6"):
    path = tmp_path / "trace.jsonl"
    directions = {STATION: "CS->CSMS", CSMS: "CSMS->CS"}
    lines = [
        {
            "t": float(number),
            "station": station,
            "dir": directions[sender],
            "version": version,
            "raw": json.dumps(frame),
        }
        for number, (sender, frame) in enumerate(frames)
    ]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return str(path)


def test_a_trace_without_a_deviation(tmp_path, capsys):
    path = trace(tmp_path, (STATION, BOOT), (CSMS, booted("Accepted")))
    assert main(["replay", path, "--offline"]) == 0
    assert capsys.readouterr().out == "2 frames played on 1 link, OCPP 1.6\nno deviation\n"


def test_each_deviation_has_its_rule(tmp_path, capsys):
    path = trace(tmp_path, (STATION, BOOT), (CSMS, booted("Pending")), (STATION, HEARTBEAT))
    assert main(["replay", path]) == 1
    out = capsys.readouterr().out
    assert "Heartbeat may not be sent while the station is Pending" in out
    assert "  J16-423  1\n" in out
    assert out.endswith("\n1 deviation\n")


def test_deviations_in_json(tmp_path, capsys):
    path = trace(tmp_path, (STATION, BOOT), (CSMS, booted("Pending")), (STATION, HEARTBEAT))
    assert main(["replay", path, "--json"]) == 1
    *found, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found[0]["line"], found[0]["rule"], found[0]["code"]) == (3, "J16-423", "SecurityError")
    assert summary == {"kind": "summary", "frames": 3, "deviations": 1}
    assert [item["kind"] for item in found] == [
        "deviation",
        "note",
    ]  # the log ends too soon to know of an answer


def test_one_station_of_several(tmp_path, capsys):
    trace(tmp_path, (STATION, [2, "x", "Nonsense", {}]), station="CP_2")
    path = trace(tmp_path, (STATION, BOOT), (CSMS, booted("Accepted")))
    assert main(["replay", path, "--station", "CP_1"]) == 0
    assert main(["replay", path]) == 1
    capsys.readouterr()
    assert main(["replay", path, "--station", "CP_3"]) == 2
    assert (
        capsys.readouterr().err
        == "ocpp-sansio replay: there is no station 'CP_3' in it; there is CP_1, CP_2.\n"
    )


def test_calls_without_answers_are_no_deviation_and_said(tmp_path, capsys):
    path = trace(tmp_path, (STATION, BOOT), (STATION, HEARTBEAT))
    assert main(["replay", path]) == 0
    assert (
        "the recording has no answers for CP_1, so unanswered calls are not told" in capsys.readouterr().out
    )


def test_a_log_without_names_has_one_station_whatever_it_is_called(tmp_path, capsys):
    path = tmp_path / "a.log"
    path.write_text(f"{json.dumps(HEARTBEAT)}\n{json.dumps(ALIVE)}\n", encoding="utf-8")
    assert main(["replay", str(path), "--station", "CP_9"]) == 0
    assert "a version was guessed" in capsys.readouterr().out


# Against a live CSMS.


class Cooperative(ChargePoint):
    """A CSMS that says yes, counts transactions from 100, and asks for a reset after the boot."""

    def __init__(self, *arguments, seen, **options):
        super().__init__(*arguments, **options)
        self.seen = seen
        self.answered = anyio.Event()

    @on(call.BootNotification)
    def on_boot(self, request):
        return call_result.BootNotification(current_time=NOW, interval=300, status="Accepted")

    @after(call.BootNotification)
    async def after_boot(self, request):
        answer = await self.call(call.ChangeAvailability(connector_id=0, type="Operative"))
        self.seen.append(answer.status)
        self.answered.set()

    @on(call.Heartbeat)
    def on_heartbeat(self, request):
        return call_result.Heartbeat(current_time=NOW)

    @on(call.Authorize)
    def on_authorize(self, request):
        return call_result.Authorize(id_tag_info={"status": "Blocked"})

    @on(call.StartTransaction)
    def on_start(self, request):
        return call_result.StartTransaction(transaction_id=100, id_tag_info={"status": "Accepted"})

    @on(call.StopTransaction)
    async def on_stop(self, request):
        await self.answered.wait()  # or the last answer would end the play before that one is there
        self.seen.append(request.transaction_id)
        return call_result.StopTransaction()


SESSION = [
    (STATION, BOOT),
    (CSMS, booted("Accepted")),
    (CSMS, [2, "c", "ChangeAvailability", {"connectorId": 0, "type": "Operative"}]),
    (STATION, [3, "c", {"status": "Scheduled"}]),
    (STATION, [2, "s", "StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": NOW}]),
    (CSMS, [3, "s", {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}]),
    (STATION, [2, "e", "StopTransaction", {"transactionId": 7, "meterStop": 1, "timestamp": NOW}]),
    (CSMS, [3, "e", {}]),
]  # fmt: skip


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def played(path, *options, csms=Cooperative):
    """Status of `replay --against` a live CSMS, and what that has seen."""
    seen = []

    async def handler(websocket):
        try:
            await csms(websocket.identity, websocket, seen=seen).start()
        finally:
            seen.append("gone")

    async with anyio.create_task_group() as tasks:
        _, port = await tasks.start(partial(serve, handler, "127.0.0.1", 0, **CALM))
        arguments = ["replay", path, "--against", f"ws://127.0.0.1:{port}", *options]
        status = await to_thread.run_sync(main, arguments)
        await eventually(lambda: "gone" in seen)
        tasks.cancel_scope.cancel()
    return status, [item for item in seen if item != "gone"]


@pytest.mark.anyio
async def test_a_session_is_played_to_a_live_csms(tmp_path, capsys):
    status, seen = await played(trace(tmp_path, *SESSION))
    out = capsys.readouterr().out
    assert out.endswith("no deviation\n")
    assert status == 0
    # As recorded: the answer; as of today: the transaction.
    assert seen == ["Scheduled", 100]


@pytest.mark.anyio
async def test_an_answer_that_is_other_than_recorded_is_a_deviation(tmp_path, capsys):
    authorize = [
        (STATION, [2, "a", "Authorize", {"idTag": "A"}]),
        (CSMS, [3, "a", {"idTagInfo": {"status": "Accepted"}}]),
    ]
    status, _ = await played(trace(tmp_path, *SESSION[:2], *authorize))
    assert status == 1
    out = capsys.readouterr().out
    assert "the status is Blocked; recorded was Accepted" in out
    assert out.endswith("1 deviation\n")


@pytest.mark.anyio
async def test_a_refusal_that_was_not_recorded_is_a_deviation(tmp_path, capsys):
    meter = [(STATION, [2, "m", "MeterValues", {"connectorId": 1, "meterValue": []}]), (CSMS, [3, "m", {}])]
    status, _ = await played(trace(tmp_path, *SESSION[:2], *meter))
    assert status == 1
    assert "refused with NotSupported; recorded was an answer" in capsys.readouterr().out


@pytest.mark.anyio
async def test_a_refusal_that_was_recorded_is_none(tmp_path, capsys):
    nonsense = [(STATION, [2, "n", "Nonsense", {"a": 1}]), (CSMS, [4, "n", "NotImplemented", "", {}])]
    status, _ = await played(trace(tmp_path, *SESSION[:2], *nonsense))
    assert (status, capsys.readouterr().out.splitlines()[-1]) == (0, "no deviation")


@pytest.mark.anyio
async def test_another_refusal_than_recorded_is_a_deviation(tmp_path, capsys):
    nonsense = [(STATION, [2, "n", "Nonsense", {}]), (CSMS, [4, "n", "InternalError", "", {}])]
    status, _ = await played(trace(tmp_path, *SESSION[:2], *nonsense))
    assert status == 1
    assert "refused with NotImplemented; recorded was InternalError" in capsys.readouterr().out


@pytest.mark.anyio
async def test_an_answer_where_a_refusal_was_recorded_is_a_deviation(tmp_path, capsys):
    refused = [(STATION, HEARTBEAT), (CSMS, [4, "h", "InternalError", "", {}])]
    status, _ = await played(trace(tmp_path, *SESSION[:2], *refused))
    assert status == 1
    assert "answered; recorded was a refusal with InternalError" in capsys.readouterr().out


@pytest.mark.anyio
async def test_deviations_of_a_live_csms_in_json(tmp_path, capsys):
    authorize = [
        (STATION, [2, "a", "Authorize", {"idTag": "SECRET"}]),
        (CSMS, [3, "a", {"idTagInfo": {"status": "Accepted"}}]),
    ]
    status, _ = await played(trace(tmp_path, *SESSION[:2], *authorize), "--json")
    out = capsys.readouterr().out
    found, summary = map(json.loads, out.splitlines())
    assert (status, found["kind"], found["line"], found["action"]) == (1, "deviation", 3, "Authorize")
    assert summary == {"kind": "summary", "frames": 4, "deviations": 1}
    assert "SECRET" not in out


@pytest.mark.anyio
async def test_two_stations_are_played_one_after_the_other(tmp_path, capsys):
    trace(tmp_path, *SESSION[:2], station="CP_2")
    status, _ = await played(trace(tmp_path, *SESSION[:2]))
    out = capsys.readouterr().out
    assert status == 0
    assert [line.split(",")[0] for line in out.splitlines() if ", to ws" in line] == ["CP_2", "CP_1"]
    assert "2 calls played on 2 links, OCPP 1.6\nno deviation\n" in out


REPORT = {"requestId": 7, "generatedAt": NOW, "seqNo": 0}


@pytest.mark.anyio
async def test_numbers_of_2_0_1_are_those_of_today(tmp_path, capsys):
    """The CSMS asks for a report under a number of its own, before it answers the boot."""
    seen = []

    async def handler(websocket):
        boot = json.loads(await websocket.recv())
        await websocket.send('[2,"x","GetBaseReport",{"requestId":42,"reportBase":"FullInventory"}]')
        seen.append(json.loads(await websocket.recv())[2])
        await websocket.send(
            json.dumps([3, boot[1], {"status": "Accepted", "currentTime": NOW, "interval": 9}])
        )
        report = json.loads(await websocket.recv())
        seen.append(report[3]["requestId"])
        await websocket.send(json.dumps([3, report[1], {}]))

    frames = [
        (CSMS, [2, "g", "GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"}]),
        (STATION, [3, "g", {"status": "Rejected"}]),
        (STATION, [2, "b", "BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}]),
        (CSMS, [3, "b", {"status": "Accepted", "currentTime": NOW, "interval": 9}]),
        (STATION, [2, "n", "NotifyReport", REPORT]),
        (CSMS, [3, "n", {}]),
    ]  # fmt: skip
    path = trace(tmp_path, *frames, version="2.0.1")
    async with anyio.create_task_group() as tasks:
        _, port = await tasks.start(partial(serve, handler, "127.0.0.1", 0, versions=["2.0.1"], **CALM))
        status = await to_thread.run_sync(main, ["replay", path, "--against", f"ws://127.0.0.1:{port}"])
        tasks.cancel_scope.cancel()
    assert seen == [{"status": "Rejected"}, 42]
    assert (status, capsys.readouterr().out.splitlines()[-1]) == (0, "no deviation")


@pytest.mark.parametrize(
    ("then", "now", "payload", "today"),
    [
        ({"transactionId": 7}, {"transactionId": 100}, {"transactionId": 7, "meterStop": 7}, {"transactionId": 100, "meterStop": 7}),
        ({"remoteStartId": 1}, {"remoteStartId": 2}, {"info": [{"remoteStartId": 1}]}, {"info": [{"remoteStartId": 2}]}),
        ({"transactionId": 7}, {"transactionId": 100}, {"requestId": 7}, {"requestId": 7}),
        ({"transactionId": "a"}, {"transactionId": "b"}, {"transactionId": "a"}, {"transactionId": "a"}),
        ({"connectorId": 1}, {"connectorId": 2}, {"connectorId": 1}, {"connectorId": 1}),
        (None, {"transactionId": 1}, [], []),
    ],
)  # fmt: skip
def test_numbers_that_a_csms_gives_are_those_of_today(then, now, payload, today):
    numbers = Numbers()
    numbers.learn(then, now)
    assert numbers.today(payload) == today


@pytest.mark.anyio
async def test_the_password_of_a_url_is_not_shown(tmp_path, capsys):
    path = trace(tmp_path, (STATION, HEARTBEAT), (CSMS, ALIVE))
    arguments = ["replay", path, "--against", "ws://user:hunter2@127.0.0.1:1"]
    assert await to_thread.run_sync(main, arguments) == 2
    assert "hunter2" not in "".join(capsys.readouterr())


class Deaf(Cooperative):
    @on(call.Heartbeat)
    async def on_heartbeat(self, request):
        await anyio.sleep_forever()


@pytest.mark.anyio
async def test_silence_is_a_deviation(tmp_path, capsys):
    path = trace(tmp_path, (STATION, HEARTBEAT), (CSMS, ALIVE))
    status, _ = await played(path, "--timeout", "0.05", csms=Deaf)
    assert status == 1
    assert "no answer to Heartbeat" in capsys.readouterr().out


@pytest.mark.anyio
async def test_an_answer_that_breaks_its_schema_is_a_deviation(tmp_path, capsys):
    async def handler(websocket):
        frame = json.loads(await websocket.recv())
        await websocket.send(json.dumps([3, frame[1], {"currentTime": 5}]))

    path = trace(tmp_path, (STATION, HEARTBEAT), (CSMS, ALIVE))
    async with anyio.create_task_group() as tasks:
        _, port = await tasks.start(partial(serve, handler, "127.0.0.1", 0, **CALM))
        status = await to_thread.run_sync(main, ["replay", path, "--against", f"ws://127.0.0.1:{port}"])
        tasks.cancel_scope.cancel()
    assert status == 1
    assert "$.currentTime: 5 is not text  [J16-417]" in capsys.readouterr().out


@pytest.mark.anyio
async def test_a_csms_that_hangs_up_ends_it(tmp_path, capsys):
    async def handler(websocket):
        await websocket.recv()

    path = trace(tmp_path, (STATION, BOOT), (CSMS, booted("Accepted")), (STATION, HEARTBEAT), (CSMS, ALIVE))
    async with anyio.create_task_group() as tasks:
        _, port = await tasks.start(partial(serve, handler, "127.0.0.1", 0, **CALM))
        status = await to_thread.run_sync(main, ["replay", path, "--against", f"ws://127.0.0.1:{port}"])
        tasks.cancel_scope.cancel()
    out = capsys.readouterr().out
    assert status == 1
    assert "the CSMS has closed the link" in out
    assert "Heartbeat" not in out


def test_ctrl_c_ends_a_play_with_what_was_found(tmp_path, monkeypatch, capsys):
    async def interrupted(playing):
        playing.asked = 1
        playing.told.tell(playing.heard[0], [Trouble(text="other than recorded")], "no")
        raise KeyboardInterrupt

    monkeypatch.setattr(against._Playing, "run", interrupted)
    path = trace(tmp_path, (STATION, HEARTBEAT), (CSMS, ALIVE))
    assert main(["replay", path, "--against", "ws://127.0.0.1:1"]) == 130
    shown = capsys.readouterr()
    assert "other than recorded" in shown.out
    assert shown.out.endswith("1 call played on 1 link, OCPP 1.6\n  other than recorded  1\n1 deviation\n")
    assert shown.err == "ocpp-sansio replay: interrupted before everything was played.\n"


def test_nobody_there_is_a_sentence(tmp_path, capsys):
    path = trace(tmp_path, (STATION, HEARTBEAT), (CSMS, ALIVE))
    assert main(["replay", path, "--against", "ws://127.0.0.1:1"]) == 2
    assert "ocpp-sansio replay: there is no link to ws://127.0.0.1:1: " in capsys.readouterr().err


@pytest.mark.anyio
async def test_a_call_that_cannot_be_sent_is_a_deviation(tmp_path, capsys):
    frames = [(STATION, BOOT), (CSMS, booted("Accepted"))]
    frames += [(STATION, [2, "n", "DataTransfer", {"vendorId": "a", "data": "\ud800"}])]
    frames += [(STATION, HEARTBEAT), (CSMS, ALIVE)]
    status, _ = await played(trace(tmp_path, *frames))
    assert status == 1
    out = capsys.readouterr().out
    assert "DataTransfer" in out
    assert "not sent" in out
    assert "3 calls played" in out  # it goes on


def test_a_password_is_for_a_live_csms(tmp_path, capsys):
    path = trace(tmp_path, (STATION, HEARTBEAT), (CSMS, ALIVE))
    assert main(["replay", path, "--offline", "--password", "s3cret"]) == 2
    assert capsys.readouterr().err == "ocpp-sansio replay: --password needs --against.\n"


def test_a_live_csms_has_a_url_for_stations(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["replay", str(tmp_path), "--against", "http://me:s3cret@x"])
    said = capsys.readouterr().err
    assert "a URL that begins with ws:// or wss:// is needed, not 'http://***@x'" in said
