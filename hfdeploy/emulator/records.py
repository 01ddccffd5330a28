"""What the emulator remembers of one endpoint: plain values, so that a restart loses nothing."""

from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from hfdeploy.emulator.lifecycle import Stage

Json: TypeAlias = Any
"""A value that JSON can hold, before anything is known of it."""

Config: TypeAlias = dict[str, Any]
"""A configuration in the API's words, whole: secrets and registry credentials as they were sent."""


@dataclass(slots=True)
class Record:
    """One endpoint. All times are seconds since the epoch on the emulator's clock."""

    namespace: str
    name: str
    identity: str
    """24 hex digits, new for each endpoint, also for one of an old name."""
    config: Config
    created: float
    created_by: dict[str, str]
    updated: float
    updated_by: dict[str, str]
    stage: Stage
    entered: float
    """When the present stage began."""
    upcoming: list[Stage] = field(default_factory=list)
    served: Config | None = None
    """What the replicas run, which during a rolling update is not `config`; None while none runs."""
    ran: Config | None = None
    """What the replicas ran when the present update began, or the last one that found any."""
    url_known: bool = False
    outcome: str | None = None
    """An outcome scripted for all journeys of this endpoint."""
    behaviour: dict[str, Any] = field(default_factory=dict)
    replicas: list[str] = field(default_factory=list)
    starting: list[str] = field(default_factory=list)
    replica_count: int = 0
    """Replicas ever started; makes their ids differ."""
    last_used: float | None = None
    cost: dict[str, dict[str, float]] = field(default_factory=dict)
    """Per state: `seconds` spent in it and `usd`."""
    accounted: float = 0.0
    """Until when `cost` is complete."""
    logs: list[dict[str, Any]] = field(default_factory=list)
    samples: list[list[float]] = field(default_factory=list)
    """Data-plane requests as `[when, status, seconds]`, newest last."""
    deleted: float | None = None
    counts: list[list[float]] = field(default_factory=list)
    """How many replicas ran as `[since when, number]`, oldest first."""
    usage: dict[str, float] = field(default_factory=dict)
    """What the graphs of processors and memory show, in percent by the graph's name, where somebody said so."""

    @property
    def state(self) -> str:
        """The API's `status.state`."""
        return self.stage.state

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name

    def answers(self, now: float) -> bool:
        """Whether a replica answers at this moment."""
        return self.served is not None and now >= self.entered + self.stage.answers_after

    def dump(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)


def load_record(values: dict[str, Any]) -> Record:
    """The inverse of `Record.dump`."""
    rest = {key: value for key, value in values.items() if key not in {"stage", "upcoming"}}
    return Record(stage=Stage(**values["stage"]), upcoming=[Stage(**stage) for stage in values["upcoming"]], **rest)
