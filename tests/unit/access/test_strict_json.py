from __future__ import annotations

import json
import traceback
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.strict_json import MAX_DEPTH, JsonInvalid, read_object

LIMIT = 4096

plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20) + 1, 10**20 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def is_refused(data: bytes, limit: int = LIMIT) -> bool:
    with pytest.raises(JsonInvalid):
        read_object(data, limit)
    return True


@given(st.dictionaries(st.text(), plain_json, max_size=4), st.booleans())
def test_what_json_writes_is_read_back(value: dict[str, object], ascii_only: bool) -> None:
    assert read_object(json.dumps(value, ensure_ascii=ascii_only).encode(), 1 << 20) == value


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(JsonInvalid):
        assert isinstance(read_object(data, LIMIT), dict)


@given(st.text(alphabet='{}[]":,\\u0123456789deDE.-+ \n\taNfIty', max_size=40))
def test_what_is_read_means_what_the_standard_library_reads(text: str) -> None:
    try:
        value = read_object(text.encode(), LIMIT)
    except JsonInvalid:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"chat_id":1,"chat\\u005fid":2}',
        '{"a":1,"\\u0061":1}',
        '{"x":{"a":1,"a":2}}',
        '{"x":[{"a":1,"a":2}]}',
        '{"":1,"":2}',
    ],
)
def test_a_name_twice_is_refused_however_it_is_escaped(text: str) -> None:
    assert is_refused(text.encode())


@pytest.mark.parametrize(
    "number", ["1.0", "1e3", "1E3", "-0.0", "1e-1", "NaN", "Infinity", "-Infinity", "1" * 21, "-" + "1" * 21]
)
def test_a_number_that_is_no_integer_of_20_digits_is_refused(number: str) -> None:
    assert is_refused(f'{{"a":{number}}}'.encode())
    assert is_refused(f'{{"a":[{{"b":{number}}}]}}'.encode())


@pytest.mark.parametrize("number", ["9" * 20, "-" + "9" * 20, "0", "-0"])
def test_an_integer_of_20_digits_is_read(number: str) -> None:
    assert read_object(f'{{"a":{number}}}'.encode(), LIMIT) == {"a": int(number)}


@pytest.mark.parametrize("number", ["01", "+1", "0x1", "1_000", "١", "１", "--1", ".5", "1."])
def test_a_number_in_another_notation_is_refused(number: str) -> None:
    assert is_refused(f'{{"a":{number}}}'.encode())


def test_an_integer_of_more_digits_than_python_converts_is_refused() -> None:
    assert is_refused(b'{"a":' + b"9" * 5000 + b"}", limit=10_000)


@pytest.mark.parametrize(
    "text",
    ['{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}', '{"\\ud800":1}', '{"a":["\\uDFFF"]}', '{"a":{"b":"x\\ud83dx"}}'],
)
def test_a_lone_surrogate_is_refused(text: str) -> None:
    assert is_refused(text.encode())


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert read_object(b'{"a":"\\ud83d\\ude00"}', LIMIT) == {"a": "\U0001f600"}


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp037"]
)
def test_another_encoding_than_utf_8_is_refused(encoding: str) -> None:
    assert is_refused('{"a":1}'.encode(encoding))


@pytest.mark.parametrize(
    "data", [b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf4\x90\x80\x80"}']
)
def test_malformed_utf_8_is_refused(data: bytes) -> None:
    assert is_refused(data)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "1", '"a"', "true", '[{"a":1}]', '{"a":1}x', '{"a":1}{"a":1}', '{"a":1,}', "{'a':1}"]
)
def test_what_is_not_one_object_is_refused(text: str) -> None:
    assert is_refused(text.encode())


@pytest.mark.parametrize("text", ['{"a":"\n"}', '{"a":"\x00"}', '{"a":1}\x00', '{"a":/**/1}'])
def test_control_characters_and_comments_are_refused(text: str) -> None:
    assert is_refused(text.encode())


def test_16_levels_are_read_and_17_refused() -> None:
    assert read_object(b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}", LIMIT)
    assert is_refused(b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}")
    # What was closed before it takes nothing off its depth.
    assert is_refused(b'{"a":[' + b"[]," * 40 + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"]}")
    assert is_refused(b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1))


def test_levels_are_counted_at_one_time_and_outside_of_strings() -> None:
    assert read_object(b'{"a":[' + b"[]," * 100 + b"[]]}", LIMIT)
    assert read_object(b'{"a":"' + b"[{" * 100 + b'\\"[[["}', LIMIT)


@pytest.mark.parametrize("opener", [b"[", b'{"a":', b'{"a":"\\"', b'"["'])
def test_nesting_beyond_any_stack_is_refused(opener: bytes) -> None:
    assert is_refused(b'{"a":' + opener * 100_000, limit=1 << 20)


def test_what_is_longer_than_the_limit_is_not_read() -> None:
    assert read_object(b'{"a":1}', 7) == {"a": 1}
    assert is_refused(b'{"a":1}', limit=6)


def test_the_refusal_holds_nothing_of_the_data() -> None:
    data = b'{"a": "' + b"secret".hex().encode() + b'"'
    with pytest.raises(JsonInvalid) as caught:
        read_object(data, LIMIT)
    assert b"secret".hex() not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
