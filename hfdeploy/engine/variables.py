"""What the environment has to say for `pulumi` to run by itself, and for a person to type it by hand."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from hfdeploy.engine.binary import Engine

PARALLEL = 64
"""Operations at a time. Pulumi's own default is four per core: eight on a small runner, for waits that cost nothing."""


def environment(
    engine: Engine,
    *,
    python: Path,
    path: str,
    backend: str | None = None,
    passphrase: str | None = None,
) -> dict[str, str]:
    """The variables to add to the environment of `pulumi`.

    `python` is the interpreter that has hfdeploy (`sys.executable`, links not resolved). Its folder comes first on
    PATH, even before an engine in `/usr/bin`, because the language host that can be built from Go modules knows
    nothing of virtual environments and starts whichever `python` is first. `path` is the PATH to extend. `backend` is
    a URL such as `file:///srv/state`; where it or `passphrase` is left out, the caller's own choice or login stands.
    An empty passphrase is one.
    """
    ours = [str(python.parent), str(engine.folder)]
    theirs = [folder for folder in path.split(os.pathsep) if folder not in ours]
    variables = {
        "PATH": os.pathsep.join(ours + theirs),
        "PULUMI_PYTHON_CMD": str(python),
        "PULUMI_PARALLEL": str(PARALLEL),
        # Without it a refresh asks with the token and the address of the last `up`, whatever the config says now.
        "PULUMI_RUN_PROGRAM": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # The language host lists the program's packages with pip, which would ask PyPI for a newer pip.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if backend is not None:
        variables["PULUMI_BACKEND_URL"] = backend
    if passphrase is not None:
        variables["PULUMI_CONFIG_PASSPHRASE"] = passphrase
    return variables


def exports(variables: Mapping[str, str]) -> str:
    """The same as lines for a POSIX shell: `eval "$(hfdeploy env)"`."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))


def local_backend(root: Path) -> str:
    """The file backend of the stack `local`, for the checkout at `root`."""
    return (root / ".state" / "pulumi").absolute().as_uri()
