"""Plans by hardware: every accelerator is used, and the image is one that runs there."""

from typing import Any

import pytest
from plans import ROWS, SNAPSHOT, plan_of, variant_of

from hfdeploy.catalog import Catalog
from hfdeploy.errors import UsageError
from hfdeploy.plan import contradicted, default_image, make_plan


class TestParallelSizes:
    @pytest.mark.parametrize("engine", ["vllm", "sglang"])
    @pytest.mark.parametrize("size", ["x1", "x2", "x4", "x8"])
    def test_unset_sizes_use_every_accelerator(self, engine: str, size: str) -> None:
        """Unset ones on several accelerators are reported as refused (huggingface_hub#4661)."""
        variant = variant_of(plan_of(instance=f"nvidia-a100 {size}", engine={"type": engine}))
        count = int(size[1:])

        sizes = {name: value for name, value in variant.items() if name.endswith("ParallelSize")}
        both = {"tensorParallelSize": count} | ({"dataParallelSize": 1} if engine == "vllm" else {})
        assert sizes == (both if count > 1 else {})

    @pytest.mark.parametrize(
        ("asked", "sent"),
        [
            ({"tensor_parallel_size": 2}, (2, 4)),
            ({"data_parallel_size": 8}, (1, 8)),
            ({"tensor_parallel_size": 4, "data_parallel_size": 2}, (4, 2)),
            ({"tensor_parallel_size": 3}, (3, 2)),
            ({"tensor_parallel_size": 16}, (16, 1)),
            ({"data_parallel_size": 16}, (1, 16)),
            ({"tensor_parallel_size": 8, "data_parallel_size": 8}, (8, 8)),
        ],
        ids=str,
    )
    def test_a_size_that_is_given_is_kept_and_the_other_follows(self, asked: dict[str, int], sent: Any) -> None:
        """Nobody's number is changed behind their back, not even one that the review will refuse."""
        plan = plan_of(instance="nvidia-a100 x8", engine={"type": "vllm", **asked})

        variant = variant_of(plan)
        assert (variant["tensorParallelSize"], variant["dataParallelSize"]) == sent
        assert plan.parallel_sizes is not None
        assert plan.parallel_sizes.product == sent[0] * sent[1]
        assert plan.parallel_sizes.is_whole == (sent[0] * sent[1] == 8)

    @pytest.mark.parametrize("count", [None, 4])
    def test_cpus_are_no_accelerators(self, count: int | None) -> None:
        """The catalogue may count vCPUs there; a container for CPUs is not to be split by them."""
        rows = [row.model_copy(update={"num_accelerators": count}) for row in SNAPSHOT.rows if row.accelerator == "cpu"]
        spec = plan_of(instance="intel-spr x4", engine={"type": "vllm", "image": "acme/vllm:cpu"}).spec

        plan = make_plan(spec, Catalog(rows=tuple(rows), source="live"))

        assert (variant_of(plan), plan.parallel_sizes) == ({"url": "acme/vllm:cpu"}, None)

    def test_an_unknown_number_is_not_guessed(self) -> None:
        """A catalogue may leave it out; sizes that the spec has are sent all the same."""
        rows = [row.model_copy(update={"num_accelerators": None}) for row in SNAPSHOT.rows]
        spec = plan_of(instance="nvidia-l4 x4", engine={"type": "vllm", "tensor_parallel_size": 4}).spec

        plan = make_plan(spec, Catalog(rows=tuple(rows), source="live"))

        assert plan.parallel_sizes is None
        assert variant_of(plan)["tensorParallelSize"] == 4
        assert "dataParallelSize" not in variant_of(plan)

    @pytest.mark.parametrize(
        ("engine", "args", "found"),
        [
            ("vllm", "--tensor-parallel-size 2", [(0, "--tensor-parallel-size", "tensor_parallel_size")]),
            ("vllm", "-x --tensor_parallel_size=2", [(1, "--tensor_parallel_size", "tensor_parallel_size")]),
            ("vllm", "-tp 2 -dp=2", [(0, "-tp", "tensor_parallel_size"), (2, "-dp", "data_parallel_size")]),
            ("vllm", "--data-parallel-size", [(0, "--data-parallel-size", "data_parallel_size")]),
            ("vllm", "-tp 4 -dp 1 --tensor-parallel-size=4", []),
            ("sglang", "--tp 2", [(0, "--tp", "tensor_parallel_size")]),
            ("sglang", "--tp-size=2", [(0, "--tp-size", "tensor_parallel_size")]),
            ("sglang", "--tensor-parallel-size 8", [(0, "--tensor-parallel-size", "tensor_parallel_size")]),
            ("sglang", "--dp 2 -tp 2", []),
        ],
    )
    def test_arguments_that_say_otherwise_are_found(self, engine: str, args: str, found: list[Any]) -> None:
        """The engine would start with one number and the service count with another."""
        plan = plan_of(instance="nvidia-l4 x4", engine={"type": engine}, args=args.split())

        assert plan.parallel_sizes is not None
        assert list(contradicted(plan.spec.args, engine, plan.parallel_sizes)) == found


class TestImages:
    @pytest.mark.parametrize(
        ("instance", "tag"),
        [
            ("nvidia-t4", "turing-1.9.4"),
            ("nvidia-a100", "1.9.4"),
            ("nvidia-a10g", "86-1.9.4"),
            ("nvidia-l4", "89-1.9.4"),
            ("nvidia-l40s", "89-1.9.4"),
            ("nvidia-h100", "hopper-1.9.4"),
            ("nvidia-h200", "hopper-1.9.4"),
            ("nvidia-b200", "100-1.9.4"),
            ("intel-spr", "cpu-1.9.4"),
        ],
    )
    def test_embeddings_get_the_build_of_their_gpu(self, instance: str, tag: str) -> None:
        """TEI's images are one per compute capability, and the wrong one does not start."""
        row = next(row for row in ROWS if row.instance_type == instance)

        assert default_image("tei", row).url == f"ghcr.io/huggingface/text-embeddings-inference:{tag}"

    @pytest.mark.parametrize("engine", ["tgi", "vllm", "sglang", "llamacpp", "tei"])
    def test_every_gpu_has_an_image_of_every_engine(self, engine: str) -> None:
        """A pinned tag, never one that moves."""
        images = [default_image(engine, row) for row in ROWS if row.accelerator == "gpu"]

        assert all(image.port and image.health_route.startswith("/") for image in images)
        tags = {image.url.partition(":")[2] for image in images}
        assert [tag for tag in tags if not any(character.isdigit() for character in tag)] == []

    def test_an_unknown_gpu_gets_no_image_that_may_not_run(self) -> None:
        """The way out is in the sentence."""
        row = ROWS[-1].model_copy(update={"accelerator": "gpu", "instance_type": "nvidia-x900", "instance_size": "x1"})

        with pytest.raises(UsageError) as error:
            default_image("tei", row)

        assert str(error.value) == (
            "The package has no default image of tei for nvidia-x900 x1 (gpu); it has one for cpu, gpu. "
            "Name one in the spec as engine.image."
        )

    def test_an_engine_of_which_nothing_is_pinned_is_refused(self) -> None:
        """The toolkit's container is the service's choice."""
        with pytest.raises(UsageError, match=r"no default image of huggingface for .*; it has one for no accelerator"):
            default_image("huggingface", ROWS[0])
