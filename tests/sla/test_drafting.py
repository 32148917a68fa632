"""First letters: placeholders, what is said of a lead, which template fits, and what hostile leads can't do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.errors import Invalid
from leads.models import Account, ActivityType, Organization
from scoring.models import Tier
from sla import drafting
from sla.drafting.shipped import SHIPPED
from sla.drafting.speaking import thing_looked_at, what_they_did
from sla.drafting.values import clean, values_of
from sla.models import DraftTemplate
from tests.desk import Company, act, company

WORDS = st.sampled_from(["abc", " ", ". ", "X! ", "?  y", "", " Z. abc", "..", "\t"])
NAMES = st.sampled_from(sorted(drafting.PLACEHOLDERS))
PLACES = st.builds(lambda name, default: f"{{{name}{default}}}", NAMES, st.sampled_from(["", "|there", "|if I may"]))
TEXTS = st.lists(WORDS | PLACES | st.just("\n"), max_size=14).map("".join)
VALUES = st.dictionaries(NAMES, st.sampled_from(["", "p", "q. r", "Dr. Who", "."]))


class TestCheck:
    @pytest.mark.parametrize("name", drafting.PLACEHOLDERS)
    def test_takes_each_placeholder_with_and_without_a_word_instead(self, name: str) -> None:
        drafting.check(f"Hi {{{name}}}, or {{{name}|you}}.", field="body")

    @pytest.mark.parametrize(
        "text", ["Hi {frist_name}", "{first_name} {email|x}", "{__class__}", "{0}", "{First_Name}"]
    )
    def test_refuses_an_unknown_one_and_names_it(self, text: str) -> None:
        unknown = next(each for each in re.findall(r"\{(\w+)", text) if each not in drafting.PLACEHOLDERS)
        with pytest.raises(Invalid, match=rf"\{{{unknown}\}} is no placeholder. Use one of \{{first_name\}}") as told:
            drafting.check(text, field="body")
        assert told.value.state["field"] == "body"

    @pytest.mark.parametrize(
        "text", ["{", "Hi {first_name", "a } b", "{first name}", "{{first_name}}", "{first_name!r}"]
    )
    def test_refuses_a_brace_that_belongs_to_none(self, text: str) -> None:
        with pytest.raises(Invalid, match="A brace belongs to a placeholder"):
            drafting.check(text, field="subject")

    @pytest.mark.parametrize("shipped", SHIPPED, ids=lambda row: row[0])
    def test_finds_nothing_wrong_with_what_is_shipped(self, shipped: tuple[str, str, str, str, str]) -> None:
        for text in shipped[1:3]:
            drafting.check(text, field="body")


class TestFill:
    @pytest.mark.parametrize(
        ("text", "filled"),
        [
            ("Hi {first_name},", "Hi Iris,"),
            ("Hi {first_name|there},", "Hi Iris,"),
            ("Hi {title|there},", "Hi there,"),
            ("Hi {title},", ""),
            ("One. As {title} you know. Two.", "One. Two."),
            ("One.\nAs {title}.\nTwo.", "One.\nTwo."),
            ("One.\n\nAs {title}.\n\nTwo.", "One.\n\nTwo."),
            ("As {title}.\n\nOne.", "One."),
            ("One.\r\n\r\n\r\nTwo.", "One.\n\nTwo."),
            ("At {company|Dr. Who. Inc}? {first_name}!", "At Dr. Who. Inc? Iris!"),
            ("{first_name}{title}", ""),
            ("{first_name|a} {first_name|b}", "Iris Iris"),
            ("{title|a} {title|b}", "a b"),
        ],
    )
    def test_puts_values_in_and_leaves_out_what_would_have_a_hole(self, text: str, filled: str) -> None:
        assert drafting.fill(text, {"first_name": "Iris", "title": ""}) == filled

    def test_reads_no_placeholder_out_of_a_value(self) -> None:
        assert drafting.fill("{first_name}", {"first_name": "{company}", "company": "C"}) == "{company}"

    @given(text=TEXTS, values=VALUES)
    def test_never_leaves_a_hole(self, text: str, values: dict[str, str]) -> None:
        drafting.check(text, field="body")
        filled = drafting.fill(text, values)
        assert "{" not in filled
        assert "}" not in filled
        assert "\n\n\n" not in filled
        assert filled == filled.strip()
        for sentence in re.split(r"(?<=[.!?…])[ \t]+(?![^{}]*\})|\n", text):
            names = re.findall(r"\{(\w+)\}", sentence)
            if names and all(values.get(name) for name in names) and "|" not in sentence:
                whole = re.sub(r"\{(\w+)\}", lambda place: values[place[1]], sentence.strip())
                assert whole in filled

    @given(text=TEXTS)
    def test_with_every_value_leaves_nothing_out(self, text: str) -> None:
        filled = drafting.fill(text, dict.fromkeys(drafting.PLACEHOLDERS, "v"))
        said = re.sub(r"\{[^}]*\}", "v", text)
        assert filled.split() == said.split()


class TestSpeaking:
    @pytest.mark.parametrize(
        ("label", "thing", "did"),
        [
            ("Visited Pricing Page", "our pricing page", "visited our pricing page"),
            ("Downloaded a case study", "our case study", "downloaded a case study"),
            ("Read our SLA guide", "our SLA guide", "read our SLA guide"),
            ("Requested Demo", "", "requested a demo"),
            ("Started Annual Plan", "", "started an annual plan"),
            ("Subscribed to Newsletter", "", "subscribed to newsletter"),
            ("Contacted Us", "", "contacted us"),
            ("visited_pricing_page", "our pricing page", "visited our pricing page"),
            ("Unsubscribed", "", ""),
            ("Cancelled Plan", "", ""),
            ("Page", "", ""),
            ("Pricing Page", "", ""),
            ("Visited", "", "visited"),
            ("Visited http://evil.example", "", ""),
            ("Visited <b>us</b>", "", ""),
            ("Visited the", "", "visited the"),
            ("", "", ""),
        ],
    )
    def test_says_it_as_one_would_to_them(self, label: str, thing: str, did: str) -> None:
        assert (thing_looked_at(label), what_they_did(label)) == (thing, did)


@pytest.mark.django_db
class TestValues:
    @pytest.fixture
    def firm(self, now: datetime) -> Company:
        return company(now)

    def test_are_what_the_lead_really_did(self, firm: Company, now: datetime) -> None:
        Organization.objects.update(name="Halyard")
        firm.ben.booking_link = "https://meet.halyard.example/ben"
        firm.ben.save()
        account = Account.objects.create(name="Brightforge", created_at=now)
        lead = firm.lead(now=now, title="Head of IT", account=account)
        for hours in (30, 20, 2):
            act(lead, "Visited Pricing Page", at=now - timedelta(hours=hours))
        act(lead, "Requested Demo", at=now - timedelta(hours=1))
        act(lead, "Unsubscribed", at=now)
        assert values_of(lead, firm.ben.user, now=now) == {
            "first_name": "Iris",
            "company": "Brightforge",
            "title": "Head of IT",
            "most_read": "our pricing page",
            "last_activity": "requested a demo",
            "last_day": "today",
            "rep_first_name": "Ben",
            "rep_name": "Ben Keller",
            "booking_link": "https://meet.halyard.example/ben",
            "our_company": "Halyard",
        }

    @pytest.mark.parametrize(
        ("ago", "day"),
        [
            (0, "today"),
            (1, "yesterday"),
            (2, "on Sunday"),
            (6, "on Wednesday"),
            (7, "on 3 March"),
            (40, "on 29 January"),
        ],
    )
    def test_say_when_as_people_do(self, firm: Company, now: datetime, ago: int, day: str) -> None:
        lead = firm.lead(now=now)
        act(lead, "Requested Demo", at=now - timedelta(days=ago))
        assert values_of(lead, firm.ben.user, now=now)["last_day"] == day

    @pytest.mark.parametrize(
        "name",
        [
            "Win a prize at http://evil.example",
            "www.evil.example",
            "eve@evil.example",
            "<script>alert(1)</script>",
            "{company}",
            "x" * 61,
            "Iris\u202e",
            "Ir\x07is",
        ],
    )
    def test_repeat_nothing_that_is_no_name(self, firm: Company, now: datetime, name: str) -> None:
        lead = firm.lead(now=now, first_name=name)
        assert clean(name) == ""
        draft = drafting.draft_of(DraftTemplate.objects.get(name="What they looked at"), lead, firm.ben.user, now=now)
        assert draft.body.startswith("Hi there,")
        assert name not in draft.body + draft.subject + draft.mailto

    def test_keep_a_name_on_one_line(self, firm: Company, now: datetime) -> None:
        lead = firm.lead(now=now, first_name="Iris\r\nBcc: eve")
        template = DraftTemplate(subject="For {first_name}", body="Hi {first_name}.")
        draft = drafting.draft_of(template, lead, firm.ben.user, now=now)
        assert (draft.subject, draft.body) == ("For Iris Bcc: eve", "Hi Iris Bcc: eve.")
        assert draft.mailto.count("?") == 1
        assert "%0D%0A" not in draft.mailto

    def test_of_whom_nothing_is_known_still_make_a_letter(self, firm: Company, now: datetime) -> None:
        lead = firm.lead(now=now, first_name="", title="")
        ActivityType.objects.all().delete()
        for template in DraftTemplate.objects.all():
            draft = drafting.draft_of(template, lead, firm.ben.user, now=now)
            assert draft.subject
            assert firm.ben.user.get_short_name() in draft.body
            assert not re.search(r"[{}]|\n\n\n| ,|  ", draft.body)


@pytest.mark.django_db
class TestChoosing:
    def test_gives_the_closest_fit_first_and_nothing_of_others(self, now: datetime) -> None:
        firm, other = company(now), company(now)
        DraftTemplate.objects.all().delete()

        def template(name: str, **fields: object) -> None:
            DraftTemplate.objects.create(name=name, subject="S", body="B", **fields)

        template("any", position=1)
        template("warm", tier=Tier.WARM, position=9)
        template("hot", tier=Tier.HOT)
        template("ours", definition=firm.definition, position=9)
        template("ours warm", definition=firm.definition, tier=Tier.WARM, position=9)
        template("theirs", definition=other.definition)
        template("out of use", is_active=False)
        template("deutsch", language="de")
        template("any later", position=2)
        handoff = firm.offered(now=now, tier=Tier.WARM)
        names = [each.name for each in drafting.templates_for(handoff)]
        assert names == ["ours warm", "ours", "warm", "any", "any later", "deutsch"]
        handoff.episode.lead.traits = {"locale": "de-AT"}
        assert drafting.templates_for(handoff)[0].name == "deutsch"
