"""Every spec of the stack becomes a running, verified endpoint."""

import hfdeploy

hfdeploy.deploy()
