"""What differs between a wanted configuration and a live one, and what that means.

`fields` is the table: every mutable field of the API's update schema, with its name in the spec, how its values are
compared, and whether changing it replaces what answers. `compare` turns wanted and live into `Changes`, whose body is
the smallest PUT. `project` says the live configuration in the spec's words, so that drift is named by property.
`changed_fields` compares two specs by what they mean.
"""

from hfdeploy.diff.changes import (
    IMAGE,
    REVISION,
    SECRETS,
    Change,
    Changes,
    compare,
    dropped_of_image,
    left_behind,
    not_as_asked,
)
from hfdeploy.diff.fields import FIELDS, REPLACES, Field, Path, observed, put_at, serves_otherwise, value_at
from hfdeploy.diff.meaning import both_meanings, changed_fields, is_same_link, meaning_of, replaced
from hfdeploy.diff.projection import project

__all__ = [
    "FIELDS",
    "IMAGE",
    "REPLACES",
    "REVISION",
    "SECRETS",
    "Change",
    "Changes",
    "Field",
    "Path",
    "both_meanings",
    "changed_fields",
    "compare",
    "dropped_of_image",
    "is_same_link",
    "left_behind",
    "meaning_of",
    "not_as_asked",
    "observed",
    "project",
    "put_at",
    "replaced",
    "serves_otherwise",
    "value_at",
]
