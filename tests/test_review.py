"""Reviews: every objection to every spec at once, with its place; what blocks stops a run, what remains is shown."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from hfdeploy.catalog import Catalog, HardwareStatus
from hfdeploy.review import Finding, Review, Severity, review_specs
from hfdeploy.spec import load_specs

SNAPSHOT = Catalog.snapshot()
SHIPPED = Path(__file__).parent.parent / "specs"

HEAD = "name: {name}\nrepository: acme/demo\ncloud: aws\nregion: {region}\n"
"""Four lines, so that what a test adds begins at line 5."""

TENSOR, DATA = "tensor_parallel_size", "data_parallel_size"

MAINTENANCE = "TGI is in maintenance mode since 2025-12-11; vLLM, SGLang and llama.cpp are where its users are sent."


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Write specs into a folder, each by its name, and review them; that none is locked is left out."""
    monkeypatch.chdir(tmp_path)

    def write_and_review(catalog: Catalog = SNAPSHOT, region: str = "us-east-1", **specs: str) -> Review:
        paths = [Path(f"{name}.yaml") for name in specs]
        for path, text in zip(paths, specs.values(), strict=True):
            path.write_text(HEAD.format(name=path.stem, region=region) + text, encoding="utf-8")
        review = review_specs(load_specs(paths), catalog)
        return replace(review, findings=tuple(one for one in review.findings if one.rule != "fit-unknown"))

    return write_and_review


def changed(**status: Any) -> Catalog:
    """The snapshot with another status of the nvidia-l4 x4 of aws."""
    rows = [
        row.model_copy(update=status) if (row.vendor, row.spelling) == ("aws", "nvidia-l4 x4") else row
        for row in SNAPSHOT.rows
    ]
    return Catalog(rows=tuple(rows), source="live")


def lines(review: Review) -> list[str]:
    return [str(finding) for finding in review.findings]


def test_nothing_is_said_about_a_spec_with_nothing_wrong(judge) -> None:
    """A review that always objects is not read."""
    review = judge(one="instance: nvidia-l4 x4\nengine: { type: vllm }\n")

    assert (review.findings, review.blocking, review.remarks) == ((), (), ())
    assert [plan.name for plan in review.plans] == ["one"]


def test_the_shipped_specs_pass() -> None:
    """What a newcomer sees first: TGI, an old label, which is there to be seen, and here without the lock file."""
    review = review_specs(load_specs([SHIPPED]), SNAPSHOT)
    assert review.blocking == ()
    found = [(finding.endpoint, finding.rule) for finding in review.remarks]
    falcon = ["label-retired", "engine-maintenance", "fit-unknown"]
    assert [rule for name, rule in found if name == "falcon-40b"] == falcon
    assert {rule for _, rule in found} == set(falcon)


class TestHardware:
    def test_unknown_hardware_blocks_and_names_what_there_is(self, judge) -> None:
        """Nothing may be registered for a spec that cannot be meant."""
        review = judge(one="instance: nvidia-l4 x3\n")

        (finding,) = review.findings
        sentence = finding.sentence
        assert asdict(finding) == {
            "rule": "unknown-hardware",
            "severity": Severity.ERROR,
            "endpoint": "one",
            "file": "one.yaml",
            "line": 5,
            "field": "instance",
            "sentence": sentence,
            "fix": "Name one that is.",
        }
        assert sentence.startswith('"nvidia-l4 x3"')
        assert "nvidia-l4 x4" in sentence
        assert "$3.80/h" in sentence
        assert (review.plans, review.blocking) == ((), (finding,))

    def test_a_region_without_the_instance_is_told_at_the_instance(self, judge) -> None:
        """The line that people change is the one that is named."""
        review = judge(region="eu-west-1", two="tags: [a]\ninstance:\n  type: nvidia-l4\n  size: x1\n")

        assert [(finding.rule, finding.file, finding.line) for finding in review.blocking] == [
            ("unknown-hardware", "two.yaml", 6)
        ]

    def test_a_label_of_the_old_interface_is_a_remark(self, judge) -> None:
        """It still means one machine; the sentence gives today's name."""
        assert lines(judge(old='engine: { type: vllm }\ninstance: "GPU [xlarge] · 1x A100"\n')) == [
            (
                'old.yaml:6: instance: "GPU [xlarge] · 1x A100" is a name from before 2024-05-08, which the API '
                'refuses: write "nvidia-a100 x1".'
            )
        ]

    def test_every_remark_about_an_instance_is_made(self, judge) -> None:
        """A label may be old and contradict itself too."""
        review = judge(both='instance: "GPU [small] · 1x A100"\n')

        assert [(finding.rule, finding.severity, finding.line) for finding in review.findings] == [
            ("label-retired", Severity.WARNING, 5),
            ("label-contradiction", Severity.WARNING, 5),
        ]
        assert review.remarks == review.findings

    @pytest.mark.parametrize(
        ("status", "rule", "said"),
        [
            ("deprecated", "instance-deprecated", "is deprecated: a new endpoint cannot have it"),
            ("not_available", "instance-not-available", "is not available: a new endpoint cannot have it"),
            ("reserved", "instance-reserved", "is reserved: it needs an agreement with Hugging Face"),
            ("low_availability", "instance-low-availability", "is scarce now: a start may wait"),
            ("brand_new", "instance-status-unknown", "has a status that is not known"),
        ],
    )
    def test_hardware_that_may_not_be_had_is_a_remark_with_the_nearest(self, judge, status, rule, said) -> None:
        """One that runs there may stay: blocking it would stop every run of its stack on the day of the notice."""
        review = judge(changed(status=HardwareStatus(status)), one="instance: nvidia-l4 x4\n")

        (finding,) = review.remarks
        assert (finding.rule, finding.line, review.blocking) == (rule, 5, ())
        assert finding.sentence.startswith(f"nvidia-l4 x4 in aws us-east-1 {said}. Nearest: ")
        assert "/h" in finding.sentence.partition("Nearest: ")[2]
        assert len(review.plans) == 1


class TestEngine:
    @pytest.mark.parametrize(("engine", "instance"), [("tgi", "nvidia-t4 x1"), ("tgi_neuron", "inf2 x1")])
    def test_an_engine_in_maintenance_is_a_remark(self, judge, engine, instance) -> None:
        """It works and goes on working; who starts anew should know."""
        review = judge(one=f"instance: {instance}\nengine:\n  image: acme/tgi:1\n  type: {engine}\n")

        (finding,) = review.findings
        assert (finding.rule, finding.severity) == ("engine-maintenance", Severity.WARNING)
        assert str(finding) == f"one.yaml:8: engine.type: {MAINTENANCE}"

    @pytest.mark.parametrize("engine", ["vllm", "sglang", "tei", "huggingface"])
    def test_other_engines_are_none_of_it(self, judge, engine) -> None:
        """Only TGI is."""
        assert judge(one=f"instance: nvidia-l4 x1\nengine: {{ type: {engine} }}\n").findings == ()

    def test_an_engine_without_an_image_for_the_hardware_blocks(self, judge) -> None:
        """It stops that spec and says what to write; the others are reviewed all the same."""
        review = judge(
            cpu="instance: intel-spr x4\nengine:\n  type: vllm\n",
            own="instance: intel-spr x4\nengine: { type: vllm, image: acme/vllm:cpu }\n",
        )

        assert lines(review) == [
            (
                "cpu.yaml:6: engine.image: The package has no default image of vllm for intel-spr x4 (cpu); it has one "
                "for gpu. Name one in the spec as engine.image."
            )
        ]
        assert [finding.rule for finding in review.blocking] == ["no-default-image"]
        assert [plan.name for plan in review.plans] == ["own"]


class TestParallelSizes:
    @pytest.mark.parametrize(
        ("engine", "size", "sizes", "product", "there", "asked"),
        [
            ("vllm", 4, {TENSOR: 3}, f"{TENSOR} 3 times {DATA} 1 is 3", "4 accelerators", f"engine.{TENSOR}"),
            ("vllm", 2, {DATA: 4}, f"{TENSOR} 1 times {DATA} 4 is 4", "2 accelerators", f"engine.{DATA}"),
            (
                "vllm",
                4,
                {TENSOR: 4, DATA: 2},
                f"{TENSOR} 4 times {DATA} 2 is 8",
                "4 accelerators",
                f"engine.{TENSOR} or engine.{DATA}",
            ),
            ("sglang", 4, {TENSOR: 2}, f"{TENSOR} is 2", "4 accelerators", f"engine.{TENSOR}"),
            ("sglang", 1, {TENSOR: 2}, f"{TENSOR} is 2", "1 accelerator", f"engine.{TENSOR}"),
        ],
        ids=["does not divide", "more than there are", "both", "part of them", "of one"],
    )
    def test_sizes_that_do_not_multiply_to_the_accelerators_block(
        self, judge, engine, size, sizes, product, there, asked
    ) -> None:
        """The service refuses them, or some of what is paid for stands idle."""
        written = "\n".join(f"  {name}: {value}" for name, value in sizes.items())
        review = judge(one=f"instance: nvidia-a100 x{size}\nengine:\n  type: {engine}\n{written}\n")

        assert lines(review) == [
            (
                f"one.yaml:8: {asked.partition(' ')[0]}: {product}, but nvidia-a100 x{size} has {there}, and the "
                f"service refuses sizes that do not multiply to {size}. Change {asked}, or leave every size out and "
                f"all of them are used."
            )
        ]
        assert [(finding.rule, finding.is_blocking) for finding in review.findings] == [("parallel-sizes", True)]

    @pytest.mark.parametrize(
        "sizes",
        [
            "",
            ", tensor_parallel_size: 8",
            ", data_parallel_size: 4",
            ", tensor_parallel_size: 2, data_parallel_size: 4",
        ],
    )
    def test_sizes_that_use_every_accelerator_pass(self, judge, sizes) -> None:
        """However they are split."""
        assert judge(one=f"instance: nvidia-a100 x8\nengine: {{ type: vllm{sizes} }}\n").findings == ()

    def test_an_argument_that_says_otherwise_blocks(self, judge) -> None:
        """Sizes among the arguments do not count for the service (huggingface_hub#4661)."""
        review = judge(
            one="instance: nvidia-l4 x4\nengine: { type: vllm }\nargs:\n  - --x\n  - --data-parallel-size=2\n"
        )

        assert lines(review) == [
            (
                "one.yaml:9: args.1: --data-parallel-size gives another data_parallel_size than the request, which "
                "says 1 (nvidia-l4 x4 has 4 accelerators), and the service counts only the request's. Take the "
                "argument out, or say it as engine.data_parallel_size."
            )
        ]
        assert review.blocking == review.findings

    def test_nothing_is_said_where_the_number_is_not_known(self, judge) -> None:
        """A catalogue that leaves it out is no reason to stop anybody."""
        spec = "instance: nvidia-l4 x4\nengine: { type: vllm, tensor_parallel_size: 3 }\nargs: [-tp, 2]\n"

        assert judge(changed(num_accelerators=None), one=spec).findings == ()


class TestReview:
    def test_everything_is_found_at_once_in_the_order_of_the_files(self, judge) -> None:
        """People fix all of it in one go; a spec that cannot be planned does not hide the others."""
        review = judge(
            zebra="instance: nvidia-z9 x1\nengine: { type: tgi }\n",
            good="instance: nvidia-l4 x1\n",
            apple='instance: "GPU [large] · 4x T4"\nengine: { type: tgi }\n',
            sized="instance: nvidia-l4 x4\nengine: { type: vllm, data_parallel_size: 3 }\nargs: [-tp, 2]\n",
        )

        assert [(finding.endpoint, finding.file, finding.line, finding.rule) for finding in review.findings] == [
            ("zebra", "zebra.yaml", 5, "unknown-hardware"),
            ("apple", "apple.yaml", 5, "label-retired"),
            ("apple", "apple.yaml", 6, "engine-maintenance"),
            ("sized", "sized.yaml", 6, "parallel-sizes"),
            ("sized", "sized.yaml", 7, "parallel-sizes"),
        ]
        assert [finding.endpoint for finding in review.blocking] == ["zebra", "sized", "sized"]
        assert [finding.endpoint for finding in review.remarks] == ["apple", "apple"]
        assert [plan.name for plan in review.plans] == ["good", "apple", "sized"]

    def test_no_specs_are_no_findings(self) -> None:
        """An empty folder was refused before this."""
        assert review_specs([], SNAPSHOT) == Review((), ())

    @pytest.mark.parametrize(
        ("line", "field", "text"),
        [(3, "instance", "a.yaml:3: instance: No."), (0, "instance", "a.yaml: instance: No."), (0, "", "a.yaml: No.")],
    )
    def test_a_finding_is_one_line_with_its_place(self, line, field, text) -> None:
        """The form that editors and terminals make a link of."""
        assert str(Finding("rule", Severity.ERROR, "a", "a.yaml", line, field, "No.")) == text


@pytest.mark.parametrize(
    ("instance", "engine", "told"),
    [
        ("nvidia-l4 x1", "{type: vllm_neuron, image: acme/vllm:1}", "vllm_neuron does not run on nvidia-l4 x1"),
        (
            "intel-spr x1",
            "{type: huggingface_neuron}",
            "huggingface_neuron does not run on intel-spr x1, which is a CPU",
        ),
        ("inf2 x1", "{type: huggingface}", "huggingface does not run on inf2 x1, which has neuron accelerators"),
        ("inf2 x1", "{type: custom, image: acme/any:1}", ""),
        ("inf2 x1", "{type: huggingface_neuron}", ""),
    ],
)
def test_neuron_engines_and_neuron_hardware_go_together(tmp_path: Path, instance: str, engine: str, told: str) -> None:
    """The service would take it, start it, bill it, and it would never run."""
    file = tmp_path / "tiny.yaml"
    file.write_text(
        f"name: tiny\nrepository: acme/tiny\ncloud: aws\nregion: us-east-1\ninstance: {instance}\nengine: {engine}\n"
    )

    found = review_specs(load_specs([file]), Catalog.snapshot())

    assert [finding.rule for finding in found.blocking] == (["engine-hardware"] if told else [])
    assert told in " ".join(finding.sentence for finding in found.blocking)
