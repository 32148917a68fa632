"""The words of `leads.words` for templates."""

from __future__ import annotations

from django import template

from leads import addresses, links, words

register = template.Library()
register.filter("length_of", words.length)
register.filter("minutes_to", words.minutes_between)
register.filter("seconds_to", words.seconds_between)
register.filter("points", words.points)
register.filter("signed", words.signed)
register.filter("ago", words.ago)
register.filter("mailto", links.mailto)
register.filter("tel", links.tel)
register.simple_tag(addresses.of, name="address")
