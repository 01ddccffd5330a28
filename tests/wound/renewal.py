"""A plugin process made as good as new, so that hundreds of runs need not wait for hundreds of processes to start."""

import os
import sys
from typing import Any

from pulumi.dynamic import CreateResult, ResourceProvider

from hfdeploy.provider.memory import _posted
from hfdeploy.provider.session import _sessions


class Renewal(ResourceProvider):
    """Its create() forgets what a process knows: sessions, providers, what was posted."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        for one in _sessions.values():
            if one._api is not None:
                one._api.__exit__(None, None, None)
        _sessions.clear()
        _posted.clear()
        # The stock host keeps each provider that it has configured.
        sys.modules["__main__"]._PROVIDER_CACHE.clear()
        os.environ.update({name: str(value) for name, value in props["environment"].items()})
        return CreateResult("renewed", {})
