"""Prove that a live endpoint does what was asked: wake it, stream a prompt, judge; used by a rollout and by the CLI."""

from hfdeploy.verify.proof import PATIENT, prove
from hfdeploy.verify.verification import Check, Verification
from hfdeploy.verify.waking import Patience

__all__ = ["PATIENT", "Check", "Patience", "Verification", "prove"]
