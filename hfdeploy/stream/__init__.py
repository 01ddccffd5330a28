"""Ask a live endpoint for one answer and measure it; what the measurements prove is `hfdeploy.verdict`'s.

route, task, prompt   what to ask, by engine and task (pure)
dialect, answer       how answers are read and counted (pure)
address               where a token may go (pure)
conversation          one request on a thread of its own, ended whatever the other side does
reading, measure      the three deadlines, and one try as a `Sample`
"""

from hfdeploy.stream.address import Address, allowed_host, endpoint_address, is_path
from hfdeploy.stream.conversation import USER_AGENT, InsideAddress, Late, Lost, Stranger
from hfdeploy.stream.measure import Reply, fetch, measure
from hfdeploy.stream.prompt import Prompt, Request, make_request
from hfdeploy.stream.reading import USUAL, Deadlines, silent
from hfdeploy.stream.route import About, Family, Route, Target, family_of, health_path, routes

__all__ = [
    "USER_AGENT",
    "USUAL",
    "About",
    "Address",
    "Deadlines",
    "Family",
    "InsideAddress",
    "Late",
    "Lost",
    "Prompt",
    "Reply",
    "Request",
    "Route",
    "Stranger",
    "Target",
    "allowed_host",
    "endpoint_address",
    "family_of",
    "fetch",
    "health_path",
    "is_path",
    "make_request",
    "measure",
    "routes",
    "silent",
]
