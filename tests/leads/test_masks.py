"""What is shown of an endpoint's address, and what is kept out of what it said."""

from __future__ import annotations

import pytest

from leads.delivering.masks import masked, without

SLACK = "https://hooks.slack.com/services/T00000000/B11111111/abcdefghijklmnopqrstuvwx"


class TestMasked:
    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            (SLACK, "https://hooks.slack.com/…uvwx"),
            ("https://chat.example:8443/hooks/xyzabc123/", "https://chat.example:8443/…c123"),
            ("https://crm.example/in?token=0123456789", "https://crm.example/…6789"),
            # Short ones would be told whole by their end.
            ("https://crm.example/in", "https://crm.example/…"),
            ("https://crm.example/", "https://crm.example/"),
            ("https://crm.example", "https://crm.example/"),
            ("https://robin:word@crm.example/in", "https://crm.example/…"),
            ("https://[2001:db8::1]:8443/hooks/xyzabc123", "https://[2001:db8::1]:8443/…c123"),
        ],
    )
    def test_shows_the_host_and_the_end(self, url: str, shown: str) -> None:
        assert masked(url) == shown


class TestWithout:
    def test_takes_the_address_out_of_what_was_said(self) -> None:
        said = "404: Cannot POST /services/T00000000/B11111111/abcdefghijklmnopqrstuvwx"
        assert without(said, SLACK) == "404: Cannot POST /…/…/…/…"

    def test_knows_it_written_otherwise(self) -> None:
        url = "https://h.example/a?key=abc%2Bdefghij"
        assert without("bad key abc+defghij or abc%2Bdefghij", url) == "bad key … or …"

    def test_leaves_other_words_alone(self) -> None:
        assert without("500: information is in", "https://crm.example/in") == "500: information is in"
