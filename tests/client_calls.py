"""A client of the management API and a server that says what a test tells it, byte by byte."""

from speaker import Speaker, http

from hfdeploy import client
from hfdeploy.client import Deadlines
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

TOKEN = "hf_made0up0token0of0this0very0test"
ALL = "/v2/endpoint/acme"
TINY = f"{ALL}/tiny"
BODY = {"name": "tiny", "model": {"repository": "acme/tiny"}}


def service():
    with Speaker() as speaker:
        yield speaker


def settings_for(speaker) -> Settings:
    return Settings(api_url=speaker.url, token=Secret(TOKEN))


def connected(settings, clock):
    with client.connect(settings, clock=clock, deadlines=Deadlines(connect=10, read=2)) as api:
        yield api


def asked(speaker) -> list[str]:
    return [f"{heard.method} {heard.path}" for heard in speaker.heard]


def failing(status: int, error: object = "no reason", **headers: str):
    return http(status, error if isinstance(error, bytes | str) else {"error": error}, **headers)
