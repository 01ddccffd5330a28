"""Whether two sets of inputs mean the same: by the rules of `hfdeploy.diff`, which reviews go by, too."""

from hfdeploy.diff import changed_fields, meaning_of, replaced

__all__ = ["changed_fields", "meaning_of", "replaced"]
