"""A pull request that takes the lock file away must not look green where a policy is strict."""

from clone import Repository
from command_line import run

pytest_plugins = ["clone"]


def test_a_lock_file_that_a_branch_deletes_is_found(repository: Repository) -> None:
    """Also of endpoints that stay as they are, which the branch does not touch otherwise."""
    (repository.folder / "policy.yaml").write_text("rules: { fit-unknown: error }\n")
    before = run("plan", "specs", "--against", "main", "--policy", "policy.yaml", cwd=repository.folder)
    (repository.specs / "hfdeploy.lock.json").unlink()

    lenient = run("plan", "specs", "--against", "main", cwd=repository.folder)
    strict = run("plan", "specs", "--against", "main", "--policy", "policy.yaml", cwd=repository.folder)

    assert (before.returncode, lenient.returncode, strict.returncode) == (0, 0, 5)
    said = "specs/hfdeploy.lock.json: Memory: hfdeploy.lock.json said at main what the models of"
    assert f"warning {said}" in " ".join(lenient.stdout.split())
    assert f"error {said}" in " ".join(strict.stdout.split())
