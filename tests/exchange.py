"""One exchange with a server that says what a test tells it: what is asked, how long it is waited for."""

import time
from dataclasses import replace

from speaker import Speaker

from hfdeploy.redact import Secret
from hfdeploy.stream import About, Deadlines, Prompt, Route, Target, endpoint_address, make_request, measure
from hfdeploy.stream.dialect import Dialect
from hfdeploy.verdict import Reason

API = "https://api.endpoints.huggingface.cloud"
TOKEN = Secret("hf_thisIsNobodysTokenAtAll0000")
PATIENT = Deadlines(first_token=30, stall=30, total=40, after_end=30, byte_cap=4096)
"""For answers that end by themselves, however busy the machine is."""
QUICK = {
    Reason.FIRST_TOKEN_TIMEOUT: replace(PATIENT, first_token=0.4),
    Reason.STALL: replace(PATIENT, stall=0.4),
    Reason.TOTAL_TIMEOUT: replace(PATIENT, total=0.8),
}
"""For answers that end at one deadline: that one is short."""
ROUTES = {Dialect.TGI: Route.GENERATE, Dialect.CHAT: Route.CHAT, Dialect.COMPLETIONS: Route.COMPLETIONS}


def listening():
    """Says what it is told."""
    with Speaker() as speaker:
        yield speaker


def ask(server, dialect=Dialect.TGI, *, route=None, task="", deadlines=PATIENT, **rest):
    """One try on a server that has its answers."""
    target = Target(url=server.url, api_url=server.url, repository="acme/model", task=task, token=TOKEN)
    request = make_request(target, route or ROUTES[dialect], Prompt("Say something."), About())
    address = endpoint_address(target.url, target.api_url)
    assert address is not None
    return measure(address, request, token=target.token, deadlines=deadlines, **rest)


def answer(server, *said, dialect=Dialect.TGI, **rest):
    """One try that is answered with `said`."""
    path = make_request(Target("", ""), ROUTES[dialect], Prompt(), About()).path
    server.on(path, *said)
    return ask(server, dialect, **rest)


def settled(condition, seconds: float = 10.0) -> bool:
    """Whether something becomes true soon."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
