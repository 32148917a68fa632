"""The public holidays of the world's countries and their parts, by code: DE is Germany, DE-BY Bavaria in it.

Pure: the lists come with the `holidays` library, and are only read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from functools import cache

import holidays
from holidays import registry

_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SMALL = re.compile(r" (And|Of|The)(?= )")
_ENGLISH = ("en_US", "en_GB", "en")


@cache
def countries() -> dict[str, str]:
    """Every country's code with its name, by name."""
    named = {codes[1]: _words(codes[0]) for codes in registry.COUNTRIES.values()}
    return dict(sorted(named.items(), key=lambda pair: pair[1]))


@cache
def parts(country: str) -> dict[str, str]:
    """The parts of a country that have holidays of their own, code with name, by name."""
    listed = holidays.country_holidays(country)
    aliases = {code: name for name, code in reversed(listed.subdivisions_aliases.items())}
    named = {code: aliases.get(code, code) for code in listed.subdivisions}
    return dict(sorted(named.items(), key=lambda pair: pair[1]))


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """All regions by country, for a list to choose from."""
    return [
        (name, [(code, name), *((f"{code}-{part}", f"{name}, {said}") for part, said in parts(code).items())])
        for code, name in countries().items()
    ]


def say(region: str) -> str:
    """“Germany, Bayern” of DE-BY; the code itself where nobody knows it."""
    country, _, part = region.partition("-")
    name = countries().get(country)
    if name is None:
        return region
    return f"{name}, {parts(country).get(part, part)}" if part else name


def unknown(region: str) -> str:
    """What is wrong with a region's code, with the way out; empty where it is known."""
    country, _, part = region.partition("-")
    if country not in countries():
        near = get_close_matches(country, countries(), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"There are no public holidays for “{region[:60]}”. Write a code such as US, DE or DE-BY.{hint}"
    if part and part not in parts(country):
        there = f"There are {', '.join(sorted(parts(country)))}." if parts(country) else f"Write {country} alone."
        return f"{countries()[country]} has no part “{part[:60]}”. {there}"
    return ""


def public(regions: Iterable[str], first: date, last: date) -> dict[date, tuple[str, ...]]:
    """The public holidays of all these regions from one date to another, both included, each with its names."""
    found: dict[date, dict[str, None]] = {}
    for region in regions:
        country, _, part = region.partition("-")
        listed = holidays.country_holidays(
            country, subdiv=part or None, years=range(first.year, last.year + 1), language=_language(country)
        )
        for day in listed:
            if first <= day <= last:
                found.setdefault(day, {}).update(dict.fromkeys(listed.get_list(day)))
    return {day: tuple(names) for day, names in sorted(found.items())}


@cache
def _language(country: str) -> str | None:
    """American English where the list has it, for the people who read it here."""
    spoken = holidays.country_holidays(country).supported_languages
    return next((each for each in _ENGLISH if each in spoken), None)


def _words(name: str) -> str:
    """“Isle of Man” of IsleOfMan."""
    return _SMALL.sub(lambda found: found[0].lower(), _BETWEEN_WORDS.sub(" ", name))
