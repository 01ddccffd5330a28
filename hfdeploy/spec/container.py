"""What serving engines have in common: a container, the port it listens on, how it says that it is ready."""

from typing import Annotated, Any, ClassVar, Final

from pydantic import ConfigDict, Field

from hfdeploy.spec.scalar import WHOLE, Shape, Word
from hfdeploy.spec.section import Section

_IMAGE: Final = Shape(
    "[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?(?::[0-9]{1,5}(?=/))?(?:/[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)*"
    "(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[a-f0-9]{64})?",
    "a container image such as ghcr.io/acme/server:1.2 or one with @sha256:<64 hex digits>, without https://",
    at_most=512,
)
_HEALTH: Final = Shape(
    r"/(?!/)(?:(?!//)[A-Za-z0-9._~!$&'()*+,;=:%/-])*",
    "a path on the endpoint such as /health (no host, no @, no backslash, no ? or #)",
)

OPENAI: Final = ("chat", "completions")
NATIVE_AND_OPENAI: Final = ("generate", *OPENAI)
"""Routes that give generated text."""

Port = Annotated[int, Field(ge=1, le=65535), WHOLE]
Image = Annotated[Word, _IMAGE]


def _type_is_required(schema: dict[str, Any]) -> None:
    schema["required"] = ["type", *schema.get("required", ())]


class EngineSection(Section):
    """What every engine has."""

    model_config = ConfigDict(json_schema_extra=_type_is_required)

    type: str
    """Which engine."""

    text_routes: ClassVar[tuple[str, ...]] = ()
    """The routes of `verify.route` that the engine answers with generated text."""

    @property
    def served_routes(self) -> tuple[str, ...]:
        """Those of them that it answers as it is set up here."""
        return self.text_routes


class ContainerEngine(EngineSection):
    """An engine that is a container image of one's choice."""

    image: Image | None = None
    """The container image; left out, the dated tag that this release pins for the engine."""

    port: Port | None = None
    """The port the container listens on; left out, the engine's own."""

    health_route: Annotated[Word, _HEALTH] | None = None
    """The path that answers 200 once the model is loaded; left out, the engine's own."""
