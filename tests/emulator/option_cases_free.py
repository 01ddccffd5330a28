"""Cases of options whose values are not named: a value each, and whether the emulator follows it."""

from collections.abc import Callable
from typing import Any

from control_plane import BODY, Running
from option_cases import EP, post


def accounts(emulator):
    accounts = {"hf_x": {"user": "xenia", "organisations": ["xorg"]}, **emulator.app.world.options["accounts"]}
    return accounts, lambda: emulator.anonymous.get("/v2/endpoint/xorg", headers={"Authorization": "Bearer hf_x"}).status_code == 200  # fmt: skip  # noqa: E501


def idle(emulator):
    def falls_asleep() -> bool:
        emulator.started()
        emulator.seed("idle")
        emulator.advance(31)
        return emulator.state("idle") == "scaledToZero"

    return 30, falls_asleep


def outcome(emulator):
    return [{"outcome": "broken_image", "match": {"name": "demo"}}], lambda: emulator.started()["status"]["state"] == "failed"  # fmt: skip  # noqa: E501


def limited(emulator):
    def refuses_the_third() -> bool:
        replies = [emulator.owner.get("/v2/endpoint/acme") for _ in range(3)]
        free = emulator.stranger.get("/v2/endpoint/stranger").status_code
        emulator.advance(61)
        again = emulator.owner.get("/v2/endpoint/acme").status_code
        statuses = [reply.status_code for reply in replies]
        return (statuses, free, again) == ([200, 200, 429], 200, 200) and "ratelimit" in replies[2].headers

    return {"requests": 2, "seconds": 60}, refuses_the_third


def short_log(emulator):
    def keeps_two() -> bool:
        for _ in range(3):
            emulator.owner.get("/v2/endpoint/acme")
        return len(emulator.requests()) == 2

    return 2, keeps_two


def durations(emulator):
    def is_initializing_after_six_seconds() -> bool:
        emulator.create()
        emulator.advance(6)
        return emulator.state() == "initializing"

    return {"pending": 5}, is_initializing_after_six_seconds


def container(emulator):
    image = {"custom": {"url": "x/app:1", "port": 80}}
    return {"x/*": {"port": 81}}, lambda: emulator.started(model={"image": image})["status"]["state"] == "initializing"


def lingering(emulator):
    def is_still_shown() -> bool:
        emulator.seed()
        emulator.owner.delete(EP)
        return emulator.owner.get(EP).status_code == 200

    return 5, is_still_shown


def reserved(emulator):
    def is_taken() -> bool:
        emulator.create()
        emulator.owner.delete(EP)
        return emulator.post(BODY).status_code == 409

    return 5, is_taken


def ghost(emulator):
    def is_named() -> bool:
        emulator.seed()
        emulator.mutate(tags=["x"])
        return emulator.get()["status"]["updatedBy"]["name"] == "ghost"

    return {"id": "0" * 24, "name": "ghost"}, is_named


OPEN: dict[str, Callable[[Running], tuple[Any, Callable[[], bool]]]] = {
    "accounts": accounts,
    "other_namespaces": lambda e: (["far"], lambda: e.owner.get("/v2/endpoint/far").status_code == 403),
    "unpaid_namespaces": lambda e: (["acme"], lambda: post(e) == 403),
    "outside_user": ghost,
    "outcomes": outcome,
    "containers": container,
    "durations": durations,
    "idle_timeout_seconds": idle,
    "quota": lambda e: ({"gpu": 0}, lambda: post(e) == 409),
    "hardware_status": lambda e: ({"aws-us-east-1-nvidia-l4-x1": "deprecated"}, lambda: post(e) == 400),
    "rate_limit": limited,
    "request_log_size": short_log,
    "max_replica_bound": lambda e: (2, lambda: post(e, compute={"scaling": {"maxReplica": 3}}) == 400),
    "delete_visible_seconds": lingering,
    "name_free_after_seconds": reserved,
}
"""Options whose values are not named: a value, and whether the emulator follows it."""
