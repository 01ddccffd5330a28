"""Under which address an endpoint is reached."""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import ConfigDict, WithJsonSchema

from hfdeploy.spec.naming import Region
from hfdeploy.spec.scalar import Flag, Line, Shape, Word
from hfdeploy.spec.section import Objection, Section, relation

_HOST: Final = Shape(
    r"(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])",
    "a host name such as models.acme.org, without https:// and without a path",
)
_PATH: Final = Shape(
    r"(?!.*//)(?!.*\.\.)/[A-Za-z0-9._~/-]*",
    "a path that starts with / (letters, digits and . _ ~ - between single slashes)",
)
_ACCOUNT: Final = Shape("[0-9]{12}", "the 12 digits of an AWS account")


class Route(Section):
    """An address that survives a replacement of the endpoint."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    domain: Annotated[Word, _HOST] | None = None
    """A domain of your own, known to the service beforehand."""

    path: Annotated[Word, _PATH] | None = None
    """A path under the domain; starts with /."""

    @relation("domain", "path")
    def _says_something(self) -> Iterator[Objection]:
        if self.domain is None and self.path is None:
            yield "", "is empty: give domain, path or both, or leave it out"


class PrivateService(Section):
    """AWS PrivateLink."""

    account_id: Annotated[Line, _ACCOUNT, WithJsonSchema({"type": ["string", "integer"], "pattern": "^[0-9]{12}$"})]
    """The AWS account that may connect: 12 digits."""

    region: Region
    """The AWS region that it connects from; it need not be the endpoint's."""

    shared: Flag = False
    """Whether several endpoints use one service."""
