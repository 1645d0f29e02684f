"""Finds OCPP frames in any text: alone, in the lines of a log, as text within JSON, over several lines, cut
off.

A frame is given as it was sent, and not judged.
"""

import ast
import html
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from .clues import NOTHING, Clues, clues_in_members, clues_in_words

__all__ = ["Found", "find_frames", "frames_in", "looks_like_a_frame"]

#: `[2,"...`, as it stands, as text within text, or as Python writes it; an id may be a number,
#: which it must not be.
_START = re.compile(r"""\[\s*\d{1,2}(?:\.0)?\s*,\s*(?:(?P<quote>""(?=[^",\s\]])|\\*"|')|-?\d)""")
#: The beginning of one that is written over several lines, an element a line.
_OPENED = re.compile(r"\[\s*$")
_COLOURS = re.compile(r"\x1b\[[\d;]*[A-Za-z]")
_WEB = re.compile(r"\[\s*\d\s*,\s*&quot;")
_NGINX = re.compile(r"\[\s*\d\s*,\s*\\x22")
#: A line that goes on with what the line before has begun.
_CONTINUED = re.compile(r"""\s*$|\s+\S|["\]}{]""")
#: A frame that is written over more lines than this is two halves of something else.
MOST_LINES = 2000
#: JSON within JSON within JSON.
MOST_LEVELS = 4
#: How deep in the objects of a log a frame is looked for.
MOST_DEPTH = 30

#: Members of a JSON line that hold a frame and nothing else, whatever it looks like.
WHOLE = ("raw", "frame")

_decoder = json.JSONDecoder(strict=False)  # finds the end; what stands before it is judged elsewhere


@attrs.frozen(kw_only=True)
class Found:
    """A frame, the line of the log where it begins (from 1), and what was said of it there."""

    text: str
    line: int
    clues: Clues = NOTHING


def looks_like_a_frame(text: str) -> bool:
    """Whether somebody who types this means a frame, and no file."""
    return text.lstrip("\ufeff \t\r\n").startswith("[")


def find_frames(text: str) -> Iterator[Found]:
    """Every frame in a text, in order."""
    return frames_in(text.removeprefix("\ufeff").split("\n"))


def frames_in(lines: Iterable[str]) -> Iterator[Found]:
    """Every frame in these lines, in order. No line is asked for before what the ones before have is given,
    but for those over which a frame may go on.
    """
    log = _Lines(lines)
    while (line := log.next()) is not None:
        taken = 0
        number = log.number
        for text, clues, extra in _in_line(line, log):
            taken = max(taken, extra)
            yield Found(text=text, line=number, clues=clues)
        for _ in range(taken):
            log.next()


class _Lines:
    """The lines of a log, one after the other, with a view of what follows. `number` is that of the latest."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._more = iter(lines)
        self._ahead: deque[str] = deque()
        self.number = 0

    def next(self) -> str | None:
        """The next line; None at the end."""
        self.number += 1
        return self._ahead.popleft() if self._ahead else next(self._more, None)

    def __iter__(self) -> Iterator[str]:
        """The lines that follow, which stay where they are."""
        yield from tuple(self._ahead)
        while len(self._ahead) < MOST_LINES and (line := next(self._more, None)) is not None:
            self._ahead.append(line)
            yield line


def _in_line(line: str, following: Iterable[str]) -> Iterator[tuple[str, Clues, int]]:
    """The frames that begin in a line, each with how many lines more it takes."""
    line = _plain(line)
    record = _object_in(line)
    if record is not None:
        yield from ((text, clues, 0) for text, clues in _in_value(record, MOST_LEVELS))
        return
    yield from _in_words(line, following, MOST_LEVELS)


def _plain(line: str) -> str:
    """The line without the colours of a terminal, and with the quotes that web pages and nginx spell out."""
    line = _COLOURS.sub("", line) if "\x1b" in line else line
    if "&quot;" in line and _WEB.search(line):
        line = html.unescape(line)
    return line.replace(r"\x22", '"') if _NGINX.search(line) else line


def _object_in(line: str) -> dict[str, Any] | None:
    """The object of a log whose lines are JSON."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _in_value(value: Any, levels: int, name: str = "", depth: int = 0) -> Iterator[tuple[str, Clues]]:
    """The frames in a JSON value: as text, within text, or as the array itself."""
    if isinstance(value, str):
        if name in WHOLE:
            yield value, NOTHING
        elif levels:
            inner = _object_in(value)
            if inner is not None:
                yield from _in_value(inner, levels - 1)
            else:
                yield from ((text, clues) for text, clues, _ in _in_words(_plain(value), (), levels - 1))
    elif depth > MOST_DEPTH:
        return
    elif _is_frame(value):
        yield json.dumps(value, ensure_ascii=False, separators=(",", ":")), NOTHING
    elif isinstance(value, dict):
        about: Clues | None = None
        for key, item in value.items():
            for text, nearer in _in_value(item, levels, key, depth + 1):
                about = about or clues_in_members(value)
                yield text, nearer.or_else(about)
    elif isinstance(value, list):
        for item in value:
            yield from _in_value(item, levels, depth=depth + 1)


def _is_frame(value: Any) -> bool:
    match value:
        case [int(), str(), *_] if not isinstance(value[0], bool):
            return len(value) > 2
        case _:
            return False


def _in_words(line: str, following: Iterable[str], levels: int) -> Iterator[tuple[str, Clues, int]]:
    at = 0
    shared = NOTHING
    while (start := _START.search(line, at)) is not None:
        clues = clues_in_words(line[at : start.start()]).or_else(shared)
        shared = attrs.evolve(clues, way=None, sender=None)
        quote = start["quote"]
        if quote == "'":
            text, end = _as_python(line, start.start())
            extra = 0
        elif quote == '""':
            text, end = _as_csv(line, start.start())
            extra = 0
        elif quote is not None and len(quote) > 1 and levels:
            content = _escaped(line, start.start())
            end, extra = start.start() + len(content), 0
            unescaped = _unescape(content)
            texts = [text for text, _, _ in _in_words(unescaped, (), levels - 1)]
            text = texts[0] if texts else None
        else:
            text, end, extra = _as_json(line, start, following)
        if text is not None:
            yield text, clues, extra
        if extra:
            return
        at = max(end, start.end())
    opened = _OPENED.search(line, at)
    if opened is not None:
        whole = _over_lines(line[opened.start() :], following)
        start = None if whole is None else _START.match(whole[0])
        if whole is not None and start is not None and start["quote"] is not None:
            yield whole[0], clues_in_words(line[at : opened.start()]).or_else(shared), whole[1]


def _as_json(line: str, start: re.Match[str], following: Iterable[str]) -> tuple[str | None, int, int]:
    """The frame that begins there, where it ends, and how many lines more it takes; cut off where it is."""
    begin = start.start()
    try:
        value, end = _decoder.raw_decode(line, begin)
    except RecursionError:
        return line[begin:].rstrip(), len(line), 0
    except ValueError as error:
        if start["quote"] is None:
            return None, start.end(), 0
        if _runs_out(line, error):
            whole = _over_lines(line[begin:], following)
            if whole is not None:
                return whole[0], len(line), whole[1]
        other = _START.search(line, start.end())
        end = other.start() if other is not None and other["quote"] == start["quote"] else len(line)
        return _trimmed(line[begin:end]), end, 0
    if start["quote"] is None and not (
        len(value) > 2 and any(isinstance(item, (str, dict)) for item in value)
    ):
        return None, end, 0  # numbers in brackets
    return line[begin:end], end, 0


def _runs_out(line: str, error: ValueError) -> bool:
    """Whether all that is wrong is that the line ends."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(line.rstrip()) or error.msg.startswith("Unterminated string")


def _over_lines(begun: str, following: Iterable[str]) -> tuple[str, int] | None:
    """A frame that is written over several lines, and how many of those that follow it takes."""
    rest: list[str] = []
    for line in map(_plain, following):
        if not _CONTINUED.match(line) or _START.search(line):
            break
        rest.append(line)
    whole = "\n".join([begun, *rest])
    try:
        _, end = _decoder.raw_decode(whole)
    except (ValueError, RecursionError):
        text, end = _as_python(whole, 0)
        return None if text is None else (text, whole.count("\n", 0, end))
    return whole[:end], whole.count("\n", 0, end)


_TRAILING = re.compile(r"""["']?\s*$""")


def _trimmed(text: str) -> str:
    """A broken frame without the quote that a log has put round it."""
    text = text.rstrip()
    return _TRAILING.sub("", text) if text[-2:] in (']"', "]'") else text


_ESCAPED = re.compile(r'(?:[^"\\]|\\.)*')


def _escaped(line: str, begin: int) -> str:
    """What stands from there to the end of the text within quotes that it is part of."""
    found = _ESCAPED.match(line, begin)
    return found[0] if found is not None else line[begin:]


def _unescape(content: str) -> str:
    try:
        return str(json.loads(f'"{content}"', strict=False))
    except ValueError:
        return re.sub(r"\\(.)", r"\1", content)


_QUOTED = re.compile(r'(?:[^"]|"")*')


def _as_csv(line: str, begin: int) -> tuple[str | None, int]:
    """A frame in a table, whose quotes are doubled."""
    content = _QUOTED.match(line, begin)
    assert content is not None
    undoubled = content[0].replace('""', '"')
    start = _START.match(undoubled)
    return (None if start is None else _as_json(undoubled, start, ())[0]), content.end()


def _as_python(line: str, begin: int) -> tuple[str | None, int]:
    """A frame that was logged as Python or JavaScript writes a list, written as JSON."""
    end = _closing(line, begin)
    for text in (line[begin:end], _SCRIPT.sub(_pythonic, line[begin:end])):
        try:
            value = ast.literal_eval(text)
            return (json.dumps(value, separators=(",", ":")), end) if _is_frame(value) else (None, end)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None, end


#: Text, which stays as it is, or a word, which JavaScript writes without quotes.
_SCRIPT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?P<name>[A-Za-z_$][\w$]*)(?P<colon>\s*:)?""")
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "undefined": "None"}


def _pythonic(token: re.Match[str]) -> str:
    if token["name"] is None:
        return token[0]
    return f"'{token['name']}':" if token["colon"] else _CONSTANTS.get(token["name"], token["name"])


_BRACKETS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|([\[{(])|([\]})])""")


def _closing(line: str, begin: int) -> int:
    depth = 0
    for token in _BRACKETS.finditer(line, begin):
        depth += bool(token[1]) - bool(token[2])
        if depth == 0 and token[2]:
            return token.end()
    return len(line)
