"""Where a secret comes from. A spec never holds one, and no sentence of ours ever shows what stood in its place."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator

from hfdeploy.spec.credential import is_ours
from hfdeploy.spec.naming import VARIABLE
from hfdeploy.spec.scalar import Shape, Word, kind
from hfdeploy.spec.section import Section, nearest

_KEY: Final = Shape(
    "(?:[A-Za-z][A-Za-z0-9-]*:)?[A-Za-z0-9_.-]+", "a key of the stack's config, such as apiKey or acme:apiKey"
)


def _not_ours(name: str) -> str:
    if is_ours(name):
        raise ValueError(
            f"{name} holds what this run signs in with, and that is not handed to a container; "
            "put the value that the container needs into a variable of its own"
        )
    return name


def _not_the_token(key: str) -> str:
    namespace, _, name = key.rpartition(":")
    if namespace in {"pulumi", "aws", "azure", "gcp"} or (namespace in {"", "hfdeploy"} and name == "token"):
        raise ValueError(
            f"{key} holds what this run signs in with, and that is not handed to a container; "
            "put the value that the container needs under a key of its own"
        )
    return key


class FromEnv(Section):
    """A secret that the environment of the run holds."""

    from_env: Annotated[Word, VARIABLE, AfterValidator(_not_ours)]
    """The variable, read when something is deployed; never one that this run itself signs in with."""


class FromConfig(Section):
    """A secret that the stack's encrypted config holds."""

    from_config: Annotated[Word, _KEY, AfterValidator(_not_the_token)]
    """The key, as in `pulumi config set --secret KEY`."""


def _source(value: object) -> object:
    match value:
        case FromEnv() | FromConfig():
            return value
        case Mapping() if list(value) == ["from_env"]:
            return FromEnv.model_validate(value)
        case Mapping() if list(value) == ["from_config"]:
            return FromConfig.model_validate(value)
        case Mapping() if len(value) == 1:
            (key,) = value
            raise ValueError(f"has no source of that name{nearest(key, ('from_env', 'from_config'))}")
        case _:
            raise ValueError(
                "must say where the value comes from, {from_env: NAME} or {from_config: KEY}, and nothing else; "
                f"found {kind(value)} (not shown)"
            )


SecretSource: TypeAlias = Annotated[FromEnv | FromConfig, BeforeValidator(_source)]
"""Where a secret is read from, in the process that deploys."""
