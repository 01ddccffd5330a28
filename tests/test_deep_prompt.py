"""A long prompt: as long as the spec and the engine allow, and what its answer proves."""

from dataclasses import replace

import pytest
from deep_proof import OUT_OF_MEMORY, dig
from proof import GOOD, LONG, check_of, well
from speaker import Line, Speaker, http, stream, tgi_end, tgi_token

from hfdeploy.spec import EndpointSpec, parse_spec
from hfdeploy.verdict import Reason, Verdict, Wanted
from hfdeploy.verify import Depth, prove

server = pytest.fixture(well)


class Counting:
    """TGI with room for `longest` tokens of prompt, a token for each word; longer ones are what `beyond` does."""

    def __init__(self, server: Speaker, longest: int, beyond=OUT_OF_MEMORY) -> None:
        self.server, self.longest, self.beyond = server, longest, beyond
        self.seen: list[int] = []
        server.on("/generate_stream", self)

    def __call__(self, line: Line) -> None:
        words = len(self.server.heard[-1].json["inputs"].split()) + 1
        self.seen.append(words)
        if words > self.longest:
            self.beyond(line)
        else:
            details = {"finish_reason": "length", "generated_tokens": 2, "input_length": words}
            stream(tgi_token("The"), tgi_token(" cat", generated_text="The cat", details=details))(line)


# What a spec asks for


def spec_of(**fields) -> EndpointSpec:
    given = {
        "name": "tiny",
        "repository": "acme/tiny",
        "cloud": "aws",
        "region": "us-east-1",
        "instance": "nvidia-t4 x1",
    }
    return parse_spec(given | fields)


@pytest.mark.parametrize(
    ("fields", "longest"),
    [
        ({"engine": {"type": "vllm"}, "max_model_len": 4096}, 4032),
        ({"engine": {"type": "vllm"}, "args": ["--max-model-len", "2048"]}, 1984),
        ({"engine": {"type": "tgi", "max_input_length": 1024}, "max_model_len": 4096}, 1024),
        ({"engine": {"type": "tgi", "max_input_length": 4090}, "max_model_len": 4096}, 4032),
        ({"engine": {"type": "tgi", "max_total_tokens": 2048}}, 1984),
        ({"engine": {"type": "tgi", "max_input_length": 1024}}, 960),
        ({"engine": {"type": "tgi"}, "env": {"MAX_TOTAL_TOKENS": "1000", "MAX_INPUT_TOKENS": "500"}}, 500),
        (
            {
                "engine": {
                    "type": "llamacpp",
                    "model_path": "a.gguf",
                    "ctx_size": 8192,
                    "n_parallel": 4,
                    "threads_http": 4,
                }
            },
            1984,
        ),
        ({"engine": {"type": "custom", "image": "acme/x:1"}, "max_model_len": 1000}, 936),
        ({"engine": {"type": "vllm"}}, None),
        ({"engine": {"type": "vllm"}, "args": ["--max-model-len", "auto"]}, None),
    ],
)
def test_the_longest_prompt_leaves_room_for_the_answer(fields, longest) -> None:
    """A prompt that the engine refuses for its length would fail a rollout for nothing."""
    assert spec_of(**fields).longest_prompt == longest


# A long prompt


def test_a_long_prompt_is_as_long_as_the_engine_counts(server, clock) -> None:
    """No tokeniser is needed: two short prompts tell what a repetition costs."""
    engine = Counting(server, longest=2000)

    proof = dig(server, clock, Depth(long_prompt=2000))

    assert proof.passed
    (shown,) = proof.deep
    assert (shown.name, shown.judgement.verdict) == ("long_prompt", Verdict.PASSED)
    assert 0.95 * 2000 < max(engine.seen) <= 2000
    assert f"a prompt of {max(engine.seen)} tokens was answered" in shown.judgement.sentence
    longest = max(server.asked("/generate_stream"), key=lambda heard: len(heard.body)).json
    assert longest["inputs"].endswith("\n\nSay something.")
    assert longest["parameters"]["max_new_tokens"] == 8


def test_an_engine_that_dies_of_a_long_prompt_fails_although_the_plain_one_passed(server, clock) -> None:
    """Both verdicts are in the sentence, since one alone would send people the wrong way."""
    Counting(server, longest=1600)

    plain = dig(server, clock, Depth())
    proof = dig(server, clock, Depth(long_prompt=2000))

    assert plain.passed
    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.ERROR_EVENT)
    assert proof.plain is not None
    assert proof.plain.passed
    assert proof.sentence.startswith("the plain prompt passed, verify.deep.long_prompt failed: a prompt of about 1980 ")
    assert "CUDA out of memory" in proof.sentence
    assert proof.tokens == 2


def test_the_spec_s_pattern_is_not_looked_for_in_the_answer_to_a_long_prompt(server, clock) -> None:
    """It was written for another prompt."""
    Counting(server, longest=2000)

    assert dig(server, clock, Depth(long_prompt=2000), check={"wanted": Wanted(expect="cat$")}).passed


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (GOOD, "the engine counts 4 tokens for a short prompt and 4 for a longer one"),
        (stream(tgi_token("The"), *tgi_end(["The"], with_details=False)), "does not say how many tokens a prompt has"),
    ],
)
def test_what_cannot_be_shown_is_neither_passed_nor_tried_again(server, clock, answer, sentence) -> None:
    """A check that could not be made is never a pass, and never a reason to undo anything."""
    server.on("/generate_stream", answer)

    proof = dig(server, clock, Depth(long_prompt=2000))

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_SHOWN)
    assert proof.is_final
    assert sentence in proof.sentence


def test_a_long_prompt_is_not_for_vectors(server, clock) -> None:
    """A spec that leaves the task to the repository cannot be refused earlier."""
    server.on("/info", http(200, {"model_type": {"embedding": {}}}))
    server.on("/embed", http(200, [[0.1, 0.2], [0.3, 0.4]]))

    check = replace(check_of(server, engine="tei"), depth=Depth(long_prompt=2000))
    proof = prove(check, clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_SHOWN)
    assert "take long_prompt out of the spec" in proof.sentence
