"""The words of OCPP, for a fuzzer that would not guess them."""

from ocpp_sansio import ErrorCode, Version
from ocpp_sansio._shape import members

__all__ = ["dictionary"]

FRAMES = (
    *('[2,"', '[3,"0",', '[3,"1",', '[3,"2",', '[4,"1","', '[5,"1","', '[6,"', '","', '",{', "{}]", '"",{}]'),
    *('"1"', '"-1"', "null", "true", "2.0", "1e400", "-0", "NaN", "\\ud800", "\\udc00", "\\u0000", "\ufeff"),
    *("[[[[[[[[", "]]]]]]]]", '{"a":', "\n", '[2,"1","', '[3,"1",{}]', '[2,"x","ClearCache",{}]', '"status"'),
    *(
        '"Accepted"',
        '"Rejected"',
        '"Pending"',
        "2024-05-01T12:00:00Z",
        "FormationViolation",
        '"customData"',
        '"Sing",{"song":',
    ),
)
HEADERS = (
    *(
        "\n0:",
        "\n1:",
        "ocpp1.6",
        "ocpp2.0.1",
        "ocpp2.1",
        ", ",
        "Basic ",
        "basic ",
        "%2F",
        "%25",
        "%00",
        "%C3%A4",
    ),
    *("/ocpp/", "/a%20b/", "?", "..", "YTpi", "YTo=", "Og==", "wss://", "ws://h", "[::1]:8443", "@"),
)


def dictionary() -> str:
    """A dictionary as libFuzzer reads it: a quoted word on each line."""
    catalogues = [version.load() for version in Version]
    actions = {action for catalogue in catalogues for action in catalogue}
    sends = {action for version in Version for action in version.load_sends()}
    wires = {
        member.wire
        for catalogue in catalogues
        for request in catalogue.values()
        for cls in (request, request.__answer__)
        for member in members(cls)
        if member.required
    }
    words = [
        *FRAMES,
        *HEADERS,
        *sorted(actions | sends),
        *ErrorCode,
        *(f'"{wire}":' for wire in sorted(wires)),
    ]
    return "".join(f'"{_quoted(word)}"\n' for word in words)


def _quoted(word: str) -> str:
    plain = (chr(byte) if byte < 128 and chr(byte).isalnum() else f"\\x{byte:02x}" for byte in word.encode())
    return "".join(plain)
