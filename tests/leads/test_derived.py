"""Seniority from titles and kinds from mail domains, by the shipped lists and by changed ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads import derived
from leads.models import AttributeChange, AwaitingAssessment, Job, Lead, MailDomain, TitleWord
from leads.sources import create_source
from tests.leads.sending import call, send


@pytest.mark.django_db
class TestSeniority:
    @pytest.mark.parametrize(
        ("title", "expected"),
        [
            # the lowest wins where somebody works for or under somebody
            ("Intern to the Director", "intern"),
            ("Marketing Intern, Office of the CEO", "intern"),
            ("Working Student Sales", "intern"),
            ("Werkstudent Marketing", "intern"),
            ("Executive Assistant to the CEO", "entry"),
            ("Assistant to the Managing Director", "entry"),
            # whole words: no intern in internal, no lead in leadership, no head in headhunter
            ("Director of Internal Audit", "director"),
            ("Director International Sales", "director"),
            ("Leadership Coach", ""),
            ("Headhunter", ""),
            # the top
            ("Founder & CEO", "owner"),
            ("Co-Founder", "owner"),
            ("Owner", "owner"),
            ("Managing Partner", "owner"),
            ("CEO", "c_level"),
            ("Chief Revenue Officer", "c_level"),
            ("c.e.o. / CTO", "c_level"),
            ("Managing Director", "c_level"),
            ("Geschäftsführerin", "c_level"),
            ("GESCHÄFTSFÜHRER", "c_level"),
            ("President", "c_level"),
            # president is not vice president
            ("Vice President of Sales", "vp"),
            ("Senior Vice President, Europe", "vp"),
            ("Assistant Vice President", "vp"),
            ("VP Engineering", "vp"),
            ("SVP/GM", "vp"),
            # the middle
            ("Senior Director, Growth", "director"),
            ("Associate Director", "director"),
            ("Head of Marketing", "director"),
            ("Chief of Staff", "director"),
            ("Senior Marketing Manager", "manager"),
            ("Team Lead Support", "manager"),
            ("Account Manager", "manager"),
            ("Product Owner", "senior"),
            ("Senior Software Engineer", "senior"),
            ("Tech Lead", "senior"),
            ("Sr. Developer", "senior"),
            # and the beginning
            ("Junior Account Manager", "entry"),
            ("Sales Development Representative", "entry"),
            ("Data Analyst", "entry"),
            ("  vice \t president  ", "vp"),
            ("Gardener", ""),
            ("", ""),
        ],
    )
    def test_is_told_by_the_title(self, title: str, expected: str) -> None:
        assert derived.seniority(title) == expected


@pytest.mark.django_db
class TestDomainKind:
    @pytest.mark.parametrize(
        ("email", "expected"),
        [
            ("jane@acme.com", "company"),
            ("jane@gmail.com", "free_mail"),
            ("jane@GoogleMail.com", "free_mail"),
            ("jane@t-online.de", "free_mail"),
            ("jane@mailinator.com", "disposable"),
            ("jane@mit.edu", "student"),
            ("jane@cs.ox.ac.uk", "student"),
            ("jane@student.kuleuven.be", "student"),
            # a pattern's own end is needed, and its dot
            ("jane@myedu.com", "company"),
            ("jane@notac.uk", "company"),
            ("jane@edu.acme.com", "company"),
            # no pattern: what is below a listed domain is not meant
            ("jane@corp.gmail.com", "company"),
            ("", ""),
        ],
    )
    def test_is_told_by_the_address(self, email: str, expected: str) -> None:
        assert derived.domain_kind(email) == expected

    def test_of_the_domain_itself_goes_before_a_pattern_and_the_longer_pattern_first(self) -> None:
        MailDomain.objects.create(domain="alumni.mit.edu", kind="free_mail")
        MailDomain.objects.create(domain=".med.example.edu", kind="disposable")
        assert derived.domain_kind("jane@alumni.mit.edu") == "free_mail"
        assert derived.domain_kind("jane@a.med.example.edu") == "disposable"


@pytest.mark.django_db
class TestLists:
    def test_are_read_again_when_a_row_changes(self, django_assert_num_queries: object) -> None:
        assert derived.seniority("Gardener") == ""
        word = TitleWord.objects.create(phrase="gardener", seniority="senior", position=5)
        assert derived.seniority("Gardener") == "senior"
        word.seniority = "entry"
        word.save()
        assert derived.seniority("Gardener") == "entry"
        word.delete()
        assert derived.seniority("Gardener") == ""

    def test_decide_by_the_lowest_position(self) -> None:
        assert derived.seniority("Sales Director") == "director"
        TitleWord.objects.create(phrase="sales director", seniority="vp", position=-1)
        assert derived.seniority("Sales Director") == "vp"

    def test_are_shipped_once_and_stay_as_people_left_them(self) -> None:
        MailDomain.objects.filter(domain="gmail.com").update(kind="disposable")
        count = MailDomain.objects.count()
        derived.ship_lists()
        assert MailDomain.objects.count() == count > 300
        assert MailDomain.objects.get(domain="gmail.com").kind == "disposable"

    def test_name_no_domain_or_phrase_twice(self) -> None:
        for name in ("titles", "scanners"):
            lines = [line.split("\t")[0] for line in derived.read_list(name)]
            assert len(lines) == len(set(lines))
        domains = [line for name in ("free_mail", "disposable", "student") for line in derived.read_list(name)]
        assert len(domains) == len(set(domains))
        assert all(domain == domain.lower() for domain in domains)


@pytest.mark.django_db
class TestRecompute:
    def test_derives_anew_what_a_changed_list_says(self, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(derived, "PAGE", 2)
        source = create_source("Backend", kind="server")[0]
        people = [("1", "Gardener", "a@acme.com"), ("2", "CEO", "b@garden.org"), ("3", "CTO", "c@other.com")]
        for user, title, email in people:
            send(source, call("identify", userId=user, traits={"title": title, "email": email}), now=now)
        AwaitingAssessment.objects.all().delete()
        TitleWord.objects.create(phrase="gardener", seniority="senior", position=5)
        MailDomain.objects.create(domain="garden.org", kind="student")
        later = now + timedelta(hours=1)
        job = derived.recompute(now=later)
        assert (job.state, job.done, job.total, job.report) == (Job.State.DONE, 3, 3, {"changed": 2})
        found = set(Lead.objects.values_list("title", "seniority", "domain_kind"))
        assert found == {
            ("Gardener", "senior", "company"),
            ("CEO", "c_level", "student"),
            ("CTO", "c_level", "company"),
        }
        written = AttributeChange.objects.filter(known_at=later).values_list("attribute", "value")
        assert set(written) == {("seniority", "senior"), ("domain_kind", "student")}
        assert AwaitingAssessment.objects.count() == 2

    def test_changes_nothing_twice(self, now: datetime) -> None:
        source = create_source("Backend", kind="server")[0]
        send(source, call("identify", userId="1", traits={"title": "CEO"}), now=now)
        before = AttributeChange.objects.count()
        assert derived.recompute(now=now).report == {"changed": 0}
        assert AttributeChange.objects.count() == before

    def test_that_breaks_says_so(self, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr(derived, "_recompute_page", broken)
        with pytest.raises(RuntimeError):
            derived.recompute(now=now)
        assert Job.objects.get().state == Job.State.FAILED
