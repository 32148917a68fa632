"""The wire's traits: typed where they are reserved, kept where they are not, reported where they are unusable."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads import wire
from leads.wire import Company, Ignored

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TEXTS = ["email", "firstName", "first_name", "lastName", "name", "phone", "title", "website", "company", "industry"]
RESERVED = [*TEXTS, "address", "country", "city", "domain", "employee_count", "employees", "id", "plan"]


class TestAttributesOf:
    def test_reads_the_reserved_traits(self) -> None:
        found = wire.attributes_of(
            {
                "email": " Ada@Example.COM ",
                "firstName": "Ada",
                "lastName": "King",
                "phone": "+49 (30) 123-45",
                "title": "CTO",
                "company": {
                    "name": "Acme",
                    "domain": "https://www.Acme.com/x",
                    "industry": "Tools",
                    "employee_count": "1,200",
                    "id": 7,
                    "plan": "pro",
                },
                "address": {"country": "DE", "city": "Berlin", "street": "S"},
                "website": "ada.example.com",
                "age": 36,
                "vip": True,
            }
        )
        assert (found.email, found.first_name, found.last_name) == ("ada@example.com", "Ada", "King")
        assert (found.phone, found.title, found.website) == ("+49 (30) 123-45", "CTO", "https://ada.example.com")
        assert (found.country, found.city) == ("DE", "Berlin")
        assert found.company == Company("7", "Acme", "acme.com", "Tools", 1200)
        assert found.traits == {"age": 36, "vip": True, "company": {"plan": "pro"}, "address": {"street": "S"}}
        assert (found.ignored, found.shortened) == ((), ())

    def test_takes_out_what_would_turn_the_text_beside_it_around(self) -> None:
        said = wire.attributes_of(
            {"firstName": "Dana\u202e", "lastName": "\u2067عبد\u2069", "company": "A\u202dcme\u200f"}
        )
        assert (said.first_name, said.last_name, said.company.name) == ("Dana", "عبد", "Acme\u200f")

    def test_takes_a_company_that_is_only_a_name(self) -> None:
        assert wire.attributes_of({"company": "Acme", "industry": "Tools"}).company == Company(
            name="Acme", industry="Tools"
        )

    @pytest.mark.parametrize(
        ("traits", "names"),
        [
            ({"name": "Ada Lovelace King"}, ("Ada", "Lovelace King")),
            ({"name": "Lovelace, Ada"}, ("Ada", "Lovelace")),
            ({"name": "  Ada  "}, ("Ada", None)),
            ({"name": "Ada King", "firstName": "A."}, ("A.", "King")),
            ({"name": "Ada King", "first_name": "A.", "last_name": "K."}, ("A.", "K.")),
            ({"name": ","}, (None, None)),
            ({"firstName": "", "first_name": "Ada"}, ("Ada", None)),
        ],
    )
    def test_splits_names(self, traits: dict[str, Any], names: tuple[str | None, str | None]) -> None:
        found = wire.attributes_of(traits)
        assert (found.first_name, found.last_name) == names

    @pytest.mark.parametrize("value", [None, "", "  "])
    def test_takes_nothing_for_unknown(self, value: Any) -> None:
        found = wire.attributes_of(dict.fromkeys(TEXTS, value))
        assert found == wire.Attributes()

    @pytest.mark.parametrize(
        ("traits", "ignored"),
        [
            ({"email": "ada at example"}, Ignored("email", "invalid")),
            ({"email": 5}, Ignored("email", "invalid")),
            ({"email": ["a@b.co"]}, Ignored("email", "wrong_type")),
            ({"email": "a" * 300 + "@b.co"}, Ignored("email", "too_long")),
            ({"firstName": {"x": 1}}, Ignored("firstName", "wrong_type")),
            ({"title": True}, Ignored("title", "wrong_type")),
            ({"phone": "n/a"}, Ignored("phone", "invalid")),
            ({"phone": "5" * 41}, Ignored("phone", "too_long")),
            ({"website": "javascript:alert(1)"}, Ignored("website", "invalid")),
            ({"company": ["Acme"]}, Ignored("company", "wrong_type")),
            ({"company": {"employee_count": "11-50"}}, Ignored("company.employee_count", "invalid")),
            ({"company": {"employee_count": -5}}, Ignored("company.employee_count", "invalid")),
            ({"company": {"employeeCount": [1]}}, Ignored("company.employeeCount", "wrong_type")),
            ({"company": {"domain": "localhost"}}, Ignored("company.domain", "invalid")),
            ({"company": {"id": {}}}, Ignored("company.id", "wrong_type")),
            ({"address": {"country": []}}, Ignored("address.country", "wrong_type")),
            ({"x" * 101: 1}, Ignored("x" * 100, "too_long")),
        ],
    )
    def test_ignores_and_reports_what_it_cannot_use(self, traits: dict[str, Any], ignored: Ignored) -> None:
        found = wire.attributes_of({**traits, "kept": 1})
        assert found.ignored == (ignored,)
        assert found.traits == {"kept": 1}

    def test_cuts_and_says_so(self) -> None:
        found = wire.attributes_of({"title": "x" * 201, "bio": "y" * 2001, "company": {"name": "z" * 201}})
        assert (len(found.title or ""), len(found.traits["bio"]), len(found.company.name or "")) == (200, 2000, 200)
        assert set(found.shortened) == {"title", "bio", "company.name"}

    def test_leaves_an_address_that_is_a_text_among_the_traits(self) -> None:
        assert wire.attributes_of({"address": "1 Main St"}).traits == {"address": "1 Main St"}

    @given(
        st.dictionaries(
            st.sampled_from(RESERVED) | st.text(max_size=5), JUNK | st.dictionaries(st.sampled_from(RESERVED), JUNK)
        )
    )
    def test_is_total(self, traits: dict[str, Any]) -> None:
        before = json.dumps(traits)
        for found in (wire.attributes_of(traits), wire.company_attributes_of(traits)):
            assert found.email is None or (found.email == found.email.lower() and found.email.isascii())
            assert all(
                len(text or "") <= 200 for text in (found.first_name, found.last_name, found.title, found.company.name)
            )
            assert found.company.employee_count is None or 0 <= found.company.employee_count < 10**9
        assert json.dumps(traits) == before


class TestCompanyAttributesOf:
    def test_reads_the_traits_of_a_group(self) -> None:
        found = wire.company_attributes_of(
            {
                "name": "Acme",
                "domain": "acme.com",
                "employees": 12,
                "industry": "Tools",
                "website": "http://acme.com",
                "address": {"country": "DE"},
                "plan": "pro",
                "email": "x",
            }
        )
        assert found.company == Company(None, "Acme", "acme.com", "Tools", 12)
        assert (found.website, found.country, found.email) == ("http://acme.com", "DE", None)
        assert found.traits == {"plan": "pro", "email": "x"}


class TestAsEmail:
    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("ADA@EXAMPLE.COM", "ada@example.com"),
            ("a.b+c@sub.example.co.uk", "a.b+c@sub.example.co.uk"),
            ("o'neil@example.ie", "o'neil@example.ie"),
            ("ada@MÜNCHEN.de", "ada@xn--mnchen-3ya.de"),
            ("ada@example.xn--p1ai", "ada@example.xn--p1ai"),
        ],
    )
    def test_keeps(self, sent: str, kept: str) -> None:
        assert wire.as_email(sent) == kept

    @pytest.mark.parametrize(
        "sent",
        [
            "",
            "@",
            "a@",
            "@b.co",
            "a@b",
            "a@b.c",
            "a@b.12",
            "a b@c.de",
            "a@b@c.de",
            ".a@b.co",
            "a.@b.co",
            "a..b@c.de",
            "a@-b.co",
        ]
        + [
            "a@b..co",
            "a@b.co.",
            "a@b-.co",
            "a@[1.2.3.4]",
            "<a@b.co>",
            "mailto:a@b.co",
            "a@b.co,c@d.co",
            "\u212aim@x.com",
            "é@x.com",
        ]
        + [
            "a@b.co\nx",
            "a" * 65 + "@b.co",
            "a@" + "b" * 64 + ".co",
            "a@" + "ü" * 250 + ".de",
            "a@" + "b." * 130 + "co",
            "a@\ud800.de",
        ],
    )
    def test_refuses(self, sent: str) -> None:
        assert wire.as_email(sent) is None


class TestAsDomain:
    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("Acme.com", "acme.com"),
            ("https://www.acme.com/a?b#c", "acme.com"),
            ("//acme.com:8080", "acme.com"),
            ("acme", None),
            ("http://user@acme.com", None),
            ("http://[::1]/", None),
            ("", None),
        ],
    )
    def test_bares(self, sent: str, kept: str | None) -> None:
        assert wire.as_domain(sent) == kept
