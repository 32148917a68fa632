"""Drafts and publication: how a definition changes without what was judged before ever changing."""

from __future__ import annotations

from datetime import datetime

from django.forms.models import model_to_dict

from leads.errors import Invalid
from leads.marking import mark_everyone
from leads.models import User
from leads.transactions import business
from scoring import judging
from scoring.compiler import problems
from scoring.models import Criterion, Definition, DefinitionVersion

NOT_COPIED = ("id", "definition", "number", "state", "created_by", "published_at", "published_by", "retired_at")


class NotPublishable(Invalid):
    """The draft can't be published as it is; the sentence says what to change."""

    code = "not_publishable"


@business
def draft(definition: Definition, *, now: datetime, by: User | None) -> DefinitionVersion:
    """The definition's draft: the one there is, or a copy of the version in force, or an empty one."""
    Definition.objects.select_for_update().get(pk=definition.pk)
    standing = definition.versions.filter(state=DefinitionVersion.State.DRAFT).first()
    if standing is not None:
        return standing
    last = definition.versions.order_by("-number").first()
    fields = {} if last is None else model_to_dict(last, exclude=NOT_COPIED)
    version = DefinitionVersion.objects.create(
        definition=definition, number=(last.number if last else 0) + 1, created_by=by, **fields | {"note": ""}
    )
    if last is not None:
        for criterion in last.criteria.all():
            criterion.pk = None
            criterion.version = version
            criterion._state.adding = True
            criterion.save()
    return version


@business
def publish(version: DefinitionVersion, *, now: datetime, by: User | None) -> None:
    """Put a draft in force: the former version retires, every lead is judged anew, and who newly meets it *stands*.

    Raises NotPublishable with what to change. Open episodes keep the version they opened under.
    """
    version = DefinitionVersion.objects.select_for_update().get(pk=version.pk)
    check(version)
    former = version.definition.versions.select_for_update().filter(state=DefinitionVersion.State.PUBLISHED).first()
    if former is not None:
        former.state, former.retired_at = DefinitionVersion.State.RETIRED, now
        former.save(update_fields=["state", "retired_at"])
    version.state, version.published_at, version.published_by = DefinitionVersion.State.PUBLISHED, now, by
    version.save(update_fields=["state", "published_at", "published_by"])
    mark_everyone(now=now)


def check(version: DefinitionVersion) -> None:
    """Raise NotPublishable where a version is no draft, can't be understood, or could never qualify anyone."""
    if version.state != DefinitionVersion.State.DRAFT:
        raise NotPublishable("This version is already published. Make a new draft to change it.")
    criteria = list(version.criteria.all())
    if not criteria:
        raise NotPublishable("A version needs at least one criterion. Add what you look for in a lead.")
    wrong = problems(judging.spec_of(version))
    if wrong:
        labels = {criterion.key: criterion.label for criterion in criteria}
        said = "; ".join(f"{labels[key]}: {sentence}" if key else sentence for key, sentence in wrong)
        raise NotPublishable(said)
    hand_raise = any(criterion.is_hand_raise for criterion in criteria)
    for axis, minimum, cap in (
        ("fit", version.fit_min, version.fit_cap),
        ("engagement", version.engagement_min, version.engagement_cap),
    ):
        best = _most(criteria, axis)
        best = best if cap is None or best is None else min(best, cap)
        if best is not None and best < minimum and not hand_raise:
            raise NotPublishable(
                f"Nobody can reach the {axis} minimum of {minimum / 1000:g}: all {axis} criteria together give at most "
                f"{best / 1000:g}. Lower the minimum or add points."
            )


def _most(criteria: list[Criterion], axis: str) -> int | None:
    """The most points an axis can give; None where a line counts every occurrence without a cap."""
    most = 0
    for criterion in criteria:
        if criterion.axis != axis or criterion.points <= 0:
            continue
        if criterion.mode == Criterion.Mode.PER_OCCURRENCE or criterion.measure == Criterion.Measure.DISTINCT:
            if criterion.cap is None:
                return None
            most += criterion.cap
        else:
            most += min(criterion.points, criterion.cap) if criterion.cap is not None else criterion.points
    return most
