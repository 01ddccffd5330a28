"""What `make` asks and refuses before money is spent: placeholders, missing answers, and locks of a living engine."""

import os
import socket

import pytest
from checkout import costly_checkout, lock, run

from tools import stack

checkout = pytest.fixture(costly_checkout)


@pytest.mark.parametrize("namespace", ["<your-namespace>", "your-namespace", "YOUR_ORG", "''"])
def test_a_placeholder_namespace_is_refused(checkout, namespace) -> None:
    """Somebody's name may be called that, and would be billed."""
    (checkout / "stacks" / "Pulumi.prod.yaml").write_text(f"config:\n  hfdeploy:namespace: {namespace}\n")

    ended = run(checkout, "up", "--stack", "prod", "--yes")

    assert ended.returncode == 2
    assert "is a placeholder" in ended.stderr
    assert "Pulumi.prod.yaml" in ended.stderr
    assert not (checkout / ".state").exists()


@pytest.mark.parametrize("action", ["up", "down"])
def test_without_a_terminal_and_without_a_yes_nothing_is_billed_or_deleted(checkout, action) -> None:
    """A forgotten cron job must not order accelerators."""
    ended = run(checkout, action, "--stack", "prod")

    assert ended.returncode == 2
    assert "YES=1" in ended.stderr
    assert not (checkout / ".state").exists()


def test_an_unknown_stack_names_the_known_ones(checkout) -> None:
    """`STACK=production` would otherwise make a new and empty stack."""
    ended = run(checkout, "up", "--stack", "production")

    assert ended.returncode == 2
    assert "There is no stack 'production'" in ended.stderr
    assert "Known: local, prod." in ended.stderr


def test_taking_down_what_is_not_up_is_no_error(checkout) -> None:
    """`make down` twice, or before the first `make up`."""
    ended = run(checkout, "down")

    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_real_service_never_sees_the_local_stack_and_the_other_way_round(checkout) -> None:
    """A token in the environment is for the real service, a state of one's own stays where it is."""
    surroundings = os.environ | {"HF_TOKEN": "hf_real", "PULUMI_BACKEND_URL": "s3://states", "HF_ENDPOINT": "https://x"}

    local = stack.open_checkout(checkout, "local", surroundings).variables
    prod = stack.open_checkout(checkout, "prod", surroundings).variables

    assert "HF_TOKEN" not in local
    assert "HF_ENDPOINT" not in local
    assert local["PULUMI_BACKEND_URL"] == (checkout / ".state" / "pulumi").as_uri()
    assert local["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert (prod["HF_TOKEN"], prod["PULUMI_BACKEND_URL"]) == ("hf_real", "s3://states")


def test_the_lock_of_a_living_engine_stops_a_second_one(checkout) -> None:
    """Two engines on one state lose track of endpoints that are billed."""
    file = lock(checkout, os.getpid(), socket.gethostname())

    ended = run(checkout, "down", "--stack", "prod", "--yes")

    assert ended.returncode == 2
    assert f"process {os.getpid()}" in ended.stderr
    assert "pulumi cancel --stack prod" in ended.stderr
    assert file.exists()


def test_the_lock_of_another_host_is_kept(checkout) -> None:
    """A state on a network drive: its process cannot be seen from here."""
    file = lock(checkout, 2**22 - 1, "somewhere-else")

    assert run(checkout, "down", "--stack", "prod", "--yes").returncode == 2
    assert file.exists()


def test_the_port_is_written_where_a_hand_typed_pulumi_reads_it(checkout) -> None:
    """EMULATOR_PORT is gone from the environment by then; comments stay."""
    config = checkout / "stacks" / "Pulumi.local.yaml"

    stack._point(config, 8400)

    assert config.read_text() == "config:\n  hfdeploy:apiUrl: http://127.0.0.1:8400 # here\n"
