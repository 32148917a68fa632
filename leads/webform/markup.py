"""HTML to copy into a website: a form that posts to Baton, and the page tag."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.html import escape

from leads.models import Source, WebForm
from leads.webform.fields import HONEYPOT

_FORM: Final = """<form action="{action}" method="post">
  <p><label>Work e-mail<br><input type="email" name="email" required autocomplete="email"></label></p>
  <p><label>First name<br><input name="first_name" autocomplete="given-name"></label></p>
  <p><label>Last name<br><input name="last_name" autocomplete="family-name"></label></p>
  <p><label>Company<br><input name="company" autocomplete="organization"></label></p>
  <p><label>Phone<br><input type="tel" name="phone" autocomplete="tel"></label></p>
  <p><label>How can we help?<br><textarea name="message" rows="4"></textarea></label></p>
  <p><label><input type="checkbox" name="email_consent" value="yes"> You may write to me by e-mail.</label></p>
  <p hidden><label>Leave this empty <input name="{honeypot}" tabindex="-1" autocomplete="off"></label></p>
  <p><button>Send</button></p>
</form>"""


def base_url() -> str:
    """Where this installation is reached."""
    return str(settings.BASE_URL)


def address_of(form: WebForm) -> str:
    """Where the form posts to."""
    return f"{base_url()}{reverse('form', args=[form.public_id])}"


def form_html(form: WebForm) -> str:
    """The form, ready to copy. Further fields become traits; take out what you don't ask for, save the e-mail."""
    return _FORM.format(action=escape(address_of(form)), honeypot=HONEYPOT)


def tag_html(source: Source) -> str:
    """The page tag, ready to copy into the head of every page."""
    address = f"{base_url()}{reverse('tag', args=[source.public_id])}"
    return f'<script async src="{escape(address)}"></script>'
