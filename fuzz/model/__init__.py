"""A model of two peers on a faulty wire. `python3 run.py fuzz model --steps N`.

Every rule of the machine happens to a `Connection` and to an oracle, which is a second, simpler description of
the same promises; after every step both must agree. To read what a connection promises, begin with `oracle`,
go on with `hearing`; `machine` lists what may happen, `peer` what is compared.

Frames and events are pulled at any time, soon or late. The oracle knows but one order of each, so pulling
early and pulling late give the same, with two exceptions that are part of the promise: a call whose frame was
not pulled is one that the peer cannot have seen (`PendingCall.released`), and what is not pulled counts
towards `Limits.undrained`.
"""

from .command import main
from .machine import Model
from .peer import Disagreement

__all__ = ["Disagreement", "Model", "main"]
