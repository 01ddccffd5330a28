"""How much endpoints are used: from a table that somebody keeps, or from what the service measured.

usage.csv ─read_usage→ Known by name     Metrics of a period ─measure→ Known, or why nothing is known

Only with it anything is expected of a cost, and where it is from is said beside every such figure.
"""

from hfdeploy.usage.known import Known, in_words
from hfdeploy.usage.measured import Load, load_of, measure
from hfdeploy.usage.table import COLUMNS, read_usage

__all__ = ["COLUMNS", "Known", "Load", "in_words", "load_of", "measure", "read_usage"]
