"""A folder of specs in tests, the shortest spec, and what the loader says of them."""

from pathlib import Path

import pytest

from hfdeploy.errors import SpecError
from hfdeploy.spec import LoadedSpec, load_specs

BAD = Path(__file__).parent / "spec" / "bad"
TINY = "name: tiny\nrepository: acme/tiny\ncloud: aws\nregion: us-east-1\ninstance: nvidia-t4 x1\n"
FIELDS = {
    "name": "tiny",
    "repository": "acme/tiny",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
}


def folder_of_specs(tmp_path: Path) -> Path:
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
