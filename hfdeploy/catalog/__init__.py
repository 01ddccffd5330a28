"""Hardware on offer: one row per vendor, region, instance type and size.

The live catalogue (`GET /v2/provider/{namespace}`) wins whenever it can be read. The dated snapshot in `hfdeploy/data`
makes planning work offline; every figure taken from it has to be shown with its date. Nothing is fetched here.
"""

from hfdeploy.catalog.hardware import Hardware, HardwareStatus, Quota, format_rate
from hfdeploy.catalog.listing import Catalog
from hfdeploy.catalog.nearest import alternatives

__all__ = ["Catalog", "Hardware", "HardwareStatus", "Quota", "alternatives", "format_rate"]
