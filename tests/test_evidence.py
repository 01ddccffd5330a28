"""One evidence file per rollout: what was sent, when, what answered, what failed and what became of it; no secret."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import OWNER, Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, failure

from hfdeploy import evidence, redact
from hfdeploy.evidence import KEPT, Shelf, read

pytest_plugins = ["project"]

CANARY = "canary-secret-4711-abcdef"
PUBLIC_CANARY = "canary-env-4712-abcdef"
GOOD = SPEC["engine"]["image"]
BAD = "acme/broken-inference:1"
BEGUN = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def plugin(world: Running, tmp_path: Path) -> Iterator[Plugin]:
    with running_plugin(config(world), {"THE_KEY": CANARY}, tmp_path) as process:
        yield process


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, "test", "tiny")


def bad_engine() -> dict[str, Any]:
    return {"engine": {**SPEC["engine"], "image": BAD}, "rollout": {"timeout": "20s"}}


def print_lines(world: Running, lines: list[str]) -> None:
    """Let the container of `tiny` have printed these."""
    record = world.app.world.store.find("acme", "tiny")
    record.logs += [{**record.logs[-1], "line": line, "stream": "stdout", "level": "INFO"} for line in lines]


def fail_update(stack: Stack, **changes: Any) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        stack.update(**changes)
    return failure(caught)


def test_a_first_rollout_leaves_one_file_with_everything(world: Running, plugin: Plugin, shelf: Shelf) -> None:
    """Whoever asks later what was proved, and by what, finds it; the outputs hold none of the text."""
    stack = Stack(plugin)

    (file,) = shelf.files()
    kept = read(file)

    assert file.name.endswith("Z-passed.json")
    assert read(shelf.newest) == kept
    assert (kept["endpoint"], kept["stack"], kept["kind"], kept["verdict"]) == ("acme/tiny", "test", "first", "passed")
    assert kept["owner"] == stack.guard.outs["owner"]
    assert kept["generation"] == stack.identity.outs["generation"]
    assert kept["request"] is None, "the identity had sent everything"
    assert kept["serves"]["revision"] == stack.endpoint.outs["revision"]
    assert kept["serves"]["image"]["url"] == GOOD
    assert kept["serves"]["compute"]["instance_type"] == "nvidia-t4"
    assert kept["replicas"]["after"] == [
        one["id"] for one in world.owner.get("/v2/endpoint/acme/tiny/replica").json()["items"]
    ]
    assert [*kept["timings"]] == ["start", "running", "first_token", "end"]
    assert kept["proof"]["ended_at"] == stack.endpoint.outs["verified_at"]
    assert kept["proof"]["plain"]["verdict"] == "passed"
    assert (kept["failure"], kept["restore"]) == (None, None)
    assert kept["proof"]["sample"]["text"]
    assert kept["proof"]["sample"]["text"] not in json.dumps(stack.endpoint.outs)
    assert file.stat().st_mode & 0o077 == 0


def test_an_update_is_told_by_the_names_of_what_was_sent(world: Running, plugin: Plugin, shelf: Shelf) -> None:
    """Values of `env` may be private, and secrets are nobody's."""
    stack = Stack(
        plugin, secrets={"API_KEY": {"from_env": "THE_KEY"}}, verify={"max_new_tokens": 4, "prompt": CANARY[:6]}
    )
    old = read(shelf.newest)["replicas"]["after"]

    stack.update(env={"LOG_LEVEL": PUBLIC_CANARY, "OTHER": PUBLIC_CANARY}, tags=["team-b"])

    newest, first = shelf.files()
    kept = read(newest)
    assert (kept["kind"], kept["verdict"]) == ("update", "passed")
    assert kept["request"] == {
        "method": "PUT",
        "fields": ["env", "tags"],
        "env": ["LOG_LEVEL", "OTHER"],
        "secrets": [],
    }
    assert [*kept["timings"]] == ["start", "put", "running", "first_token", "end"]
    assert (
        kept["timings"]["put"]["after_s"] <= kept["timings"]["running"]["after_s"] <= kept["timings"]["end"]["after_s"]
    )
    assert kept["replicas"]["before"] == old
    assert not set(kept["replicas"]["after"]) & set(old)
    assert first.name < newest.name
    for file in (newest, first, shelf.newest):
        for hidden in (CANARY, PUBLIC_CANARY, OWNER):
            assert hidden not in file.read_text()


@pytest.mark.fault(14, 35)
def test_a_failed_update_and_its_restore_are_in_one_file(world: Running, plugin: Plugin, shelf: Shelf) -> None:
    """What failed, taken before anything was changed; that the previous one serves again; and nothing secret."""
    stack = Stack(plugin, secrets={"API_KEY": {"from_env": "THE_KEY"}})
    world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "update_failed"}])
    print_lines(world, [f"line {number}" for number in range(60)] + [f"loading with API_KEY={CANARY}"])

    said = fail_update(stack, **bad_engine())

    newest, _ = shelf.files()
    kept = read(newest)
    assert newest.name.endswith("-failed.json")
    assert kept["sentence"] in said
    broken = kept["failure"]
    assert broken["state"] == "updateFailed"
    assert broken["error_message"] == "Endpoint failed to start: the container exited with code 1"
    assert len(broken["log"]) == 50
    assert any(line.startswith("loading with API_KEY=") for line in broken["log"])
    assert kept["timings"]["failure"]["after_s"] <= kept["timings"]["restore_put"]["after_s"]
    restored = kept["restore"]
    assert restored["request"]["fields"] == ["engine", "tags"]
    assert restored["serves"]["image"]["url"] == GOOD
    assert (restored["proof"]["verdict"], restored["lost_secrets"]) == ("passed", [])
    assert f"it was away for at most {restored['away_at_most_s']:.0f} s" in said
    assert restored["away_at_most_s"] > 0
    assert CANARY not in newest.read_text() + said
    assert OWNER not in newest.read_text()


@pytest.mark.fault(1)
def test_a_run_that_is_killed_while_it_puts_things_back_leaves_why(
    world: Running, plugin: Plugin, shelf: Shelf
) -> None:
    """The evidence is on disk before anything is undone; nobody lived to conclude it, and the file says so."""
    stack = Stack(plugin)
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
    world.fault("hang", method="PUT", skip=1)
    with ThreadPoolExecutor(1) as threads:
        update = threads.submit(stack.update, **bad_engine())
        while len([one for one in world.requests() if one["method"] == "PUT"]) < 2:
            assert not update.done()
        plugin.process.kill()
        with pytest.raises(grpc.RpcError):
            update.result()

    newest, _ = shelf.files()
    kept = read(newest)
    assert newest.name.endswith("-unfinished.json")
    assert (kept["verdict"], kept["proof"]["reason"]) == ("unfinished", "empty")
    assert kept["failure"]["state"] == "running"
    assert kept["failure"]["log"]
    assert kept["timings"]["failure"]["after_s"] > 0


def test_a_refused_retry_keeps_no_file(world: Running, plugin: Plugin, shelf: Shelf) -> None:
    """A pipeline that retries every ten minutes would push out the evidence of the failure itself."""
    stack = Stack(plugin)
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
    fail_update(stack, **bad_engine())
    before = shelf.files()

    assert "failed before and was put back" in fail_update(stack, **bad_engine())

    assert shelf.files() == before


# The shelf itself


def test_the_newest_rollouts_are_kept_and_the_oldest_go(shelf: Shelf) -> None:
    """A stack that is brought up every day must not fill a disk."""
    files = [shelf.keep({"number": n}, "passed", BEGUN + timedelta(days=n)) for n in range(KEPT + 3)]

    assert shelf.files() == files[:2:-1]
    assert len(shelf.files()) == KEPT == 20
    assert read(shelf.newest) == {"number": KEPT + 2}


def test_one_rollout_is_one_file_whatever_it_was_called_meanwhile(shelf: Shelf) -> None:
    """It is written before anything is undone, and again at the end."""
    shelf.keep({"verdict": "unfinished"}, "unfinished", BEGUN)
    file = shelf.keep({"verdict": "failed"}, "failed", BEGUN)

    assert shelf.files() == [file]
    assert file.name == "20260101T120000000000Z-failed.json"
    assert read(shelf.newest) == {"verdict": "failed"}


@pytest.mark.fault(35)
def test_a_known_secret_is_taken_out_wherever_it_stands(shelf: Shelf) -> None:
    """Models and containers repeat what they were given; nobody can say in which field."""
    redact.known.add(CANARY)
    base64 = b64encode(f"x{CANARY}".encode()).decode()

    file = shelf.keep({"a": [{"b": f"key={CANARY}"}, (CANARY,)], "c": base64, "d": 4, "e": None}, "passed", BEGUN)

    assert read(file) == {"a": [{"b": "key=***"}, ["***"]], "c": read(file)["c"], "d": 4, "e": None}
    assert CANARY not in file.read_text()
    assert base64 not in file.read_text()


def test_what_cannot_be_written_leaves_what_was_there(shelf: Shelf) -> None:
    """Half a file would be read as none."""
    file = shelf.keep({"number": 1}, "passed", BEGUN)

    with pytest.raises(TypeError):
        shelf.keep({"number": object()}, "passed", BEGUN)

    assert (read(file), read(shelf.newest)) == ({"number": 1}, {"number": 1})
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


@pytest.mark.parametrize("junk", ["", "[]", "{", '"text"', "\x00"])
def test_evidence_that_cannot_be_read_is_none(shelf: Shelf, junk: str) -> None:
    """A run was killed, a disk was full: `status` shows the rest."""
    file = shelf.keep({"proof": {"ended_at": "now"}}, "passed", BEGUN)
    file.write_text(junk)

    assert shelf.proof("now") == {}


def test_the_proof_of_an_earlier_rollout_is_found_behind_later_ones(shelf: Shelf) -> None:
    """A rollout that changed tags proved nothing, and the earlier proof still stands."""
    shelf.keep({"proof": {"ended_at": "then", "sentence": "it answered"}}, "passed", BEGUN)
    shelf.keep({"proof": None}, "unverified", BEGUN + timedelta(hours=1))

    assert shelf.proof("then")["sentence"] == "it answered"
    assert shelf.proof("never") == shelf.proof(None) == {}


def test_a_writer_that_is_killed_leaves_whole_files_only(shelf: Shelf, tmp_path: Path) -> None:
    """SIGKILL in the middle of writing, again and again: whatever is there is whole."""
    script = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from hfdeploy.evidence import Shelf\n"
        "shelf = Shelf(Path(sys.argv[1]), 'test', 'tiny'); print('go', flush=True)\n"
        "for n in range(10**6): shelf.keep({'text': 'x' * 200_000, 'end': True}, 'passed', datetime.now(UTC))\n"
    )
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ}
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        while not shelf.newest.exists():
            assert writer.poll() is None
        writer.kill()
        writer.wait()
        writer.stdout.close()

        assert all(read(file)["end"] for file in [*shelf.files(), shelf.newest])
    last = shelf.keep({"end": True}, "passed", datetime.now(UTC))
    assert {path.suffix for path in last.parent.iterdir()} == {".json"}, "what the killed ones had begun is gone"


def test_half_a_character_does_not_keep_evidence_from_being_written(tmp_path: Path) -> None:
    """A log line may end within one, and what fails here would keep what serves from being put back."""
    evidence.write(tmp_path / "one.json", {"log": "cut \ud83d"})

    assert evidence.read(tmp_path / "one.json") == {"log": "cut ?"}
