"""A charge point and its central system in one process: whatever one sends, the other receives."""

from ocpp_sansio import CallReceived, Connection, Role, Version
from ocpp_sansio.v16 import call, call_result

station = Connection(Role.CHARGING_STATION, Version.V16)
csms = Connection(Role.CSMS, Version.V16)

boot = station.call(call.BootNotification(charge_point_vendor="acme", charge_point_model="One"), now=0.0)
while text := station.next_frame():
    csms.receive_text(text, now=0.1)

match csms.next_event():
    case CallReceived(request=call.BootNotification(charge_point_vendor=vendor)) as received:
        print(f"CSMS: a charge point made by {vendor} has booted")
        time = "2025-01-01T12:00:00Z"
        csms.reply(received, call_result.BootNotification(status="Accepted", current_time=time, interval=300))
while text := csms.next_frame():
    station.receive_text(text, now=0.2)

if answer := boot.response_in(station.next_event()):
    print(f"station: {answer.status}, a heartbeat every {answer.interval} seconds")
