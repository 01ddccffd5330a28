"""The `hf` command with the addresses of the service replaced: they are constants of the package, not settings."""

import os
import sys

from huggingface_hub import constants
from huggingface_hub.cli.hf import main

constants.INFERENCE_ENDPOINTS_ENDPOINT = os.environ["SERVICE_URL"] + "/v2"
constants.INFERENCE_CATALOG_ENDPOINT = os.environ["SERVICE_URL"] + "/api/v1/catalog"
sys.exit(main())
