"""The made-up model catalogue: repositories of the data, each with recipes that are known to deploy here."""

import json
from importlib import resources
from typing import Any

from hfdeploy.emulator.refusals import Refused
from hfdeploy.emulator.repositories import Repositories

_IMAGES: dict[str, dict[str, Any]] = {
    "vllm": {"vLLM": {"url": "vllm/vllm-openai:v0.11.0"}},
    "sglang": {"sGLang": {"url": "lmsysorg/sglang:v0.5.4"}},
    "tgi": {"tgi": {"url": "ghcr.io/huggingface/text-generation-inference:3.3.7", "quantize": "eetq"}},
    "tei": {"tei": {"url": "ghcr.io/huggingface/text-embeddings-inference:cpu-1.8.3"}},
    "llamacpp": {
        "llamacpp": {
            "url": "ghcr.io/ggml-org/llama.cpp:server",
            "ctxSize": 4096,
            "modelPath": "smollm2-360m-instruct-q8_0.gguf",
            "nParallel": 1,
            "threadsHttp": 2,
        }
    },
}
_SHOWN = ("publicId", "accelerator", "engineType", "ggufFile", "revision")


class Recipes:
    """Recipes and what they deploy."""

    def __init__(self, repositories: Repositories) -> None:
        text = (resources.files("hfdeploy.emulator") / "data" / "repositories.json").read_text(encoding="utf-8")
        self._recipes: list[dict[str, Any]] = json.loads(text)["recipes"]
        self._repositories = repositories

    def items(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """The catalogue's models, filtered as its `list` route filters."""
        items = []
        for repository in dict.fromkeys(recipe["repoId"] for recipe in self._recipes):
            model = self._repositories.model(repository) or {}
            author, name = repository.split("/")
            recipes = [
                {key: recipe[key] for key in _SHOWN if key in recipe}
                for recipe in self._recipes
                if recipe["repoId"] == repository
                and query.get("accelerator") in {None, recipe["accelerator"]}
                and query.get("engine") in {None, recipe["engineType"]}
            ]
            wanted = (
                recipes
                and query.get("license") in {None, model["license"]}
                and query.get("task") in {None, model["pipeline_tag"]}
                and query.get("search", "").lower() in repository.lower()
            )
            if wanted:
                items.append(
                    {
                        "repoId": repository,
                        "modelName": name,
                        "authorName": author,
                        "license": model["license"],
                        "task": model["pipeline_tag"],
                        "createdAt": "2026-01-01T00:00:00.000Z",
                        "recipes": recipes,
                    }
                )
        return items[: int(query["limit"])] if query.get("limit", "").isdigit() else items

    def find(self, identity: str) -> dict[str, Any]:
        """The recipe of that id.

        Raises:
            Refused: 404.
        """
        for recipe in self._recipes:
            if recipe["publicId"] == identity:
                return recipe
        raise Refused("NOT_FOUND", f"Recipe {identity} not found")

    def choose(self, repository: str, accelerator: str | None, gguf: str | None) -> dict[str, Any]:
        """The first recipe of a model that fits.

        Raises:
            Refused: 404.
        """
        for recipe in self._recipes:
            fits = accelerator in {None, recipe["accelerator"]} and gguf in {None, recipe.get("ggufFile")}
            if recipe["repoId"] == repository and fits:
                return recipe
        raise Refused("NOT_FOUND", f"No recipe for {repository}")

    def body(self, recipe: dict[str, Any], name: str) -> dict[str, Any]:
        """What a POST of that recipe's endpoint would send."""
        return {
            "name": name,
            "type": "authenticated",
            "provider": {"vendor": "aws", "region": "us-east-1"},
            "compute": {
                "accelerator": recipe["accelerator"],
                "instanceType": recipe["instanceType"],
                "instanceSize": recipe["instanceSize"],
                "scaling": {"minReplica": 0, "maxReplica": 1},
            },
            "model": {
                "repository": recipe["repoId"],
                "framework": "llamacpp" if recipe["engineType"] == "llamacpp" else "pytorch",
                "image": _IMAGES[recipe["engineType"]],
                "fromCatalog": True,
            },
        }
