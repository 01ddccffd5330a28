"""Every rule of a review by its stable id: how much it weighs unless a policy says otherwise, and what settles it.

Ids are in people's policies and waivers: they are never renamed. The weights do not cry wolf. An error is what cannot
work or what a policy forbids, a warning what costs or exposes something, a note what is worth knowing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """It has to be settled first."""

    WARNING = "warning"
    NOTE = "note"
    """Worth knowing; nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    id: str
    severity: Severity
    says: str
    fix: str
    is_fixed: bool = False
    """Whether no policy can change it: nothing could be deployed in spite of it, or another limit would be lifted."""

    is_mended: bool = False
    """Whether `hfdeploy plan --fix` can settle it."""

    is_live: bool = False
    """Whether only `hfdeploy audit` has it: it is about what runs."""


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_ALL: Final = (
    Rule(
        "spec-invalid",
        _ERROR,
        "A file cannot be read as a spec.",
        "Put right what it names; `hfdeploy schema` prints what a spec may say.",
        is_fixed=True,
    ),
    Rule("unknown-hardware", _ERROR, "The instance is not in the catalogue there.", "Name one that is.", is_fixed=True),
    Rule(
        "no-default-image",
        _ERROR,
        "The package has no image of this engine for this hardware.",
        "Name one as engine.image.",
        is_fixed=True,
    ),
    Rule(
        "budget-exceeded",
        _ERROR,
        "With every replica up, the stack costs more in a month than its hfdeploy:budget allows, or nobody knows.",
        "Lower autoscaling.max, choose smaller hardware, or raise monthly_ceiling_usd of hfdeploy:budget.",
        is_fixed=True,
    ),
    Rule("engine-hardware", _ERROR, "The engine does not run on this hardware.", "Choose another of the two."),
    Rule(
        "dtype-unsupported",
        _ERROR,
        "The engine is told to compute in bfloat16 on a GPU that has none; a warning where it may start all the same.",
        "Say float16.",
    ),
    Rule(
        "parallel-sizes",
        _ERROR,
        "The parallel sizes do not multiply to the accelerators that the instance has.",
        "Leave the sizes out: all accelerators are used then.",
    ),
    Rule(
        "weights-exceed-memory",
        _ERROR,
        "The weights are larger than the memory that the engine may use.",
        "Choose larger hardware, or quantise the weights.",
    ),
    Rule(
        "kv-cache-too-small",
        _ERROR,
        "Beside the weights there is no room for one sequence of this length.",
        "Lower max_model_len, or choose larger hardware.",
    ),
    Rule(
        "heads-not-divisible",
        _ERROR,
        "The attention heads cannot be shared out to so many accelerators.",
        "Choose a number of accelerators that divides them.",
    ),
    Rule(
        "concurrency-too-high",
        _WARNING,
        "So many sequences of this length do not fit at once.",
        "Lower concurrency or max_model_len, or choose larger hardware.",
    ),
    Rule(
        "context-too-long",
        _WARNING,
        "A sequence may be longer than the model has positions for, by the lock file; vLLM does not start with that.",
        "Lower max_model_len, or tell the engine how to scale the positions.",
    ),
    Rule("low-headroom", _WARNING, "The model fits with little memory left.", "Lower max_model_len."),
    Rule(
        "fit-unknown",
        _WARNING,
        "Nobody can tell whether the model fits; the lock file says why.",
        "Settle what the lock file names, and run `hfdeploy lock` again.",
    ),
    Rule("quota-minimum", _ERROR, "The change asks for more than the quota allows.", "Ask for more quota or less."),
    Rule(
        "quota-maximum",
        _WARNING,
        "The largest numbers of replicas are above the quota.",
        "Lower autoscaling.max, or ask for more quota.",
    ),
    Rule("label-retired", _WARNING, "The instance has an old name.", "Write today's name.", is_mended=True),
    Rule("label-contradiction", _WARNING, "Size word and GPU of an old label contradict.", "Write today's name."),
    Rule("label-incomplete", _WARNING, "An old label names no GPU.", "Write today's name."),
    Rule(
        "instance-deprecated",
        _WARNING,
        "The hardware is deprecated; an error for what a change puts there.",
        "Move to the nearest that is available.",
    ),
    Rule(
        "instance-not-available",
        _WARNING,
        "The hardware cannot be had; an error for what a change puts there.",
        "Move to the nearest that is available.",
    ),
    Rule("instance-reserved", _WARNING, "The hardware needs an agreement.", "Choose another, or make one."),
    Rule("instance-low-availability", _WARNING, "The hardware is scarce now.", "Choose another, or wait longer."),
    Rule("instance-status-unknown", _WARNING, "The catalogue gives the hardware a status that is not known.", "Ask."),
    Rule(
        "unreadable-before",
        _WARNING,
        "A spec of the revision that is compared with cannot be read; its endpoint counts as new.",
        "Compare with a revision in which it can be read.",
    ),
    Rule("engine-maintenance", _WARNING, "The engine gets no new features.", "Move to vllm, sglang or llamacpp."),
    Rule(
        "exposure-widened",
        _WARNING,
        "More people can call the endpoint after the change than before.",
        "Set security back, or have the change approved by whoever answers for the data.",
    ),
    Rule(
        "exposure-narrowed",
        _NOTE,
        "Some who can call the endpoint now cannot after the change.",
        "Tell its callers before the change.",
    ),
    Rule("public-endpoint", _NOTE, "Anyone can call the endpoint, at the owner's cost.", "Set security to private."),
    Rule(
        "replace-cuts-traffic",
        _WARNING,
        "The change replaces the endpoint: nothing answers meanwhile, and its address may change.",
        "Make a second endpoint under another name and move its callers first.",
    ),
    Rule(
        "long-idle",
        _NOTE,
        "The endpoint stays up, and billed, for more than an hour after its last request.",
        "Lower autoscaling.scale_to_zero_after.",
    ),
    Rule(
        "always-on",
        _NOTE,
        "The endpoint never sleeps, and no tag always-on says that this is meant.",
        "Set autoscaling.min to 0, or add the tag always-on.",
    ),
    Rule(
        "revision-locked",
        _NOTE,
        "The spec names a branch or nothing; the lock file says which commit is deployed.",
        "Write the commit as revision.",
        is_mended=True,
    ),
    Rule(
        "unpinned-revision",
        _NOTE,
        "The spec names a branch or nothing, and no lock file says which commit that is.",
        "Run `hfdeploy lock`.",
    ),
    Rule("unpinned-image", _WARNING, "The image has no tag, or the tag latest.", "Name a version or a digest."),
    Rule(
        "remote-code",
        _WARNING,
        "The engine is told to run the repository's own code.",
        "Take trust_remote_code out, or pin the revision and read the code.",
    ),
    Rule(
        "gated-repository",
        _WARNING,
        "The model is gated, and the token that made the lock file may not read it.",
        "Ask for access on the model's page, and run `hfdeploy lock` again.",
    ),
    Rule(
        "secret-missing",
        _WARNING,
        "The source of a secret is not set here; looked at with `--stack` only.",
        "Set it before the next `up`.",
    ),
    Rule("name-taken", _ERROR, "Somebody else's endpoint has this name.", "Choose another name, or adopt it."),
    Rule("tags-lost", _ERROR, "The endpoint has lost the tags that say whose it is.", "Put them back, or adopt it."),
    Rule("protected", _ERROR, "The change removes what is protected.", "Take the protection off first."),
    Rule("drift-kept", _WARNING, "Somebody changed the endpoint outside the stack.", "Take it into the spec."),
    Rule("drift-blocked", _ERROR, "Somebody changed the endpoint outside the stack.", "Take it into the spec."),
    Rule("known-bad", _ERROR, "This configuration failed and was put back.", "Change it, or raise rollout.attempt."),
    Rule("given-up", _ERROR, "The service gave up on this configuration.", "Change it, or raise rollout.attempt."),
    Rule("too-many-removals", _ERROR, "More endpoints go than one run may remove.", "Set HFDEPLOY_ALLOW_REMOVALS."),
    Rule("policy-cloud", _ERROR, "The policy does not allow this cloud.", "Choose one of limits.clouds."),
    Rule("policy-region", _ERROR, "The policy does not allow this region.", "Choose one of limits.regions."),
    Rule("policy-instance", _ERROR, "The policy does not allow this instance.", "Choose one of limits.instances."),
    Rule(
        "policy-price",
        _ERROR,
        "One replica costs more per hour than the policy allows, or nobody knows its price.",
        "Choose cheaper hardware.",
    ),
    Rule("policy-replicas", _ERROR, "More replicas than the policy allows.", "Lower autoscaling.max."),
    Rule("policy-security", _ERROR, "The policy does not allow this security level.", "Choose one of limits.security."),
    Rule("policy-tags", _ERROR, "A tag that the policy requires is missing.", "Add it to tags."),
    Rule("policy-registry", _ERROR, "The image is from a registry that the policy does not allow.", "Use another."),
    Rule("policy-digest", _ERROR, "The policy wants images by digest.", "Write engine.image as name@sha256:…."),
    Rule(
        "policy-monthly-ceiling",
        _ERROR,
        "With every replica up, all endpoints together cost more than the policy allows, or nobody knows.",
        "Lower autoscaling.max, or choose smaller hardware.",
    ),
    Rule("waiver-expired", _WARNING, "An exception of the policy has ended.", "Take it out, or decide anew."),
    Rule("waiver-unused", _NOTE, "An exception is for a name that no endpoint here has.", "Write the name as it is."),
    Rule(
        "idle",
        _WARNING,
        "Nobody has called the endpoint for days, and it costs money; asleep, where it holds quota, a note.",
        "Set autoscaling.min to 0, pause it or delete it.",
        is_live=True,
    ),
    Rule(
        "oversized",
        _NOTE,
        "Cheaper hardware holds the model, too, or the processors have next to nothing to do.",
        "Choose the smaller hardware.",
        is_live=True,
    ),
    Rule(
        "undersized",
        _WARNING,
        "The processors have more to do than they get done: callers wait.",
        "Raise autoscaling.max, or choose larger hardware.",
        is_live=True,
    ),
    Rule("not-serving", _WARNING, "The endpoint has failed.", "Read its logs, or delete it.", is_live=True),
    Rule(
        "security-retired",
        _WARNING,
        "The service offers this security level no more.",
        "Set security to private.",
        is_live=True,
    ),
    Rule("not-judged", _NOTE, "Some of the endpoint is what no spec may say.", "Look at it by hand.", is_live=True),
    Rule(
        "unreadable",
        _WARNING,
        "The service's description of the endpoint cannot be read.",
        "Look at it by hand: not even its cost is known.",
        is_live=True,
    ),
)

RULES: Final[Mapping[str, Rule]] = {rule.id: rule for rule in _ALL}
