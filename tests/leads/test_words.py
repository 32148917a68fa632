"""How what people typed is kept."""

from __future__ import annotations

import pytest

from leads.words import one_line


class TestOneLine:
    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("  At\n the\tfair ", "At the fair"),
            ("a\x00b", "ab"),
            ("\r\n", ""),
            ("x" * 9, "x" * 5),
            ("ab cd ef", "ab cd"),
        ],
    )
    def test_is_one_line_without_nul_and_no_longer_than_asked(self, typed: str, kept: str) -> None:
        assert one_line(typed, at_most=5 if len(typed) < 10 else 11) == kept
