"""What the process behind an endpoint remembers between requests: counters, and nothing that survives a restart."""

from dataclasses import dataclass, field

from hfdeploy.emulator.behaviour import Behaviour
from hfdeploy.emulator.serving import Serving


@dataclass(slots=True)
class Replica:
    """The running process of one endpoint."""

    script: Behaviour = field(default_factory=Behaviour)
    scripted: int = 0
    """Computing requests since the script was set."""
    requests: int = 0
    tokens: int = 0
    in_flight: int = 0
    """Computing requests (POST) under way."""
    deaths: int = 0
    """How often the engine died; whoever generates compares it with what it was when the request began."""

    def follow(self, script: Behaviour) -> None:
        """Take the script of this request; a new one starts its count anew."""
        if script != self.script:
            self.script, self.scripted = script, 0

    def script_of(self, serving: Serving, *, computes: bool) -> Behaviour:
        """The script as it holds for the request that has just come.

        `computes`: the request is one that scripts count.
        """
        self.scripted += computes
        times, only = self.script.times, self.script.only
        is_over = times is not None and self.scripted > times - (not computes)
        served = (serving.repository, serving.revision, str(serving.image.get("url", "")))
        is_meant = only is None or any(only in part for part in served)
        return self.script if is_meant and not is_over else Behaviour()


class Replicas:
    """The replicas of all endpoints, by namespace and name. All on one event loop, so no locks."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Replica] = {}

    def of(self, namespace: str, name: str) -> Replica:
        """The replica of that endpoint, made when first asked for."""
        return self._known.setdefault((namespace, name), Replica())
