"""Deeper proofs in tests: an endpoint that can be proved, made to break when it is asked more of."""

import threading
from dataclasses import replace

from proof import GOOD, LONG, check_of
from speaker import Line, Speaker, stream, tgi_token

from hfdeploy.verify import Depth, Verification, prove

OUT_OF_MEMORY = stream(tgi_token("The"), b'data: {"error": "CUDA out of memory", "error_type": "generation"}\n\n')


def at_once(server: Speaker, many: int, beyond, *, below=GOOD) -> None:
    """An engine that does `beyond` to everybody as soon as so many requests are under way."""
    lock, waiting, fallen = threading.Lock(), [0], threading.Event()

    def answer(line: Line) -> None:
        with lock:
            waiting[0] += 1
            if waiting[0] >= many:
                fallen.set()
        is_crowd = fallen.wait(2.5)
        (beyond if is_crowd else below)(line)
        with lock:
            waiting[0] -= 1
            if not waiting[0]:
                fallen.clear()

    server.on("/generate_stream", answer)


def dig(server: Speaker, clock, depth: Depth, **options) -> Verification:
    check = replace(check_of(server), depth=depth, **options.pop("check", {}))
    return prove(check, clock=clock, **{"deadlines": LONG} | options)
