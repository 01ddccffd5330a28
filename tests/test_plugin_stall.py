"""One slow answer, and one interpreter with an old mistake: neither may stop a whole run."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from control_plane import OWNER, Running
from existence import of, wanted
from front import Asked, Said, front_of
from plugin_process import running_plugin
from plugin_stack import config

pytest_plugins = ["project", "plugin_stack"]

COLLECTING_ALWAYS = """
import faulthandler, gc, sys, threading
from hfdeploy.provider import host

for _ in range(20):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
faulthandler.dump_traceback_later(30, exit=True)
gc.callbacks.append(lambda *_: sys._current_exceptions())
gc.set_threshold(1)
print(host.prepare(), gc.isenabled())
"""
"""Every allocation collects, and every collection wants the lock that a look at the threads holds."""


def test_a_collection_that_begins_while_the_host_is_found_stops_nothing() -> None:
    """Python up to 3.11.8 stands still for good there (github.com/python/cpython/issues/106883)."""
    ended = subprocess.run(
        [sys.executable, "-c", COLLECTING_ALWAYS], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, "False True\n"), ended.stderr


def test_hardware_that_is_read_slowly_holds_up_no_other_namespace(world: Running, tmp_path: Path) -> None:
    """A service that does not answer for one organisation: the endpoints of the other are made meanwhile."""
    world.set(accounts={OWNER: {"user": "founder", "organisations": ["acme", "slow"], "accepted": []}})
    was_asked, may_answer = threading.Event(), threading.Event()
    in_time: list[bool] = []

    def answer(_asked: Asked, said: Said) -> Said:
        was_asked.set()
        in_time.append(may_answer.wait(20))
        return said

    with front_of(world.url) as front, ThreadPoolExecutor() as pool:
        front.on("GET", "/v2/provider/slow", answer)
        with running_plugin(config(world) | {"hfdeploy:apiUrl": front.url}, folder=tmp_path) as plugin:
            slow = pool.submit(plugin.create, "identity", wanted("slow"))
            assert was_asked.wait(60)
            plugin.create("identity", wanted("acme"))
            may_answer.set()
            slow.result()

    assert in_time == [True], "the other organisation waited for this answer"
    assert [one["method"] for one in of(world, "slow", "POST")] == ["POST"]
