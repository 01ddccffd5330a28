"""The few Hub routes that a plan needs, reached with HF_ENDPOINT: model info, small files, weights by redirect.

Everything here is reconstructed from published figures and says so, in a header and in the files.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from hfdeploy.emulator import checkpoints, ggufs
from hfdeploy.emulator.door import Door, Table, token
from hfdeploy.emulator.patterns import matches
from hfdeploy.emulator.weightfiles import weight_files
from hfdeploy.emulator.world import World

MARK = {"x-emulated": "reconstructed"}


class HubError(Exception):
    """A refusal of the Hub's: a code in a header and a sentence in the body."""

    def __init__(self, status: int, code: str | None, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def reply(self) -> Response:
        """As the Hub answers."""
        headers = {"x-error-message": self.message} | ({"x-error-code": self.code} if self.code else {})
        return JSONResponse({"error": self.message}, self.status, headers)


class Hub:
    """The routes; `weights_base` gives the address of the listener that has the weights."""

    def __init__(self, world: World, door: Door, weights_base: Callable[[], str]) -> None:
        self._world = world
        self._door = door
        self._weights_base = weights_base

    def table(self) -> Table:
        """Methods, paths and handlers."""
        return [
            ("GET", "/api/whoami-v2", self._whoami),
            ("GET", "/api/models/{owner}/{name}", self._info),
            ("GET", "/api/models/{owner}/{name}/revision/{revision:path}", self._info),
            ("GET", "/{owner}/{name}/resolve/{revision}/{path:path}", self._resolve),
            ("HEAD", "/{owner}/{name}/resolve/{revision}/{path:path}", self._resolve),
        ]

    async def _whoami(self, request: Request) -> JSONResponse:
        self._door.known(request)
        return JSONResponse(self._world.store.accounts.whoami(token(request)))

    async def _info(self, request: Request, owner: str, name: str, revision: str | None = None) -> Response:
        repository = f"{owner}/{name}"
        commit = _commit(self._world, request, repository, revision)
        return JSONResponse(_info(self._world, repository, commit), headers=MARK)

    async def _resolve(self, request: Request, owner: str, name: str, revision: str, path: str) -> Response:
        repository = f"{owner}/{name}"
        commit = _commit(self._world, request, repository, revision)
        _check_gate(self._world, request, repository)
        model = self._world.repositories.model(repository) or {}
        headers = MARK | {"x-repo-commit": commit}
        documents, weights = checkpoints.documents(model), weight_files(model)
        if path in documents:
            etag = hashlib.sha1(documents[path], usedforsecurity=False).hexdigest()
            return Response(documents[path], headers=headers | {"etag": f'"{etag}"'}, media_type="application/json")
        if path in weights:
            digest = hashlib.sha256(weights[path].header).hexdigest()
            linked = {"x-linked-size": str(weights[path].size), "x-linked-etag": f'"{digest}"'}
            return RedirectResponse(f"{self._weights_base()}/{repository}/{commit}/{path}", 302, headers | linked)
        raise HubError(404, "EntryNotFound", "Entry not found")


def _commit(world: World, request: Request, repository: str, revision: str | None) -> str:
    """The commit that is asked for.

    Raises:
        HubError: a token that is none, no such repository, no such revision.
    """
    if token(request) is not None and world.store.accounts.of(token(request)) is None:
        raise HubError(401, None, "Invalid credentials in Authorization header")
    if world.repositories.model(repository) is None:
        raise HubError(404, "RepoNotFound", "Repository not found")
    commit = world.repositories.resolve(repository, revision)
    if commit is None:
        raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    return commit


def _check_gate(world: World, request: Request, repository: str) -> None:
    """Let through whoever has accepted the conditions of a gated repository.

    Raises:
        HubError: 401 without a token, 403 with one.
    """
    if world.repositories.gate(repository) is None:
        return
    entry = world.options["accounts"].get(token(request))
    if entry is None:
        raise HubError(
            401, "GatedRepo", f"Access to model {repository} is restricted. You must be authenticated to access it."
        )
    if not any(matches(repository, accepted) for accepted in entry.get("accepted", [])):
        raise HubError(
            403, "GatedRepo", f"Access to model {repository} is restricted and you are not in the authorized list."
        )


def _info(world: World, repository: str, commit: str) -> dict[str, Any]:
    model = world.repositories.model(repository) or {}
    config = {key: model["config"][key] for key in ("architectures", "model_type")} if "config" in model else {}
    template = checkpoints.chat_template(model)
    if template is not None:
        config["tokenizer_config"] = {"chat_template": template}
    parameters: dict[str, int] = model.get("reported", model["stored"])
    names = [*checkpoints.documents(model), *weight_files(model)]
    formats = [*(["safetensors"] if parameters else []), *(["gguf"] if "gguf" in model else [])]
    safetensors = {"safetensors": {"parameters": parameters, "total": sum(parameters.values())}} if parameters else {}
    return {
        "_id": hashlib.sha256(repository.encode()).hexdigest()[:24],
        "id": repository,
        "modelId": repository,
        "author": repository.split("/")[0],
        "sha": commit,
        "private": False,
        "disabled": False,
        "gated": world.repositories.gate(repository) or False,
        "pipeline_tag": model["pipeline_tag"],
        "library_name": model["library_name"],
        "tags": [model["library_name"], *formats, model["pipeline_tag"], f"license:{model['license']}"],
        "cardData": {"license": model["license"]},
        "config": config,
        "siblings": [{"rfilename": name} for name in sorted(names)],
        **safetensors,
        **ggufs.summary(model),
        "createdAt": "2024-01-01T00:00:00.000Z",
        "lastModified": "2024-01-01T00:00:00.000Z",
        "reconstructed": checkpoints.RECONSTRUCTED,
    }
