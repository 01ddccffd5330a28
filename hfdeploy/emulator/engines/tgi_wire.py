"""How TGI puts things on the wire, on its native and on its OpenAI routes alike: framing, headers, errors."""

import re
import time
from collections.abc import Mapping

from starlette.responses import PlainTextResponse, Response

from hfdeploy.emulator.engines import body as bodies
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Fault
from hfdeploy.emulator.frames import Framing

_DEFAULT_VERSION = (3, 3, 6)
_SPACED_SINCE = (2, 1, 0)
_MAX_CONCURRENT = 128
_VERSION_TAG = re.compile(r":(?:v|sha-)?(\d+)\.(\d+)(?:\.(\d+))?")


def version(call: Call) -> tuple[int, int, int]:
    """The version in the image's tag, or a recent one."""
    found = _VERSION_TAG.search(str(call.serving.image.get("url", "")))
    if found is None:
        return _DEFAULT_VERSION
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


def framing(call: Call) -> Framing:
    """A space after `data:` since 2.1.0, and a comment when nothing came for a while."""
    spacing = call.option("tgi_data_space")
    is_spaced = version(call) >= _SPACED_SINCE if spacing == "by_image" else spacing == "always"
    return Framing(is_spaced=is_spaced, keep_alive_s=call.option("keep_alive_interval_s") or None)


def read(call: Call) -> Body:
    """The JSON body; TGI insists on the content type."""
    return bodies.read(call.body, call.headers.get("content-type", ""))


def malformed(call: Call, error: BodyError) -> Response:
    """The web framework's own answers: plain text, 415, 400 or 422."""
    match error.what:
        case "not_declared":
            return PlainTextResponse(error.message, status_code=415)
        case "not_json":
            said = f"Failed to parse the request body as JSON: {error.message}"
            return PlainTextResponse(said, status_code=call.option("tgi_malformed_json_status"))
        case _:
            said = f"Failed to deserialize the JSON body into the target type: {error.message}"
            return PlainTextResponse(said, status_code=422)


def message(fault: Fault) -> str:
    """TGI's sentence for a fault."""
    return f"Request failed during generation: {fault.message}" if fault.kind == "generation" else fault.message


def fault_reply(call: Call, fault: Fault) -> Response:  # noqa: ARG001  every engine takes the call
    """An error as a reply of its own."""
    return JSON({"error": message(fault), "error_type": fault.kind}, status_code=fault.status)


def limit_callers(call: Call) -> None:
    """Raises the Fault of one request too many at a time."""
    most = call.setting(None, ("MAX_CONCURRENT_REQUESTS",), ("--max-concurrent-requests",), _MAX_CONCURRENT)
    if call.replica.in_flight > most:
        raise Fault(429, "Model is overloaded", "overloaded")


def stream_headers(prompt: str) -> Mapping[str, str]:
    """The headers of a stream."""
    return {
        "x-compute-type": "1-nvidia-a10g",
        "x-compute-characters": str(len(prompt)),
        "x-accel-buffering": "no",
    }


def timings(call: Call, prompt: str, prompt_tokens: int, generated: int) -> Mapping[str, str]:
    """The headers of a reply that does not stream; times in milliseconds but for x-compute-time, in seconds."""
    spent = time.monotonic() - call.started
    whole = str(round(spent * 1000))
    return {
        "x-compute-type": "1-nvidia-a10g",
        "x-compute-time": str(spent),
        "x-compute-characters": str(len(prompt)),
        "x-total-time": whole,
        "x-validation-time": "0",
        "x-queue-time": "0",
        "x-inference-time": whole,
        "x-time-per-token": str(round(spent * 1000 / max(generated, 1))),
        "x-prompt-tokens": str(prompt_tokens),
        "x-generated-tokens": str(generated),
    }
