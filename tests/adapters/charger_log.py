"""A log for the tests of `decode`, the frames of such logs, and what `decode --json` says of one."""

import json

from ocpp_sansio_adapters.cli.main import main

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
ACCEPTED = {"status": "Accepted", "currentTime": "2026-05-01T12:00:00Z", "interval": 300}
NOW = "2026-05-01T12:00:00Z"

#: A log as mobilityhouse's and our ChargePoint write it at a CSMS, with a time before each line.
LOG = """\
2026-05-01 12:00:00 INFO:ocpp:CP_1: receive message [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
2026-05-01 12:00:00,250 INFO:ocpp:CP_1: send [3,"1",{"status":"Accepted","currentTime":"2026-05-01T12:00:00Z","interval":300}]
2026-05-01 12:00:01 INFO:ocpp:CP_1: receive message [2,"2","StatusNotification",{"connectorId":1,"errorCode":"Error","status":"Faulted"}]
2026-05-01 12:00:02,000 INFO:ocpp:CP_1: send [4,"2","PropertyConstraintViolation","no",{}]
2026-05-01 12:00:03,000 INFO:ocpp:CP_2: receive message [2,"1","Authorize",{"idTag":"04E91C5A123456"}]
2026-05-01 12:00:09,500 INFO:ocpp:CP_2: send [3,"1",{"idTagInfo":{"status":"Accepted"}}]
2026-05-01 12:00:10,000 INFO:ocpp:CP_1: send [2,"r","Reset",{"type":"Soft"}]
2026-05-01 12:00:20,000 INFO:ocpp:CP_2: receive message [2,"2","MeterValues",{"connectorId":1,"meterVal
"""


def call(action, payload, id="1"):
    return json.dumps([2, id, action, payload])


def result(payload, id="1"):
    return json.dumps([3, id, payload])


def decoded(capsys, *arguments):
    """The status, and the lines of `decode --json` but for the summary, and that."""
    status = main(["decode", *arguments, "--json"])
    *lines, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert summary["kind"] == "summary"
    return status, lines, summary
