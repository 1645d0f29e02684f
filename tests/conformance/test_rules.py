"""The table of the wire rules: who cites what, what is missing, and that the real one is in order.

The made-up sources stand outside of the tests, where ids do not count as citations.
"""

from pathlib import Path

import pytest

from tools.rules import PREFIXES, Rules, Wrong, citations, main, problems, read_rules, read_tests, render

ROOT = Path(__file__).resolve().parents[2]

RULES = """
[chapters]
1 = "Weather"
2 = "Frames"

[reasons]
application = "somebody else's business"

[rules]
101 = [{ of = "J*", title = "It rains", left = "application: opens the umbrella" }]
201 = [{ of = "J*", title = "Frames have corners" }, { of = "L", title = "Round ones are cut" }]
202 = [{ of = "J201 J21", title = "Corners are sharp" }]
"""

TESTS = '''
"""Says J16-201 to nobody."""

import pytest

# J16-201: not in a test either
def helper() -> None:
    """J16-201"""


def test_docstring() -> None:
    """Four corners (J16-201)."""


async def test_comment() -> None:
    frame = "J21-201 is data here"
    assert frame  # L-201, J201-202


@pytest.mark.parametrize(
    "corner",
    [
        pytest.param(1, id="J*-202"),  # J16-101
        pytest.param(2, marks=pytest.mark.rule("J201-201")),
    ],
)
def test_decorators(corner: int) -> None:
    def inside() -> None:
        """J21-201"""

    # L-2012345, XJ16-201 and AL-201 look like ids
    inside()


class TestMore:
    """J16-201"""

    class TestDeeper:
        def test_method(self) -> None:
            """Holds J*-201, J*-999 and J16-202."""
'''

CITED = {
    "test_docstring": {"J16-201"},
    "test_comment": {"L-201", "J201-202"},
    "test_decorators": {"J201-202", "J21-202", "J16-101", "J201-201"},
    "TestMore::TestDeeper::test_method": {"J16-201", "J201-201", "J21-201", "J*-999", "J16-202"},
}

# Cites each rule above that is not left.
GOOD_TEST = """
def test_corners() -> None:
    assert True  # J*-201, L-201, J*-202
"""

BROKEN = {
    "twice": ('202 = [{ of = "J201 J21"', '202 = [{ of = "J21 J21"', "a rule of topic 202 is listed twice"),
    "again": ('202 = [{ of = "J201 J21"', '"0201" = [{ of = "J16"', "a rule of topic 0201 is listed twice"),
    "prefix": ("J201 J21", "J201 J22", "topic 202 is of 'J22'"),
    "chapter": ("202 = [", "302 = [", "topic 302 belongs to no chapter"),
    "reason": ("application: opens", "weather: opens", "topic 101 is left for 'weather: opens the umbrella'"),
    "no reason": ('"application: opens the umbrella"', '""', "topic 101 is left for ''"),
    "key": ("left = ", "because = ", "an entry of topic 101 has other keys"),
}

NOTHING_TO_SAY = {
    **{id: {"unit/test_a.py::test_a"} for id in ("J16-201", "J201-201", "J21-201", "L-201")},
    **{id: {"unit/test_a.py::test_b"} for id in ("J201-202", "J21-202")},
}


@pytest.fixture
def rules() -> Rules:
    return read_rules(RULES)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository in which each rule that is not left is cited by a test."""
    write(tmp_path / "tests/conformance/rules.toml", RULES)
    write(tmp_path / "tests/unit/test_corners.py", GOOD_TEST)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_rules_are_spelt_out(rules: Rules) -> None:
    assert [topic.ids for topic in rules.topics] == [
        ("J16-101", "J201-101", "J21-101"),
        ("J16-201", "J201-201", "J21-201"),
        ("L-201",),
        ("J201-202", "J21-202"),
    ]


@pytest.mark.parametrize("case", BROKEN)
def test_a_list_that_does_not_add_up_is_refused(case: str) -> None:
    good, bad, complaint = BROKEN[case]
    assert good in RULES
    with pytest.raises(Wrong, match=f"^{complaint}"):
        read_rules(RULES.replace(good, bad))


def test_a_citation_is_in_the_docstring_the_decorators_or_a_comment_of_a_test(rules: Rules) -> None:
    assert dict(citations(TESTS, rules.ids)) == CITED


def test_all_test_files_are_read(rules: Rules, tmp_path: Path) -> None:
    for name in ("unit/test_a.py", "deep/er/test_b.py", "unit/test_c.txt"):
        write(tmp_path / name, GOOD_TEST)
    found = read_tests(tmp_path, rules.ids)
    assert found.keys() == {"J16-201", "J201-201", "J21-201", "L-201", "J201-202", "J21-202"}
    assert found["L-201"] == {"unit/test_a.py::test_corners", "deep/er/test_b.py::test_corners"}


def test_no_problem_where_each_rule_is_either_cited_or_left(rules: Rules) -> None:
    assert list(problems(rules, NOTHING_TO_SAY)) == []


def test_a_rule_that_is_neither_cited_nor_left_is_a_problem(rules: Rules) -> None:
    tests = {id: names for id, names in NOTHING_TO_SAY.items() if not id.endswith("1-202")}
    assert list(problems(rules, tests)) == [
        "J201-202, J21-202 (Corners are sharp): neither cited by a test nor left"
    ]


def test_a_rule_that_is_both_cited_and_left_is_a_problem(rules: Rules) -> None:
    tests = {**NOTHING_TO_SAY, "J21-101": {"test_a.py::test_a"}}
    assert list(problems(rules, tests)) == [
        "J21-101 is cited by test_a.py::test_a and left all the same; remove one of both"
    ]


def test_a_citation_of_no_rule_is_a_problem(rules: Rules) -> None:
    tests = {**NOTHING_TO_SAY, "J16-202": {"test_b.py::test_b", "test_a.py::test_a"}}
    assert list(problems(rules, tests)) == [
        "J16-202 is no rule, but test_a.py::test_a cites it; correct the id"
    ]


def test_rules_with_the_same_tests_share_a_row(rules: Rules) -> None:
    tests = {"J16-201": {"a::b", "a::a"}, "J201-201": {"a::c"}, "J21-201": {"a::a", "a::b"}}
    text = render(rules, tests)
    assert "Of 9 rules, 3 are each cited by a test (paths are below `tests/`), and 3 are left" in text
    assert text[text.index("* **") :].splitlines() == [
        "* **application**: somebody else's business",
        "",
        "## 1 Weather",
        "",
        "| rules | about | tests, or why left |",
        "|---|---|---|",
        "| J16-101, J201-101, J21-101 | It rains | application: opens the umbrella |",
        "",
        "## 2 Frames",
        "",
        "| rules | about | tests, or why left |",
        "|---|---|---|",
        "| J16-201, J21-201 | Frames have corners | `a::a`, `a::b` |",
        "| J201-201 | Frames have corners | `a::c` |",
        "| L-201 | Round ones are cut | none yet |",
        "| J201-202, J21-202 | Corners are sharp | none yet |",
    ]


def test_of_many_tests_a_few_are_shown(rules: Rules) -> None:
    text = render(rules, {"L-201": {f"a::{number}" for number in range(5)}})
    assert "| Round ones are cut | `a::0`, `a::1`, `a::2`, and 2 more |" in text


def test_what_was_written_passes_the_check(root: Path) -> None:
    assert main([], root) == 0
    assert main(["--check"], root) == 0


def test_the_check_notices_a_table_that_is_missing_or_out_of_date(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    complaint = "rules.py: docs/reference/wire-rules.md is out of date; run `python -m tools.rules`\n"
    assert main(["--check"], root) == 1
    assert capsys.readouterr().err == complaint
    assert not (root / "docs").exists()
    main([], root)
    write(root / "tests/unit/test_corners.py", GOOD_TEST.replace("test_corners", "test_edges"))
    assert main(["--check"], root) == 1
    assert capsys.readouterr().err == complaint


def test_problems_are_told_when_writing_too(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root / "tests/unit/test_corners.py", "")
    assert main([], root) == 1
    assert len(capsys.readouterr().err.splitlines()) == 3
    assert "none yet" in (root / "docs/reference/wire-rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["[rules", RULES + "201 = 1", RULES.replace("J*", "J22")])
def test_a_list_that_is_refused_is_told_in_a_sentence(
    text: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(root / "tests/conformance/rules.toml", text)
    assert main(["--check"], root) == 1
    assert capsys.readouterr().err.startswith("rules.py: rules.toml: ")


def test_the_list_has_all_rules() -> None:
    rules = read_rules((ROOT / "tests/conformance/rules.toml").read_text(encoding="utf-8"))
    counts = {prefix: sum(id.startswith(f"{prefix}-") for id in rules.ids) for prefix in PREFIXES}
    # 331 when those that the wire rules write with a star, for all three versions at once, are not counted.
    assert counts == {"J16": 112, "J201": 124, "J21": 127, "L": 30}
    assert len(rules.ids) == 393


def test_every_rule_is_tested_or_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err
