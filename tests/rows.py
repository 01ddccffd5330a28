"""Rows of the terminal that remember what was said on them."""

from hfdeploy.provider.host import Row


class Told(Row):
    """A row that remembers."""

    def __init__(self) -> None:
        super().__init__("urn:pulumi:test::hfdeploy::x::tiny")
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def show(self, text: str) -> None:
        """Progress is of no interest here."""

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
