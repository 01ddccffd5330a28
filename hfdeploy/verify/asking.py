"""One endpoint that was found to answer, and the way it was asked."""

from collections.abc import Callable
from dataclasses import dataclass

from hfdeploy.stream import About, Address, Deadlines, Prompt, Route, Target, make_request, measure, silent
from hfdeploy.verdict import Sample


@dataclass(frozen=True, slots=True)
class Asker:
    """Sends prompts along one route, again and again; usable from several threads at once."""

    address: Address
    target: Target
    route: Route
    about: About
    deadlines: Deadlines
    stopped: Callable[[], bool]

    def ask(self, prompt: Prompt, on_text: Callable[[str], None] = silent) -> Sample:
        """One request, measured.

        Raises:
            errors.Cancelled: somebody asked to stop.
            stream.InsideAddress: the host leads into a private network.
        """
        return measure(
            self.address,
            make_request(self.target, self.route, prompt, self.about),
            token=self.target.token,
            deadlines=self.deadlines,
            on_text=on_text,
            stopped=self.stopped,
        )
