"""run.py: what it decides. Its tools, pip and the virtual environment are stand-ins here."""

import ast
import importlib.util
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import run

SOURCE = Path(run.__file__)

PYPROJECT = """
[dependency-groups]
test = ["pytest", { include-group = "build" }]
build = ["hatchling"]
dev = [{ include-group = "test" }, { include-group = "build" }, "ruff"]
"""


class Steps(list[str]):
    """What was done to the environment, in order."""


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """A repository of its own, in which making and filling .venv is only written down."""
    steps = Steps()

    def create() -> None:
        steps.append("create")
        run.ENVIRONMENT.mkdir(exist_ok=True)

    for name, path in {
        "ROOT": tmp_path,
        "PYPROJECT": tmp_path / "pyproject.toml",
        "ENVIRONMENT": tmp_path / ".venv",
        "STAMP": tmp_path / ".venv" / "stamp",
        "LOCK": tmp_path / ".venv.lock",
    }.items():
        monkeypatch.setattr(run, name, path)
    monkeypatch.setattr(run, "create_environment", create)
    monkeypatch.setattr(run, "install", lambda: steps.append("install"))
    run.PYPROJECT.write_text(PYPROJECT)
    return steps


@pytest.fixture
def given_way(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The tools that were started; each ends with status 5. The environment counts as prepared."""
    started: list[list[str]] = []

    def give_way(arguments: list[str]) -> int:
        started.append(arguments)
        return 5

    monkeypatch.setattr(run, "prepare_environment", lambda: None)
    monkeypatch.setattr(run, "add", lambda group, sentence: None)
    monkeypatch.setattr(run, "give_way", give_way)
    return started


def outcomes(monkeypatch: pytest.MonkeyPatch, failing: str = "") -> list[str]:
    """Let `captured` fail for commands that contain a word; return the list that it keeps of all."""
    commands: list[str] = []

    def captured(command: list[str]) -> tuple[int, str]:
        commands.append(" ".join(command))
        failed = bool(failing) and failing in commands[-1]
        return int(failed), f"words of {command[-1]}"

    monkeypatch.setattr(run, "captured", captured)
    return commands


def test_source_parses_on_python_3_6() -> None:
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_old_python_is_told_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SOURCE), run_name="__main__")
    monkeypatch.undo()
    sentence = ended.value.code  # being text, Python prints it on stderr and ends with status 1
    assert isinstance(sentence, str)
    assert "Python 3.11 or newer is needed, and this is 3.10" in sentence
    assert "python3.11 run.py" in sentence


def test_included_group_stands_in_its_place() -> None:
    groups = {
        "a": ["first", {"include-group": "b"}, "last"],
        "b": ["middle", {"include-group": "c"}],
        "c": ["nested"],
    }
    assert list(run.requirements(groups, "a")) == ["first", "middle", "nested", "last"]


def test_a_requirement_of_two_groups_is_installed_once(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    run.ENVIRONMENT.mkdir()
    commands = outcomes(monkeypatch)
    run.add("dev", "")
    [command] = commands
    assert command.endswith(" pytest hatchling ruff")


def test_group_that_includes_itself_is_refused() -> None:
    groups = {"a": [{"include-group": "b"}], "b": [{"include-group": "a"}]}
    with pytest.raises(run.Failure, match=r"'a' in .* includes itself"):
        list(run.requirements(groups, "a"))


def test_unknown_group_is_refused() -> None:
    with pytest.raises(run.Failure, match="no dependency group 'tset'"):
        list(run.requirements({"dev": [{"include-group": "tset"}]}, "dev"))


def tools() -> list[str]:
    groups = tomllib.loads(run.PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    return [*run.requirements(groups, run.TOOLS)]


def test_everything_in_our_own_groups_is_installed() -> None:
    for name in ("pytest", "hypothesis", "ocpp", "ruff", "mypy", "pyright", "build", "sphinx"):
        assert any(requirement.startswith(name) for requirement in tools())


def test_groups_of_single_commands_are_not_installed_for_all() -> None:
    assert not any(requirement.startswith(("atheris", "mutmut", "uvloop")) for requirement in tools())


def test_the_demo_waits_for_no_tools(given_way: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[str] = []
    monkeypatch.setattr(run, "add", lambda group, sentence: added.append(group))
    assert run.installation() == ["--editable", ".[websockets,trio,testing]"]
    run.main(["demo"])
    assert added == []
    run.main(["fuzz", "text"])
    assert added == ["dev", "fuzz"]


@pytest.fixture
def searching(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """A repository with a prepared environment and a group that not everybody needs."""
    run.PYPROJECT.write_text('[dependency-groups]\ndev = []\nfuzz = ["needle"]\n')
    run.ENVIRONMENT.mkdir()
    (run.ENVIRONMENT / "stamp-dev").write_text(run.digest())
    monkeypatch.setattr(run, "prepare_environment", lambda: None)
    monkeypatch.setattr(run, "give_way", lambda arguments: steps.append(" ".join(arguments)) or 5)
    return steps


def test_a_group_is_added_once_and_again_when_it_changes(
    searching: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = outcomes(monkeypatch)
    for _ in range(2):
        assert run.main(["fuzz", "text"]) == 5
    assert searching == ["-m fuzz text"] * 2
    assert [command.split(" install ")[1] for command in commands] == ["--only-binary=:all: needle"]
    assert capsys.readouterr().err == "Installing the group fuzz (once) ...\n"
    run.PYPROJECT.write_text('[dependency-groups]\ndev = []\nfuzz = ["needle>=2"]\n')
    run.main(["fuzz", "text"])
    assert commands[1].endswith("needle>=2")


def test_fuzzing_goes_on_without_atheris_and_says_so(
    searching: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes(monkeypatch, failing="pip")
    assert run.main(["fuzz", "verdicts"]) == 5
    assert searching == ["-m fuzz verdicts"]
    assert "targets that need it are skipped" in capsys.readouterr().err


def test_mutation_needs_its_tool(
    searching: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.PYPROJECT.write_text('[dependency-groups]\ndev = []\nmutation = ["needle"]\n')
    outcomes(monkeypatch, failing="pip")
    assert run.main(["mutate", "_frames"]) == 1
    assert searching == []
    assert "installing mutmut failed" in capsys.readouterr().err
    outcomes(monkeypatch)
    assert run.main(["mutate", "_frames"]) == 5
    assert searching == ["tools/mutate.py _frames"]


def test_missing_environment_is_made(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    run.prepare_environment()
    assert steps == ["create", "install"]
    assert capsys.readouterr().err == "Preparing .venv (once) ...\n"


def test_fitting_environment_is_left_alone(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    run.prepare_environment()
    steps.clear()
    capsys.readouterr()
    run.prepare_environment()
    assert steps == []
    assert capsys.readouterr().err == ""


def test_changed_pyproject_is_installed_on_top(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    run.prepare_environment()
    steps.clear()
    run.PYPROJECT.write_text(PYPROJECT + "# another line\n")
    run.prepare_environment()
    assert steps == ["install"]
    assert "Refreshing .venv" in capsys.readouterr().err


def test_changed_recipe_is_installed_on_top(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    run.prepare_environment()
    steps.clear()
    monkeypatch.setattr(run, "EXTRAS", ["websockets"])
    run.prepare_environment()
    assert steps == ["install"]


@pytest.mark.parametrize("what", ["python", "base", "root"])
def test_other_python_or_folder_builds_afresh(
    what: str, steps: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.prepare_environment()
    steps.clear()
    if what == "python":
        monkeypatch.setattr(sys, "version", "3.99")
    elif what == "base":
        monkeypatch.setattr(sys, "base_prefix", "elsewhere")
    else:
        monkeypatch.setattr(run, "ROOT", tmp_path / "copy")
    run.prepare_environment()
    assert steps == ["create", "install"]


@pytest.mark.parametrize("before", ["nothing", "an environment"])
def test_interrupted_installation_leaves_no_stamp(
    before: str, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before == "an environment":
        run.prepare_environment()
        run.PYPROJECT.write_text(PYPROJECT + "# another line\n")

    monkeypatch.setattr(run, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.prepare_environment()
    assert run.found_stamp() is None


@pytest.mark.parametrize("content", ["", "half", "one two three"])
def test_environment_with_a_broken_stamp_is_built_afresh(content: str, steps: Steps) -> None:
    run.prepare_environment()
    steps.clear()
    run.STAMP.write_text(content)
    run.prepare_environment()
    assert steps == ["create", "install"]


def test_second_run_waits_and_finds_the_work_done(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run.LOCK.open("a")
    assert run.locked(first)

    def first_finishes(seconds: float) -> None:
        run.ENVIRONMENT.mkdir()
        run.STAMP.write_text("\n".join(run.wanted_stamp()))
        first.close()

    monkeypatch.setattr("time.sleep", first_finishes)
    run.prepare_environment()
    assert steps == []
    assert capsys.readouterr().err == "Waiting for another run.py, which is preparing .venv ...\n"


def test_lock_is_given_back_after_a_failure(steps: Steps) -> None:
    with pytest.raises(run.Failure), run.exclusive():
        raise run.Failure
    with run.LOCK.open("a") as file:
        assert run.locked(file)


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_python_without_venv_is_told_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "prepare_environment", run.create_environment)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else object())
    assert run.main(["test"]) == 1
    sentence = capsys.readouterr().err
    assert f"comes without the module {missing}" in sentence
    assert "apt install python3-venv" in sentence
    assert sentence.count("\n") == 1


@pytest.mark.parametrize(
    ("step", "sentence"),
    [("create_environment", "making .venv failed"), ("install", "if there is no network, connect")],
)
def test_failed_preparation_shows_the_output_and_says_what_to_do(
    step: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = outcomes(monkeypatch, failing="-m")
    monkeypatch.setattr(run, "prepare_environment", getattr(run, step))
    assert run.main(["test"]) == 1
    assert len(commands) == 1
    output, verdict = capsys.readouterr().err.splitlines()
    assert output.startswith("words of ")
    assert verdict.startswith("run.py: ")
    assert sentence in verdict


def test_unwritable_folder_is_a_sentence(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "LOCK", run.ROOT / "missing" / "lock")
    assert run.main(["test"]) == 1
    sentence = capsys.readouterr().err
    assert sentence.startswith("run.py: ")
    assert sentence.count("\n") == 1
    assert steps == []


def test_successful_preparation_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes(monkeypatch)
    run.create_environment()
    run.install()
    assert capsys.readouterr() == ("", "")


def test_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(run, "prepare_environment", interrupted)
    assert run.main(["test"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_lists_each_command_with_a_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in ("demo", "test", "check", "bench"):
        assert any(line.split()[:1] == [name] and line.endswith(".") for line in lines)


def test_unknown_command_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["tset"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("run.py: there is no command 'tset'.")
    assert "bench" in captured.err


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["demo", "--stations", "20"], ["-m", "ocpp_sansio_adapters.cli.demo", "--stations", "20"]),
        (["demo", "--help"], ["-m", "ocpp_sansio_adapters.cli.demo", "--help"]),
        (["bench"], ["-m", "benchmarks"]),
        (["fuzz", "text"], ["-m", "fuzz", "text"]),
        (["test", "-k", "snapshot"], ["-m", "pytest", "-k", "snapshot"]),
    ],
)
def test_arguments_and_exit_status_pass_through(
    arguments: list[str], command: list[str], given_way: list[list[str]]
) -> None:
    assert run.main(arguments) == 5
    assert given_way == [command]


def test_whole_suite_is_measured(given_way: list[list[str]]) -> None:
    run.main(["test"])
    assert {"-n", "--cov"} < set(given_way[0])


def test_tool_takes_over_with_its_exit_status(tmp_path: Path) -> None:
    program = "import run, sys; run.PYTHON = sys.executable; run.give_way(['-c', 'raise SystemExit(7)'])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SOURCE.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7
    assert done.stdout == ""
    assert done.stderr == "$ python -c 'raise SystemExit(7)'\n"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[str]]]:
    """Run `check` with stand-ins of which some fail; return its exit status and what it ran."""
    monkeypatch.setattr(run, "prepare_environment", lambda: None)
    monkeypatch.setattr(run, "add", lambda group, sentence: None)
    monkeypatch.setenv("PYRIGHT_PYTHON_IGNORE_WARNINGS", "")  # so that it is restored

    def check(*arguments: str, failing: str = "") -> tuple[int, list[str]]:
        commands = outcomes(monkeypatch, failing)
        return run.main(["check", *arguments]), commands

    return check


def test_check_passes_when_every_step_does(
    check: Callable[..., tuple[int, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    status, commands = check()
    *lines, verdict = capsys.readouterr().out.splitlines()
    assert status == 0
    assert len(commands) == len(lines) == len(run.CHECKS)
    assert verdict.startswith("all passed")


def test_check_goes_on_after_a_failure_and_names_it(
    check: Callable[..., tuple[int, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    status, commands = check(failing="ruff")
    output = capsys.readouterr().out
    assert status == 1
    assert len(commands) == len(run.CHECKS)
    assert "words of ." in output
    assert output.splitlines()[-1].startswith("failed: ruff format, ruff check (")


def test_check_fix_repairs_and_checks_nothing(check: Callable[..., tuple[int, list[str]]]) -> None:
    status, commands = check("--fix")
    assert status == 0
    assert len(commands) == len(run.FIXES)
    assert not any("--check" in command or "mypy" in command for command in commands)


def test_check_refuses_other_arguments(
    check: Callable[..., tuple[int, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--fxi") == (1, [])
    assert "no argument but --fix" in capsys.readouterr().err


def test_captured_merges_output_and_keeps_the_status() -> None:
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert run.captured([sys.executable, "-c", program]) == (3, "out\nerr")
