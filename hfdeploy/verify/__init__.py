"""Prove that a live endpoint does what was asked: wake it, stream a prompt, judge; used by a rollout and by the CLI.

proof, deep   what is tried and how often; the rules are `hfdeploy.verdict`'s
"""

from hfdeploy.verify.proof import PATIENT, prove
from hfdeploy.verify.verification import Check, Depth, Shown, Verification
from hfdeploy.verify.waking import Patience

__all__ = ["PATIENT", "Check", "Depth", "Patience", "Shown", "Verification", "prove"]
