"""Hand-offs: one offer of one episode to one person, the answers to it, and undo.

A verb has one file: `offering` (many at once), `offers` (offered, moved on, withdrawn), `verdicts` (accept, reject,
convert, return), `closing` (the next owner is asked) and `closers` (who that may be), `undo`, `reopening`, `splitting`
(a colleague gets a matter of its own), `signals`.
`moves` is what each of them is made of: locks, the row that changes, the history row that stays.
"""

from sla.handoffs.answers import NotTouchedYet, given_evidence
from sla.handoffs.closers import NotAbleToClose
from sla.handoffs.moves import UNDO_FOR, AlreadyDecided, AwayRep, InactiveRep, NotYours, is_away, may_act, present
from sla.handoffs.offering import Offer, OverCapacity, offer_all
from sla.handoffs.offers import matter_of, move_on, offer, withdraw
from sla.handoffs.reopening import CannotReopen, reopen
from sla.handoffs.room import open_load
from sla.handoffs.signals import offer_signal
from sla.handoffs.splitting import CannotSplit, split
from sla.handoffs.undo import CannotUndo, undo
from sla.handoffs.verdicts import accept, convert, reject, return_

__all__ = [
    "UNDO_FOR",
    "AlreadyDecided",
    "AwayRep",
    "CannotReopen",
    "CannotSplit",
    "CannotUndo",
    "InactiveRep",
    "NotAbleToClose",
    "NotTouchedYet",
    "NotYours",
    "Offer",
    "OverCapacity",
    "accept",
    "convert",
    "given_evidence",
    "is_away",
    "matter_of",
    "may_act",
    "move_on",
    "offer",
    "offer_all",
    "offer_signal",
    "open_load",
    "present",
    "reject",
    "reopen",
    "return_",
    "split",
    "undo",
    "withdraw",
]
