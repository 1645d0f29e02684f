"""The adapters for programs without an event loop: threads that block, over `websockets.sync`.

The names are those of the adapters on anyio, in modules of the same names, and what is a coroutine function
there is a plain function here: `from ocpp_sansio_adapters.sync.v16 import ChargePoint`, and
`from ocpp_sansio_adapters.sync.websockets import connect, serve`. Nothing in here imports anyio.
"""
