"""An endpoint in a list that cannot be read: somebody else's must not blind us, and ours must not look like none."""

import json
from collections.abc import Iterator

import pytest
from speaker import Speaker, http
from test_client_faults import ENDPOINT

from hfdeploy import errors, orphans
from hfdeploy.catalog import Catalog
from hfdeploy.client import Api, connect
from hfdeploy.owner import own_tags

LIST = "/v2/endpoint/acme"
OURS, THEIRS = "0123456789ab", "fedcba987654"
