"""tools/doors.py: what docs/reference/doors.md promises of each door is a test, or a dash with its reason."""

from typing import Any

import pytest

from tools import doors

HERE = "conformance/test_doors.py::test_the_page_is_up_to_date"


def test_the_page_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["doors", "--check"])
    assert doors.main() == 0


def table(**cells: str) -> dict[str, Any]:
    return {"doors": {"one": "a door", "two": "another"}, "behaviour": [{"title": "It opens", **cells}]}


def test_a_cell_is_a_test_or_a_dash_with_its_reason() -> None:
    text = doors.page(table(one=HERE, two="-it is a wall"))
    row = "| It opens | [yes](../../tests/conformance/test_doors.py 'test_the_page_is_up_to_date') | - (1) |"
    assert row in text
    assert "1. it is a wall" in text


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"one": HERE}, "'It opens' is to have a cell for each door, and no other"),
        ({"one": HERE, "two": "-", "three": "-"}, "'It opens' is to have a cell for each door, and no other"),
        ({"one": HERE + "_not", "two": "-"}, f"'It opens': there is no test {HERE}_not"),
        ({"one": "unit/nowhere.py::test_x", "two": "-"}, "there is no file tests/unit/nowhere.py"),
    ],
)
def test_what_no_test_proves_is_not_promised(cells: dict[str, str], sentence: str) -> None:
    with pytest.raises(doors.Wrong) as caught:
        doors.page(table(**cells))
    assert str(caught.value) == sentence
