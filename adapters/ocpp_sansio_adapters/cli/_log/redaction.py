"""What no trace and no page may show: passwords, id tokens, certificates. The same value gets the same
placeholder.

By the names of members, in a table. Everything else of a frame stays as it was sent, byte for byte, also of a
broken one. What a vendor calls by names of its own is not found.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from ocpp_sansio.security import without_secrets

__all__ = ["Redactor"]

#: By name, what the placeholder calls it: short, because an idTag has 20 characters at most.
MEMBERS: Mapping[str, str] = {
    **dict.fromkeys(("idTag", "parentIdTag", "idToken", "additionalIdToken"), "token"),
    "customerIdentifier": "customer",
    **dict.fromkeys(
        ("certificate", "certificateChain", "signingCertificate", "csr", "exiRequest", "exiResponse"),
        "certificate",
    ),
}
#: Arrays of texts, whose elements are such values.
LISTS: Mapping[str, str] = {"idTokens": "token", "prioritizedEMAIDs": "token"}

_NAMES = "|".join(MEMBERS)
_MEMBER = re.compile(
    rf'(?P<head>"(?P<name>{_NAMES})"\s*:\s*)'
    r'(?:"(?P<text>(?:[^"\\]|\\.)*)(?P<end>"|\\?$)|(?P<number>-?\d[\d.eE+-]*))',
    re.DOTALL,
)
#: The same as text within text, such as the data of a DataTransfer.
_NESTED = re.compile(
    rf'(?P<head>(?P<quote>\\+")(?P<name>{_NAMES})(?P=quote)\s*:\s*(?P=quote))'
    r"(?P<text>.*?)(?P<end>(?P=quote)|$)",
    re.DOTALL,
)
_LIST = re.compile(rf'(?P<head>"(?P<name>{"|".join((*LISTS, *MEMBERS))})"\s*:\s*\[)(?P<items>[^\]]*)')
_ITEM = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"')
_ERROR = re.compile(r"\s*\[\s*[45]\b")
_URL = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*:/{2})[^/\s\"@]+@")
#: A letter that JSON spells out, behind which a name would hide.
_LETTER = re.compile(r"(?<!\\)((?:\\\\)*)\\u00([46][1-9a-fA-F]|[57][0-9aA])")
#: A value that is not longer than this may stand in a sentence by chance.
SHORTEST = 3
_WORD = re.compile(r"\w+")


class _Replacements:
    """Values that stand in a text as whole words, in capitals or not, each with what is put in their place.

    Found by their first word: a text is read once, however many values are known.
    """

    def __init__(self) -> None:
        # First word, then characters before it and length, then the value.
        self._by_word: dict[str, dict[tuple[int, int], dict[str, str]]] = {}

    def __contains__(self, value: str) -> bool:
        found = _WORD.search(value)
        shapes = {} if found is None else self._by_word.get(found[0].casefold(), {})
        return any(value.casefold() in known for known in shapes.values())

    def add(self, value: str, instead: str) -> None:
        """What has no word in it is not looked for."""
        found = _WORD.search(value)
        if found is not None:
            shapes = self._by_word.setdefault(found[0].casefold(), {})
            shapes.setdefault((found.start(), len(value)), {})[value.casefold()] = instead

    def of(self, text: str) -> str:
        """The text with these values replaced, the longest of those that stand at a place."""
        parts: list[str] = []
        end = 0
        for word in _WORD.finditer(text) if self._by_word else ():
            shapes = self._by_word.get(word[0].casefold(), {})
            for before, length in sorted(shapes, key=lambda shape: -shape[1]):
                begin = word.start() - before
                stop = begin + length
                instead = shapes[before, length].get(text[max(begin, 0) : stop].casefold())
                if instead is None or begin < end or _is_word(text, begin - 1) or _is_word(text, stop):
                    continue
                parts += [text[end:begin], instead]
                end = stop
                break
        return "".join([*parts, text[end:]])


def _is_word(text: str, place: int) -> bool:
    return 0 <= place < len(text) and _WORD.match(text[place]) is not None


class Redactor:
    """Replaces secrets by `token-1`, `certificate-2` and so on, as long as it lives.

    Placeholders fit where the values stood, so that a redacted trace can be replayed. `hidden` counts what
    was hidden, by what it is. `off` changes nothing, for whoever asks to see everything.
    """

    def __init__(self, *, off: bool = False) -> None:
        self._off = off
        self._known: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
        self._words = _Replacements()

    @property
    def hidden(self) -> Mapping[str, int]:
        """How many different values were hidden, by what they are."""
        return dict(self._counts)

    def frame(self, text: str) -> str:
        """A frame without secrets."""
        if self._off:
            return text
        text = _LETTER.sub(lambda match: match[1] + chr(int(match[2], 16)), text)
        text = _URL.sub(r"\g<scheme>***@", without_secrets(text))
        text = _LIST.sub(self._list, _MEMBER.sub(self._member, text))
        if _ERROR.match(text):
            text = self.words(text)  # whose description may name what the call had
        return _NESTED.sub(self._nested, text) if '\\"' in text else text

    def address(self, url: str) -> str:
        """A URL without the password that may stand in it."""
        return url if self._off else _URL.sub(r"\g<scheme>***@", url)

    def hides(self, path: str) -> bool:
        """Whether what stands at this place of a payload, such as `$.idTag`, is hidden."""
        name = re.sub(r"(\[\d+\])+$", "", path).rpartition(".")[2]
        return not self._off and (name in MEMBERS or name in LISTS)

    def words(self, text: str, values: Iterable[object] = ()) -> str:
        """A sentence about a frame without the values that were hidden, and without `values`."""
        if self._off:
            return text
        own = _Replacements()
        for value in map(str, values):
            if value not in self._words:
                own.add(value, "***")
        return own.of(self._words.of(text))

    def _member(self, match: re.Match[str]) -> str:
        kind = MEMBERS[match["name"]]
        if match["number"] is not None:
            # A number stays one: it is what is wrong with the frame.
            return match["head"] + self._placeholder(kind, match["number"]).rpartition("-")[2]
        if not match["text"]:
            return match[0]
        return f'{match["head"]}"{self._placeholder(kind, match["text"])}{match["end"]}'

    def _nested(self, match: re.Match[str]) -> str:
        if not match["text"]:
            return match[0]
        return match["head"] + self._placeholder(MEMBERS[match["name"]], match["text"]) + match["end"]

    def _list(self, match: re.Match[str]) -> str:
        kind = LISTS.get(match["name"]) or MEMBERS[match["name"]]
        items = _ITEM.sub(lambda item: f'"{self._placeholder(kind, item["text"])}"', match["items"])
        return match["head"] + items

    def _placeholder(self, kind: str, value: str) -> str:
        key = (kind, value.casefold())  # tokens are the same in capitals and small letters
        if key not in self._known:
            self._counts[kind] += 1
            self._known[key] = f"{kind}-{self._counts[kind]}"
            if len(value) > SHORTEST:
                self._words.add(value, self._known[key])
        return self._known[key]
