"""Published pairs of model and instance, judged as hfdeploy would, and the tables of docs/sizing.md made of them.

`python tests/fit/published.py` writes the tables anew; a test holds them to what the data and the arithmetic say.
"""

import json
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.fit import Fit, FitVerdict, Load, Model, Precision, Weights, judge, read_shape

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "sizing.md"
BEGIN, END = "<!-- published: written by tests/fit/published.py -->", "<!-- /published -->"
DATA: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "published.yaml").read_text(encoding="utf-8"))
CATALOG = Catalog.snapshot()
_TYPES = {row.instance_type for row in CATALOG.rows}
_BYTES = {"F32": 4, "I64": 8, "BF16": 2, "F16": 2, "U8": 1, "F8_E4M3": 1}


@dataclass(frozen=True)
class Case:
    """One published statement."""

    said: dict[str, Any]

    @property
    def name(self) -> str:
        """For people who read a list of tests."""
        length = self.said.get("max_model_len", "own")
        return f"{self.said['model'].partition('/')[2]}-{self.said['instance']}-{self.said['engine']}-{length}"

    @property
    def fit(self) -> Fit:
        """What hfdeploy says, with the settings of the report."""
        said = self.said
        load = Load(
            max_model_len=said.get("max_model_len"),
            precision=Precision(said.get("precision", "stored")),
            utilisation=Fraction(said["utilisation"]) if "utilisation" in said else Load().utilisation,
            batched_tokens=said.get("batched_tokens", Load().batched_tokens),
            sequences=said.get("sequences", Load().sequences),
        )
        return judge(model_of(said["model"]), hardware_of(said), load)


def cases(section: str) -> list[Case]:
    """All of one section of the data."""
    return [Case(said) for said in DATA[section]]


@cache
def model_of(name: str) -> Model:
    """Shape and bytes of a model."""
    entry = DATA["models"][name]
    if "config" not in entry:
        stored = _published()[name]["stored"]
        size = sum(count * _BYTES[dtype] for dtype, count in stored.items())
        return Model(name, Weights(size, sum(stored.values()), tuple(stored)), read_shape(_published()[name]["config"]))
    shape = read_shape(entry["config"])
    if "weights_bytes" in entry:
        size, dtype = entry["weights_bytes"], entry.get("dtype", "BF16")
        return Model(name, Weights(size, size // _BYTES[dtype], (dtype,)), shape)
    count = parameters(entry["config"])
    return Model(name, Weights(2 * count, count, ("BF16",)), shape)


def parameters(config: dict[str, Any]) -> int:
    """Of a dense model of llama's kind: embeddings, attention (biases in qwen2), gated feed-forward part, norms."""
    hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
    keys = config["num_key_value_heads"] * (hidden // heads)
    attention = 2 * hidden * hidden + 2 * hidden * keys
    if config["model_type"] == "qwen2":
        attention += hidden + 2 * keys
    heads_of_vocabulary = 1 if config.get("tie_word_embeddings") else 2
    each = attention + 3 * hidden * config["intermediate_size"] + 2 * hidden
    return heads_of_vocabulary * config["vocab_size"] * hidden + layers * each + hidden


def hardware_of(said: dict[str, Any]) -> Hardware:
    """The catalogue's row, or one made of its type where the catalogue has no such size or no such type."""
    kind, _, size = said["instance"].partition(" ")
    count = int(size.removeprefix("x"))
    rows = [row for row in CATALOG.rows if row.instance_type == kind and row.gpu_memory_gb and row.num_accelerators]
    found = next((row for row in rows if row.instance_size == size), None)
    if found:
        return found
    memory = said.get("gpu_memory_gb") or rows[0].gpu_memory_gb / rows[0].num_accelerators * count
    return Hardware(
        vendor="aws",
        region="us-east-1",
        accelerator="gpu",
        instance_type=kind,
        instance_size=size,
        num_accelerators=count,
        gpu_memory_gb=memory,
    )


def is_missed(case: Case) -> bool:
    """Whether nothing would have warned of it: `tight` does, and `unknown` never says yes."""
    return case.fit.verdict is FitVerdict.FIT


def tables() -> str:
    """What stands between the marks of docs/sizing.md."""
    runs, failures = cases("pairs"), cases("out_of_memory")
    missed = [case for case in failures if is_missed(case)]
    listed = [case for case in failures if case.said["instance"].partition(" ")[0] in _TYPES]
    refused = [case for case in runs if case.fit.verdict is FitVerdict.NO_FIT]
    lines = [
        (
            f"{len(runs)} pairs that public sources show running, advise or measured; {len(refused)} of them judged "
            f"`no_fit`. Without a length in the source, the engine's default of that time, or the model's own."
        ),
        "",
        "| model | instance | engine | tokens | verdict | free per GPU | source |",
        "|---|---|---|---|---|---|---|",
        *(_row(case) for case in runs),
        "",
        (
            f"{len(failures)} published reports of starts that failed for want of memory; {len(missed)} of them "
            f"missed, that is judged `fit` ({100 * len(missed) / len(failures):.0f} %). Cards that the catalogue does "
            f"not have are judged by the rule for cards that nobody looked at, so that they are `tight` at best, and a "
            f"warning. On cards of the catalogue alone {sum(map(is_missed, listed))} of {len(listed)} are missed."
        ),
        "",
        "| model | instance | engine | tokens | verdict | free per GPU | source |",
        "|---|---|---|---|---|---|---|",
        *(_row(case) for case in failures),
        "",
        "Missed:",
        *(f"- {_short(case.said['source'])}: {case.said['says']}; {case.said['why']}." for case in missed),
        "",
        "That rule is on the cautious side, and refuses what others ran:",
        *(
            f"- {_short(case.said['source'])}: {case.said['model']} on {case.said['instance']} {case.said['says']}; "
            f"judged `{case.fit.verdict.value}`."
            for case in cases("other_cards")
        ),
        "",
        "Read, and not counted, since another public source shows the very same running, or model, card or settings",
        "are not said, or the engine did start:",
        *(f"- {entry['source']}: {entry['why']}." for entry in DATA["not_counted"]),
    ]
    return "\n".join(lines)


def _row(case: Case) -> str:
    said, fit = case.said, case.fit
    precision = {"int8": " (8-bit)"}.get(said.get("precision", ""), "")
    free = f"{float(fit.arithmetic.free) / 2**30:.2f} GiB" if fit.arithmetic else "–"
    verdict = f"{fit.verdict.value}, {fit.reason}" if fit.verdict is not FitVerdict.FIT else "fit"
    return (
        f"| {said['model']}{precision} | {said['instance']} | {said['engine']} | {fit.max_model_len or '–'} "
        f"| {verdict} | {free} | {_short(said['source'])} |"
    )


def _short(source: str) -> str:
    """`vllm-project/vllm#6746` instead of its address; other addresses as links."""
    if not source.startswith("https://"):
        return source
    text = source.removeprefix("https://").removeprefix("github.com/")
    for kind in ("/issues/", "/pull/"):
        text = text.replace(kind, "#")
    text = text.replace("/blob/main/", ", ")
    return f"[{text.removesuffix('.html')}]({source})"


@cache
def _published() -> dict[str, Any]:
    text = (resources.files("hfdeploy.emulator") / "data" / "repositories.json").read_text(encoding="utf-8")
    models: dict[str, Any] = json.loads(text)["models"]
    return models


def between() -> str:
    """What stands there now."""
    return DOCUMENT.read_text(encoding="utf-8").partition(f"{BEGIN}\n")[2].partition(f"\n{END}")[0]


def main() -> int:
    """Write the tables."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(f"{BEGIN}\n")
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{tables()}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
