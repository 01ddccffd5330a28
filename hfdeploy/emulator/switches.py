"""What is not certain about the data plane, as named switches, and the pace of its text.

Sources are sections of the project's API reference, which marks each of these facts (unverified) or names an older
form of it. The store keeps the values; the data plane asks for them with `Endpoints.option(name)` at each request.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Switch:
    """One uncertain fact: what it may be, what we take it for, and where the doubt comes from."""

    name: str
    default: Any
    values: tuple[Any, ...]
    """The values it may take; empty for a number of zero or more (None too, when the default is None)."""
    meaning: str
    source: str


_PACE = "pace of the emulator, not a fact of the service"

OPTIONS: tuple[Switch, ...] = (
    Switch("first_token_ms", 30, (), "milliseconds before the first token of a text", _PACE),
    Switch("token_interval_ms", 15, (), "milliseconds between two tokens", _PACE),
    Switch("drip_interval_ms", 300, (), "milliseconds between tokens of the scripted stream `drip`", _PACE),
    Switch(
        "keep_alive_interval_s",
        15,
        (),
        "seconds of silence before a comment line in a TGI stream; 0: never",
        "12.4, framing",
    ),
    Switch(
        "openai_keep_alive",
        "none",
        ("none", "comments"),
        "whether vLLM and SGLang streams send comment lines in a silence, as TGI does",
        "12.4: none known (unverified)",
    ),
    Switch(
        "unseeded_sampling",
        "fixed",
        ("fixed", "random"),
        "whether sampled text without a seed repeats itself (good for tests) or differs each time (as in reality)",
        "choice of the emulator",
    ),
    Switch(
        "scale_up_timeout_answer",
        503,
        (503, 504, 408),
        "status when X-Scale-Up-Timeout is over and no replica is ready",
        "12.1 and 15.9 (unverified)",
    ),
    Switch(
        "scale_up_timeout_max_s",
        None,
        (),
        "the longest hold that X-Scale-Up-Timeout can ask for, in seconds; null: no limit",
        "12.1 and 15.9 (unverified)",
    ),
    Switch("asleep_status", 503, (503, 502), "status while no replica runs; 502 until mid-2025", "12.1"),
    Switch("paused_text", "current", ("current", "2024"), "wording of the 400 of a paused endpoint", "12.1"),
    Switch("failed_status", 503, (503, 502), "status while an endpoint has failed", "not recorded; choice"),
    Switch(
        "absent_endpoint_status", 404, (404, 503), "status for an endpoint that does not exist", "not recorded; choice"
    ),
    Switch(
        "private_access",
        "members",
        ("members", "any_account", "nobody"),
        "whose token opens a `private` endpoint without PrivateLink",
        "15.7: documented, no recorded call",
    ),
    Switch(
        "outsider_status", 401, (401, 403), "status for a known account that may not call a private endpoint", "12.1"
    ),
    Switch("proxy_request_timeout_s", None, (), "seconds before the proxy gives up on a request; null: never", "15.9"),
    Switch("proxy_body_limit_bytes", None, (), "largest request body the proxy takes; null: any", "15.9"),
    Switch(
        "tgi_root_return_full_text",
        True,
        (True, False),
        "default of return_full_text on POST / of TGI",
        "clients.md 5.3 and 7: may default to true",
    ),
    Switch(
        "tgi_model_sha",
        "commit",
        ("commit", "absent"),
        "whether TGI's /info tells the commit",
        "12.5: model_sha optional",
    ),
    Switch(
        "tgi_malformed_json_status",
        400,
        (400, 415, 422),
        "status of TGI's plain-text answer to malformed JSON",
        "12.5 (unverified)",
    ),
    Switch(
        "tgi_data_space",
        "by_image",
        ("by_image", "always", "never"),
        "whether TGI puts a space after `data:`; by_image: since 2.1.0",
        "12.4",
    ),
    Switch("vllm_error_form", "nested", ("nested", "flat"), "shape of vLLM's error body", "12.6 (unverified)"),
    Switch(
        "vllm_while_loading",
        "not_listening",
        ("not_listening", "503"),
        "vLLM before its model is loaded: no listener (the proxy answers) or an empty 503 on every route",
        "12.2 (unverified)",
    ),
    Switch(
        "sglang_unknown_model",
        "accepted",
        ("accepted", "refused"),
        "a completion for a model that SGLang does not serve",
        "12.3 names only GET /v1/models/{other}",
    ),
    Switch(
        "tei_validation_status",
        "by_image",
        ("by_image", 413, 422),
        "TEI's status for invalid input; by_image: 413 up to 1.8.3, 422 from 1.9",
        "12.6",
    ),
)
