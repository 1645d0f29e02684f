"""Finds OCPP frames in any text: alone, in the lines of a log, as text within JSON, over several lines, cut
off.

A frame is given as it was sent, and not judged.
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from .clues import NOTHING, Clues, clues_in_members, clues_in_words

__all__ = ["Found", "find_frames", "looks_like_a_frame"]

#: `[2,"...`, as it stands, as text within text, or as Python writes it; an id may be a number,
#: which it must not be.
_START = re.compile(r"""\[\s*\d{1,2}(?:\.0)?\s*,\s*(?:(?P<quote>\\*"|')|-?\d)""")
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
    lines = text.removeprefix("\ufeff").splitlines()
    number = 0
    while number < len(lines):
        taken = 1
        for found, extra in _in_line(lines, number):
            taken = max(taken, 1 + extra)
            yield found
        number += taken


def _in_line(lines: Sequence[str], number: int) -> Iterator[tuple[Found, int]]:
    """The frames that begin in a line, each with how many lines more it takes."""
    line = lines[number]
    record = _object_in(line)
    if record is not None:
        clues = clues_in_members(record)
        for text, nearer in _in_value(record, MOST_LEVELS):
            yield Found(text=text, line=number + 1, clues=clues.or_else(nearer)), 0
        return
    for text, clues, extra in _in_words(line, lines[number + 1 : number + 1 + MOST_LINES], MOST_LEVELS):
        yield Found(text=text, line=number + 1, clues=clues), extra


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
                yield from ((text, clues) for text, clues, _ in _in_words(value, (), levels - 1))
    elif depth > MOST_DEPTH:
        return
    elif _is_frame(value):
        yield json.dumps(value, ensure_ascii=False, separators=(",", ":")), NOTHING
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _in_value(item, levels, key, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _in_value(item, levels, depth=depth + 1)


def _is_frame(value: Any) -> bool:
    match value:
        case [int(), str(), *_] if not isinstance(value[0], bool):
            return len(value) > 2
        case _:
            return False


def _in_words(line: str, following: Sequence[str], levels: int) -> Iterator[tuple[str, Clues, int]]:
    at = 0
    shared = NOTHING
    while (start := _START.search(line, at)) is not None:
        clues = clues_in_words(line[at : start.start()]).or_else(shared)
        shared = attrs.evolve(clues, way=None, sender=None)
        quote = start["quote"]
        if quote == "'":
            text, end = _as_python(line, start.start())
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


def _as_json(line: str, start: re.Match[str], following: Sequence[str]) -> tuple[str | None, int, int]:
    """The frame that begins there, where it ends, and how many lines more it takes; cut off where it is."""
    begin = start.start()
    try:
        value, end = _decoder.raw_decode(line, begin)
    except RecursionError:
        return line[begin:].rstrip(), len(line), 0
    except ValueError as error:
        if start["quote"] is None:
            return None, start.end(), 0
        if following and _runs_out(line, error):
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


def _over_lines(begun: str, following: Sequence[str]) -> tuple[str, int] | None:
    """A frame that is written over several lines, and how many of those that follow it takes."""
    rest: list[str] = []
    for line in following:
        if not _CONTINUED.match(line) or _START.search(line):
            break
        rest.append(line)
    whole = "\n".join([begun, *rest])
    try:
        _, end = _decoder.raw_decode(whole)
    except (ValueError, RecursionError):
        return None
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


def _as_python(line: str, begin: int) -> tuple[str | None, int]:
    """A frame that was logged as Python writes a list, written as JSON."""
    end = _closing(line, begin)
    try:
        value = ast.literal_eval(line[begin:end])
        return (json.dumps(value, separators=(",", ":")), end) if _is_frame(value) else (None, end)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None, end


_BRACKETS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|([\[{(])|([\]})])""")


def _closing(line: str, begin: int) -> int:
    depth = 0
    for token in _BRACKETS.finditer(line, begin):
        depth += bool(token[1]) - bool(token[2])
        if depth == 0 and token[2]:
            return token.end()
    return len(line)
