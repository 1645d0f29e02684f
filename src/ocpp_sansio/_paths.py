"""Where in a payload something stands, written like `$.meterValue[2].timestamp`. Costs no more than it must
look at.

Objects are told apart by identity: parsed JSON never holds one twice.
"""

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["between", "paths_to", "quoted", "smallest", "step"]

LONGEST_PATH = 1000  # characters; data that contains itself has no end


def step(key: object) -> str:
    """One step of a path: `.member`, or `[index]`. A key of an object may be odd if it does not come from JSON."""
    if not isinstance(key, str):
        return f"[{quoted(key)}]"
    return f".{key}" if key.isidentifier() and len(key) <= 60 else f"[{quoted(key)}]"


def quoted(text: object) -> str:
    """Text of a peer, short enough to repeat; or what a parser of the user's has made of it."""
    if not isinstance(text, str):
        return f"{text!r:.40}"
    return repr(text if len(text) <= 40 else text[:37] + "...")


def between(chain: Iterable[Any]) -> str:
    """The path through a chain of objects, the root first: each next one is a member of the one before, or an
    element of a list that is.
    """
    path, above = "$", None
    for node in chain:
        if above is not None:
            path += _to_child(above, node)
        above = node
    return path


def _to_child(above: Any, child: Any) -> str:
    for key, value in above.items():
        if value is child:
            return step(key)
        if type(value) is list:
            for index, element in enumerate(value):
                if element is child:
                    return f"{step(key)}[{index}]"
    return ""  # made by nobody: the chain comes from the decoders


def smallest(value: Any, good: Callable[[Any], bool]) -> tuple[str, Any]:
    """Where the first smallest part of JSON data is that is not good, the whole being bad; and that part."""
    path = "$"
    while len(path) < LONGEST_PATH:
        bad = ((k, part) for k, part in _parts(value) if isinstance(k, (str, int)) and not good(part))
        key, part = next(bad, (None, None))
        if key is None:
            break
        path, value = path + step(key), part
    return path, value


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    """The members of an object by name, the elements of an array by index."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def paths_to(root: Any, nodes: Iterable[Any]) -> dict[int, str]:
    """The path of each of these objects within a payload, by `id`.

    One walk for all, and no text but for what is found.
    """
    wanted = {id(node) for node in nodes}
    found: dict[int, str] = {}
    # How one gets there, as linked (before, key); what is there.
    trail: list[tuple[Any, Any]] = [(None, root)]
    while trail and len(found) < len(wanted):
        link, value = trail.pop()
        if id(value) in wanted:
            found[id(value)] = _written(link)
        children: Iterable[tuple[Any, Any]] = value.items() if type(value) is dict else enumerate(value)
        trail += [((link, key), item) for key, item in children if type(item) is dict or type(item) is list]
    return found


def _written(link: Any) -> str:
    steps: list[str] = []
    while link is not None:
        link, key = link
        steps.append(step(key))
    return "$" + "".join(reversed(steps))
