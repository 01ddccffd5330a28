"""Specs as people write them: what a good one becomes, and where the loader looks."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from hfdeploy.errors import SpecError
from hfdeploy.spec import (
    EndpointSpec,
    FromConfig,
    FromEnv,
    InstanceChoice,
    LoadedSpec,
    Security,
    TgiEngine,
    declare,
    json_schema,
    load_specs,
    parse_spec,
)
from hfdeploy.spec.document import MOST_BYTES

SPECS = Path(__file__).parent.parent / "specs"
BAD = Path(__file__).parent / "spec" / "bad"
TINY = "name: tiny\nrepository: acme/tiny\ncloud: aws\nregion: us-east-1\ninstance: nvidia-t4 x1\n"
FIELDS = {
    "name": "tiny",
    "repository": "acme/tiny",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for specs, with something beside it that no spec may reach."""
    (tmp_path / "outside.yaml").write_text(TINY)
    (tmp_path / "specs").mkdir()
    return tmp_path / "specs"


def load(folder: Path, text: str) -> LoadedSpec:
    """One spec of that text."""
    (folder / "one.yaml").write_text(text)
    (loaded,) = load_specs([folder])
    return loaded


def refused(*paths: Path, root: Path | None = None) -> list[str]:
    """What the loader says against the paths; the folder's own name is not part of it."""
    with pytest.raises(SpecError) as error:
        load_specs(paths, root=root)
    return [f"{Path(problem.file).name}: {problem.message}" for problem in error.value.problems]


# What a spec becomes


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


# Where the loader looks


def test_a_folder_is_its_yaml_files_in_order(folder: Path) -> None:
    """Editors leave locks and notes beside the specs."""
    for name in ("b.yml", "a.yaml"):
        (folder / name).write_text(TINY.replace("tiny", f"tiny-{name[0]}"))
    (folder / ".#a.yaml").write_text("nonsense")
    (folder / "notes.txt").write_text("nonsense")
    (folder / "below").mkdir()
    assert [Path(one.file).name for one in load_specs([folder, folder / "a.yaml"])] == ["a.yaml", "b.yml"]


def test_files_are_shown_as_people_know_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's home folder belongs into a pull request."""
    (folder / "one.yaml").write_text(TINY)
    monkeypatch.chdir(folder.parent)
    shown = [load_specs([path])[0].file for path in (Path("specs"), Path("specs/one.yaml"), folder)]
    assert shown == ["specs/one.yaml"] * 3
    monkeypatch.chdir(folder)
    assert load_specs([Path("../specs")])[0].file == "../specs/one.yaml"
    monkeypatch.chdir("/")
    assert load_specs([folder], root=folder.parent)[0].file.endswith("specs/one.yaml")


def test_a_field_has_a_line_or_the_one_of_what_is_around_it(folder: Path) -> None:
    """A finding about a default points at the section that leaves it out."""
    loaded = load(folder, TINY + "autoscaling:\n  min: 0\n  measure:\n    pending_requests: 2\nargs:\n  - a\n  - b\n")
    fields = ("name", "autoscaling.max", "autoscaling.measure.pending_requests", "args.1", "verify.deep.x", "")
    assert [loaded.line_of(field) for field in fields] == [1, 6, 9, 12, 1, 1]


def test_all_errors_of_all_files_come_in_one_go(folder: Path) -> None:
    """Nobody wants to learn of the second mistake by deploying again."""
    (folder / "a.yaml").write_text(TINY.replace("us-east-1", "US") + "tags: x\n")
    (folder / "b.yaml").write_text("name: [\n")
    (folder / "c.yaml").write_text(TINY.replace("cloud", "clud"))
    with pytest.raises(SpecError) as error:
        load_specs([folder, folder / "d.yaml"])
    assert [(Path(one.file).name, one.line, one.field) for one in error.value.problems] == [
        ("a.yaml", 4, "region"),
        ("a.yaml", 6, "tags"),
        ("b.yaml", 2, ""),
        ("c.yaml", 1, "cloud"),
        ("c.yaml", 1, "name"),
        ("c.yaml", 3, "clud"),
        ("d.yaml", 0, ""),
    ]
    assert "is tiny, and so is the one of " in str(error.value)


def test_two_specs_of_one_name_are_refused_although_one_is_broken(folder: Path) -> None:
    """They would fight over one endpoint."""
    (folder / "a.yaml").write_text(TINY)
    (folder / "b.yaml").write_text(TINY + "max_model_len: 0\n")
    said = refused(folder)
    assert said[0] == f"b.yaml: is tiny, and so is the one of {folder / 'a.yaml'}:1; a name belongs to one spec"
    assert said[1] == "b.yaml: must be at least 1; found 0"


def test_nothing_to_read_is_an_error(folder: Path) -> None:
    """An empty answer would mean: remove every endpoint."""
    assert refused() == ["specs: names no file and no folder"]
    assert refused(folder) == ["specs: holds no *.yaml and no *.yml"]
    assert refused(folder / "missing") == ["missing: does not exist"]


@pytest.mark.fault(31)
def test_no_spec_reaches_out_of_its_folder(folder: Path) -> None:
    """A pull request could otherwise make the pipeline read any file of the machine."""
    (folder / "link.yaml").symlink_to(folder.parent / "outside.yaml")
    (folder / "gone.yaml").symlink_to(folder / "nowhere")
    assert refused(folder) == [
        "gone.yaml: does not exist",
        "link.yaml: leads out of the folder of the specs, which none may leave",
    ]
    hostile = [
        folder / ".." / "outside.yaml",
        folder.parent / "outside.yaml",
        folder / "%2e%2e" / "outside.yaml",
        folder / "a\0.yaml",
        Path("/etc/passwd"),
        folder.parent,
    ]
    out = "leads out of the folder of the specs, which none may leave"
    assert sorted(refused(*hostile, root=folder)) == sorted(
        [
            "a\ufffd.yaml: has a NUL in its name",
            "outside.yaml: does not exist",
            *(f"{name}: {out}" for name in ("outside.yaml", "outside.yaml", "passwd", folder.parent.name)),
        ]
    )


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    """Some people keep one spec under two names of a branch."""
    (folder / "one.yaml").write_text(TINY)
    (folder / "two.yaml").symlink_to("one.yaml")
    assert len(load_specs([folder])) == 1


@pytest.mark.fault(31)
def test_only_ordinary_yaml_files_are_opened(folder: Path) -> None:
    """Opening a pipe would hang the run, and a device would never end."""
    os.mkfifo(folder / "pipe.yaml")
    (folder / "sub.yaml").mkdir()
    (folder / "spec.txt").write_text(TINY)
    assert refused(folder) == ["pipe.yaml: is no ordinary file", "sub.yaml: cannot be read: Is a directory"]
    assert refused(folder / "spec.txt") == ["spec.txt: is no spec: the name of one ends in .yaml or .yml"]


def test_a_file_beyond_the_limit_is_refused(folder: Path) -> None:
    """It is not even read to its end."""
    (folder / "huge.yaml").write_text(TINY + "# " + "x" * MOST_BYTES)
    assert refused(folder) == ["huge.yaml: has more than 256 KiB, and no spec needs that"]


# What is shipped


def test_the_shipped_specs_are_what_they_say() -> None:
    """They are the first thing a newcomer reads and runs."""
    loaded = {Path(one.file).stem: one.spec for one in load_specs([SPECS])}
    assert {name: (spec.name, spec.repository, spec.engine.type) for name, spec in loaded.items()} == {
        "falcon-40b": ("falcon-40b", "tiiuae/falcon-40b-instruct", "tgi"),
        "qwen-chat": ("qwen-chat", "Qwen/Qwen2.5-7B-Instruct", "vllm"),
        "bge-small": ("bge-small", "BAAI/bge-small-en-v1.5", "tei"),
        "smollm": ("smollm", "HuggingFaceTB/SmolLM2-360M-Instruct", "tgi"),
    }
    falcon = loaded["falcon-40b"]
    assert (falcon.instance, falcon.cloud, falcon.region) == ("GPU [xlarge] · 1x A100", "aws", "us-east-1")
    assert isinstance(falcon.engine, TgiEngine)
    assert (falcon.engine.quantize, falcon.autoscaling.min, falcon.autoscaling.max) == ("bitsandbytes", 0, 1)
    assert all(spec.security is Security.PRIVATE for spec in loaded.values())


def test_editors_find_the_schema_from_the_first_line() -> None:
    """Completion is how people learn the fields."""
    for file in SPECS.glob("*.yaml"):
        first = file.read_text().splitlines()[0]
        target = first.removeprefix("# yaml-language-server: $schema=")
        assert json.loads((file.parent / target).read_text()) == json_schema(), file.name


# The JSON Schema


def test_the_committed_schema_is_the_models() -> None:
    """`hfdeploy schema` would otherwise say something else than the file that editors read."""
    committed = (resources.files("hfdeploy") / "data" / "spec.schema.json").read_text()
    assert committed == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    Draft202012Validator.check_schema(json_schema())


def sections(schema: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Every section of the schema with its properties."""
    yield "spec", schema["properties"]  # type: ignore[misc]
    for name, definition in schema["$defs"].items():  # type: ignore[attr-defined]
        yield name, definition.get("properties", {})


def test_every_field_of_the_schema_is_described() -> None:
    """It is what an editor shows when somebody hovers over a field."""
    bare = [
        f"{section}.{name}"
        for section, fields in sections(json_schema())
        for name, field in fields.items()
        if len(str(field.get("description", ""))) < 12  # type: ignore[attr-defined]
    ]
    assert bare == []


def test_the_schema_leaves_open_what_only_the_catalogue_knows() -> None:
    """A new region or GPU must not need a release."""
    properties = json_schema()["properties"]
    for field in ("cloud", "region", "instance", "task"):
        assert "enum" not in json.dumps(properties[field]), field
    assert not list(Draft202012Validator(json_schema()).iter_errors({**FIELDS, "cloud": "moon", "region": "sea-1"}))


@pytest.mark.parametrize("file", sorted(SPECS.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_schema_accepts_the_shipped_specs(file: Path) -> None:
    """As an editor reads them: with YAML's own types."""
    errors = Draft202012Validator(json_schema()).iter_errors(yaml.safe_load(file.read_text()))
    assert [error.message for error in errors] == []


BEYOND_THE_SCHEMA = {
    "a credential or a loader by its name or shape": {
        "args-token", "command-token", "custom-registry-password-own-config", "custom-registry-password-own-token",
        "custom-registry-username-token", "env-loader", "env-token-name",
        "env-token-value", "secrets-from-config-token", "secrets-from-env-token", "secrets-loader", "tags-token",
        "verify-prompt-token",
    },
    "two fields that contradict each other": {
        "autoscaling-min-above-max", "env-and-secret", "length-llamacpp-argument", "length-llamacpp-own",
        "length-llamacpp-slots", "length-neuron-sequence", "length-no-room-for-the-prompt", "length-sglang-argument",
        "length-tgi-argument", "length-tgi-input", "length-tgi-total", "length-tgi-variable", "length-vllm-argument",
        "length-vllm-last-argument", "llamacpp-embeds-no-text", "llamacpp-rank-without-reranking", "parameters-tgi",
        "public-acknowledged-by-true", "public-acknowledged-for-another", "tgi-batch-too-small", "tgi-no-room",
        "verify-deep-bake-timeout", "verify-deep-concurrency-tei", "verify-deep-long-prompt-embeddings",
        "verify-deep-long-prompt-no-length", "verify-deep-long-prompt-no-room", "verify-deep-long-prompt-tei",
        "verify-deep-long-prompt-truncated",
        "verify-route-toolkit", "verify-route-vllm", "verify-speed-of-embeddings", "vllm-step-too-small",
    },
    "a value whose meaning has to be looked at": {
        "autoscaling-sleep-half-minute", "autoscaling-sleep-too-late", "autoscaling-sleep-too-soon",
        "instance-blank-around", "instance-too-long", "parameters-temperature-nan", "rollout-timeout-long",
        "sglang-chunk-zero", "tags-tab", "verify-expect-open", "verify-prompt-blank", "private-service-account",
        "verify-expect-too-long", "verify-deep-bake-long", "verify-deep-bake-short",
    },
    "YAML that other readers let pass or type in their own way": {
        "autoscaling-max-endless", "autoscaling-min-octal", "autoscaling-min-underscore", "llamacpp-layers-octal",
        "parameters-watermark", "parameters-zeros", "rollout-attempt-octal", "sglang-chunk-octal",
        "verify-tokens-octal",
        "private-service-shared", "tgi-kernels-yes",
    },
}  # fmt: skip
"""What the schema cannot refuse: an editor stays silent, and `hfdeploy validate` speaks."""


def test_the_schema_refuses_whatever_a_schema_can() -> None:
    """An editor that marks a mistake while it is typed saves a run."""
    schema = Draft202012Validator(json_schema())
    silent = set()
    for file in BAD.glob("[!y]*.yaml"):  # those that begin with `yaml-` are about the text, not about the fields
        try:
            data = json.loads(json.dumps(yaml.safe_load(file.read_bytes()), default=str))
        except (yaml.YAMLError, UnicodeDecodeError):
            continue
        if not list(schema.iter_errors(data)):
            silent.add(file.stem)
    assert silent == set().union(*BEYOND_THE_SCHEMA.values())
