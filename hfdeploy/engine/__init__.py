"""The Pulumi engine: where it is, how one is had, what it is run with, and the lock it leaves behind when killed.

hfdeploy needs four files in one folder: the CLI, its Python language host (two files) and the launcher of dynamic
providers. They come from PATH, from the cache under `~/.pulumi/versions`, from the vendor's installer, or from a
build out of public Go modules whose checksums are shipped with this package, in that order.

Nothing here reads the process environment: callers pass it in, and it is passed on to what is started.
"""

from hfdeploy.engine.binary import MINIMUM, PARTS, Engine, find
from hfdeploy.engine.installer import install
from hfdeploy.engine.lock import Lock, find_locks, is_alive, is_stale, read_locks, remove_stale
from hfdeploy.engine.variables import environment, exports, local_backend

__all__ = [
    "MINIMUM",
    "PARTS",
    "Engine",
    "Lock",
    "environment",
    "exports",
    "find",
    "find_locks",
    "install",
    "is_alive",
    "is_stale",
    "local_backend",
    "read_locks",
    "remove_stale",
]
