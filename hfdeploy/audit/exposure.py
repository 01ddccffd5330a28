"""Who can reach an endpoint and what can change under it, judged by what the service itself says."""

from collections.abc import Iterator

from hfdeploy.audit.resident import Resident
from hfdeploy.audit.waste import found
from hfdeploy.plan import Plan
from hfdeploy.review import Finding, Severity
from hfdeploy.review.exposure import CLOSED, RETIRED, of_public
from hfdeploy.review.hygiene import of_idleness, of_image, of_remote_code
from hfdeploy.spec import Security, is_commit


def of_exposure(one: Resident) -> Iterator[Finding]:
    """Whom it answers. Nobody is known to have acknowledged that it is public, as the author of a spec has to."""
    level = one.live.type
    if level == Security.PUBLIC:
        yield found(one, "public-endpoint", Severity.WARNING, "security", of_public(one.name), fix=CLOSED)
    elif level not in set(Security):
        limited = "" if level == RETIRED else ", and a policy that limits levels does not allow it"
        sentence = (
            f"Its level {level!r} is none that the service offers today; the other rules take it for authenticated"
            f"{limited}. "
            f"There are private (a token of the owner or a member), authenticated (of any account) and public (none)."
        )
        yield found(one, "security-retired", Severity.WARNING, "security", sentence, fix="Set security to private.")


def of_revision(one: Resident) -> Iterator[Finding]:
    """A model that can change with nobody's doing: no lock file holds what is live to a commit."""
    revision = one.live.model.revision
    if not is_commit(revision):
        what = f"the branch {revision!r}" if revision else "no revision"
        sentence = f"It serves {what}, so that its next start may load another model."
        yield found(one, "unpinned-revision", Severity.WARNING, "revision", sentence, fix="Name a commit as revision.")


def of_habits(one: Resident, plan: Plan | None) -> Iterator[Finding]:
    """What the rules for specs say of habits, except of those that only a spec's author has.

    What is paused or has failed keeps nothing up.
    """
    if one.loaded is None:
        return
    if plan and not one.is_paused and not one.live.status.state.is_failure:
        yield from of_idleness(one.loaded, plan)
    yield from of_image(one.loaded)
    yield from of_remote_code(one.loaded)
