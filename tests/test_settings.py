"""Which service, who is asking: precedence, and where a token must not go."""

from decimal import Decimal

import pytest

from hfdeploy import client, errors, redact, settings
from hfdeploy.hub import Hub
from hfdeploy.redact import Secret, bearer
from hfdeploy.settings import API, HUB, load, secret_value
from hfdeploy.spec import FromConfig, FromEnv

LOCAL = "http://127.0.0.1:8300"
REAL = "hf_real0token0of0this0person0000"
MADE_UP = "hf_made0up0token0of0the0emulator"


@pytest.fixture
def login(tmp_path) -> dict[str, str]:
    """A home where somebody is logged in."""
    (tmp_path / ".cache" / "huggingface").mkdir(parents=True)
    (tmp_path / ".cache" / "huggingface" / "token").write_text(f"{REAL}\n")
    return {"HOME": str(tmp_path)}


def test_without_any_setting_it_is_the_real_service_without_a_token() -> None:
    """A preview needs neither token nor network."""
    found = load({}, {})

    assert (found.api_url, found.hub_url) == (API, HUB)
    assert (found.token, found.hub_token, found.namespace) == (None, None, None)
    assert not found.is_emulated


@pytest.mark.parametrize("prefix", ["hfdeploy:", ""])
def test_the_stack_beats_the_environment(prefix) -> None:
    """What is committed with the stack is what everybody gets."""
    config = {f"{prefix}namespace": "acme", f"{prefix}token": MADE_UP}

    found = load(config, {"HFDEPLOY_NAMESPACE": "other", "HF_TOKEN": REAL})

    assert (found.namespace, found.token) == ("acme", Secret(MADE_UP))


def test_the_environment_serves_where_the_stack_is_silent() -> None:
    """Commands without a stack read the same values."""
    found = load(
        {}, {"HFDEPLOY_NAMESPACE": "acme", "HF_TOKEN": f" {REAL}\n", "HFDEPLOY_API_URL": "https://api.acme.dev"}
    )

    assert (found.namespace, found.token, found.api_url) == ("acme", Secret(REAL), "https://api.acme.dev")


@pytest.mark.parametrize(("key", "variable"), [("apiUrl", "HFDEPLOY_API_URL"), ("hubUrl", "HF_ENDPOINT")])
def test_two_different_addresses_are_an_error_that_names_both(key, variable) -> None:
    """One of the two services would get what was meant for the other."""
    with pytest.raises(errors.UsageError) as problem:
        load({f"hfdeploy:{key}": LOCAL}, {variable: "https://elsewhere.dev"})

    assert all(word in str(problem.value) for word in (f"hfdeploy:{key}", LOCAL, variable, "https://elsewhere.dev"))


@pytest.mark.parametrize("same", ["https://API.acme.dev", "https://api.acme.dev/", " https://api.acme.dev// "])
def test_the_same_address_written_twice_is_one(same) -> None:
    """Somebody exports what the stack says anyway."""
    assert load({"apiUrl": "https://api.acme.dev"}, {"HFDEPLOY_API_URL": same}).api_url == "https://api.acme.dev"


@pytest.mark.parametrize(
    "address",
    [
        "http://api.acme.dev",
        "http://127.0.0.1.acme.dev",
        "http://10.0.0.1:8300",
        "ftp://localhost",
        "localhost:8300",
        "https://",
        "https://user:pass@acme.dev",
        "https://acme.dev?x=1",
        "https://acme.dev#x",
        "https://acme.dev:port",
        "https://[::1",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(address) -> None:
    """Without https the token could be read on the way; a typing error would be found out much later."""
    with pytest.raises(errors.UsageError, match="HFDEPLOY_API_URL"):
        load({}, {"HFDEPLOY_API_URL": address})


@pytest.mark.parametrize("address", [LOCAL, "http://localhost:1", "http://[::1]:8300", "http://127.9.9.9"])
def test_plain_http_is_for_this_machine_only(address) -> None:
    """That is where the emulator is."""
    found = load({}, {"HFDEPLOY_API_URL": address})

    assert (found.api_url, found.is_emulated) == (address, True)


@pytest.mark.parametrize("where", ["default", "XDG_CACHE_HOME", "HF_HOME", "HF_TOKEN_PATH"])
def test_a_saved_login_is_found_where_the_official_tools_put_it(tmp_path, where) -> None:
    """`hf auth login` once, and everything works."""
    place, environ = {
        "default": (".cache/huggingface/token", {"HOME": str(tmp_path)}),
        "XDG_CACHE_HOME": ("xdg/huggingface/token", {"HOME": "/nowhere", "XDG_CACHE_HOME": str(tmp_path / "xdg")}),
        "HF_HOME": ("hf/token", {"HOME": "/nowhere", "HF_HOME": str(tmp_path / "hf")}),
        "HF_TOKEN_PATH": ("mine", {"HOME": "/nowhere", "HF_TOKEN_PATH": str(tmp_path / "mine")}),
    }[where]
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(f"{REAL}\n")

    assert load({}, environ).token == Secret(REAL)


def test_the_environment_beats_a_saved_login(login) -> None:
    """HF_TOKEN is how a pipeline says who it is."""
    assert load({}, login | {"HF_TOKEN": MADE_UP}).token == Secret(MADE_UP)


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xff\xfe"])
def test_a_login_file_without_a_token_is_nobody(tmp_path, content) -> None:
    """An empty file is left behind by some versions of `hf auth logout`."""
    (tmp_path / "token").write_bytes(content)

    assert load({}, {"HF_TOKEN_PATH": str(tmp_path / "token")}).token is None


def test_the_stack_of_an_emulator_never_sends_a_real_token(login) -> None:
    """A hand-typed `pulumi up` of the stack `local` runs with a person's environment."""
    environ = login | {"HF_TOKEN": REAL}

    assert load({"apiUrl": LOCAL, "token": MADE_UP}, environ).token == Secret(MADE_UP)
    assert load({"apiUrl": LOCAL}, environ).token is None


def test_an_emulator_in_the_environment_gets_the_token_beside_it_and_no_saved_login(login) -> None:
    """Whoever types its address types a token too; a login was saved for the real service."""
    assert load({}, login | {"HFDEPLOY_API_URL": LOCAL, "HF_TOKEN": MADE_UP}).token == Secret(MADE_UP)
    assert load({}, login | {"HFDEPLOY_API_URL": LOCAL}).token is None


@pytest.mark.parametrize(
    ("config", "environ", "may"),
    [
        ({}, {}, True),
        ({}, {"HF_ENDPOINT": "https://hub-mirror.dev"}, False),
        ({"hubUrl": "https://hub.acme.dev"}, {}, True),
        ({"apiUrl": LOCAL, "hubUrl": LOCAL}, {}, True),
        ({"apiUrl": LOCAL}, {}, False),
        ({"hubUrl": LOCAL}, {}, False),
    ],
    ids=[
        "the hub",
        "a mirror in the environment",
        "the stack's own hub",
        "both emulated",
        "real hub",
        "emulated hub only",
    ],
)
def test_the_token_goes_to_the_hub_that_somebody_chose(config, environ, may) -> None:
    """A public mirror would learn a token that can spend money; a real hub has no use for a made-up one."""
    found = load({"token": MADE_UP} | config, environ)

    assert found.hub_token == (Secret(MADE_UP) if may else None)


@pytest.mark.parametrize("value", ["1", "true", "YES", "on", "anything"])
def test_debugging_that_would_log_secrets_is_refused(value) -> None:
    """huggingface_hub then writes request bodies, and registry passwords with them, into the log."""
    with pytest.raises(errors.UsageError, match=r"HF_DEBUG.*Unset it"):
        load({}, {"HF_DEBUG": value})


@pytest.mark.parametrize("value", ["", "0", "false", "No", "off"])
def test_debugging_that_is_off_is_no_matter(value) -> None:
    """Some images set every variable."""
    assert load({}, {"HF_DEBUG": value}).token is None


def test_settings_can_be_printed() -> None:
    """They end up in tracebacks and debug output."""
    assert MADE_UP not in repr(load({"token": MADE_UP}, {}))


def test_this_process_is_asked_when_no_environment_is_given(monkeypatch) -> None:
    """The default of every caller that is not a test."""
    monkeypatch.setenv("HFDEPLOY_NAMESPACE", "from-the-process")
    for variable in ("HF_DEBUG", "HFDEPLOY_API_URL", "HF_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)

    assert load().namespace == "from-the-process"


def test_a_secret_comes_from_where_the_spec_points() -> None:
    """Values are read in the process that sends them, and nowhere else."""
    environ, config = {"API_KEY": "from the environment"}, {"hfdeploy:apiKey": "from the stack", "acme:key": "other"}

    assert secret_value(FromEnv(from_env="API_KEY"), environ, config) == Secret("from the environment")
    assert secret_value(FromConfig(from_config="apiKey"), environ, config) == Secret("from the stack")
    assert secret_value(FromConfig(from_config="acme:key"), environ, config) == Secret("other")


def test_a_source_that_is_missing_is_no_secret_and_an_empty_one_is() -> None:
    """Missing is 'unknown' in a preview; empty is a value that somebody set."""
    assert secret_value(FromEnv(from_env="API_KEY"), {}, {}) is None
    assert secret_value(FromConfig(from_config="apiKey"), {}, {}) is None
    assert secret_value(FromEnv(from_env="API_KEY"), {"API_KEY": ""}, {}) == Secret("")


def test_every_secret_that_is_read_is_hidden_from_then_on(login) -> None:
    """The redactor can only hide what it was told."""
    load({}, login)
    secret_value(FromEnv(from_env="API_KEY"), {"API_KEY": "value-read-by-this-test"}, {})

    assert redact.known.scrub(f"{REAL} value-read-by-this-test") == "*** ***"


@pytest.mark.parametrize("address", ["https://127.0.0.1.acme.dev", "https://localhost.acme.dev", "https://acme.dev"])
def test_a_name_that_looks_like_this_machine_is_not_this_machine(address) -> None:
    """Else anybody could dress up a host as an emulator."""
    assert not settings.is_loopback(address)


@pytest.mark.parametrize(
    ("config", "may"),
    [
        ({}, True),
        ({"apiUrl": LOCAL, "token": MADE_UP}, False),
        ({"apiUrl": LOCAL, "hubUrl": LOCAL, "token": MADE_UP}, True),
        ({"hubUrl": LOCAL}, False),
        ({"hubUrl": "https://hub.example.org"}, True),
    ],
    ids=str,
)
def test_a_hub_is_asked_only_beside_the_service_it_belongs_to(config: dict[str, str], may: bool) -> None:
    """An emulator's commits are made up, and the real Hub has nothing to say about them."""
    assert load(config, {}).may_ask_hub is may


@pytest.mark.fault(42)
@pytest.mark.parametrize(
    ("said", "most"),
    [
        (None, None),
        ('{"monthly_ceiling_usd": 500}', Decimal(500)),
        ('{"monthly_ceiling_usd": "99.50"}', Decimal("99.50")),
        ('{"monthly_ceiling_usd": 0}', Decimal(0)),
    ],
)
def test_a_budget_is_a_monthly_amount(said, most) -> None:
    """The engine hands structured configuration over as JSON."""
    assert settings.load_budget({} if said is None else {"hfdeploy:budget": said}) == most


@pytest.mark.fault(42)
@pytest.mark.parametrize(
    "said",
    [
        "500",
        "",
        "{}",
        "[500]",
        '{"monthly_ceiling_usd": -1}',
        '{"monthly_ceiling_usd": true}',
        '{"monthly_ceiling_usd": "1e9"}',
        '{"monthly_ceiling_usd": null}',
        '{"monthly_cieling_usd": 500}',
        '{"monthly_ceiling_usd": 500, "weekly": 1}',
    ],
)
def test_a_budget_that_cannot_be_meant_lifts_no_limit(said) -> None:
    """A typing mistake is an error and not an unlimited budget."""
    with pytest.raises(errors.UsageError, match=r"hfdeploy:budget is .*it must be \{monthly_ceiling_usd: NUMBER\}"):
        settings.load_budget({"hfdeploy:budget": said})


def test_a_token_that_no_header_carries_is_refused_before_anything_is_sent() -> None:
    """A byte order mark or a blank within is invisible, and it looked like an answer that cannot be read."""
    for text in ("\ufeffhf_token", "hf_tok\u200ben", "hf_tok en", "hf_toké"):
        with pytest.raises(errors.AuthError, match="holds characters that cannot be sent"):
            bearer(Secret(text))
        with pytest.raises(errors.AuthError, match="holds characters that cannot be sent"):
            client.connect(settings.Settings(token=Secret(text)))
        with pytest.raises(errors.AuthError, match="holds characters that cannot be sent"):
            Hub(settings.Settings(hub_token=Secret(text)))


def test_a_secret_of_bytes_that_are_no_text_is_refused_by_its_name() -> None:
    """No request can carry it."""
    with pytest.raises(errors.UsageError, match="DB_PASSWORD holds bytes that are no UTF-8 text") as problem:
        settings.secret_value(FromEnv(from_env="DB_PASSWORD"), {"DB_PASSWORD": "caf\udce9"})
    assert "caf" not in str(problem.value)
