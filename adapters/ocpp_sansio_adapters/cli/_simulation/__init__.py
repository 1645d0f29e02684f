"""A charging station and a CSMS that behave plausibly, of all versions."""
