"""`make fuzz`: one target, coverage-guided, for so many seconds. The arguments after `--` are libFuzzer's own.

python tests/fuzz/run.py loader 120
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TARGETS = ("loader", "stream")
WATCHED = ["hfdeploy.spec", "hfdeploy.stream", "hfdeploy.verdict", "httpx2._sse"]
"""What inputs are chosen by: the branches of these."""

LONGEST = 65_536
"""Bytes of an input."""


def fuzz(target: str) -> None:
    """Within the process that libFuzzer drives; never returns."""
    import atheris

    with atheris.instrument_imports(include=WATCHED):
        import laws

    def once(data: bytes) -> None:
        if target == "loader":
            laws.load(data)
            return
        wishes = atheris.FuzzedDataProvider(data)
        dialect = laws.DIALECTS[wishes.ConsumeIntInRange(0, len(laws.DIALECTS) - 1)]
        cuts = wishes.ConsumeIntList(wishes.ConsumeIntInRange(0, 6), 2)
        laws.stream(wishes.ConsumeBytes(LONGEST), [abs(cut) for cut in cuts], dialect)

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


def main() -> int:
    """Run one target in a process of its own on a copy of its seeds; the exit code is libFuzzer's."""
    target, seconds, *more = sys.argv[1:]
    if target not in TARGETS:
        print(f"There is no target {target!r}; there are {', '.join(TARGETS)}.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="hfdeploy-fuzz-") as folder:
        corpus = Path(folder) / "corpus"
        shutil.copytree(HERE / "seeds" / target, corpus)
        options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=1024",
                   f"-artifact_prefix={Path.cwd()}/", "-print_final_stats=1"]  # fmt: skip
        return subprocess.call([sys.executable, __file__, "--in-process", target, str(corpus), *options, *more])


if __name__ == "__main__":
    if sys.argv[1] == "--in-process":
        name = sys.argv.pop(2)
        sys.argv.pop(1)
        fuzz(name)
    sys.exit(main())
