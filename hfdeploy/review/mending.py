"""What of a review can be settled by an edit of the spec that changes nothing of what is deployed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hfdeploy.catalog import Hardware
from hfdeploy.lock import Lock
from hfdeploy.review.finding import Review
from hfdeploy.spec import InstanceChoice, LoadedSpec
from hfdeploy.spec.editing import with_field, with_value


@dataclass(frozen=True, slots=True)
class Mend:
    """One value of one file."""

    file: str
    line: int
    field: str
    before: str
    """Empty where there was none."""

    after: str
    behind: str = ""
    """The field that a new one is put behind; empty where a value is changed."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: {self.field}"
        return f"{place}: {self.before} → {self.after}" if self.before else f"{place}: {self.after} added"

    def edited(self, text: str) -> str:
        """The file's text with this value.

        Raises:
            UsageError: the file writes it in a way that cannot be changed safely.
        """
        if self.behind:
            return with_field(text, self.field, self.after, after=self.behind)
        return with_value(text, self.field, self.after)


def mends(review: Review, loaded: Sequence[LoadedSpec], lock: Lock) -> Iterator[Mend]:
    """What `hfdeploy plan --fix` changes: old names of hardware, and revisions that the lock file knows.

    Only what the review still objects to; and no label that contradicts itself or leaves the GPU out, since which
    instance was meant there is for its author to say.
    """
    found = {(finding.endpoint, finding.rule) for finding in review.findings}
    plans = {plan.name: plan for plan in review.plans}
    for one in loaded:
        name = one.spec.name
        is_clear = not {(name, "label-contradiction"), (name, "label-incomplete")} & found
        if (name, "label-retired") in found and is_clear and name in plans:
            yield from _renamed(one, plans[name].hardware)
        if (name, "revision-locked") in found and (locked := lock.of(one.spec)):
            yield _pinned(one, locked.commit)


def _renamed(one: LoadedSpec, hardware: Hardware) -> Iterator[Mend]:
    instance = one.spec.instance
    if not isinstance(instance, InstanceChoice):
        yield Mend(one.file, one.line_of("instance"), "instance", instance, hardware.spelling)
        return
    pairs = (("type", instance.type, hardware.instance_type), ("size", instance.size, hardware.instance_size))
    for part, before, after in pairs:
        if before != after:
            field = f"instance.{part}"
            yield Mend(one.file, one.line_of(field), field, before, after)


def _pinned(one: LoadedSpec, commit: str) -> Mend:
    if one.spec.revision is None:
        return Mend(one.file, one.line_of("repository") + 1, "revision", "", commit, behind="repository")
    return Mend(one.file, one.line_of("revision"), "revision", one.spec.revision, commit)
