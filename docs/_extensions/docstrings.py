"""What autodoc is to make of our docstrings and classes, and Pygments of our blocks.

Docstrings stay plain text, in which `this` is code, and a link if it names something that the reference has. What
the sources say beside them becomes visible: the comment behind a field of an attrs class or a member of an enum.
"""

import ast
import inspect
import io
import re
import sys
import tokenize
from enum import Enum
from functools import cache
from importlib import import_module
from itertools import takewhile
from textwrap import dedent
from typing import Any, Protocol

import attrs
from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import stringify_annotation

#: Unions and types of functions, which signatures name rather than spell out.
ALIASES = [
    "ocpp_sansio.Event",
    "ocpp_sansio.version.Catalogue",
    "ocpp_sansio.version.SendCatalogue",
    "ocpp_sansio_adapters.csms.Change",
    "ocpp_sansio_adapters.records.Observer",
    "ocpp_sansio_adapters.records.Record",
    "ocpp_sansio_adapters.security.Authorities",
    "ocpp_sansio_adapters.sync.websockets.Authenticate",
    "ocpp_sansio_adapters.websockets.Authenticate",
]

#: A default that is the name of a constant.
CONSTANT = re.compile(r"= ([A-Z][A-Z_]+)\b")

#: What may be the name of something in the reference.
NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")


class NameOrCode(SphinxRole):
    """`this`, in a docstring."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """A link if there is something to link to; names of others are code as well."""
        if NAME.fullmatch(self.text):
            return PyXRefRole()("py:obj", self.rawtext, self.text, self.lineno, self.inliner)
        return [nodes.literal(self.rawtext, self.text)], []


def comments_in(cls: type[Any]) -> dict[str, str]:
    """The comment behind each assignment in the body of a class, by the name that is assigned."""
    source = dedent(inspect.getsource(cls))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    [body] = [node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    found = {}
    for node in body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        comment = comments.get(node.end_lineno or 0)
        if isinstance(target, ast.Name) and comment is not None:
            found[target.id] = comment.removeprefix("#").strip()
    return found


def add_members(app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """List the members of an enum, and the fields of an attrs class that has words for them."""
    if not isinstance(found, type):
        return
    rows: list[tuple[str, str]] = []
    if issubclass(found, Enum):
        rows = [(member.name, f"``{member.value!r}``") for member in found]
    elif attrs.has(found):
        rows = [
            (field.name, "" if field.default is attrs.NOTHING else f"``{field.default!r}``")
            for field in attrs.fields(found)
            if not field.name.startswith("_")
        ]
        rows = rows if comments_in(found) else []
    if rows:
        comments = comments_in(found)
        lines += ["", ""]
        for member, value in rows:
            said = comments.get(member, "")
            lines.append(f"* ``{member}``" + (f" = {value}" if value else "") + (f": {said}" if said else ""))
        lines.append("")


def trim_signature(
    app: Sphinx, what: str, name: str, found: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Leave out the arguments of an enum, which nobody passes, and show defaults by their values."""
    forget_overloads(found)
    if isinstance(found, type) and (issubclass(found, Enum) or is_protocol(found)):
        return "", None
    if signature and isinstance(found, type) and attrs.has(found) and "..." not in signature:
        return _named(_fields_of(found)), None
    if signature is not None:
        constants = vars(sys.modules.get(getattr(found, "__module__", ""), object))
        signature = CONSTANT.sub(lambda named: f"= {_number(constants.get(named[1]), named[1])}", signature)
    if returns and inspect.isasyncgenfunction(getattr(found, "__wrapped__", None)):
        returns = returns.replace(
            "AsyncGenerator[", "AbstractAsyncContextManager["
        )  # what its decorator makes
    return _named(signature), _named(returns)


def forget_overloads(found: Any) -> None:
    """Let a function have one signature: its overloads are words for type checkers."""
    if getattr(found, "__module__", "").startswith("ocpp_sansio"):
        analyzer = ModuleAnalyzer.for_module(found.__module__)
        analyzer.analyze()
        analyzer.overloads.clear()


def is_protocol(cls: type[Any]) -> bool:
    """Whether it is one of ours that others implement: nobody makes an object of it."""
    return Protocol in cls.__bases__ or getattr(cls, "_is_protocol", False)


def _named(words: str | None) -> str | None:
    """A signature with the names of unions and functions that have one."""
    for name, text in aliases():
        words = words.replace(text, f"~{name}") if words else words
    return words


@cache
def aliases() -> list[tuple[str, str]]:
    """What annotations say of each name in ALIASES, the longest first: one may be part of another."""
    found = [(name, import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in ALIASES]
    texts = [(name, stringify_annotation(getattr(module, last), "smart")) for name, module, last in found]
    return sorted(texts, key=lambda pair: -len(pair[1]))


def _fields_of(cls: type[Any]) -> str:
    """The signature of an attrs class: of the `__init__` that attrs writes, Sphinx sees only code."""
    words: list[str] = []
    for field in attrs.fields(cls):
        if not field.init or str(field.alias).startswith("_"):
            continue  # what only the library itself sets
        if field.kw_only and "*" not in words:
            words.append("*")
        word = f"{field.alias}: {stringify_annotation(field.type, 'smart')}"
        words.append(word if field.default is attrs.NOTHING else f"{word} = {_default(field.default)}")
    return f"({', '.join(words)})"


def _default(value: Any) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    return "..." if isinstance(value, attrs.Factory) else repr(value)  # type: ignore[arg-type]


def _number(value: Any, name: str) -> str:
    """A constant that is a number tells more by its value than by its name."""
    return repr(int(value) if value == int(value) else value) if isinstance(value, int | float) else name


def find_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Node
) -> nodes.Node | None:
    """What a docstring names that its module has imported: the nearest in the reference of that name."""
    target = node["reftarget"]
    if node.get("refdomain") != "py" or node.get("reftype") != "obj" or not target[0].isupper():
        return None
    objects = env.domains.python_domain.objects
    here = node.get("py:module") or ""
    near = [name for name in objects if name.endswith(f".{target}")]
    if not near:
        return None
    name = max(near, key=lambda name: (_shared(name, here), -name.count(".")))
    entry = objects[name]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, name)


def _shared(name: str, module: str) -> int:
    """How many packages a name has in common with a module."""
    pairs = zip(name.split("."), module.split("."), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the extension to Sphinx."""
    for language in ("output", "log", "jsonl"):
        app.add_lexer(language, TextLexer)
    app.add_role("name-or-code", NameOrCode())
    app.connect("autodoc-process-docstring", add_members)
    app.connect("autodoc-process-signature", trim_signature)
    app.connect("missing-reference", find_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
