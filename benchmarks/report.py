"""Tables of figures, and goals that are met or not. Knows nothing of what was measured."""

from collections.abc import Sequence
from typing import Any

import attrs

__all__ = ["Check", "Row", "Table", "at_least", "at_most"]


@attrs.frozen
class Check:
    """A figure and its goal. `value` None could not be measured, and is no success."""

    what: str
    value: float | None
    goal: float
    more_is_better: bool

    @property
    def met(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal

    @property
    def limit(self) -> str:
        return f"{'at least' if self.more_is_better else 'at most'} {self.goal:g}"

    def __str__(self) -> str:
        value = "not measurable" if self.value is None else f"{self.value:.3g}"
        return f"{self.what}: {value}, goal {self.limit}: {'met' if self.met else 'NOT MET'}"


def at_least(what: str, value: float | None, goal: float) -> Check:
    """More is better."""
    return Check(what, value, goal, True)


def at_most(what: str, value: float | None, goal: float) -> Check:
    """Less is better."""
    return Check(what, value, goal, False)


@attrs.frozen
class Row:
    """A cell of None is printed as a dash: the contender cannot do this, and `remark` says why."""

    name: str
    cells: Sequence[float | None]
    checks: Sequence[Check] = ()
    remark: str = ""

    @property
    def verdict(self) -> str:
        missed = [f"{check.what} {check.limit}" for check in self.checks if not check.met]
        words = ["NOT MET (" + ", ".join(missed) + ")"] if missed else ["met"] if self.checks else []
        return "; ".join([*words, self.remark] if self.remark else words)


@attrs.frozen
class Table:
    """One group of rows; `checks` are about all of them together."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    checks: Sequence[Check] = ()

    def __str__(self) -> str:
        widths = [max(9, len(column) + 2) for column in self.columns]
        first = max(len(row.name) for row in self.rows)
        head = "".join(f"{column:>{width}}" for column, width in zip(self.columns, widths, strict=True))
        lines = [self.title, f"{'':{first}}{head}"]
        for row in self.rows:
            cells = "".join(f"{_shown(cell):>{width}}" for cell, width in zip(row.cells, widths, strict=True))
            lines.append(f"{row.name:{first}}{cells}  {row.verdict}".rstrip())
        return "\n".join([*lines, *(f"* {check}" for check in self.checks), ""])

    def as_json(self) -> dict[str, Any]:
        """Everything that was printed, and each goal with its figure."""
        rows = [
            {
                "name": row.name,
                **dict(zip(self.columns, row.cells, strict=True)),
                "goals": list(map(_judged, row.checks)),
                **({"remark": row.remark} if row.remark else {}),
            }
            for row in self.rows
        ]
        return {"title": self.title, "rows": rows, "goals": list(map(_judged, self.checks))}


def _shown(cell: float | None) -> str:
    if cell is None:
        return "-"
    return f"{cell:.0f}" if abs(cell) >= 1000 else f"{cell:.1f}" if abs(cell) >= 100 else f"{cell:.2f}"


def _judged(check: Check) -> dict[str, Any]:
    return {"what": check.what, "value": check.value, "goal": check.limit, "met": check.met}
