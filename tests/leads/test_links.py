"""Links that open a mail or dial: whatever a lead gave as their address or number, nothing is smuggled in."""

from __future__ import annotations

from email.utils import getaddresses
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.links import MAILTO_AT_MOST, mailto, tel

ANYTHING = st.text(max_size=80)


class TestMailto:
    def test_opens_a_mail_with_subject_and_text(self) -> None:
        link = mailto("iris@brightforge.example", subject="Our demo & you", body="Hi Iris,\n\n100 % yours?\nBen")
        assert link == (
            "mailto:iris@brightforge.example?subject=Our%20demo%20%26%20you"
            "&body=Hi%20Iris%2C%0D%0A%0D%0A100%20%25%20yours%3F%0D%0ABen"
        )

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "iris",
            "iris@brightforge.example?bcc=eve@evil.example",
            "iris@brightforge.example&cc=eve@evil.example",
            "iris@brightforge.example,eve@evil.example",
            "iris@brightforge.example;eve@evil.example",
            "iris@brightforge.example\r\nBcc: eve@evil.example",
            "iris@brightforge.example%0D%0ABcc:eve@evil.example",
            "Iris <iris@brightforge.example>",
            "javascript:alert(1)//@evil.example",
            '"><script>@evil.example',
            "iris@\u202ebrightforge.example",
        ],
    )
    def test_of_what_is_no_single_address_there_is_none(self, address: str) -> None:
        assert mailto(address) == ""

    def test_keeps_the_subject_on_one_line(self) -> None:
        assert mailto("i@b.example", subject="Hi\r\nBcc: eve@evil.example") == (
            "mailto:i@b.example?subject=Hi%20Bcc%3A%20eve%40evil.example"
        )

    def test_is_not_made_where_it_would_be_cut_off(self) -> None:
        assert mailto("i@b.example", body="x" * MAILTO_AT_MOST) == ""

    @given(address=ANYTHING | st.emails(), subject=ANYTHING, body=ANYTHING)
    def test_carries_one_recipient_and_nothing_but_subject_and_body(
        self, address: str, subject: str, body: str
    ) -> None:
        link = mailto(address, subject=subject, body=body)
        if not link:
            return
        split = urlsplit(link)
        assert split.scheme == "mailto"
        assert not split.fragment
        assert unquote(split.path) == address
        assert len(getaddresses([address])) == 1
        fields = parse_qsl(split.query, keep_blank_values=True, strict_parsing=True) if split.query else []
        assert [name for name, _ in fields] == [
            name for name, text in (("subject", " ".join(subject.split())), ("body", body)) if text
        ]
        assert not set("\r\n \"'<>") & set(link)


class TestTel:
    @pytest.mark.parametrize(
        ("number", "link"),
        [
            ("+49 30 1234-567", "tel:+49301234567"),
            ("(555) 010-2345", "tel:5550102345"),
            ("555 010 2345 x12", "tel:5550102345"),
            ("*100#", "tel:*100%23"),
            ("javascript:alert(1)", "tel:1"),
            ("call me", ""),
            ("", ""),
        ],
    )
    def test_dials_what_can_be_dialed(self, number: str, link: str) -> None:
        assert tel(number) == link

    @given(ANYTHING)
    def test_holds_nothing_else(self, number: str) -> None:
        link = tel(number)
        assert not link or set(link.removeprefix("tel:").removeprefix("+")) <= set("0123456789*%")
