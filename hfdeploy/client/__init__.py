"""The management API: `connect` gives an `Api`; `Listing` lets many waiters share one list call."""

from hfdeploy.client.api import Api, connect
from hfdeploy.client.listing import Listing
from hfdeploy.client.replies import Replica
from hfdeploy.client.session import Deadlines

__all__ = ["Api", "Deadlines", "Listing", "Replica", "connect"]
