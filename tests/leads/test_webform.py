"""Forms of websites: what they say, what becomes of it, and what anybody may try at their open door."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from leads import clock
from leads.erasing import erase
from leads.models import Activity, Identity, Lead, Receipt, RefusedItem, WebForm
from leads.sources import create_website
from leads.webform import fields, marks, markup, taking
from leads.webform.origins import BadOrigin, may_go, origin_of, read_origins

SITE = "https://www.acme.example"
ANA = {"email": "Ana@Acme.example", "first_name": "Ana", "company": "Acme", "message": "Call me"}


@pytest.fixture
def form(db: None) -> WebForm:
    return create_website("Website", origins=[SITE])[2]


@pytest.fixture
def send(form: WebForm) -> Callable[..., Any]:
    """Post fields as a browser does; the answer must never be a 500."""
    client = Client(raise_request_exception=False)

    def post(data: dict[str, Any] | None = None, **headers: Any) -> Any:
        answer = client.post(f"/f/{form.public_id}/", ANA if data is None else data, **headers)
        assert answer.status_code < 500, answer.content
        return answer

    return post


def read(**posted: str) -> fields.Sent:
    return fields.read({name: [value] for name, value in posted.items()})


class TestReading:
    @pytest.mark.parametrize(
        ("name", "value", "trait", "kept"),
        [
            ("first_name", " Ana ", "first_name", "Ana"),
            ("Last-Name", "Ortiz", "last_name", "Ortiz"),
            ("your-name", "Ana Ortiz", "name", "Ana Ortiz"),
            ("Job Title", "Director", "title", "Director"),
            ("tel", "+49 30 901820", "phone", "+49 30 901820"),
            ("tel", "please mail", "phone as typed", "please mail"),
            ("Company name", "Acme", "company", {"name": "Acme"}),
            ("employees", "120", "company", {"employee_count": "120"}),
            ("consent", "on", "email_permission", "granted"),
            ("phone_consent", "yes", "phone_permission", "granted"),
            ("email_consent", "no", "email_permission", "refused"),
            ("Which plan?", "Pro", "Which plan?", "Pro"),
        ],
    )
    def test_knows_fields_by_the_names_people_give_them(self, name: str, value: str, trait: str, kept: Any) -> None:
        sent = fields.read({"email": ["a@acme.example"], name: [value]})
        assert sent.errors == {}
        assert sent.traits[trait] == kept

    def test_takes_words_that_are_neither_yes_nor_no_for_neither(self) -> None:
        assert "email_permission" not in read(email="a@acme.example", consent="perhaps").traits

    @pytest.mark.parametrize(
        ("values", "kept"),
        [
            (["0", "1"], "granted"),  # a hidden field beside the box, as many forms have it
            (["yes", "no"], "granted"),
            (["0"], "refused"),
            (["", "off", "perhaps"], "refused"),
            (["perhaps", "later"], None),
        ],
    )
    def test_takes_any_yes_for_a_permission_else_any_no(self, values: list[str], kept: str | None) -> None:
        sent = fields.read({"email": ["a@acme.example"], "email_consent": values})
        assert sent.traits.get("email_permission") == kept

    def test_puts_several_values_of_one_name_together(self) -> None:
        sent = fields.read({"email": ["a@acme.example"], "topic": ["Pricing", "", "Security"]})
        assert sent.traits["topic"] == "Pricing, Security"

    def test_finds_the_campaign_in_fields_or_in_the_address_of_the_page(self) -> None:
        assert read(email="a@acme.example", utm_source="ads", utm_campaign="May").campaign == {
            "source": "ads",
            "name": "May",
        }
        assert read(email="a@acme.example", _page=f"{SITE}/demo?utm_source=news").campaign == {"source": "news"}

    @pytest.mark.parametrize(
        ("posted", "at", "said"),
        [
            ({}, "email", "Give your e-mail"),
            ({"work_email": "nobody"}, "work_email", "no e-mail address"),
            ({"email": "a@acme.example", "topic": "x" * 2_001}, "topic", "2,000"),
            ({"email": "a@acme.example", "message": "x" * 5_001}, "message", "5,000"),
            ({"email": "a@acme.example", "x" * 101: "y"}, "", "impossible name"),
            ({"email": "a@acme.example", **{f"f{n}": "x" for n in range(40)}}, "", "40 fields"),
        ],
    )
    def test_names_the_field_that_is_wrong(self, posted: dict[str, str], at: str, said: str) -> None:
        assert said in read(**posted).errors[at]

    @given(st.dictionaries(st.text(max_size=12), st.lists(st.text(max_size=20), max_size=2), max_size=6))
    def test_reads_whatever_is_posted(self, posted: dict[str, list[str]]) -> None:
        sent = fields.read(posted)
        told = json.dumps([dict(sent.traits), sent.message, sent.browser, dict(sent.page), dict(sent.campaign)])
        assert "\\u0000" not in told
        assert sent.errors or sent.email


class TestOrigins:
    @pytest.mark.parametrize(
        ("url", "origin"),
        [
            (f"{SITE}/thanks?x=1", SITE),
            ("https://acme.example:443/", "https://acme.example"),
            ("http://localhost:8080/a", "http://localhost:8080"),
            ("https://[::1]:8080/", "https://[::1]:8080"),
            ("javascript:alert(1)", None),
            ("//evil.example/", None),
            ("/thanks", None),
            ("https://www.acme.example@evil.example/", None),
            ("https://evil.example\\@www.acme.example/", None),
            ("https://www.acme.example\n.evil.example/", None),
            (" https://www.acme.example/", None),
            ("https://www.acme.example:x/", None),
            ("https://[oops/", None),
        ],
    )
    def test_are_read_as_browsers_read_them(self, url: str, origin: str | None) -> None:
        assert origin_of(url) == origin

    def test_are_typed_in_any_way_people_write_a_site(self) -> None:
        assert read_origins(["www.Acme.example/demo", " ", f"{SITE}/"]) == [SITE]
        for bad in ("acme", "ftp://acme.example", "https://a b.example"):
            with pytest.raises(BadOrigin, match="no website"):
                read_origins([bad])

    def test_hold_whoever_only_looks_like_them(self) -> None:
        assert may_go(f"{SITE}/x", [SITE])
        for near in (f"{SITE}.evil.example/", "http://www.acme.example/", f"{SITE}:8443/", "https://acme.example/"):
            assert not may_go(near, [SITE])


class TestTaking:
    def test_makes_the_lead_with_its_activity(self, form: WebForm, send: Callable[..., Any]) -> None:
        answer = send({**ANA, "utm_source": "ads", "Plan": "Pro", "email_consent": "yes"})
        assert (answer.status_code, answer["Location"]) == (303, f"/f/{form.public_id}/thanks/")
        lead = Lead.objects.get()
        assert (lead.email, lead.first_name, lead.source) == ("ana@acme.example", "Ana", "ads")
        assert (lead.email_permission, lead.phone_permission) == ("granted", "unknown")
        assert lead.traits["Plan"] == "Pro"
        activity = Activity.objects.get()
        assert (activity.lead, activity.type.name) == (lead, "Requested Demo")
        assert activity.properties == {"form": "Contact", "message": "Call me"}
        assert Client().get(answer["Location"]).status_code == 200

    def test_takes_a_second_click_for_the_first(self, send: Callable[..., Any]) -> None:
        for _ in range(3):
            assert send().status_code == 303
        assert Activity.objects.count() == 1

    @pytest.mark.parametrize(("later", "times"), [(599, 1), (601, 2)])
    def test_takes_the_same_words_anew_after_ten_minutes(self, form: WebForm, later: int, times: int) -> None:
        now, sent = clock.now(), fields.read({name: [value] for name, value in ANA.items()})
        assert taking.take(form, sent, now=now)
        assert taking.take(form, sent, now=now + timedelta(seconds=later)) is (times == 2)
        assert Activity.objects.count() == times

    def test_fills_what_is_empty_and_overwrites_nothing(self, send: Callable[..., Any]) -> None:
        send({**ANA, "email_consent": "no"})
        send({**ANA, "first_name": "Mallory", "title": "CEO", "email_consent": "yes", "Plan": "Pro"})
        send({**ANA, "Plan": "Free", "message": "again"})
        lead = Lead.objects.get()
        assert (lead.first_name, lead.title, lead.email_permission) == ("Ana", "CEO", "refused")
        assert lead.traits["Plan"] == "Pro"

    def test_belongs_to_the_address_whatever_browser_sends_it(self, form: WebForm, send: Callable[..., Any]) -> None:
        send({**ANA, "_browser": "shared-desk"})
        send({"email": "ben@acme.example", "_browser": "shared-desk"})
        ana, ben = Lead.objects.order_by("pk")
        assert Activity.objects.filter(lead=ben).count() == 1
        assert Identity.objects.get(value="shared-desk").lead == ana

    def test_brings_along_what_the_browser_did_before(self, form: WebForm, send: Callable[..., Any]) -> None:
        page = {"type": "page", "name": "Pricing", "anonymousId": "b-1", "messageId": "p1"}
        body = json.dumps({"writeKey": str(form.source.public_id), "batch": [page]})
        assert Client().post("/v1/batch", body, content_type="text/plain").json()["accepted"] == 1
        send({**ANA, "_browser": "b-1"})
        assert set(Activity.objects.values_list("type__name", flat=True)) == {"Visited Pricing Page", "Requested Demo"}

    def test_does_not_bring_back_who_was_erased(self, send: Callable[..., Any]) -> None:
        send()
        erase(Lead.objects.get().pk, now=clock.now(), by=None)
        assert send({**ANA, "message": "still here"}).status_code == 303
        assert not Lead.objects.filter(erased_at=None).exists()


class TestDoor:
    def test_answers_scripts_of_its_sites_in_json(self, send: Callable[..., Any]) -> None:
        answer = send(HTTP_ACCEPT="application/json", HTTP_ORIGIN=SITE)
        assert (answer.status_code, answer.json()) == (200, {"success": True, "next": None})
        assert answer["Access-Control-Allow-Origin"] == SITE
        assert "Access-Control-Allow-Credentials" not in answer

    def test_lets_no_other_site_read_it(self, form: WebForm, send: Callable[..., Any]) -> None:
        for origin in ("https://evil.example", "null", f"{SITE}.evil.example"):
            assert "Access-Control-Allow-Origin" not in send(HTTP_ORIGIN=origin)
            asked = Client().options(f"/f/{form.public_id}/", HTTP_ORIGIN=origin)
            assert "Access-Control-Allow-Origin" not in asked

    def test_takes_json(self, form: WebForm) -> None:
        body = json.dumps({**ANA, "topics": ["a", "b"], "consent": True, "n": 3})
        answer = Client().post(f"/f/{form.public_id}/", body, content_type="application/json")
        assert answer.json()["success"]
        lead = Lead.objects.get()
        assert lead.email_permission == "granted"
        assert lead.traits["topics"] == "a, b"

    @pytest.mark.parametrize("asked", ["https://evil.example/", "//evil.example", f"{SITE}@evil.example/", "/admin/"])
    def test_sends_nobody_elsewhere(self, form: WebForm, send: Callable[..., Any], asked: str) -> None:
        assert send({**ANA, "_next": asked})["Location"] == f"/f/{form.public_id}/thanks/"

    def test_sends_people_on_within_its_sites(self, form: WebForm, send: Callable[..., Any]) -> None:
        assert send({**ANA, "_next": f"{SITE}/done"})["Location"] == f"{SITE}/done"
        WebForm.objects.update(thank_you_url="https://pages.example/thanks")
        assert send({**ANA, "message": "b"})["Location"] == "https://pages.example/thanks"

    def test_shows_the_form_again_with_what_was_typed_and_what_is_wrong(self, send: Callable[..., Any]) -> None:
        answer = send({**ANA, "email": "<script>alert(1)</script>"})
        html = answer.content.decode()
        assert answer.status_code == 422
        assert "This is no e-mail address" in html
        assert "Call me" in html
        assert "<script>alert" not in html
        assert f"form-action 'self' {SITE}" in answer["Content-Security-Policy"]
        assert send({}, HTTP_ACCEPT="application/json").json()["errors"]["email"].startswith("Give your e-mail")
        assert not Lead.objects.exists()

    def test_tells_a_machine_nothing_and_a_person_what_it_sent(self, send: Callable[..., Any]) -> None:
        assert send({**ANA, fields.HONEYPOT: "1"}).status_code == 303
        assert not Lead.objects.exists()
        kept = RefusedItem.objects.get()
        assert kept.code == "honeypot"
        assert json.loads(bytes(kept.body))["first_name"] == "Ana"

    def test_asks_who_was_too_quick_to_send_it_once_more(self, form: WebForm, send: Callable[..., Any]) -> None:
        WebForm.objects.update(min_seconds=3)
        form.refresh_from_db()
        for word in ("", "forged", marks.mark(form, now=clock.now())):
            answer = send({**ANA, "_token": word})
            assert answer.status_code == 422
            assert "send it once more" in answer.content.decode()
        assert not Lead.objects.exists()
        slow = marks.mark(form, now=clock.now() - timedelta(seconds=3))
        assert send({**ANA, "_token": slow}).status_code == 303

    def test_lets_who_has_no_script_through_with_one_more_click(self, form: WebForm, send: Callable[..., Any]) -> None:
        WebForm.objects.update(min_seconds=1)
        html = send().content.decode()
        posted = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html))
        assert posted["message"] == "Call me"
        later = clock.now() + timedelta(seconds=2)
        with mock.patch("leads.clock.now", return_value=later):
            assert send(posted).status_code == 303
        assert Lead.objects.count() == 1

    @pytest.mark.parametrize(("asked", "to"), [(f"{SITE}/done", f"{SITE}/done"), ("https://evil.example/", None)])
    def test_goes_on_from_the_form_shown_again_where_its_first_page_wanted(
        self, form: WebForm, send: Callable[..., Any], asked: str, to: str | None
    ) -> None:
        html = send({**ANA, "email": "nobody", "_next": asked}).content.decode()
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html))
        assert hidden["_next"] == asked
        assert send({**ANA, **hidden})["Location"] == (to or f"/f/{form.public_id}/thanks/")

    def test_keeps_a_permission_that_is_sent_once_more(self, form: WebForm, send: Callable[..., Any]) -> None:
        WebForm.objects.update(min_seconds=3)
        html = send({**ANA, "email_consent": ["0", "1"]}).content.decode()
        assert '<input type="hidden" name="email_consent" value="1">' in html

    def test_takes_no_mark_of_another_form_or_of_yesterday(self, form: WebForm) -> None:
        now = clock.now()
        other = WebForm.objects.create(source=form.source, name="Other")
        assert marks.is_slow_enough(form, marks.mark(form, now=now), now=now)
        assert not marks.is_slow_enough(form, marks.mark(other, now=now), now=now)
        assert not marks.is_slow_enough(form, marks.mark(form, now=now), now=now + timedelta(hours=25))

    def test_is_closed_where_the_form_or_its_source_is_off(self, form: WebForm, send: Callable[..., Any]) -> None:
        WebForm.objects.update(is_active=False)
        assert send().status_code == 404
        WebForm.objects.update(is_active=True)
        type(form.source).objects.update(is_active=False)
        assert send().status_code == 404
        assert Client().get(f"/f/{form.public_id}/opened/").status_code == 404

    @override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}})
    def test_takes_so_many_in_a_minute(self, form: WebForm, send: Callable[..., Any]) -> None:
        WebForm.objects.update(per_minute=2)
        noon = clock.now().replace(second=10)
        with mock.patch("leads.clock.now", return_value=noon):
            codes = [send({**ANA, "message": str(number)}).status_code for number in range(3)]
            assert codes == [303, 303, 429]
            assert send()["Retry-After"] == "60"
        with mock.patch("leads.clock.now", return_value=noon + timedelta(minutes=1)):
            assert send({**ANA, "message": "next minute"}).status_code == 303

    @override_settings(
        CACHES={
            "default": {"BACKEND": "config.cache.ForgivingRedisCache", "LOCATION": "redis://127.0.0.1:1/0"},
        }
    )
    def test_needs_no_cache(self, send: Callable[..., Any]) -> None:
        assert send().status_code == 303

    def test_asks_for_patience_while_the_database_is_away(self, form: WebForm) -> None:
        with mock.patch.object(taking, "take_in", side_effect=OperationalError("gone")):
            answer = Client().post(f"/f/{form.public_id}/", ANA, HTTP_ACCEPT="application/json")
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")

    @pytest.mark.parametrize(
        ("body", "kind", "code"),
        [
            (b"\xff\xfe=\xff&email=a%40acme.example&x=%00%ed%a0%80", "application/x-www-form-urlencoded", 303),
            (b"email=a%40acme.example&" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
            (b"&".join(b"a%d=1" % n for n in range(2_000)), "application/x-www-form-urlencoded", 400),
            (b"email=a%40acme.example", "application/x-www-form-urlencoded; charset=no-such", 303),
            (b"nonsense", "multipart/form-data; boundary=", 400),
            (b"nonsense", "multipart/form-data; boundary=x", 422),
            (b"[1]", "application/json", 400),
            (b'{"email": "\\ud800@acme.example"}', "application/json", 400),
            (b'{"email": "a@acme.example", "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "application/json", 400),
            (b'{"email": {"a": 1}}', "application/json", 422),
            (b"", "text/plain", 422),
            (
                b"email=a%40acme.example&_browser=null&_page=https%3A%2F%2F%5Boops",
                "application/x-www-form-urlencoded",
                303,
            ),
        ],
    )
    def test_survives(self, form: WebForm, body: bytes, kind: str, code: int) -> None:
        client = Client(raise_request_exception=False)
        answer = client.generic("POST", f"/f/{form.public_id}/", body, content_type=kind)
        assert answer.status_code == code, answer.content

    def test_sets_no_cookie_and_asks_for_no_session(self, send: Callable[..., Any]) -> None:
        assert not send().cookies

    def test_shows_a_page_of_its_own(self, form: WebForm) -> None:
        answer = Client().get(f"/f/{form.public_id}/")
        assert (answer.status_code, answer["X-Robots-Tag"]) == (200, "noindex")
        assert Client().delete(f"/f/{form.public_id}/").status_code == 405

    def test_gives_html_that_works_as_it_is(self, form: WebForm) -> None:
        html = markup.form_html(form)
        assert f'action="http://127.0.0.1:8000/f/{form.public_id}/"' in html
        assert f'<p hidden><label>Leave this empty <input name="{fields.HONEYPOT}"' in html
        names = set(re.findall(r'name="([^"]+)"', html)) - {fields.HONEYPOT}
        assert names == {"email", "first_name", "last_name", "company", "phone", "message", "email_consent"}


class TestTag:
    def test_is_smaller_than_three_kilobytes(self, form: WebForm) -> None:
        answer = Client().get(f"/tag/{form.source.public_id}.js")
        assert answer.status_code == 200
        assert len(answer.content) < 3_072
        assert "eval(" not in answer.content.decode()
        assert str(form.source.public_id) in answer.content.decode()

    def test_is_there_for_active_websites_alone(self, form: WebForm) -> None:
        source = form.source
        for changed in ({"is_active": False}, {"is_active": True, "kind": "server"}):
            type(source).objects.update(**changed)
            assert Client().get(f"/tag/{source.public_id}.js").status_code == 404

    def test_sends_under_the_public_id_which_opens_no_server_source(self, form: WebForm) -> None:
        body = json.dumps({"writeKey": str(form.source.public_id), "anonymousId": "a", "event": "X"})
        assert Client().post("/v1/track", body, content_type="text/plain").status_code == 200
        type(form.source).objects.update(kind="server")
        assert Client().post("/v1/track", body, content_type="text/plain").status_code == 401
        assert Receipt.objects.count() == 1
