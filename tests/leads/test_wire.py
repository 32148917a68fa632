"""The wire: whatever bytes come in, only events and declared refusals come out."""

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads import wire
from leads.wire import Envelope, Refusal, TooLarge, Unreadable

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRACK = {"type": "track", "event": "Signed Up", "userId": "u1", "messageId": "m1"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def body_of(*raws: bytes, **members: Any) -> bytes:
    rest = b"".join(
        b", %s: %s" % (json.dumps(key).encode(), json.dumps(value).encode()) for key, value in members.items()
    )
    return b'{"batch": [' + b", ".join(raws) + b"]" + rest + b"}"


def code_of(raw: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        wire.parse_value(raw)
    return refused.value.code


def unreadable(body: bytes) -> str:
    with pytest.raises(Unreadable) as raised:
        wire.split_batch(body)
    return raised.value.code


class TestInflate:
    def test_leaves_plain_bytes_alone(self) -> None:
        assert wire.inflate(b'{"a":1}', limit=7) == b'{"a":1}'

    def test_inflates_one_and_several_members(self) -> None:
        assert (
            wire.inflate(
                gzip.compress(b"ab", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"cd", mtime=0), limit=100
            )
            == b"abcd"
        )

    def test_inflates_what_just_fits(self) -> None:
        assert wire.inflate(gzip.compress(b"a" * 1000, mtime=0), limit=1000) == b"a" * 1000

    def test_stops_one_byte_beyond_the_limit(self) -> None:
        with pytest.raises(TooLarge):
            wire.inflate(gzip.compress(b"a" * 1001, mtime=0), limit=1000)

    def test_refuses_a_large_plain_body(self) -> None:
        with pytest.raises(TooLarge):
            wire.inflate(b"a" * 1001, limit=1000)

    def test_does_not_unfold_a_bomb(self) -> None:
        bomb = gzip.compress(gzip.compress(b"\0" * 200_000_000, 9, mtime=0), 9)
        assert len(wire.inflate(bomb, limit=500_000)) < 500_000
        with pytest.raises(TooLarge):
            wire.inflate(gzip.compress(b"\0" * 50_000_000, 9, mtime=0), limit=500_000)

    def test_survives_many_empty_members(self) -> None:
        member = gzip.compress(b"", mtime=0)
        assert wire.inflate(member * (500_000 // len(member)), limit=500_000) == b""

    @pytest.mark.parametrize(
        "body",
        [
            b"\x1f\x8b",
            gzip.compress(b"abc" * 100, mtime=0)[:-1],
            gzip.compress(b"abc" * 100, mtime=0)[:12],
            gzip.compress(b"abc", mtime=0) + b"junk",
            gzip.compress(b"abc", mtime=0)[:-8] + b"\0" * 8,
            gzip.compress(b"abc", mtime=0) + gzip.compress(b"abc", mtime=0)[:-3],
        ],
    )
    def test_says_when_the_stream_is_broken(self, body: bytes) -> None:
        with pytest.raises(Unreadable) as raised:
            wire.inflate(body, limit=1000)
        assert raised.value.code == "bad_gzip"

    @given(st.binary(max_size=300), st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"]))
    def test_is_total(self, noise: bytes, head: bytes) -> None:
        try:
            found = len(wire.inflate(head + noise, limit=200)) <= 200
        except Unreadable as error:
            found = error.code in {"bad_gzip", "too_large"}
        assert found


class TestSplitBatch:
    def test_hands_out_the_items_as_they_were_sent(self) -> None:
        raws = [b'{"a": "}],[{\\"\\\\"}', b'{"b":[[],{"c":[{"d":[1]}]}]}', b"{}"]
        assert [item.raw for item in wire.split_batch(body_of(*raws)).items] == raws

    def test_reads_the_other_members(self) -> None:
        members = {
            "writeKey": "k",
            "sentAt": "2026-05-01T11:00:00Z",
            "context": {"ip": "::1"},
            "integrations": {"All": True},
        }
        envelope = wire.split_batch(body_of(b"{}", **members, timestamp="2026-05-01T10:00:00Z", other=[1]))
        assert envelope.write_key == "k"
        assert envelope.sent_at == NOW - timedelta(hours=1)
        assert envelope.timestamp == NOW - timedelta(hours=2)
        assert envelope.context == {"ip": "::1"}
        assert envelope.integrations == {"All": True}
        assert envelope.ignored == ()

    def test_tolerates_a_mark_blanks_and_an_escaped_name(self) -> None:
        assert len(wire.split_batch(b'\xef\xbb\xbf\r\n {"b\\u0061tch" :\t[ {} , {} ] } \n').items) == 2

    def test_takes_an_empty_list(self) -> None:
        assert wire.split_batch(b'{"batch":[ ]}').items == ()

    def test_takes_the_last_of_two_lists(self) -> None:
        assert [item.raw for item in wire.split_batch(b'{"batch":[1,2],"batch":[3]}').items] == [b"3"]

    @pytest.mark.parametrize(
        "bad",
        [
            b"",
            b"NaN",
            b"undefined",
            b'{"a":1,}',
            b'{"a":1} {"b":2}',
            b'{"a":1]',
            b'{"a":1}}',
            b"'x'",
            b'{"a":"\xff\xfe"}',
            b'{"a":"\\u0000"}',
            b'{"a":"\n"}',
            b'{"a":1e999}',
            b'{"a":' + b"1" * 5000 + b"}",
            b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 5000 + b"1" + b"}" * 5000,
            b'{"a":"' + b"x" * 40_000 + b'"}',
            b"// a comment",
        ],
    )
    def test_never_lets_a_bad_item_sink_its_neighbors(self, bad: bytes) -> None:
        good = json.dumps(TRACK).encode()
        envelope = wire.split_batch(body_of(good, bad, good))
        assert [envelope.items[0].raw, envelope.items[-1].raw] == [good, good]
        assert len(envelope.items) == 3
        assert wire.read_item(None, envelope.items[2], envelope, received_at=NOW).user_id == "u1"
        with pytest.raises(Refusal):
            wire.read_item(None, envelope.items[1], envelope, received_at=NOW)

    def test_counts_what_follows_a_trailing_comma_as_a_refused_item(self) -> None:
        assert [item.raw for item in wire.split_batch(b'{"batch":[{},]}').items] == [b"{}", b""]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "empty_body"),
            (b" \n", "empty_body"),
            (b"\xef\xbb\xbf", "empty_body"),
            (b"[{}]", "not_an_object"),
            (b"null", "not_an_object"),
            (b"a=b&c=d", "not_an_object"),
            ('{"batch":[]}'.encode("utf-16"), "not_an_object"),
            (b"{}", "no_batch"),
            (b'{"batch":null}', "no_batch"),
            (b'{"batch":{"a":1}}', "no_batch"),
            (b'{"batch":"[1]"}', "no_batch"),
            (b'{"batches":[1]}', "no_batch"),
            (b"{", "invalid_json"),
            (b'{"batch"', "invalid_json"),
            (b'{"batch":[', "invalid_json"),
            (b'{"batch":[{}]', "invalid_json"),
            (b'{"batch":[{}],}', "invalid_json"),
            (b'{"batch":[{}] junk}', "invalid_json"),
            (b'{"batch":[{"a":"b]}', "invalid_json"),
            (b'{"batch":[]}{"batch":[]}', "invalid_json"),
            (b'{"batch":[]} x', "invalid_json"),
            (b"{batch:[]}", "invalid_json"),
            (b'{"\\ud800":1,"batch":[]}', "invalid_json"),
            (b'{"batch":[' + b"[" * 100_000, "invalid_json"),
            (b'{"batch":["' + b"\\" * 400_001, "invalid_json"),
            (b'{"batch":[' + b"," * 400_000 + b"]}", "too_many"),
            (b'{"batch":["' + b"x" * 10_000_000 + b'"]}', "too_large"),
        ],
    )
    def test_says_why_an_envelope_cannot_be_read(self, body: bytes, code: str) -> None:
        assert unreadable(body) == code

    def test_refuses_each_event_beyond_the_count(self) -> None:
        items = wire.split_batch(body_of(*[b"{}"] * 2503)).items
        assert [index for index, item in enumerate(items) if item.refusal] == [2500, 2501, 2502]
        with pytest.raises(Refusal) as raised:
            wire.read_item(None, items[2500], Envelope(), received_at=NOW)
        assert raised.value.code == "too_many"

    def test_refuses_the_one_event_that_is_too_large(self) -> None:
        fits = b'"' + b"x" * (wire.MAX_EVENT_BYTES - 2) + b'"'
        codes = [item.refusal and item.refusal.code for item in wire.split_batch(body_of(fits, fits + b"1")).items]
        assert codes == [None, "too_large"]

    def test_leaves_out_and_names_members_it_cannot_read(self) -> None:
        body = body_of(json.dumps(TRACK).encode(), sentAt="soon", context=["x"], writeKey={"k": 1}, integrations="\0")
        envelope = wire.split_batch(body)
        assert {tuple(ignored) for ignored in envelope.ignored} == {
            ("sentAt", "bad_timestamp"),
            ("context", "bad_context"),
            ("integrations", "nul_character"),
        }
        assert envelope.write_key is None
        assert len(envelope.items) == 1

    @given(st.binary(max_size=200))
    def test_is_total_over_bytes(self, noise: bytes) -> None:
        for body in (noise, b'{"batch":[' + noise, b'{"batch":[' + noise + b"]}", b"{" + noise + b"}"):
            survive(body)

    @given(
        st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b'"a"', b"1", b" ", b"\0", b"\xc3"]))
    )
    def test_is_total_over_structure(self, parts: list[bytes]) -> None:
        survive(b'{"batch":[' + b"".join(parts) + b"]}")

    @given(st.lists(JSON, max_size=6), st.booleans(), st.sampled_from([None, 1]))
    def test_agrees_with_the_library_on_whole_batches(
        self, values: list[Any], ascii_only: bool, indent: int | None
    ) -> None:
        text = json.dumps({"a": [1, {"batch": []}], "batch": values, "z": {}}, ensure_ascii=ascii_only, indent=indent)
        body = text.encode(errors="surrogatepass")
        items = wire.split_batch(body).items
        for item, value in zip(items, values, strict=True):
            assert json.dumps(json.loads(item.raw.decode(errors="surrogatepass"))) == json.dumps(value)

    @given(st.randoms(use_true_random=False), st.integers(1, 4))
    def test_survives_mutations_of_a_lawful_batch(self, chance: random.Random, times: int) -> None:
        event = {
            **TRACK,
            "properties": {"a": [1, 2.5, {"b": '\\"}]é'}]},
            "timestamp": "2026-05-01T11:00:00Z",
            "context": {"ip": "::1"},
        }
        body = bytearray(body_of(*[json.dumps(event).encode()] * 3, sentAt="2026-05-01T11:00:00Z", context={"a": 1}))
        for _ in range(times):
            at = chance.randrange(len(body))
            body[at : at + chance.choice([0, 1, 1, 5])] = chance.choice(
                [b"", b'"', b"{", b"]", b"\\", b"\0", b"\xff", b"-", b"1e9", b"null"]
            )
        survive(bytes(body))


def survive(body: bytes) -> None:
    """Everything through everything: only the declared exceptions may come out."""
    for split in (wire.split_batch, wire.split_single):
        try:
            envelope = split(body)
        except Unreadable:
            continue
        for item in envelope.items:
            for kind in (None, *wire.KINDS):
                try:
                    event = wire.read_item(kind, item, envelope, received_at=NOW)
                except Refusal:
                    continue
                store(event)


def store(event: wire.Event) -> None:
    """What a database would insist on."""
    assert 0 < len(event.message_id) < 100
    assert event.user_id or event.anonymous_id
    assert len(event.name) <= 255
    assert datetime(1970, 1, 1, tzinfo=UTC) <= event.occurred_at <= NOW + timedelta(minutes=5)
    text = json.dumps([event.properties, event.traits, event.context], ensure_ascii=False, allow_nan=False)
    assert "\\u0000" not in text.replace("\\\\", "")
    text.encode()
    wire.attributes_of(event.traits)
    wire.company_attributes_of(event.traits)


class TestSplitSingle:
    def test_is_an_envelope_of_one(self) -> None:
        envelope = wire.split_single(b'\xef\xbb\xbf {"writeKey":"k","context":{"a":1},"sentAt":"x","batch":[1]} ')
        assert envelope.write_key == "k"
        assert envelope.context == {}
        assert wire.parse_value(envelope.items[0].raw)["batch"] == [1]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "empty_body"),
            (b"[]", "not_an_object"),
            (b'{"a":', "invalid_json"),
            (b'{"a":"' + b"x" * 40_000 + b'"}', "too_large"),
        ],
    )
    def test_says_why_it_cannot_be_read(self, body: bytes, code: str) -> None:
        with pytest.raises(Unreadable) as raised:
            wire.split_single(body)
        assert raised.value.code == code


class TestParseValue:
    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "invalid_json"),
            (b"{", "invalid_json"),
            (b'{"a":1,}', "invalid_json"),
            (b"[1,]", "invalid_json"),
            (b"{} {}", "invalid_json"),
            (b"{'a':1}", "invalid_json"),
            (b'{"a":01}', "invalid_json"),
            (b'{"a":.5}', "invalid_json"),
            (b'{"a":+1}', "invalid_json"),
            (b'{"a":"\t"}', "invalid_json"),
            (b'{"a":"\0"}', "invalid_json"),
            (b'{"a":"\\x41"}', "invalid_json"),
            (b'{"a":"\xff"}', "invalid_utf8"),
            (b'{"a":"\xed\xa0\x80"}', "invalid_utf8"),
            (b'{"a":"\xc0\x80"}', "invalid_utf8"),
            (b'{"a":NaN}', "not_finite"),
            (b'{"a":-Infinity}', "not_finite"),
            (b'{"a":1e999}', "not_finite"),
            (b'{"a":-1e999}', "not_finite"),
            (b'{"a":9223372036854775808}', "number_out_of_range"),
            (b'{"a":-9223372036854775809}', "number_out_of_range"),
            (b'{"a":' + b"9" * 5000 + b"}", "number_out_of_range"),
            (b'{"a":0.' + b"9" * 5000 + b"}", "number_out_of_range"),
            (b'{"a":"x\\u0000y"}', "nul_character"),
            (b'{"\\u0000":1}', "nul_character"),
            (b'[[{"a":["\\u0000"]}]]', "nul_character"),
            (b'{"a":"\\ud800"}', "lone_surrogate"),
            (b'{"a":"\\uDC00\\uD800"}', "lone_surrogate"),
            (b'{"\\udfff":1}', "lone_surrogate"),
            (b"[" * 33 + b"]" * 33, "too_deep"),
            (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
            (b"[" * 32_000, "too_deep"),
            (b"[" * 100_000, "too_large"),
            (b'"' + b"x" * 10_000_000 + b'"', "too_large"),
        ],
    )
    def test_refuses(self, raw: bytes, code: str) -> None:
        assert code_of(raw) == code

    def test_refuses_deep_nesting_of_any_size_without_recursion(self) -> None:
        with pytest.raises(Refusal) as raised:
            wire.parse_value(b'{"a":[' * 100_000, limit=10**6)
        assert raised.value.code == "too_deep"

    @pytest.mark.parametrize(
        ("raw", "value"),
        [
            (b'{"a":1,"a":2}', {"a": 2}),
            (b"9223372036854775807", 2**63 - 1),
            (b"-9223372036854775808", -(2**63)),
            (b"1e308", 1e308),
            (b"1e-999", 0.0),
            (rb'"\\u0000\\ud800"', r"\u0000\ud800"),
            (rb'"\ud83d\ude00"', "\U0001f600"),
            (b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\"{"', "[" * 38 + '"{'),
            (b"[" * 32 + b"]" * 32, None),
            (b"[" + b",".join([b"{}"] * 50) + b"]", [{}] * 50),
        ],
    )
    def test_reads(self, raw: bytes, value: Any) -> None:
        assert value is None or wire.parse_value(raw) == value

    @given(JSON)
    def test_agrees_with_the_library_on_what_it_takes(self, value: Any) -> None:
        raw = json.dumps(value).encode()
        try:
            found = wire.parse_value(raw)
        except Refusal as refusal:
            found, known = (
                value,
                refusal.code in {"not_finite", "number_out_of_range", "nul_character", "lone_surrogate"},
            )
        else:
            known = bool(json.dumps(found, ensure_ascii=False, allow_nan=False).encode())
        assert known
        assert found == value
