"""Who can reach an endpoint and what can change under it, judged by what the service itself says."""

import re
from collections.abc import Iterator
from typing import Final

from hfdeploy.audit.resident import Resident
from hfdeploy.audit.waste import found
from hfdeploy.review import Finding, Severity
from hfdeploy.spec import Security, is_commit

_PINNED_IMAGE: Final = re.compile(r"@sha256:[0-9a-f]{64}$|:(?!latest$)[A-Za-z0-9_][A-Za-z0-9._-]*$")


def of_exposure(one: Resident) -> Iterator[Finding]:
    """Whom it answers."""
    level = one.live.type
    if level == Security.PUBLIC:
        sentence = "Anyone may call it without a token, and its owner pays."
        yield found(
            one,
            "public-endpoint",
            Severity.WARNING,
            "security",
            sentence,
            fix="set security to authenticated or private",
        )
    elif level not in set(Security):
        sentence = (
            f"Its level {level!r} is none that the service offers today; the other rules take it for authenticated. "
            f"There are private (a token of the owner or a member), authenticated (of any account) and public (none)."
        )
        yield found(one, "security-retired", Severity.WARNING, "security", sentence, fix="set security to private")


def of_pins(one: Resident) -> Iterator[Finding]:
    """What is served can change with nobody's doing."""
    model = one.live.model
    if not is_commit(model.revision):
        what = f"the branch {model.revision!r}" if model.revision else "no revision"
        sentence = f"It serves {what}, so that its next start may load another model."
        yield found(one, "unpinned-revision", Severity.WARNING, "revision", sentence, fix="name a commit as revision")
    url = (model.image.get(model.engine) or {}).get("url")
    if isinstance(url, str) and not _PINNED_IMAGE.search(url.rpartition("/")[2]):
        sentence = "Its image has no version, so that its next start may run another one."
        yield found(one, "unpinned-image", Severity.WARNING, "engine.image", sentence, fix="name a tag or a digest")
