"""Edits of specs: one value changes, and not one other character; what cannot be edited safely is left and said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rulings import COMMIT, TODAY

from hfdeploy.catalog import Catalog
from hfdeploy.errors import UsageError
from hfdeploy.fit import Model, Weights
from hfdeploy.lock import Lock, Locked
from hfdeploy.review import Mend, mends, review_specs
from hfdeploy.review.ruling import ruled
from hfdeploy.spec import load_specs
from hfdeploy.spec.document import read_document
from hfdeploy.spec.editing import with_field, with_value

SNAPSHOT = Catalog.snapshot()
NEW = "nvidia-a100 x1"


class TestValue:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("instance: old # why\n", f"instance: {NEW} # why\n"),
            ('instance:   "GPU [xlarge] · 1x A100"   # the label\n', f"instance:   {NEW}   # the label\n"),
            ("instance: 'it''s # old'\nname: x\n", f"instance: {NEW}\nname: x\n"),
            ("{ name: x, instance: old, cloud: aws }", f"{{ name: x, instance: {NEW}, cloud: aws }}"),
            ("# Zürich → 東京\ninstance: old\n", f"# Zürich → 東京\ninstance: {NEW}\n"),
            ("instance: old\r\nname: x\r\n", f"instance: {NEW}\r\nname: x\r\n"),
            ("instance: old", f"instance: {NEW}"),
            ("  name: x\n  instance: >-\n    old\n  cloud: aws\n", None),
            ("a: |\n  instance: no\ninstance: old\n", f"a: |\n  instance: no\ninstance: {NEW}\n"),
        ],
    )
    def test_one_value_changes_and_nothing_else(self, before, after) -> None:
        """Comments say why a value is what it is; a tool that drops them is not let near the files."""
        if after is None:
            with pytest.raises(UsageError, match="write nvidia-a100 x1 by hand"):
                with_value(before, "instance", NEW)
        else:
            assert with_value(before, "instance", NEW) == after

    def test_a_part_of_a_section_is_found(self) -> None:
        """In braces and below each other."""
        assert with_value("instance: { type: p4de, size: xlarge }\n", "instance.size", "x1") == (
            "instance: { type: p4de, size: x1 }\n"
        )
        assert with_value("size: a\ninstance:\n  type: p4de # old\n  size: xlarge\n", "instance.type", "t") == (
            "size: a\ninstance:\n  type: t # old\n  size: xlarge\n"
        )

    @pytest.mark.parametrize("text", ["name: x\n", "instance: [a, b]\n", "instance: { type: a }\n"])
    def test_what_is_not_there_is_not_changed(self, text) -> None:
        """Nothing is guessed."""
        with pytest.raises(UsageError, match="is not there as one value"):
            with_value(text, "instance", NEW)

    @pytest.mark.parametrize("value", ["1" * 40, "12345678e1" + "0" * 30, "true", "null"])
    def test_a_value_that_looks_like_another_kind_is_quoted(self, value) -> None:
        """A commit of digits alone would be a number to an editor."""
        assert with_value("revision: main\n", "revision", value) == f'revision: "{value}"\n'


class TestField:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("repository: a/b\ntask: t\n", "repository: a/b\nrevision: r\ntask: t\n"),
            ("repository: a/b # why\n\ntask: t\n", "repository: a/b # why\nrevision: r\n\ntask: t\n"),
            ("  repository: a/b\n  task: t\n", "  repository: a/b\n  revision: r\n  task: t\n"),
            ("repository: a/b", "repository: a/b\nrevision: r\n"),
            ("repository: a/b\r\ntask: t\r\n", "repository: a/b\r\nrevision: r\r\ntask: t\r\n"),
            ("{ repository: a/b, task: t }\n", "{ repository: a/b, revision: r, task: t }\n"),
            ('repository:\n  "a/b"\ntask: t\n', 'repository:\n  "a/b"\nrevision: r\ntask: t\n'),
            ("repository: >-\n  a/b\ntask: t\n", "repository: >-\n  a/b\nrevision: r\ntask: t\n"),
        ],
    )
    def test_a_field_gets_a_line_of_its_own(self, before, after) -> None:
        """Beside the one it belongs to, and as far to the right."""
        assert with_field(before, "revision", "r", after="repository") == after


COMMENTS = st.sampled_from(["", " # a comment", "  # nvidia: { old } 'x'"])
VALUES = st.sampled_from(["old", '"GPU [xlarge] · 1x A100"', "'GPU [small] · 1x T4'", "old name x1", '"a # b"'])
LINES = st.sampled_from(
    ["# instance: none", "", "other: { instance: a, b: [c] }", "more:\n  - instance: x", "l: |\n  a: b"]
)


@given(VALUES, COMMENTS, st.lists(LINES, unique=True), st.lists(LINES, unique=True), st.sampled_from(["\n", "\r\n"]))
def test_an_edit_is_the_one_value_whatever_is_around_it(value, comment, above, below, ending) -> None:
    """Everything before it and behind it is the same text, and the file means the same but for it."""
    below = [line for line in below if line in {"", "# instance: none"} or line not in above]
    text = ending.join([*above, f"instance: {value}{comment}", *below, ""]).replace("\r\n", "\n").replace("\n", ending)
    if read_document(text.encode(), "").problems:
        return

    edited = with_value(text, "instance", NEW)

    head, _, tail = text.partition(f"instance: {value}{comment}")
    assert edited == f"{head}instance: {NEW}{comment}{tail}"
    assert with_value(edited, "instance", NEW) == edited


def mended(folder: Path, lock: Lock, **specs: str) -> tuple[list[Mend], dict[str, str]]:
    """What is to be mended of some specs, and their texts afterwards."""
    for name, text in specs.items():
        (folder / f"{name}.yaml").write_text(f"name: {name}\ncloud: aws\nregion: us-east-1\n{text}", encoding="utf-8")
    loaded = load_specs([folder])
    plain = review_specs(loaded, SNAPSHOT, lock)
    found = list(mends(ruled(plain, loaded, lock=lock, today=TODAY), loaded, lock))
    texts = {}
    for name in specs:
        text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
        for mend in found:
            text = mend.edited(text) if mend.file.endswith(f"/{name}.yaml") else text
        texts[name] = text.partition("us-east-1\n")[2]
    return found, texts


class TestMends:
    LOCK = Lock(
        {
            "acme/demo": Locked(COMMIT, Model("acme/demo", Weights(10, 5), None)),
            "acme/demo@main": Locked(COMMIT, None, "No config.json."),
            "acme/other": Locked("", None, "Never asked."),
        }
    )

    @pytest.mark.parametrize(
        ("written", "becomes"),
        [
            ('instance: "GPU [xlarge] · 1x A100" # old', "instance: nvidia-a100 x1 # old"),
            ("instance: aws-p4de-xlarge", "instance: nvidia-a100 x1"),
            ("instance: { type: p4de, size: xlarge }", "instance: { type: nvidia-a100, size: x1 }"),
            ("instance: CPU [large]", "instance: intel-spr x4"),
        ],
    )
    def test_an_old_name_becomes_the_one_of_today(self, tmp_path, written, becomes) -> None:
        """It means the same machine, so nothing changes at the service."""
        repository = f"repository: acme/demo\nrevision: {COMMIT}\n"

        _, texts = mended(tmp_path, Lock(), one=f"{repository}{written}\n")

        assert texts["one"] == f"{repository}{becomes}\n"

    @pytest.mark.parametrize("written", ["GPU [small] · 1x A100", "GPU [large]"])
    def test_a_label_that_is_not_clear_is_left_to_its_author(self, tmp_path, written) -> None:
        """Which machine was meant is not for a tool to settle."""
        found, _ = mended(tmp_path, Lock(), one=f'repository: acme/demo\ninstance: "{written}"\n')

        assert found == []

    def test_a_branch_becomes_the_locked_commit(self, tmp_path) -> None:
        """And the lock file still knows the model of a spec that names what it locked."""
        found, texts = mended(
            tmp_path,
            self.LOCK,
            none="repository: acme/demo # the model\ninstance: nvidia-l4 x1\n",
            main="repository: acme/demo\nrevision: main # the branch\ninstance: nvidia-l4 x1\n",
            unknown="repository: acme/other\ninstance: nvidia-l4 x1\n",
        )

        assert texts == {
            "none": f'repository: acme/demo # the model\nrevision: "{COMMIT}"\ninstance: nvidia-l4 x1\n'.replace(
                '"', ""
            ),
            "main": f"repository: acme/demo\nrevision: {COMMIT} # the branch\ninstance: nvidia-l4 x1\n",
            "unknown": "repository: acme/other\ninstance: nvidia-l4 x1\n",
        }
        assert [str(mend).partition("/main.yaml")[2] or str(mend).partition("/none.yaml")[2] for mend in found] == [
            f":5: revision: main → {COMMIT}",
            f":5: revision: {COMMIT} added",
        ]
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(f"name: {name}\ncloud: aws\nregion: us-east-1\n{text}")
        again = load_specs([tmp_path])
        review = ruled(review_specs(again, SNAPSHOT, self.LOCK), again, lock=self.LOCK, today=TODAY)
        assert list(mends(review, again, self.LOCK)) == []
        assert [bool(self.LOCK.of(one.spec)) for one in again] == [True, True, True]
