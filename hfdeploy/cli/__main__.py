"""`python -m hfdeploy.cli` is `hfdeploy`."""

import sys

from hfdeploy.cli import main

sys.exit(main())
