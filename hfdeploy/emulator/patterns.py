"""Patterns of urls and paths, in which `*` stands for any text (fnmatch gives `[` and `?` a meaning as well)."""


def matches(text: str, pattern: str) -> bool:
    """Whether `text` is `pattern`, in which `*` stands for any text."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    if not text.startswith(first) or not text.endswith(rest[-1]) or len(text) < len(first) + len(rest[-1]):
        return False
    position, end = len(first), len(text) - len(rest[-1])
    for part in rest[:-1]:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True
