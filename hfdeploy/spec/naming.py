"""Names: of endpoints, of what they serve, of where they run, and of what is put on them."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, WithJsonSchema

from hfdeploy.spec.credential import is_credential, steers_loader
from hfdeploy.spec.scalar import Line, Shape, Word

OWN_TAG: Final = "hfd-"
"""How the tags begin that carry ownership; people's tags may not."""

VARIABLE: Final = Shape("[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable, such as API_KEY")

_NAME: Final = Shape(
    "[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?",
    "1 to 32 lower-case letters, digits and hyphens with a letter or digit at both ends",
    at_most=32,
)
_NAMESPACE: Final = Shape(
    "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?",
    "the name of a user or an organisation on the Hub",
)
_PART: Final = "[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REPOSITORY: Final = Shape(
    rf"(?!.*--)(?!.*\.\.)(?!.*\.git$){_PART}/{_PART}",
    "a repository of the Hub as org/name, such as Qwen/Qwen2.5-7B-Instruct",
)
_REVISION: Final = Shape(
    r"(?!.*\.\.)(?!.*//)(?!.*\.lock$)[A-Za-z0-9_](?:[A-Za-z0-9._/-]*[A-Za-z0-9_-])?",
    "a branch, a tag or a commit of the repository",
)
_COMMIT: Final = re.compile("[0-9a-f]{40}")
_TASK: Final = Shape("[a-z0-9]+(?:-[a-z0-9]+)*", "a task in the Hub's spelling, such as text-generation")
_CLOUD: Final = Shape("[a-z][a-z0-9-]*", "a cloud in lower case, such as aws")
_REGION: Final = Shape("[a-z0-9]+(?:-[a-z0-9]+)*", "a region in lower case, such as us-east-1")
_MOMENT: Final = Shape(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})",
    "a creation time in the service's own spelling, such as 2026-11-01T09:00:00.000Z",
    at_most=40,
)


def is_commit(revision: str | None) -> bool:
    """Whether a revision is a whole commit, which nobody can move, rather than a branch, a tag, or none."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


def _no_loader(name: str) -> str:
    if steers_loader(name):
        raise ValueError("makes programs load code before their own, so no container gets it from a spec")
    return name


def _no_credential(name: str) -> str:
    if is_credential(name):
        raise ValueError("is the name of a credential: move it to `secrets` as {from_env: NAME}")
    return name


def _users_own(tag: str) -> str:
    if "," in tag:
        raise ValueError("holds a comma, which separates tags in the API's filter")
    if tag.startswith(OWN_TAG):
        raise ValueError(f"begins with {OWN_TAG}, which marks hfdeploy's own tags; choose another")
    return tag


def _all_different(tags: tuple[str, ...]) -> tuple[str, ...]:
    if twice := sorted({tag for tag in tags if tags.count(tag) > 1}):
        raise ValueError(f"names a tag twice: {', '.join(twice)}")
    return tags


Name = Annotated[Line, _NAME]
Namespace = Annotated[Line, _NAMESPACE]
Repository = Annotated[Word, _REPOSITORY]
Revision = Annotated[Line, _REVISION]
Task = Annotated[Word, _TASK]
Cloud = Annotated[Word, _CLOUD]
Region = Annotated[Word, _REGION]
Moment = Annotated[Word, _MOMENT]
Variable = Annotated[Word, VARIABLE, AfterValidator(_no_loader)]
PublicVariable = Annotated[Variable, AfterValidator(_no_credential)]
Tag = Annotated[
    Line,
    AfterValidator(_users_own),
    WithJsonSchema({"type": ["string", "number", "boolean"], "pattern": f"^(?!{OWN_TAG})[^,]+$"}),
]
Tags = Annotated[tuple[Tag, ...], AfterValidator(_all_different), Field(json_schema_extra={"uniqueItems": True})]
