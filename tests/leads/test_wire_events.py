"""The wire's events: who, what, when and where from, or why not."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads import wire
from leads.wire import Envelope, Refusal

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRACK = {"type": "track", "event": "Signed Up", "userId": "u1", "messageId": "m1"}


def read(value: Any, kind: str | None = None, envelope: Envelope | None = None) -> wire.Event:
    return wire.read_event(kind, value, envelope or Envelope(), received_at=NOW)


def refused(value: Any, kind: str | None = None) -> str:
    with pytest.raises(Refusal) as raised:
        read(value, kind)
    return raised.value.code


class TestReadEvent:
    def test_reads_a_track(self) -> None:
        event = read({**TRACK, "anonymousId": "a1", "properties": {"plan": "pro"}, "traits": 5, "extra": [1]})
        assert (event.kind, event.message_id, event.user_id, event.anonymous_id) == ("track", "m1", "u1", "a1")
        assert (event.name, event.properties, event.traits) == ("Signed Up", {"plan": "pro"}, {})
        assert (event.occurred_at, event.clamped) == (NOW, False)

    @pytest.mark.parametrize("kind", sorted(wire.KINDS))
    def test_takes_the_kind_of_the_path_over_the_type(self, kind: str) -> None:
        value = {"type": "nonsense", "userId": "u", "previousId": "p", "groupId": "g", "event": "E"}
        assert read(value, kind).kind == kind

    @pytest.mark.parametrize("kind", [None, "Track", "", 5, ["track"], {}, "delete"])
    def test_refuses_unknown_types(self, kind: Any) -> None:
        assert refused({**TRACK, "type": kind}) == "unknown_type"

    @pytest.mark.parametrize("value", [None, 1, "x", [], [TRACK]])
    def test_refuses_what_is_no_object(self, value: Any) -> None:
        assert refused(value, "track") == "not_an_object"

    @pytest.mark.parametrize(
        "nobody",
        [
            None,
            "",
            "  ",
            "null",
            "NULL",
            "undefined",
            "Anonymous",
            "none",
            "nan",
            "0",
            "-1",
            0,
            -1,
            0.0,
            "[object Object]",
        ]
        + [True, False],
    )
    def test_knows_what_is_not_an_id(self, nobody: Any) -> None:
        assert refused({**TRACK, "userId": nobody, "anonymousId": nobody}) == "no_user_anon_id"
        event = read({**TRACK, "userId": nobody, "anonymousId": "a1"})
        assert (event.user_id, event.anonymous_id) == (None, "a1")

    @pytest.mark.parametrize(
        ("sent", "kept"), [(42, "42"), (42.0, "42"), (4.5, "4.5"), (" u1 ", "u1"), ("x" * 255, "x" * 255)]
    )
    def test_turns_ids_into_text(self, sent: Any, kept: str) -> None:
        assert read({**TRACK, "userId": sent}).user_id == kept

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"userId": "x" * 256}, "user_id_too_long"),
            ({"anonymousId": "x" * 256}, "anonymous_id_too_long"),
            ({"userId": {"id": 1}}, "bad_user_id"),
            ({"anonymousId": ["a"]}, "bad_anonymous_id"),
            ({"messageId": "x" * 100}, "message_id_too_long"),
            ({"messageId": ["x"]}, "bad_message_id"),
            ({"event": None}, "no_event"),
            ({"event": " \n"}, "no_event"),
            ({"event": 5}, "no_event"),
            ({"event": "x" * 256}, "name_too_long"),
            ({"properties": "x"}, "bad_properties"),
            ({"properties": []}, "bad_properties"),
            ({"context": "x"}, "bad_context"),
            ({"timestamp": "yesterday"}, "bad_timestamp"),
            ({"type": "identify", "traits": [1]}, "bad_traits"),
            ({"type": "identify", "context": {"traits": "x"}}, "bad_traits"),
            ({"type": "group"}, "no_group_id"),
            ({"type": "group", "groupId": "null"}, "no_group_id"),
            ({"type": "group", "groupId": "x" * 256}, "group_id_too_long"),
            ({"type": "alias"}, "no_previous_id"),
            ({"type": "alias", "previousId": {}}, "bad_previous_id"),
            ({"type": "page", "name": "x" * 250}, "name_too_long"),
        ],
    )
    def test_refuses_one_event_with_a_code(self, change: dict[str, Any], code: str) -> None:
        assert refused({**TRACK, **change}) == code

    def test_takes_null_as_absent(self) -> None:
        names = ("properties", "context", "integrations", "timestamp", "sentAt", "anonymousId", "originalTimestamp")
        assert read({**TRACK, **dict.fromkeys(names)}).properties == {}

    @pytest.mark.parametrize(
        ("kind", "name", "activity"),
        [
            ("page", "Pricing", "Visited Pricing Page"),
            ("page", " Our \n {0} Prices", "Visited Our {0} Prices Page"),
            ("page", None, "Visited a Page"),
            ("page", 5, "Visited a Page"),
            ("screen", "Home", "Viewed Home Screen"),
            ("screen", "", "Viewed a Screen"),
        ],
    )
    def test_names_visits(self, kind: str, name: Any, activity: str) -> None:
        assert read({"userId": "u", "name": name}, kind).name == activity

    def test_adds_name_and_category_to_a_visits_properties(self) -> None:
        sent = {
            "userId": "u",
            "name": "Pricing",
            "category": "Web",
            "properties": {"name": "Own", "url": "https://x.test/"},
        }
        event = read(sent, "page")
        assert event.properties == {"name": "Own", "category": "Web", "url": "https://x.test/"}
        assert event.origin.page_url == "https://x.test/"
        assert sent["properties"] == {"name": "Own", "url": "https://x.test/"}

    def test_takes_traits_from_the_context_only_where_identify_has_none(self) -> None:
        inner = {"context": {"traits": {"a": 1}}, "userId": "u", "groupId": "g"}
        assert read(inner, "identify").traits == {"a": 1}
        assert read({**inner, "traits": {}}, "identify").traits == {"a": 1}
        assert read({**inner, "traits": {"b": 2}}, "identify").traits == {"b": 2}
        assert read(inner, "group").traits == {}

    def test_reads_group_and_alias(self) -> None:
        group = read({"userId": "u", "groupId": 7, "traits": {"name": "Acme"}}, "group")
        assert (group.group_id, group.traits) == ("7", {"name": "Acme"})
        assert read({"userId": "u", "previousId": "p"}, "alias").previous_id == "p"
        assert read({"userId": "u", "anonymousId": "a"}, "alias").previous_id == "a"
        assert refused({"anonymousId": "a", "previousId": "p"}, "alias") == "no_user_anon_id"

    def test_merges_the_batch_into_the_event_which_wins(self) -> None:
        envelope = Envelope(context={"ip": "10.0.0.1", "locale": "de"}, integrations={"All": True, "A": False})
        event = read({**TRACK, "context": {"ip": "10.0.0.2"}, "integrations": {"A": True}}, envelope=envelope)
        assert event.context == {"ip": "10.0.0.2", "locale": "de"}
        assert event.integrations == {"All": True, "A": True}
        assert envelope.context == {"ip": "10.0.0.1", "locale": "de"}


class TestMessageId:
    def test_is_derived_alike_for_a_retry(self) -> None:
        sent = {**TRACK, "messageId": None, "timestamp": "2026-05-01T11:00:00Z", "properties": {"a": 1, "b": 2}}
        again = {**sent, "sentAt": "2026-05-01T11:30:00Z", "_metadata": {"retry": 1}, "properties": {"b": 2, "a": 1}}
        retry = wire.read_event(None, again, Envelope(sent_at=NOW), received_at=NOW + timedelta(hours=1))
        assert retry.message_id == read(sent).message_id
        assert retry.message_id.startswith("derived-")

    @pytest.mark.parametrize(
        "change",
        [
            {"event": "Other"},
            {"userId": "u2"},
            {"properties": {"a": 2}},
            {"timestamp": "2026-05-01T11:00:01Z"},
            {"anonymousId": "a"},
        ],
    )
    def test_is_derived_apart_for_another_event(self, change: dict[str, Any]) -> None:
        sent = {**TRACK, "messageId": "", "timestamp": "2026-05-01T11:00:00Z"}
        assert read({**sent, **change}).message_id != read(sent).message_id

    def test_leaves_the_fingerprint_to_tell_bodies_apart(self) -> None:
        assert read(TRACK).fingerprint == read({**TRACK, "sentAt": "2026-05-01T11:00:00Z"}).fingerprint
        assert read(TRACK).fingerprint != read({**TRACK, "event": "Other"}).fingerprint

    def test_takes_numbers_and_ninety_nine_characters(self) -> None:
        assert read({**TRACK, "messageId": 17}).message_id == "17"
        assert read({**TRACK, "messageId": "x" * 99}).message_id == "x" * 99


class TestOccurredAt:
    def test_agrees_with_the_published_example(self) -> None:
        received = datetime(2015, 2, 23, 4, 8, 31, 909_000, tzinfo=UTC)
        value = {**TRACK, "originalTimestamp": "2015-02-23T04:08:31.577Z", "sentAt": "2015-02-23T04:08:31.581Z"}
        event = wire.read_event(None, value, Envelope(), received_at=received)
        assert event.occurred_at == datetime(2015, 2, 23, 4, 8, 31, 905_000, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("stamps", "batch_sent", "at"),
        [
            ({}, None, "12:00"),  # no time at all: on receipt
            ({}, "11:00", "12:00"),  # sentAt alone says nothing about the event
            ({"timestamp": "10:00"}, None, "10:00"),  # nothing to correct by
            ({"timestamp": "10:00"}, "11:00", "11:00"),  # an hour before it was sent
            ({"timestamp": "10:00", "sentAt": "10:30"}, "11:00", "11:30"),  # the event's own sentAt wins
            ({"timestamp": "09:00", "originalTimestamp": "10:00"}, "11:00", "11:00"),  # the original wins
            ({"timestamp": "10:00", "sentAt": "garbage"}, "11:00", "10:00"),  # corrects nothing, harms nothing
            ({"timestamp": "12:05"}, None, "12:05"),  # within the grace
            ({"timestamp": "18:00", "sentAt": "19:00"}, None, "11:00"),  # a fast clock, set right
        ],
    )
    def test_is_set_right_by_our_clock(self, stamps: dict[str, str], batch_sent: str | None, at: str) -> None:
        def full(clock: str) -> str:
            return f"2026-05-01T{clock}:00Z" if clock[0].isdigit() else clock

        sent_at = wire.parse_time(full(batch_sent)) if batch_sent else None
        event = read(
            {**TRACK, **{key: full(value) for key, value in stamps.items()}}, envelope=Envelope(sent_at=sent_at)
        )
        assert (event.occurred_at, event.clamped) == (wire.parse_time(full(at)), False)

    def test_falls_back_to_the_time_of_the_batch(self) -> None:
        assert read(TRACK, envelope=Envelope(timestamp=NOW - timedelta(days=3))).occurred_at == NOW - timedelta(days=3)

    @pytest.mark.parametrize(
        "stamps",
        [
            {"timestamp": "2026-05-01T12:05:00.000001Z"},
            {"timestamp": "9999-12-31T23:59:59Z"},
            {"timestamp": "9999-12-31T23:59:59Z", "sentAt": "1970-01-01T00:00:00Z"},
            {"timestamp": "2026-05-01T12:00:00Z", "sentAt": "2020-05-01T12:00:00Z"},
        ],
    )
    def test_clamps_the_future_to_the_receipt(self, stamps: dict[str, str]) -> None:
        event = read({**TRACK, **stamps})
        assert (event.occurred_at, event.clamped) == (NOW, True)

    def test_refuses_what_the_correction_moves_before_1970(self) -> None:
        assert (
            refused({**TRACK, "timestamp": "1970-01-01T00:00:00Z", "sentAt": "2090-01-01T00:00:00Z"}) == "bad_timestamp"
        )
        assert (
            refused({**TRACK, "timestamp": "1970-01-01T00:00:00Z", "sentAt": "9999-01-01T00:00:00Z"}) == "bad_timestamp"
        )


class TestParseTime:
    @pytest.mark.parametrize(
        ("sent", "instant"),
        [
            ("2024-05-01T09:30:00.000+02:00", (2024, 5, 1, 7, 30)),
            ("2024-05-01T09:30:00+00:00", (2024, 5, 1, 9, 30)),
            ("2024-05-01T09:30:00Z", (2024, 5, 1, 9, 30)),
            ("2024-05-01T09:30:00.123Z", (2024, 5, 1, 9, 30, 0, 123_000)),
            ("2024-05-01T09:30:00.123456Z", (2024, 5, 1, 9, 30, 0, 123_456)),
            ("2024-05-01T09:30:00.123456789Z", (2024, 5, 1, 9, 30, 0, 123_456)),
            ("2024-05-01T09:30:00.5-0530", (2024, 5, 1, 15, 0, 0, 500_000)),
            ("2015-2-02T00:30:08.276Z", (2015, 2, 2, 0, 30, 8, 276_000)),
            ("2015-2-2 0:30", (2015, 2, 2, 0, 30)),
            (" 2024-05-01 ", (2024, 5, 1)),
            ("2024-05-01T09:30:00", (2024, 5, 1, 9, 30)),
            (1_714_555_800, (2024, 5, 1, 9, 30)),
            (1_714_555_800_123, (2024, 5, 1, 9, 30, 0, 123_000)),
            (1_714_555_800.5, (2024, 5, 1, 9, 30, 0, 500_000)),
        ],
    )
    def test_reads(self, sent: Any, instant: tuple[int, ...]) -> None:
        assert wire.parse_time(sent) == datetime(*instant, tzinfo=UTC)  # type: ignore[arg-type, misc]

    @pytest.mark.parametrize(
        "sent",
        [None, True, "", "now", "2024", "2024-05", "2024-13-01", "2024-02-30", "2024-05-01T25:00Z", "2024-05-01T09:61Z"]
        + [
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
            "0000-01-01",
            "9999-12-31T23:00:00-14:00",
            "12024-05-01",
        ]
        + [
            "2024-05-01T09:30:00+99:00",
            "2024-05-01T09:30:00Zjunk",
            "٢٠٢٤-05-01",
            "1714555800",
            "2024-05-01T09:30:00." + "1" * 99,
        ]
        + [0, -1, 99_999_999, 1e18, 2**63 - 1, -1e300, [], {}, "2024-05-01\ud800", "2024-W18-3T09:30:00Z"],
    )
    def test_refuses(self, sent: Any) -> None:
        with pytest.raises(Refusal) as raised:
            wire.parse_time(sent)
        assert raised.value.code == "bad_timestamp"

    @given(st.integers(86_400, 250_000_000_000), st.integers(0, 999_999), st.integers(-840, 840))
    def test_reads_whatever_the_library_writes(self, seconds: int, micro: int, minutes: int) -> None:
        zone = timezone(timedelta(minutes=minutes))
        moment = datetime(1970, 1, 1, tzinfo=zone) + timedelta(seconds=seconds, microseconds=micro)
        assert wire.parse_time(moment.isoformat()) == moment

    @given(st.text(st.sampled_from("0123456789-:TZ+. "), max_size=30) | st.floats() | st.integers())
    def test_is_total(self, sent: Any) -> None:
        try:
            found: Any = wire.parse_time(sent).year >= 1970
        except Refusal as refusal:
            found = refusal.code == "bad_timestamp"
        assert found


class TestOrigin:
    def test_has_a_field_for_each_known_part(self) -> None:
        origin = read(
            {
                **TRACK,
                "context": {
                    "campaign": {
                        "name": "spring",
                        "source": "ads",
                        "medium": " cpc ",
                        "term": 5,
                        "content": {},
                        "other": 1,
                    },
                    "page": {"url": "https://x.test/p?q=1", "referrer": "https://y.test"},
                    "ip": " 2001:DB8:0::1 ",
                    "userAgent": "UA",
                    "library": {"name": "lib", "version": "1.2"},
                },
            }
        ).origin
        assert origin.campaign == wire.Campaign("spring", "ads", "cpc", "5", None)
        assert (origin.page_url, origin.page_referrer) == ("https://x.test/p?q=1", "https://y.test")
        assert (origin.ip, origin.user_agent) == ("2001:db8::1", "UA")
        assert (origin.library_name, origin.library_version, origin.shortened) == ("lib", "1.2", ())

    def test_cuts_and_says_so(self) -> None:
        origin = read({**TRACK, "context": {"campaign": {"term": "x" * 300}, "userAgent": "x" * 2000}}).origin
        assert origin.campaign is not None
        assert len(origin.campaign.term or "") == 255
        assert set(origin.shortened) == {"campaign_term", "user_agent"}

    @pytest.mark.parametrize("junk", [None, 5, "x", [], [1], {"url": {}, "name": [], "source": None}])
    def test_never_refuses(self, junk: Any) -> None:
        names = ("campaign", "page", "library", "ip", "userAgent")
        origin = read({**TRACK, "context": dict.fromkeys(names, junk)}).origin
        assert (origin.campaign, origin.page_url, origin.ip) == (None, None, None)

    @pytest.mark.parametrize("ip", ["", "1.2.3", "1.2.3.4.5", "::g", "1.2.3.4\x01", "x" * 9999, "\ud800"])
    def test_knows_an_address(self, ip: str) -> None:
        assert read({**TRACK, "context": {"ip": ip}}).origin.ip is None
