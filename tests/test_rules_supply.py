"""What an endpoint is made of, under the rules: its commit, its image, its code, its secrets and its engine."""

from typing import Any

import pytest
from rulings import COMMIT, GOOD, LINES, found, judge, loaded, only

from hfdeploy.fit import Model, Weights
from hfdeploy.lock import Lock, Locked
from hfdeploy.review import Severity
from hfdeploy.spec import FromEnv, LoadedSpec, parse_spec

MODEL = Model("acme/chat", Weights(1_000_000, 500_000), None)


class TestSupply:
    @pytest.mark.parametrize(("revision", "told"), [(None, "the newest commit"), ("main", "main")])
    def test_a_branch_that_the_lock_file_knows_is_resolved(self, revision, told) -> None:
        """What is deployed is that commit, and the note says which."""
        key = "acme/chat" if revision is None else f"acme/chat@{revision}"
        lock = Lock({key: Locked(COMMIT, MODEL)})
        spec = loaded(revision=revision) if revision else LoadedSpec(parse_spec(_without("revision")), "f", LINES)

        (finding,) = found(judge(spec, lock=lock), "revision-locked")

        assert finding.severity is Severity.NOTE
        assert finding.sentence == (
            f"acme/chat: {told} is {COMMIT} by hfdeploy.lock.json, and that is what is deployed."
        )
        assert (finding.field, finding.fix) == (
            "revision" if revision else "repository",
            f"Write revision: {COMMIT}.",
        )

    @pytest.mark.parametrize("revision", ["main", "v1.0", COMMIT[:12], COMMIT.upper()])
    def test_what_nothing_pins_is_a_note(self, revision) -> None:
        """A tag or half a commit can be moved as well."""
        finding = only(judge(loaded(revision=revision)))

        assert (finding.rule, finding.severity) == ("unpinned-revision", Severity.NOTE)
        assert f"{revision} is deployed, whichever that is then" in finding.sentence
        assert "hfdeploy lock" in finding.fix

    def test_a_lock_without_a_commit_pins_nothing(self) -> None:
        """Sizes may be known where the Hub was never asked."""
        review = judge(loaded(revision="main"), lock=Lock({"acme/chat@main": Locked("", MODEL)}))

        assert [finding.rule for finding in review.findings if finding.severity is Severity.NOTE] == [
            "unpinned-revision"
        ]

    @pytest.mark.fault(38)
    @pytest.mark.parametrize("image", ["acme/vllm", "acme/vllm:latest", "host:5000/acme/vllm"])
    def test_an_image_that_may_change_is_a_warning(self, image) -> None:
        """Two replicas of one endpoint may run different programs."""
        finding = only(judge(loaded(engine={"type": "vllm", "image": image})))

        assert (finding.rule, finding.severity, finding.field) == ("unpinned-image", Severity.WARNING, "engine.image")

    @pytest.mark.parametrize("image", ["acme/vllm:v1", "host:5000/acme/vllm:v1", f"acme/vllm@sha256:{'0' * 64}"])
    def test_an_image_with_a_version_passes(self, image) -> None:
        """By tag; a policy may want the digest."""
        assert judge(loaded(engine={"type": "vllm", "image": image})).findings == ()

    @pytest.mark.fault(38)
    @pytest.mark.parametrize(
        ("field", "written"),
        [
            ("args.1", {"args": ["--x", "--trust-remote-code"]}),
            ("args.0", {"args": ["--trust_remote_code=true"]}),
            ("env.TRUST_REMOTE_CODE", {"env": {"TRUST_REMOTE_CODE": "true"}}),
            ("env.VLLM_TRUST_REMOTE_CODE", {"env": {"VLLM_TRUST_REMOTE_CODE": "1"}}),
        ],
    )
    def test_code_of_the_repository_is_a_warning(self, field, written) -> None:
        """It runs beside every secret of the container."""
        finding = only(judge(loaded(**written)))
        unpinned = found(judge(loaded(revision="main", **written)), "remote-code")[0]

        assert (finding.rule, finding.severity, finding.field) == ("remote-code", Severity.WARNING, field)
        assert "Python code of acme/chat" in finding.sentence
        assert unpinned.sentence.endswith("and its revision is not pinned.")

    @pytest.mark.parametrize(
        "written",
        [{"args": ["--trust-remote-code=false"]}, {"args": ["--trust"]}, {"env": {"TRUST_REMOTE_CODE": "0"}}],
    )
    def test_code_that_is_not_run_is_not_objected_to(self, written) -> None:
        """Saying no is no reason for a warning."""
        assert judge(loaded(**written)).findings == ()

    def test_a_gated_model_that_the_token_may_not_read_is_a_warning(self) -> None:
        """The endpoint would start, bill and fail."""
        lock = Lock({f"acme/chat@{COMMIT}": Locked(COMMIT, None, "acme/chat is gated.", is_refused=True)})
        own = {"secrets": {"HF_TOKEN": {"from_env": "MODEL_TOKEN"}}}

        (finding,) = found(judge(loaded(), lock=lock), "gated-repository")

        assert (finding.severity, finding.field) == (Severity.WARNING, "repository")
        assert "is gated, and the token that made hfdeploy.lock.json may not read it" in finding.sentence
        assert found(judge(loaded(**own), lock=lock), "gated-repository") == []
        readable = Lock({f"acme/chat@{COMMIT}": Locked(COMMIT, None, "No config.json.")})
        assert found(judge(loaded(), lock=readable), "gated-repository") == []

    def test_a_secret_whose_source_is_not_set_is_a_warning(self) -> None:
        """An `up` would stop at it."""
        spec = loaded(secrets={"KEY": {"from_env": "HERE"}, "OTHER": {"from_env": "GONE"}})

        finding = only(judge(spec, is_set=lambda source: source == FromEnv(from_env="HERE")))

        assert (finding.rule, finding.severity, finding.field) == ("secret-missing", Severity.WARNING, "secrets.OTHER")
        assert finding.sentence.startswith("the environment variable GONE is not set here")
        assert judge(spec).findings == ()

    def test_the_replacement_of_an_engine_in_maintenance_is_named(self) -> None:
        """What to do is a field of its own."""
        cuda = only(judge(loaded(engine={"type": "tgi"})))
        neuron = only(judge(loaded(instance="inf2 x1", engine={"type": "tgi_neuron"})))

        assert (cuda.rule, cuda.fix) == ("engine-maintenance", "Set engine.type to vllm, sglang or llamacpp.")
        assert (neuron.rule, neuron.fix) == ("engine-maintenance", "Set engine.type to vllm_neuron.")


def _without(*fields: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key not in fields}
