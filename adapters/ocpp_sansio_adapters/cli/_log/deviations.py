"""What a replay finds, told as it is found, for people or for machines, and counted."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from .._paint import Paint
from .listening import Heard, Reading
from .machine import deviation_as_json
from .redaction import Redactor
from .spoken import Trouble
from .summary import silent
from .telling import told_of
from .words import counted

__all__ = ["Deviations"]


class Deviations:
    """`number` is how many there were so far; what is only noted is none. `unruled` names those that break no
    numbered rule.
    """

    def __init__(self, redactor: Redactor, unruled: str, *, as_json: bool, names: bool) -> None:
        self.number = 0
        self._rules: Counter[str] = Counter()
        self._redactor = redactor
        self._unruled = unruled
        self._as_json = as_json
        self._names = names
        self._paint = Paint(sys.stdout)

    def tell(self, item: Heard, troubles: Iterable[Trouble], said: str = "") -> None:
        """Tell what is wrong with a frame, if anything is; the frame all the same if something is `said` of it."""
        self._redactor.frame(item.spoken.text)  # placeholders count from the beginning, as elsewhere
        found = list(troubles)
        wrong = [trouble for trouble in found if not trouble.noted]
        self.number += len(wrong)
        self._rules.update(trouble.rule or self._unruled for trouble in wrong)
        if self._as_json:
            for trouble in found:
                print(json.dumps(deviation_as_json(item, trouble, self._redactor)), flush=bool(said))
        elif found or said:
            lines = told_of(
                item,
                self._paint,
                self._redactor,
                slow=float("inf"),
                names=self._names,
                troubles=found,
                said=said,
            )
            print(*lines, sep="\n", flush=bool(said))

    def end(self, reading: Reading, played: str) -> None:
        """Tell of all together; `played` is how much that was."""
        if self._as_json:
            print(json.dumps({"kind": "summary", "frames": len(reading.heard), "deviations": self.number}))
        else:
            print(*self._summary(reading, played), sep="\n")

    def _summary(self, reading: Reading, played: str) -> Iterator[str]:
        yield f"{played}, OCPP {reading.versions}"
        if reading.guessed:
            yield self._paint("dim", "a version was guessed; --version says otherwise")
        yield from silent(reading, "the recording")
        for broken, number in sorted(self._rules.items()):
            yield f"  {broken}  {number}"
        if self.number:
            yield self._paint("red", counted(self.number, "deviation"))
        else:
            yield self._paint("green", "no deviation")
