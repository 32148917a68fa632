"""Keys and endpoints in the admin: secrets are shown once."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from leads.delivering import reaching
from leads.delivering.secrets import secret_of
from leads.keys import digest
from leads.models import ApiKey, Endpoint, Source
from tests import desk
from tests.admin.pages import address, errors_of, post

pytestmark = pytest.mark.django_db


class TestKeys:
    def test_shows_an_api_key_once_and_keeps_its_hash(self, boss: Client, shop: desk.Company) -> None:
        page = boss.post(address(ApiKey, "add"), {"name": "Sync", "user": shop.manager.pk}, follow=True)
        (key,) = re.findall(r"ak_[\w-]{40,}", page.content.decode())
        stored = ApiKey.objects.get(name="Sync")
        assert stored.key_hash == digest(key)
        assert key not in boss.get(address(ApiKey, "change", stored.pk)).content.decode()

    def test_shows_a_sources_write_key_once(self, boss: Client) -> None:
        page = boss.post(address(Source, "add"), {"name": "Site", "kind": "server"}, follow=True)
        (key,) = re.findall(r"wk_[\w-]{40,}", page.content.decode())
        assert Source.objects.get(name="Site").write_key_hash == digest(key)


class TestEndpoints:
    GIVEN = {"name": "CRM", "kind": "standard", "events": ["handoff.offered"]}

    def test_shows_a_signing_secret_once(self, boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reaching, "addresses_of", lambda host, port: ["93.184.215.14"])
        page = boss.post(address(Endpoint, "add"), self.GIVEN | {"url": "https://hooks.example/in"}, follow=True)
        (secret,) = re.findall(r"whsec_[\w+/=]{44}", page.content.decode())
        made = Endpoint.objects.get(name="CRM")
        assert secret == secret_of(made)
        shown = address(Endpoint, "change", made.pk)
        assert secret not in boss.get(shown).content.decode()
        boss.post(address(Endpoint, "changelist"), {"action": "renew_secret", "_selected_action": [made.pk]})
        made.refresh_from_db()
        assert secret_of(made) != secret
        assert post(boss, shown, is_active="").status_code == 302
        made.refresh_from_db()
        assert (made.is_active, made.disabled_why) == (False, "Switched off by hand.")

    def test_refuses_an_address_in_a_private_network(self, boss: Client) -> None:
        refused = boss.post(address(Endpoint, "add"), self.GIVEN | {"url": "https://127.0.0.1/in"})
        assert "leads into a private network (127.0.0.1); give a public https address" in errors_of(refused)["url"][0]
