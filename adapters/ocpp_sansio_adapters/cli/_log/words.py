"""Numbers in words."""

__all__ = ["counted", "duration"]


def counted(number: int, what: str) -> str:
    """So many of them: `1 frame`, `2 frames`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """A length of time, with as many digits as matter."""
    if seconds >= 1000:
        return f"{seconds:,.0f} s"
    return f"{seconds:.3g} s" if seconds >= 1 or not seconds else f"{1000 * seconds:.3g} ms"
