"""What somebody else wrote into a live endpoint may be a credential, and the state and its backups keep what is read.

A spec never holds one (it is refused there), so a masked value always differs from the spec, as the real one does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hfdeploy import redact
from hfdeploy.spec.credential import MASK, looks_like_token


def masked(found: Any, declared: Any) -> Any:  # noqa: ANN401 - any JSON value
    """`found` with credentials taken out, wherever it is not what was declared at the same place."""
    if found == declared:
        return found
    match found:
        case str():
            is_secret = looks_like_token(found) or redact.known.scrub(found) != found
            return MASK if is_secret else found
        case Mapping():
            beside = declared if isinstance(declared, Mapping) else {}
            return {key: masked(value, beside.get(key)) for key, value in found.items()}
        case Sequence():
            others = declared if isinstance(declared, Sequence) else ()
            return [masked(value, value if value in others else None) for value in found]
        case _:
            return found


def is_masked(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a credential was taken out anywhere in it: what is left is not what is live."""
    match value:
        case str():
            return value == MASK
        case Mapping():
            return any(map(is_masked, value.values()))
        case Sequence():
            return any(map(is_masked, value))
        case _:
            return False
