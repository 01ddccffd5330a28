"""Metrics of an endpoint, from the requests its callers made; series in the shape that clients read.

Usage of processors and memory is a flat figure, one of ours or one that was scripted: nothing runs here.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hfdeploy.emulator.clock import timestamp
from hfdeploy.emulator.records import Json, Record

Series = dict[str, Any]
Sample = list[float]

PERCENTILES = (0.5, 0.9, 0.95, 0.99)
_USAGE = {"hardwareCpu": 35.0, "hardwareMem": 40.0, "hardwareGpu": 55.0, "hardwareGpuMem": 70.0}

GRAPHS: dict[str, str] = {
    "response-status-code": "responseStatusCodeGrouped",
    "response-elapsed": "responseElapsed",
    "pending-request": "pendingRequest",
    "replica-status": "replicasRunning",
    "replica-running": "replicasRunning",
    "hardware-cpu": "hardwareCpu",
}
"""Names of `metrics/{graph}` and the keys of the same graphs in the reply with all of them."""

NAMED: dict[str, str] = {
    "hardware-mem": "hardwareMem",
    "hardware-gpu": "hardwareGpu",
    "hardware-gpu-mem": "hardwareGpuMem",
}
"""Names that nobody has read; option `gpu_graphs`."""


def graphs(record: Record, start: float, stop: float) -> dict[str, Any]:
    """All graphs of a period."""
    samples = [sample for sample in record.samples if start <= sample[0] <= stop]
    points = _points(record, start, stop)
    graphs: dict[str, Any] = {
        "responseStatusCodeGrouped": _series("statusCode", _by_status(samples)),
        "responseElapsed": _series("percentile", _by_percentile(samples)),
        "pendingRequest": _series("status", {"pending": [_point(stop, 0)]}),
        "replicasRunning": _series("status", {"running": _running(record, start, stop)}),
        "inference": None,
    }
    for key, usage in (_USAGE | record.usage).items():
        device = None if key in {"hardwareCpu", "hardwareMem"} else "0"
        data = [_point(x, usage) for x in points]
        graphs[key] = {"series": [{"replicaId": one, "deviceId": device, "data": data} for one in record.replicas]}
    if next(iter(record.config["model"]["image"])) == "vLLM":
        flat = {"series": [{"replicaId": one, "data": [_point(stop, 0.0)]} for one in record.replicas]}
        requests = {"waiting": flat, "running": flat}
        graphs["inference"] = {"kvCache": flat, "ttft": flat, "itl": flat, "prefixCache": flat, "requests": requests}
    return graphs


def graph(record: Record, name: str, start: float, stop: float, *, named: bool) -> Json:
    """One graph by the name of its route, or None when there is none."""
    found = graphs(record, start, stop)
    if name.startswith("vllm/"):
        return (found["inference"] or {}).get(
            {"vllm/requests": "requests", "vllm/prefix-cache": "prefixCache"}.get(name)
        )
    key = (GRAPHS | NAMED if named else GRAPHS).get(name)
    return found[key] if key else None


def old_metric(record: Record, name: str, body: Mapping[str, Any]) -> Json:
    """A metric in the form of 2023: values at `step` seconds from `from` to `to` (unix); None for an unknown name."""
    measure = _OLD.get(name)
    if measure is None:
        return None
    start, stop, step = float(body["from"]), float(body["to"]), max(1.0, float(body.get("step", 60)))
    values: list[list[float]] = []
    x = start
    while x <= stop and len(values) < 1000:
        inside = [sample for sample in record.samples if x <= sample[0] < x + step]
        values.append([x, measure(record, inside, step)])
        x += step
    return {"metric": name, "values": values}


def open_metrics(record: Record) -> str:
    """The exposition in text form."""
    elapsed = sorted(sample[2] for sample in record.samples)
    statuses = Counter(int(sample[1]) for sample in record.samples)
    replica = next(iter(record.replicas), "")
    lines = ["# TYPE latency_distribution summary"]
    lines += [f'latency_distribution{{quantile="{q:g}"}} {_quantile(elapsed, q):g}' for q in PERCENTILES]
    lines += [f"latency_distribution_sum {sum(elapsed):g}", f"latency_distribution_count {len(elapsed)}"]
    lines.append("# TYPE http_requests counter")
    lines += [
        f'http_requests_total{{replica_id="{replica}",status_code="{status}"}} {count}'
        for status, count in sorted(statuses.items())
    ]
    lines.append("# TYPE cpu_usage_percent gauge")
    lines += [f'cpu_usage_percent{{replica_id="{one}"}} {_USAGE["hardwareCpu"]:g}' for one in record.replicas]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _points(record: Record, start: float, stop: float) -> list[float]:
    """A handful of moments in a period in which the endpoint existed."""
    start = max(start, record.created)
    return [start + (stop - start) * index / 4 for index in range(5)] if stop > start else []


def _running(record: Record, start: float, stop: float) -> list[dict[str, Any]]:
    """How many replicas ran: at the beginning of the period, at each change, and at its end."""
    before = [count for at, count in record.counts if at <= start]
    found = [_point(start, before[-1])] if before else []
    found += [_point(at, count) for at, count in record.counts if start < at <= stop]
    return [*found, _point(stop, len(record.replicas))]


def _series(label: str, data: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[Series]]:
    return {"series": [{label: key, "data": points} for key, points in data.items()]}


def _by_status(samples: list[Sample]) -> dict[str, list[dict[str, Any]]]:
    counts = Counter(int(sample[1]) for sample in samples)
    last = {int(sample[1]): sample[0] for sample in samples}
    return {str(status): [_point(last[status], count)] for status, count in sorted(counts.items())}


def _by_percentile(samples: list[Sample]) -> dict[str, list[dict[str, Any]]]:
    elapsed = sorted(sample[2] for sample in samples)
    if not elapsed:
        return {}
    return {f"p{q * 100:g}": [_point(samples[-1][0], _quantile(elapsed, q))] for q in PERCENTILES}


def _point(x: float, y: float) -> dict[str, Any]:
    return {"x": timestamp(x), "y": y}


def _quantile(ordered: list[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0


Measure = Callable[[Record, list[Sample], float], float]


def _counting(low: int, high: int) -> Measure:
    return lambda _, samples, __: float(sum(low <= sample[1] < high for sample in samples))


def _rate(measure: Measure) -> Measure:
    return lambda record, samples, step: measure(record, samples, step) / step


def _latency(q: float) -> Measure:
    return lambda _, samples, __: _quantile(sorted(sample[2] for sample in samples), q)


def _average(_: Record, samples: list[Sample], __: float) -> float:
    return sum(sample[2] for sample in samples) / len(samples) if samples else 0.0


def _flat(value: float) -> Measure:
    return lambda _, __, ___: value


_COUNTS = {
    "request-count": _counting(100, 600),
    "success-throughput": _counting(200, 300),
    "bad-request-throughput": _counting(400, 500),
    "server-error-throughput": _counting(500, 600),
}
_OLD: Mapping[str, Measure] = {
    **_COUNTS,
    **{f"{name}-rate": _rate(measure) for name, measure in _COUNTS.items()},
    "pending-requests": _flat(0),
    "average-latency": _average,
    "median-latency": _latency(0.5),
    "p95-latency": _latency(0.95),
    "cpu-usage": _flat(_USAGE["hardwareCpu"]),
    "memory-usage": _flat(_USAGE["hardwareMem"]),
    "gpu-usage": _flat(_USAGE["hardwareGpu"]),
    "gpu-memory-usage": _flat(_USAGE["hardwareGpuMem"]),
    "neuron-usage": _flat(0),
    "neuron-memory-usage": _flat(0),
    "ready-replicas": lambda record, _, __: float(len(record.replicas)),
    "running-replicas": lambda record, _, __: float(len(record.replicas)),
    "target-replicas": lambda record, _, __: float(max(1, record.config["compute"]["scaling"]["minReplica"])),
}
