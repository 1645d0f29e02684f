"""From the schemas' spellings to Python names. Knows no schema."""

import keyword
import re

from tools.overrides import WORDS

# A listed word; capitals, up to the one that begins the next word; one word. Digits stay with what they
# follow.
_WORD = re.compile(
    rf"(?:{'|'.join(sorted(WORDS, key=len, reverse=True))})(?![a-z])[0-9]*"
    r"|[A-Z]+(?![a-z])[0-9]*"
    r"|[A-Z]?[a-z]+[0-9]*"
    r"|[0-9]+"
)

# What the generated classes use themselves: a field of that name would hide it from the fields below.
FORBIDDEN_FIELDS = frozenset(
    {
        "attrs",
        "bool",
        "call_result",
        "datatypes",
        "datetime",
        "enums",
        "float",
        "int",
        "limits",
        "list",
        "str",
        "to",
    }
)
# What an Enum needs for itself.
FORBIDDEN_MEMBERS = frozenset({"mro", "name", "value"})


def snake(name: str) -> str:
    """The words of a spelling in lower case: `EVCommunicationError` gives `ev_communication_error`."""
    return "_".join(_WORD.findall(name)).lower()


def camel(name: str) -> str:
    """The wire name that the library assumes for a Python name: what `messages.wire_name` does."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def usable(name: str) -> bool:
    """Whether Python lets something have this name."""
    return name.isidentifier() and not keyword.iskeyword(name)


def natural(name: str) -> tuple[tuple[str, int], ...]:
    """Sort key in which digits count as numbers: the order that ruff wants for `__all__`."""
    return tuple((text, int(digits or 0)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", name))
