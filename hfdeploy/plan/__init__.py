"""A spec and a catalogue become the exact request: the one place where our words meet the API's."""

from hfdeploy.plan.images import default_image
from hfdeploy.plan.request import Plan, make_plan

__all__ = ["Plan", "default_image", "make_plan"]
