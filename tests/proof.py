"""What is to be proved of an endpoint in the tests of `verify`, and a server that can be proved."""

from exchange import TOKEN
from speaker import Speaker, http, stream, tgi, tgi_end

from hfdeploy.stream import Deadlines, Prompt, Target
from hfdeploy.verify import Check

LONG = Deadlines(first_token=30, stall=30, total=40, after_end=5)
ASLEEP = http(503, {"error": "503 Service Unavailable", "code": "SERVICE_UNAVAILABLE"})
GOOD = stream(*tgi("The", " cat"))
EMPTY = stream(*tgi_end([]))


def well():
    """An endpoint of TGI that does everything right, until a test says otherwise."""
    with Speaker() as speaker:
        speaker.on("/health", http(200))
        speaker.on("/info", http(200, {"model_id": "/repository", "model_sha": None, "max_total_tokens": 4096}))
        speaker.on("/generate_stream", GOOD)
        yield speaker


def check_of(server, engine="tgi", **target) -> Check:
    """What is to be proved of it."""
    given = {"api_url": server.url, "repository": "acme/model", "token": TOKEN, "health_route": "/health"} | target
    return Check(Target(url=server.url, engine=engine, **given), Prompt("Say something.", 8))


def tries(server, path="/generate_stream") -> int:
    """How often the server was asked to work."""
    return len(server.asked(path))
