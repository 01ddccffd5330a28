"""What the Hub says about a model repository: the commit behind a branch, its task, and what decides memory.

session: questions and small files, with deadlines and redirects. model: from the files of a repository to a
`fit.Model`; weights are never fetched, only the headers that list them.
"""

from hfdeploy.hub.gguffiles import has_gguf_only
from hfdeploy.hub.model import Unsized, read_model
from hfdeploy.hub.session import CALL, Hub, ModelFacts, read_facts

__all__ = ["CALL", "Hub", "ModelFacts", "Unsized", "has_gguf_only", "read_facts", "read_model"]
