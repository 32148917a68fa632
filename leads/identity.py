"""Who is who: which lead an event speaks of, which keys are bound, which leads turn out to be one person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from leads.models import Identity
from leads.wire import as_email

USER_ID: Final = Identity.Kind.USER_ID.value
EMAIL: Final = Identity.Kind.EMAIL.value
ANONYMOUS_ID: Final = Identity.Kind.ANONYMOUS_ID.value


class Key(NamedTuple):
    """One thing that may name a lead; it sorts by kind, then value: the order in which keys are locked."""

    kind: str
    value: str


@dataclass(eq=False)
class Person:
    """One lead while a batch is being read: known by its id, or new. `into` is set when it turns out to be another."""

    lead_id: int | None = None
    has_user_id: bool = False
    has_email: bool = False
    into: Person | None = None

    def itself(self) -> Person:
        """The person this one turned out to be."""
        person = self
        while person.into is not None:
            person = person.into
        return person

    @property
    def is_nameless(self) -> bool:
        """Known by nothing but browsers."""
        return not (self.has_user_id or self.has_email)


class Merge(NamedTuple):
    winner: Person
    loser: Person


class Conflict(NamedTuple):
    """Two persons an event took for one, and who are not merged: `kind` names the key that stays with the other."""

    person: Person
    other: Person
    kind: str


def may_merge(one: Person, other: Person) -> bool:
    """True unless both have a user id and an e-mail of their own: then a person decides."""
    return not (one.has_user_id and one.has_email and other.has_user_id and other.has_email)


@dataclass
class Register:
    """The keys of one batch and whom they name, brought up to date event by event, in memory.

    `trusted` is a server's word: it may bind a further key of a kind a lead has already, and merge. A browser's key
    is public: it binds what is free to a lead that lacks that kind, and nothing else.
    """

    trusted: bool
    names: dict[Key, Person] = field(default_factory=dict)
    bound: dict[Key, Person] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def know(self, leads: Mapping[Key, int], kinds: Iterable[tuple[int, str]]) -> None:
        """Enter what the database says: which lead each key names, and which kinds of keys those leads have."""
        persons: dict[int, Person] = {}
        for key, lead_id in leads.items():
            self.names[key] = persons.setdefault(lead_id, Person(lead_id))
        for lead_id, kind in kinds:
            self._has(persons[lead_id], kind)

    def find(self, kind: str, value: str | None) -> Person | None:
        """Whom a key names by now, if anyone."""
        person = self.names.get(Key(kind, value)) if value else None
        return person.itself() if person else None

    def behave(self, user_id: str | None, anonymous_id: str | None) -> Person | None:
        """Whose behaviour this is: the user id's lead, made if it is new; else whom the browser names, if anyone."""
        if user_id is None:
            return self.find(ANONYMOUS_ID, anonymous_id)
        return self.find(USER_ID, user_id) or self._bind(Person(), Key(USER_ID, user_id))

    def identify(self, user_id: str | None, email: str | None, anonymous_id: str | None) -> Person:
        """Whom an identify call speaks of. Binds what is free; the order of trust is user id, e-mail, anonymous id."""
        by_user, by_email = self.find(USER_ID, user_id), self.find(EMAIL, email)
        browser = self.find(ANONYMOUS_ID, anonymous_id)
        if by_user and by_email:
            person = by_user if by_user is by_email else self._one_of(by_user, by_email, EMAIL)
        elif by_user or by_email:
            person = by_user or by_email or Person()
        elif browser and not (user_id and browser.has_user_id) and not (email and browser.has_email):
            person = browser
        else:
            # Nobody, or a browser somebody else was known by before: then this is another person at the same desk.
            person = Person()
        person = self._bind_user_id(person, user_id)
        if email and self.find(EMAIL, email) is None and (self.trusted or not person.has_email):
            self._bind(person, Key(EMAIL, email))
        return self._join_browser(person, browser, anonymous_id)

    def alias(self, previous_id: str, user_id: str) -> Person:
        """`previous_id` was this user all along: bound where it is free, merged where it names another lead."""
        named, person = self._previous(previous_id), self.find(USER_ID, user_id)
        if named is None:
            person = person or self._bind(Person(), Key(USER_ID, user_id))
            return self._bind(person, Key(ANONYMOUS_ID, previous_id))
        other = self.find(*named)
        if other is None or other is person:
            return person or self._bind(Person(), Key(USER_ID, user_id))
        if person is None:
            return self._bind_user_id(other, user_id, kept=named.kind)
        return self._one_of(person, other, named.kind)

    def _previous(self, previous_id: str) -> Key | None:
        keys = (Key(USER_ID, previous_id), Key(ANONYMOUS_ID, previous_id), Key(EMAIL, as_email(previous_id) or ""))
        return next((key for key in keys if self.find(*key)), None)

    def _bind_user_id(self, person: Person, user_id: str | None, *, kept: str = EMAIL) -> Person:
        """Bind a free user id; under a public key never a second one to the same lead: that is another person."""
        if user_id is None or self.find(USER_ID, user_id) is not None:
            return person
        if self.trusted or not person.has_user_id:
            return self._bind(person, Key(USER_ID, user_id))
        stranger = self._bind(Person(), Key(USER_ID, user_id))
        self.conflicts.append(Conflict(stranger, person, kept))
        return stranger

    def _join_browser(self, person: Person, browser: Person | None, anonymous_id: str | None) -> Person:
        """Bind a free browser. One that names a lead keeps it, unless a server says who that nameless lead is."""
        if anonymous_id and browser is None:
            return self._bind(person, Key(ANONYMOUS_ID, anonymous_id))
        if browser and browser is not person and browser.is_nameless and self.trusted:
            return self._merge(person, browser)
        return person

    def _one_of(self, person: Person, other: Person, kind: str) -> Person:
        """Two leads that are said to be one: merged where they may be, else the first, and a person is told."""
        if self.trusted and may_merge(person, other):
            return self._merge(person, other)
        self.conflicts.append(Conflict(person, other, kind))
        return person

    def _merge(self, person: Person, other: Person) -> Person:
        """The lead that has the user id wins; of two such the one the call's user id names; of none such the older."""
        if person.has_user_id or other.has_user_id:
            turned = not person.has_user_id
        else:
            turned = other.lead_id is not None and (person.lead_id is None or other.lead_id < person.lead_id)
        winner, loser = (other, person) if turned else (person, other)
        self.merges.append(Merge(winner, loser))
        winner.has_user_id |= loser.has_user_id
        winner.has_email |= loser.has_email
        loser.into = winner
        return winner

    def _bind(self, person: Person, key: Key) -> Person:
        self.names[key] = self.bound[key] = person
        self._has(person, key.kind)
        return person

    @staticmethod
    def _has(person: Person, kind: str) -> None:
        person.has_user_id |= kind == USER_ID
        person.has_email |= kind == EMAIL
