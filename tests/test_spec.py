"""Specs as people write them: what a good one becomes, and which values of a program are refused."""

from datetime import timedelta
from pathlib import Path

import pytest
from spec_folder import FIELDS, TINY, folder_of_specs, load

from hfdeploy.errors import SpecError
from hfdeploy.spec import EndpointSpec, FromConfig, FromEnv, InstanceChoice, Security, TgiEngine, declare, parse_spec

folder = pytest.fixture(folder_of_specs)


def test_the_shortest_spec_is_private_and_sleeps(folder: Path) -> None:
    """Whoever writes five lines must get the cheap and closed one."""
    spec = load(folder, TINY).spec

    assert (spec.security, spec.acknowledge_public) == (Security.PRIVATE, None)
    assert (spec.autoscaling.min, spec.autoscaling.max) == (0, 1)
    assert spec.autoscaling.scale_to_zero_after == timedelta(minutes=15)
    assert (spec.engine.type, spec.version, spec.state) == ("huggingface", 1, None)
    assert (spec.verify.when, spec.verify.route, spec.rollout.timeout) == ("changed", "auto", timedelta(minutes=30))
    assert (spec.rollout.on_create_failure, spec.rollout.on_update_failure) == ("pause", "restore")


def test_an_endpoint_that_never_sleeps_has_no_idle_time(folder: Path) -> None:
    """The service is said to refuse the timeout there."""
    assert load(folder, TINY + "autoscaling: {min: 1}\n").spec.autoscaling.scale_to_zero_after is None


def test_scalars_keep_their_text_until_the_model_types_them(folder: Path) -> None:
    """YAML would hand a container `False`, 8 and 750 for what somebody wrote as no, 010 and 12:30."""
    text = "env: {A: no, B: 010, C: 12:30, D: 1e3, E: 0x10, F: true, G: 2026-01-01, H: 1_000, I: '', J: \"null\"}\n"
    spec = load(folder, TINY + text).spec
    assert spec.env == {
        "A": "no",
        "B": "010",
        "C": "12:30",
        "D": "1e3",
        "E": "0x10",
        "F": "true",
        "G": "2026-01-01",
        "H": "1_000",
        "I": "",
        "J": "null",
    }


def test_quotes_make_no_difference(folder: Path) -> None:
    """People quote by habit; both spellings mean one thing."""
    plain = load(folder, TINY + "max_model_len: 2048\nautoscaling: {min: 1}\n").spec
    quoted = load(folder, TINY + "max_model_len: '2048'\n\"autoscaling\": {'min': \"1\"}\n").spec
    assert plain == quoted


@pytest.mark.parametrize(
    ("written", "meant"),
    [("900s", timedelta(minutes=15)), ("15m", timedelta(minutes=15)), ("2h", timedelta(hours=2))],
)
def test_lengths_of_time_have_a_unit(folder: Path, written: str, meant: timedelta) -> None:
    """Minutes here, seconds there: somebody would wait sixty times too long."""
    loaded = load(folder, TINY + f"autoscaling: {{scale_to_zero_after: {written}}}\n")
    assert loaded.spec.autoscaling.scale_to_zero_after == meant


def test_every_field_has_its_place(folder: Path) -> None:
    """The table of the format, written out once."""
    spec = load(
        folder,
        """\
version: 1
name: full
namespace: acme
repository: acme/full
revision: refs/pr/3
task: text-generation
cloud: aws
region: us-east-1
instance: {type: nvidia-l4, size: x4}
autoscaling: {min: 0, max: 3, scale_to_zero_after: 48h, measure: {hardware_usage: 62.5}}
security: public
acknowledge_public: full
engine:
  type: custom
  image: registry.example:5000/acme/server:1.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  port: 8000
  health_route: /healthz/ready
  registry: {username: bob, password: {from_config: acme:registryPassword}}
max_model_len: 8192
concurrency: 4
args: [--flag, -1, "two words"]
command: [python, -m, serve]
env: {LOG_LEVEL: debug}
secrets: {HF_TOKEN: {from_env: CONTAINER_TOKEN}, API_KEY: {from_config: apiKey}}
route: {domain: models.acme.org, path: /v1/full}
private_service: {account_id: 012345678901, region: eu-west-1, shared: true}
tags: [search, team a]
verify:
  when: always
  route: chat
  prompt: |
    Two lines,
    please.
  max_new_tokens: 16
  parameters: {temperature: 0.7, top_p: 1, seed: 7, stop: [END], do_sample: true}
  min_tokens_per_second: 5
  expect: '[a-z]+'
rollout: {timeout: 45m, on_create_failure: keep, on_update_failure: hold, attempt: 2}
state: running
""",
    ).spec
    assert spec.instance == InstanceChoice(type="nvidia-l4", size="x4")
    assert spec.engine.model_dump(exclude={"registry"}) == {
        "type": "custom",
        "image": f"registry.example:5000/acme/server:1.2@sha256:{'0123456789abcdef' * 4}",
        "port": 8000,
        "health_route": "/healthz/ready",
    }
    assert spec.secrets["HF_TOKEN"] == FromEnv(from_env="CONTAINER_TOKEN")
    assert spec.secrets["API_KEY"] == FromConfig(from_config="apiKey")
    assert spec.private_service is not None
    assert (spec.private_service.account_id, spec.private_service.shared) == ("012345678901", True)
    assert (spec.args, spec.verify.prompt) == (("--flag", "-1", "two words"), "Two lines,\nplease.\n")
    assert spec.verify.parameters == {"temperature": 0.7, "top_p": 1, "seed": 7, "stop": ("END",), "do_sample": True}
    assert parse_spec(declare(spec)) == spec


def test_a_spec_cannot_be_changed_after_parsing() -> None:
    """What was reviewed is what is sent."""
    spec = parse_spec(FIELDS)
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"  # type: ignore[misc]


def test_keyword_arguments_may_be_pythons_own_values() -> None:
    """A Pulumi program says 2048 and True, and protobuf makes 2048.0 of it."""
    values = {"max_model_len": 2048.0, "revision": None, "env": {"PORT": 8080}, "engine": {"type": "tgi", "port": 80.0}}
    limits = {"autoscaling": {"min": 0.0, "max": 2, "scale_to_zero_after": timedelta(minutes=20)}}
    private = {"private_service": {"account_id": 123456789012, "region": "us-east-1", "shared": True}}
    spec = parse_spec({**FIELDS, **values, **limits, **private})

    assert (spec.max_model_len, spec.revision, spec.env) == (2048, None, {"PORT": "8080"})
    assert declare(spec)["autoscaling"] == {"min": 0, "max": 2, "scale_to_zero_after": "20m"}


def test_what_a_program_declares_makes_the_same_spec_again() -> None:
    """The properties of a resource are all that the other process gets to see."""
    spec = EndpointSpec(**FIELDS, engine=TgiEngine(quantize="awq"))  # type: ignore[arg-type]
    assert declare(spec) == {**FIELDS, "engine": {"type": "tgi", "quantize": "awq"}}
    assert parse_spec(declare(spec)) == spec


WHOLE = "must be a whole number such as 3, without leading zeros; found"
REAL = "must be a plain number such as 1.5; found"


@pytest.mark.parametrize(
    ("value", "field", "said"),
    [
        ({"max_model_len": True}, "max_model_len", f"{WHOLE} true"),
        ({"concurrency": float("nan")}, "concurrency", f"{WHOLE} nan"),
        ({"verify": {"min_tokens_per_second": float("inf")}}, "verify.min_tokens_per_second", f"{REAL} inf"),
        ({"verify": {"min_tokens_per_second": True}}, "verify.min_tokens_per_second", f"{REAL} true"),
        ({"env": {"A": True}}, "env.A", "must be text; found true or false"),
        ({"env": {"A": 1.5}}, "env.A", "must be text; found a number"),
        ({"env": {"A": "\ud800"}}, "env.A", "holds the control character U+D800; take it out"),
        ({"env": {1: "a"}}, "env.1", "must be the name of an environment variable, such as API_KEY; found '1'"),
        (
            {"rollout": {"timeout": 1800}},
            "rollout.timeout",
            "must be a length of time such as 90s, 15m or 2h; found 1800",
        ),
        (
            {"rollout": {"timeout": timedelta(milliseconds=1500)}},
            "rollout.timeout",
            "must be a positive length of time in whole seconds",
        ),
        ({"instance": None}, "instance", "is required"),
        ({"secrets": {"A": b"value"}}, "secrets.A", "must say where the value comes from, "),
        ({7: "x"}, "7", "is not a field here; there are: "),
    ],
)
def test_wrong_values_of_a_program_are_named(value: dict[str, object], field: str, said: str) -> None:
    """A program has no file and no line; the field is all there is."""
    with pytest.raises(SpecError) as error:
        parse_spec({**FIELDS, **value})
    assert str(error.value).startswith(f"spec: {field}: {said}")
    assert len(error.value.problems) == 1
