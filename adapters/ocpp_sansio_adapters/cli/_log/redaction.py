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


class Redactor:
    """Replaces secrets by `token-1`, `certificate-2` and so on, as long as it lives.

    Placeholders fit where the values stood, so that a redacted trace can be replayed. `hidden` counts what
    was hidden, by what it is. `off` changes nothing, for whoever asks to see everything.
    """

    def __init__(self, *, off: bool = False) -> None:
        self._off = off
        self._known: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()

    @property
    def hidden(self) -> Mapping[str, int]:
        """How many different values were hidden, by what they are."""
        return dict(self._counts)

    def frame(self, text: str) -> str:
        """A frame without secrets."""
        if self._off:
            return text
        text = _URL.sub(r"\g<scheme>***@", without_secrets(text))
        text = _LIST.sub(self._list, _MEMBER.sub(self._member, text))
        if _ERROR.match(text):
            text = self.words(text)  # whose description may name what the call had
        return _NESTED.sub(self._nested, text) if '\\"' in text else text

    def hides(self, path: str) -> bool:
        """Whether what stands at this place of a payload, such as `$.idTag`, is hidden."""
        name = re.sub(r"(\[\d+\])+$", "", path).rpartition(".")[2]
        return not self._off and (name in MEMBERS or name in LISTS)

    def words(self, text: str, values: Iterable[object] = ()) -> str:
        """A sentence about a frame without the values that were hidden, and without `values`."""
        if self._off:
            return text
        found = {value: placeholder for (_, value), placeholder in self._known.items() if len(value) > 3}
        found.update({str(value): "***" for value in values if str(value) not in ("", *found)})
        for value in sorted(found, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", found[value], text, flags=re.IGNORECASE)
        return text

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
        return self._known[key]
