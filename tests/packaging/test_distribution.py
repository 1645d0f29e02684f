"""The sdist and the wheel, built as for a release: what is in them, and that it imports."""

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"ocpp_sansio": ROOT / "src", "ocpp_sansio_adapters": ROOT / "adapters"}


def build(target: Path, *options: str) -> Path:
    """Build with the installed hatchling, so that no network is needed; return the folder."""
    command = [sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", str(target), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the tree as it stands."""
    (wheel,) = build(tmp_path_factory.mktemp("tree"), "--wheel").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that was built from it."""
    return build(tmp_path_factory.mktemp("release"))


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def modules() -> dict[str, bytes]:
    """Every file of both packages, as it stands in the repository."""
    return {
        path.relative_to(parent).as_posix(): path.read_bytes()
        for package, parent in PACKAGES.items()
        for path in (parent / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_holds_both_packages_and_nothing_else(wheel: Path) -> None:
    packaged = {name: data for name, data in content(wheel).items() if ".dist-info/" not in name}
    assert packaged.keys() == modules().keys()
    assert packaged == modules()


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_is_typed(package: str, wheel: Path) -> None:
    assert f"{package}/py.typed" in content(wheel)


def test_wheel_carries_the_licence(wheel: Path) -> None:
    (name,) = (name for name in content(wheel) if name.endswith("/METADATA"))
    assert message_from_bytes(content(wheel)[name])["License-Expression"] == "MIT"
    assert name.replace("METADATA", "licenses/LICENSE") in content(wheel)


def test_wheel_of_the_sdist_is_the_same(wheel: Path, release: Path) -> None:
    assert content(release / wheel.name) == content(wheel)


def test_sdist_holds_what_its_tests_need(release: Path) -> None:
    (sdist,) = release.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    assert {"src", "adapters", "tests", "tools", "run.py", "Makefile", "pyproject.toml", "README.md"} <= top
    assert not any(name.startswith(".venv") for name in top)


@pytest.mark.parametrize("package", PACKAGES)
def test_package_imports_from_the_wheel(package: str, wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    # -I and the first place on the path: the editable installation must not answer instead.
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {package} as p; print(p.__file__)"
    done = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True)
    assert Path(done.stdout.strip()) == tmp_path / package / "__init__.py"
