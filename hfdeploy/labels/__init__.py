"""From the words in a spec to one row of the catalogue.

A spec may name an instance in five ways: a catalogue id, `type size`, `{type, size}`, a label of the old web
interface, or a name of the API before 2024-05-08. Whatever can be meant in one way only resolves, with a warning where
the words are out of date; everything else is refused with the nearest valid choices. Nothing is guessed.
"""

from hfdeploy.labels.resolve import Form, Instance, LabelWarning, Resolution, Words, resolve

__all__ = ["Form", "Instance", "LabelWarning", "Resolution", "Words", "resolve"]
