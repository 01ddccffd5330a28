"""No registered secret survives a scrub, in any form in which texts carry it."""

import base64
import html
import json
import logging
import pickle
import re
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy import redact
from hfdeploy.redact import MASK, SHORTEST, Redactor, ScrubbingFilter, Secret, digest, new_salt

TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz0123456"
AWKWARD = 'p4ss/w+rd "quoted" \\ & <ünï>\n'

# A star is the mask's own sign: masking could put one together with its neighbours.
values = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=SHORTEST, max_size=40)
texts = st.text(st.characters(codec="utf-8", exclude_characters="*"), max_size=40)

FORMS = {
    "plain": lambda value: value,
    "python": lambda value: repr(value)[1:-1],
    "json": lambda value: json.dumps(value)[1:-1],
    "json with its own letters": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "json in json": lambda value: json.dumps(json.dumps(value))[3:-3],
    "url": lambda value: quote(value, safe=""),
    "url in small letters": lambda value: re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")),
    "url path": quote,
    "form": quote_plus,
    "xml": html.escape,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 of urls": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64 without padding": lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
}


@pytest.mark.fault(35)
@pytest.mark.parametrize("form", FORMS)
@given(value=values, before=texts, after=texts)
def test_no_secret_survives_in_any_of_its_forms(form, value, before, after) -> None:
    """Logs, comments and reports are read by more people than the secret is for."""
    shape = FORMS[form](value)

    scrubbed = Redactor([value]).scrub(f"{before}{shape}{after}")

    assert shape not in scrubbed
    assert MASK in scrubbed


@given(
    value=st.text(st.characters(codec="ascii", exclude_characters="*"), min_size=8, max_size=40),
    user=st.text(max_size=5),
)
def test_a_password_inside_a_basic_auth_header_is_hidden(value, user) -> None:
    """There it stands after `user:`, so that none of its own base64 is in the text."""
    header = base64.b64encode(f"{user}:{value}".encode()).decode()

    assert Redactor([value]).scrub(f"Basic {header}") != f"Basic {header}"
    assert value.encode() not in base64.b64decode(_letters_of(Redactor([value]).scrub(header)) + "===")


@given(first=values, second=values, text=texts)
def test_scrubbing_twice_changes_nothing_more(first, second, text) -> None:
    """Texts pass several filters on their way out."""
    redactor = Redactor([first, second])
    once = redactor.scrub(f"{first}{text}{second}")

    assert redactor.scrub(once) == once


def test_overlapping_secrets_leave_no_half_standing() -> None:
    """A masked prefix would otherwise show the rest of the other one."""
    assert Redactor(["secret-one", "one-secret"]).scrub("a secret-one-secret b") == f"a {MASK} b"


def test_a_secret_within_a_secret_hides_the_whole() -> None:
    """The end of the outer one must not appear behind the inner one's mask."""
    assert Redactor(["outer-inner-outer", "inner"]).scrub("a outer-inner-outer b") == f"a {MASK} b"


@given(text=st.text(st.characters(exclude_characters="h")))
def test_a_text_without_secrets_stays_as_it_is(text) -> None:
    """A redactor that eats evidence is switched off by the first person it annoys."""
    assert Redactor(["never-in-there-h"]).scrub(text) == text


@pytest.mark.parametrize("text", ["Authorization: Bearer {}", "token={}", '{{"token": "{}"}}', "x({})"])
def test_a_token_is_hidden_although_nobody_registered_it(text) -> None:
    """A server may echo a token that this process never read."""
    assert TOKEN not in Redactor().scrub(text.format(TOKEN))


@pytest.mark.parametrize("word", ["hf_raise_for_status", "hf_hub_download", "shf_" + "a" * 30, "hf_short"])
def test_words_that_only_begin_like_a_token_are_kept(word) -> None:
    """Tracebacks are full of them."""
    assert Redactor().scrub(word) == word


@pytest.mark.parametrize("value", ["", "a", "abc", "****"])
def test_values_that_cannot_be_hidden_do_not_spoil_the_text(value) -> None:
    """Masking every `a` shows where the `a`s are and hides nothing."""
    assert Redactor([value]).scrub("a plain abc text ****") == "a plain abc text ****"


def test_a_secret_shows_itself_only_when_asked() -> None:
    """It is formatted, printed and put into exceptions by people who do not know what it is."""
    secret = Secret("s3cret-value")

    shown = f"{secret} {secret!r} {secret:>5} {[secret]} { ({'key': secret}) }"

    assert "s3cret" not in shown
    assert secret.reveal() == "s3cret-value"
    assert secret == Secret("s3cret-value")
    assert secret != Secret("another")
    assert secret != "s3cret-value"
    assert len({secret, Secret("s3cret-value")}) == 1


def test_a_secret_is_never_pickled() -> None:
    """Pulumi pickles providers into the state, with all that hangs on them."""
    with pytest.raises(TypeError, match="never written down"):
        pickle.dumps({"token": Secret("s3cret-value")})


@pytest.mark.fault(35)
def test_a_log_record_that_passes_the_filter_is_clean() -> None:
    """Message, arguments, traceback and stack: each has carried a password before."""
    redactor = Redactor([AWKWARD])
    try:
        _fail()
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "sent %s", (AWKWARD,), sys.exc_info())
    record.stack_info = f"stack {AWKWARD}"

    passes = ScrubbingFilter(redactor).filter(record)
    line = logging.Formatter().format(record)

    assert passes
    assert AWKWARD not in line
    assert "p4ss" not in line
    assert "ValueError" in line


@pytest.mark.fault(35)
def test_the_control_run_finds_the_secret_where_nothing_filters() -> None:
    """Otherwise the test above could pass because the record never held it."""
    try:
        _fail()
    except ValueError:
        assert "p4ss" in traceback.format_exc()


@pytest.mark.fault(36)
def test_a_digest_depends_on_value_and_salt_and_shows_neither() -> None:
    """The state remembers secrets by it, and has to notice that one changed."""
    salt, other = new_salt(), new_salt()

    assert salt != other
    assert digest(salt, "value") == digest(salt, "value")
    assert len({digest(salt, "value"), digest(salt, "valuf"), digest(other, "value")}) == 3
    assert len(digest(salt, "value")) == 64


def test_a_digest_is_hmac_sha256() -> None:
    """States of this release are read by all later ones: the value is pinned."""
    assert digest("salt", "value") == "aaf15d64f29e7a06f6a3e5581fa216df16433dd089f43f9e7fb5fa82471e273b"


def test_the_process_knows_what_was_added() -> None:
    """`known` is what logs and messages go through."""
    redact.known.add("a-secret-of-this-test")

    assert redact.known.scrub("x a-secret-of-this-test x") == f"x {MASK} x"


def _letters_of(text: str) -> str:
    return "".join(character for character in text if character.isalnum() or character in "+/")


def _fail() -> None:
    raise ValueError(AWKWARD)


@given(
    before=st.text("abhf_ T0k", max_size=20), after=st.text("abhf_ T0k", max_size=20), cuts=st.lists(st.integers(0, 99))
)
def test_a_secret_that_comes_in_pieces_is_hidden_as_a_whole(before, after, cuts) -> None:
    """Models stream a few letters at a time."""
    text = f"{before} {TOKEN} {after}"
    places = sorted({0, *(cut % len(text) for cut in cuts), len(text)})
    given_on: list[str] = []
    flow = redact.Flow(Redactor([TOKEN]), given_on.append)
    for start, end in pairwise(places):
        flow(text[start:end])
    flow.finish()

    assert "".join(given_on) == Redactor([TOKEN]).scrub(text)
    assert TOKEN[:12] not in "".join(given_on)


@given(
    secrets=st.lists(st.text("ab", min_size=SHORTEST, max_size=8), min_size=1, max_size=3),
    pieces=st.lists(st.text("ab ", max_size=5), max_size=12),
)
def test_pieces_are_masked_as_the_whole_would_be(secrets, pieces) -> None:
    """Also where the end of one secret is the beginning of another, or of itself."""
    given_on: list[str] = []
    flow = redact.Flow(Redactor(secrets), given_on.append)
    for piece in pieces:
        flow(piece)
    flow.finish()

    assert "".join(given_on) == Redactor(secrets).scrub("".join(pieces))


def test_a_secret_that_ends_as_another_begins_waits_as_a_whole() -> None:
    """Its front half was given on once."""
    given_on: list[str] = []
    flow = redact.Flow(Redactor(["sk-live-4242", "2nd-secret-zzz"]), given_on.append)
    flow("sk-live-4242")
    assert given_on == []
    flow(" and more")

    assert given_on == [f"{MASK} and more"]


def test_bytes_that_are_no_text_are_hidden_too() -> None:
    """An environment may hold them, and reading it must not end in a crash."""
    assert Redactor(["caf\udce9-secret"]).scrub("at caf\udce9-secret") == f"at {MASK}"


def test_the_lines_of_a_key_are_hidden_one_by_one() -> None:
    """Logs come line by line."""
    redactor = Redactor(["-----BEGIN KEY-----\nfirstLineOfIt\nsecondLineOfIt\nab\n"])

    assert redactor.scrub("at secondLineOfIt: ab") == f"at {MASK}: ab"


def test_no_module_logs_past_the_redactor() -> None:
    """Whatever handler somebody attaches, at whatever level."""
    package = Path(redact.__file__).parent
    own = [path for path in package.rglob("*.py") if "emulator" not in path.parts]
    past = {path.name for path in own if "getLogger(__name__)" in path.read_text()}

    assert past == set()
    assert any(isinstance(one, ScrubbingFilter) for one in redact.logger("hfdeploy.client.retry").filters)


def test_two_that_add_at_once_lose_nothing() -> None:
    """Secrets of many endpoints are read side by side."""
    redactor, values = Redactor(), [f"value-{number:04}-of-many" for number in range(600)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(redactor.add, values))
    finally:
        sys.setswitchinterval(before)

    assert [value for value in values if redactor.scrub(value) != MASK] == []
