"""A stack with a policy: what it forbids stops a preview and an `up` before anything is registered."""

from control_plane import Running
from project import Project
from test_up import names, writes

pytest_plugins = ["project"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_what_the_policy_of_a_stack_forbids_stops_it_whole(world: Running, project: Project) -> None:
    """All of it at once, with the problems of the files; no endpoint is half deployed."""
    (project.stacks / "policy.yaml").write_text("limits: { clouds: [gcp], max_replicas: 1 }\n")
    project.configure(policy="policy.yaml")
    project.spec("tiny", autoscaling={"max": 2})
    project.spec("other")

    previewed = project.pulumi("preview", "--refresh=false", code=None)
    brought = project.up(code=None)

    for said in (previewed.stdout + previewed.stderr, brought):
        assert "other.yaml:1: cloud: aws is no cloud that the policy allows: gcp." in said
        assert ": autoscaling.max: 2 replicas are more than the policy allows, which is 1." in said
        assert "Traceback" not in said
    assert previewed.returncode != 0
    assert (writes(world), names(world)) == ([], [])


def test_a_policy_with_a_mistake_in_it_stops_everything(world: Running, project: Project) -> None:
    """And so does one that is not there: a limit must not be lost in silence."""
    project.spec("tiny")
    project.configure(policy="../rules.yaml")

    missing = project.up(code=None)
    (project.folder / "rules.yaml").write_text("limits: { cluods: [aws] }\n")
    wrong = project.up(code=None)

    assert "The policy ../rules.yaml cannot be read: No such file or directory." in missing
    assert "rules.yaml:1: limits.cluods: is not a field here; did you mean clouds?" in wrong
    assert writes(world) == []


def test_warnings_are_shown_beside_their_resource_and_notes_are_for_reviews(world: Running, project: Project) -> None:
    """A note in each preview of each day would hide the warnings."""
    (project.stacks / "policy.yaml").write_text(
        "rules: { engine-maintenance: off, always-on: warning }\n"
        "waivers:\n  - { rule: low-headroom, endpoint: '*', until: 2020-01-01, reason: an old one, by: Jo }\n"
    )
    project.configure(policy="policy.yaml")
    project.spec("tiny", autoscaling={"min": 1, "max": 1})

    shown = project.up()

    assert "keeps one replica up day and night: $365.00/month" in shown
    assert "policy.yaml:3: waivers.0: The exception from low-headroom for * ended on 2020-01-01" in shown
    assert "TGI is in maintenance" not in shown
    assert "whichever that is then" not in shown
    assert names(world) == ["tiny"]
