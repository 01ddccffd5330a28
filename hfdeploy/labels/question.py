"""One question about an instance, and how it is refused: what is wrong, and the nearest valid choices with prices."""

from collections.abc import Sequence
from dataclasses import dataclass

from hfdeploy.catalog import Catalog, Hardware, HardwareStatus, format_rate
from hfdeploy.errors import UnknownHardware
from hfdeploy.labels.table import Pair, read_table
from hfdeploy.labels.words import guess, quoted


@dataclass(frozen=True)
class Question:
    """What somebody wrote, and where it is wanted."""

    asked: str
    text: str
    """`asked`, normalised."""

    cloud: str
    region: str
    catalog: Catalog

    @property
    def place(self) -> str:
        return f"{self.cloud} {self.region}"

    @property
    def known_types(self) -> set[str]:
        """Instance types of any place and time: the live catalogue may have dropped some."""
        snapshot = Catalog.snapshot()
        return {row.instance_type for row in (*self.catalog.rows, *snapshot.rows, *snapshot.withdrawn)}

    def find(self, pair: Pair) -> Hardware | None:
        """The row of this pair in the cloud and region of the question."""
        return self.catalog.find(self.cloud, self.region, pair.instance_type, pair.instance_size)

    def require(self, pair: Pair) -> Hardware:
        """The same, or the reason why there is none.

        Raises:
            UnknownHardware: the cloud and region do not have it.
        """
        row = self.find(pair)
        if row is None:
            raise self.refusal(self._explain_missing(pair), pair)
        return row

    def check_place(self) -> None:
        """Refuse a cloud or a region that the catalogue does not know.

        Raises:
            UnknownHardware: it has no hardware there.
        """
        regions = self.catalog.regions(self.cloud)
        if self.region in regions:
            return
        if regions:
            problem = f"{self.cloud} has no region {quoted(self.region)} in {self._source}, only {_listed(regions)}."
        else:
            problem = f"there is no cloud {quoted(self.cloud)} in {self._source}, only {_listed(self.catalog.vendors)}."
        raise self.refusal(problem)

    def refusal(self, problem: str, *wanted: Pair) -> UnknownHardware:
        """The error with the problem, what may have been meant, and what else is near.

        `wanted` is what the text may have meant; without it that is guessed from the text.
        """
        pairs = wanted or (guess(self.text, read_table(), self.known_types),)
        meant = [row for row in map(self.find, pairs) if row and row.is_orderable]
        near = self.catalog.near(
            self.cloud, self.region, instance_type=pairs[0].instance_type, instance_size=pairs[0].instance_size
        )
        others = [row for row in near if row not in meant][: 3 if meant else None]
        sentences = [f"{quoted(self.asked)} cannot be used: {problem}"]
        if meant:
            sentences.append(f"Did you mean {' or '.join(map(self._choice, meant))}?")
        if others:
            sentences.append(f"{'Also near' if meant else 'Nearest'}: {'; '.join(map(self._choice, others))}.")
        sentences.append(_dates([*meant, *others]))
        return UnknownHardware(" ".join(filter(None, sentences)))

    def describe_nearest(self, row: Hardware) -> str:
        """The best other choice than `row` in one phrase; empty where there is none."""
        near = self.catalog.near(
            row.vendor, row.region, instance_type=row.instance_type, instance_size=row.instance_size
        )
        return next((self._choice(other) for other in near if other != row), "")

    @property
    def _source(self) -> str:
        if self.catalog.source == "live":
            return "the live catalogue"
        return f"the catalogue snapshot of {self.catalog.as_of} (the live one may have more)"

    def _choice(self, row: Hardware) -> str:
        """`nvidia-a100 x1 at $2.50/h`, with the place where it is another one, status and quota where they matter."""
        remarks = [] if row.status is HardwareStatus.AVAILABLE else [row.status.replace("_", " ")]
        if row.quota:
            remarks.append(f"{row.quota.used} of {row.quota.maximum} accelerators of the quota in use")
        place = "" if row.place == self.place else f"{row.place} "
        return f"{place}{row.spelling} at {format_rate(row.price_per_hour)}" + (
            f" ({', '.join(remarks)})" if remarks else ""
        )

    def _explain_missing(self, pair: Pair) -> str:
        rows = [row for row in self.catalog.rows if row.instance_type == pair.instance_type]
        sizes = [row.instance_size for row in rows if row.place == self.place]
        if sizes:
            return f"{self.place} has {pair.instance_type} as {_listed(sizes)}, not as {quoted(pair.instance_size)}."
        if rows:
            places = dict.fromkeys(row.place for row in rows)
            return f"{self.place} has no {pair.instance_type}; it exists in {_listed(list(places))}."
        past = Catalog.snapshot()
        gone = [row for row in (*past.rows, *past.withdrawn) if row.instance_type == pair.instance_type]
        if gone:
            last = max(row.as_of or "" for row in gone)
            return f"{pair.instance_type} is not offered any more; it was last seen on {last}."
        return f"there is no instance type {quoted(pair.instance_type)} in {self._source}."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "nothing"


def _dates(rows: Sequence[Hardware]) -> str:
    """When the prices shown were seen; nothing to say of live ones."""
    dates = sorted({row.as_of for row in rows if row.as_of})
    if not dates:
        return ""
    return f"Prices as of {dates[0]}." if len(dates) == 1 else f"Prices as of {dates[0]} to {dates[-1]}."
