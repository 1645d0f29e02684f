"""Adapters that bind `ocpp_sansio.Connection` to sockets, event loops and frameworks: one module per door,
imported by name.
"""
