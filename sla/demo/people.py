"""The leads of the demo: who they are and what they do, drawn once with a fixed seed so that every demo is alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

Step = tuple[timedelta, str]  # after the step before, this activity

FIRST = [
    "Amara",
    "Noah",
    "Elena",
    "Marcus",
    "Yuki",
    "Sofia",
    "Liam",
    "Priyanka",
    "Jonas",
    "Fatima",
    "Oscar",
    "Ingrid",
    "Mateo",
    "Leila",
    "Hugo",
    "Nadia",
    "Owen",
    "Camille",
    "Tomas",
    "Aisha",
    "Felix",
    "Greta",
    "Rafael",
    "Mina",
    "Callum",
    "Beatriz",
    "Arjun",
    "Klara",
    "Diego",
    "Signe",
    "Emeka",
    "Paula",
    "Viktor",
    "Ruth",
    "Samir",
    "Lotte",
]
LAST = [
    "Adeyemi",
    "Berg",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Gallo",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Laurent",
    "Moreau",
    "Novak",
    "Okoye",
    "Petrov",
    "Quinn",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Ueda",
    "Vargas",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zimmer",
    "Abbott",
    "Brandt",
    "Costa",
    "Doyle",
    "Engel",
    "Farrow",
]
COMPANIES = (
    ("Brightforge", "Manufacturing", 120, "United States"),
    ("Cedar Analytics", "Software", 85, "Canada"),
    ("Lumen Freight", "Logistics", 210, "Germany"),
    ("Ostara Health", "Healthcare", 160, "United Kingdom"),
    ("Kite & Kettle", "Retail", 64, "France"),
    ("Polar Ledger", "Finance", 240, "Sweden"),
    ("Meridian Foods", "Food", 1800, "United States"),
    ("Fernway", "Software", 32, "Netherlands"),
    ("Quarry Lane", "Construction", 95, "Spain"),
    ("Tidewater Labs", "Biotech", 140, "United States"),
    ("Northpine", "Energy", 510, "Poland"),
    ("Sable Robotics", "Manufacturing", 75, "Italy"),
    ("Juniper Courts", "Real estate", 130, "Mexico"),
    ("Vantage Rail", "Transport", 230, "Switzerland"),
    ("Copperleaf", "Software", 58, "Brazil"),
    ("Harbor & Hale", "Insurance", 190, "United States"),
)
SENIOR = (
    "VP Marketing",
    "Director of Operations",
    "Chief Revenue Officer",
    "Head of Sales and Director",
    "Director IT",
)
JUNIOR = ("Marketing Specialist", "Operations Analyst", "Sales Manager", "Customer Success Manager")
SOURCES = (
    ("google", "brand"),
    ("linkedin", "spring-webinar"),
    ("newsletter", "march-digest"),
    ("", ""),
    ("g2", "reviews"),
)

VISIT, DAY = timedelta(minutes=7), timedelta(days=1)
PRICING, CASE, WEBINAR = "Visited Pricing Page", "Downloaded Case Study", "Attended Webinar"
TRIAL, DEMO, NEWS = "Started Free Trial", "Requested Demo", "Subscribed to Newsletter"

# How people come to us, and how often.
PATHS: tuple[tuple[int, bool, tuple[Step, ...]], ...] = (
    (5, True, ((VISIT, PRICING), (DAY, PRICING), (VISIT, CASE), (VISIT * 2, DEMO))),
    (6, True, ((VISIT, NEWS), (DAY, PRICING), (DAY, PRICING), (VISIT, PRICING), (VISIT, TRIAL))),
    (6, True, ((VISIT, WEBINAR), (DAY * 2, CASE), (DAY, NEWS), (VISIT, PRICING), (DAY, PRICING), (VISIT, PRICING))),
    (4, True, ((VISIT, CASE), (DAY, TRIAL), (VISIT, PRICING), (VISIT, PRICING), (VISIT, PRICING))),
    (4, False, ((VISIT, WEBINAR), (DAY, CASE), (DAY, NEWS))),
    (3, False, ((VISIT, PRICING), (VISIT, "Visited Careers Page"))),
    (2, False, ((VISIT, NEWS), (DAY * 4, "Unsubscribed"))),
    (2, True, ((VISIT, "Contacted Us"),)),
    (3, True, ((VISIT, PRICING), (DAY * 3, CASE))),
)


@dataclass
class Visitor:
    """One person who will act: their traits and what they do."""

    key: str
    traits: dict[str, Any]
    steps: tuple[Step, ...]
    campaign: tuple[str, str] = ("", "")
    origin: str = "api"


def visitors(rng: random.Random, count: int) -> Iterator[Visitor]:
    """Believable strangers, one after the other."""
    seen: set[str] = set()
    weights = [weight for weight, _, _ in PATHS]
    while len(seen) < count:
        first, last = rng.choice(FIRST), rng.choice(LAST)
        company = rng.choice(COMPANIES)
        key = f"{first}.{last}".lower()
        if key in seen:
            continue
        seen.add(key)
        _, senior, steps = rng.choices(PATHS, weights)[0]
        title = rng.choice(SENIOR if senior and rng.random() < 0.85 else JUNIOR)
        yield Visitor(key, traits(first, last, title, company), steps, rng.choice(SOURCES))


def traits(first: str, last: str, title: str, company: tuple[str, str, int, str]) -> dict[str, Any]:
    """What an identify call says of a person."""
    name, industry, employees, country = company
    domain = "".join(letter for letter in name.lower() if letter.isalpha()) + ".example"
    return {
        "email": f"{first}.{last}@{domain}".lower(),
        "firstName": first,
        "lastName": last,
        "title": title,
        "address": {"country": country},
        "company": {"name": name, "industry": industry, "employee_count": employees},
    }


def golden() -> tuple[Visitor, ...]:
    """The cases everyone checks first."""
    bright, cedar, sable = COMPANIES[0], COMPANIES[1], COMPANIES[11]
    intern = traits("Robin", "Achterberg", "Marketing Intern", cedar)
    student = traits("Kit", "Larsson", "Student", cedar) | {"email": "kit.larsson@uni-lakeside.edu"}
    student.pop("company")
    return (
        Visitor("ceo-one-visit", traits("Helena", "Voss", "CEO", bright), ((VISIT, PRICING),)),
        Visitor(
            "intern-everything",
            intern,
            ((VISIT, WEBINAR), (DAY, CASE), (VISIT, NEWS), (DAY, PRICING), (VISIT, PRICING), (VISIT, PRICING)),
        ),
        Visitor(
            "director-demo", traits("Dana", "Whitfield", "Director of Sales", bright), ((VISIT, PRICING), (VISIT, DEMO))
        ),
        Visitor("on-the-edge", traits("Edgar", "Nilsen", "Director of Marketing", sable), ((VISIT, TRIAL),)),
        Visitor("student", student, ((VISIT, TRIAL), (VISIT, DEMO))),
    )


def colleagues() -> tuple[Visitor, ...]:
    """Two people of one company, an hour apart: one matter, to which the second belongs as well."""
    company = ("Willow & Wren", "Design", 148, "United States")
    names = (("Sunniva", "Dahl"), ("Bram", "Visser"))
    steps = ((VISIT, WEBINAR), (VISIT, CASE), (VISIT, TRIAL))
    return tuple(
        Visitor(f"{first}.{last}".lower(), traits(first, last, SENIOR[1], company), steps) for first, last in names
    )


def imported() -> tuple[Visitor, ...]:
    """From a trade fair's list: they meet the definition by old evidence, and stand until somebody releases them."""
    names = (("Marta", "Lindholm", 5), ("Pavel", "Horak", 9), ("Joyce", "Amadi", 15))
    steps = ((VISIT, WEBINAR), (VISIT, CASE), (VISIT, TRIAL))
    return tuple(
        Visitor(
            f"fair-{number}",
            traits(first, last, SENIOR[number], COMPANIES[company]),
            steps,
            ("trade fair", ""),
            "import",
        )
        for number, (first, last, company) in enumerate(names)
    )
