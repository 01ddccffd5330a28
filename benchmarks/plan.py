"""`make bench-plan`: planning 1,000 specs without a network, against reading the same files with a plain loader.

Both sides run in this process, in turns, and the median of the ratios counts: another program on the machine slows
both. The plain side parses each file with libyaml's safe loader and validates it with the same models; the other one
is what `hfdeploy plan` does before it prints: files, rules, requests, memory by the lock file, findings, cost.
"""

import gc
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import yaml

from hfdeploy.catalog import Catalog
from hfdeploy.fit import FullAttention, Model, Shape, Weights
from hfdeploy.lock import FILE, Lock, Locked, read_locks, write_lock
from hfdeploy.render import estimate_of
from hfdeploy.review import Review, review_specs
from hfdeploy.spec import EndpointSpec, load_specs

SPECS: Final = 1000
ROUNDS: Final = 7
MOST_TIMES: Final = 3.0
MOST_MIB: Final = 250

_INSTANCES: Final = (
    ("aws", "us-east-1", "nvidia-l4 x1", "vllm"),
    ("aws", "us-east-1", "nvidia-a10g x1", "tgi"),
    ("aws", "us-east-1", "GPU [xlarge] · 1x A100", "vllm"),
    ("aws", "us-east-1", "nvidia-l40s x4", "sglang"),
    ("aws", "us-east-1", "nvidia-t4 x1", "vllm"),
    ("aws", "us-east-1", "intel-spr x2", "tei"),
)
_SPEC: Final = """\
# Number {number} of a fleet.
name: endpoint-{number:04d}
repository: acme/model-{model}
task: {task}

cloud: {cloud}
region: {region}
instance: "{instance}"
autoscaling: {{ min: 0, max: {most}, scale_to_zero_after: 15m }}

engine:
  type: {engine}
{length}
env:
  LOG_LEVEL: info
  TEAM: team-{team}
tags: [team-{team}, fleet]
security: private
verify:
  prompt: "Write one sentence about number {number}."
rollout:
  timeout: 30m
"""


def main() -> int:
    """Print the ratio and the memory; 1 when either is over its bound."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_fleet(folder, SPECS)
        ratio, plain, planned = compare(folder, ROUNDS)
    # Linux counts kilobytes there, macOS bytes.
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    sys.stdout.write(
        f"{SPECS} specs: parsed and validated in {plain:.2f} s, planned in {planned:.2f} s (medians of {ROUNDS}).\n"
        f"time    {ratio:.2f} times the plain loader, at most {MOST_TIMES:g} allowed\n"
        f"memory  {mib:.0f} MiB at most, {MOST_MIB} allowed\n"
    )
    return int(ratio > MOST_TIMES or mib > MOST_MIB)


def write_fleet(folder: Path, count: int) -> None:
    """So many specs and a lock file that knows half of their models."""
    for number in range(count):
        cloud, region, instance, engine = _INSTANCES[number % len(_INSTANCES)]
        text = _SPEC.format(
            number=number,
            model=number % 100,
            task="feature-extraction" if engine == "tei" else "text-generation",
            cloud=cloud,
            region=region,
            instance=instance,
            engine=engine,
            most=1 + number % 4,
            length="" if engine == "tei" else "max_model_len: 4096",
            team=number % 20,
        )
        (folder / f"endpoint-{number:04d}.yaml").write_text(text, encoding="utf-8")
    (folder / FILE).write_text(write_lock(_lock()), encoding="utf-8")


def compare(folder: Path, rounds: int) -> tuple[float, float, float]:
    """The median ratio, and the medians of both sides in seconds; both run once before it counts."""
    read_plainly(folder)
    plan(folder)
    plain, planned = [], []
    for _ in range(rounds):
        plain.append(_timed(lambda: read_plainly(folder)))
        planned.append(_timed(lambda: plan(folder)))
    ratios = [slow / fast for slow, fast in zip(planned, plain, strict=True)]
    return statistics.median(ratios), statistics.median(plain), statistics.median(planned)


def read_plainly(folder: Path) -> list[EndpointSpec]:
    """The files as any program would read them."""
    return [
        EndpointSpec.model_validate(yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader))
        for file in sorted(folder.glob("*.yaml"))
    ]


def plan(folder: Path) -> Review:
    """As `hfdeploy plan FOLDER`, up to what it prints; a catalogue and a lock file are read each time."""
    loaded = load_specs([folder])
    review = review_specs(loaded, Catalog.snapshot(), read_locks(loaded))
    for one in review.plans:
        estimate_of(one)
    return review


def _lock() -> Lock:
    shape = Shape("llama", 4096, 32, 128256, 14336, FullAttention(32, 8, 128), 131072, 32, "bfloat16")
    sizes = Weights(16_060_522_496, 8_030_261_248, ("BF16",))
    names = [f"acme/model-{number}" for number in range(0, 100, 2)]
    return Lock({name: Locked("0" * 40, Model(name, sizes, shape, "0" * 40)) for name in names})


def _timed(work: Callable[[], object]) -> float:
    """Seconds of CPU: what other programs do meanwhile is not counted."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
