"""The pages on which a CSV file comes in: upload, what each column means, and the report."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from leads import clock
from leads.downloads import csv_file
from leads.errors import Invalid
from leads.importing import uploads
from leads.importing.correcting import Refused
from leads.importing.decoding import BadFile
from leads.importing.mapping import IGNORE, NAMES, TRAIT
from leads.models import Job, Role, Upload
from leads.viewer import signed_in, viewer_of

MAY: Final = (Role.REVOPS, Role.MARKETING, Role.ADMIN)
CHOICES: Final = [
    (TRAIT, "keep as a trait"),
    (IGNORE, "leave out"),
    *((field, field.replace("_", " ")) for field in NAMES),
]
DATES: Final = {"day-first": True, "month-first": False}


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Choose a file; the imports of before stand below."""
    viewer = viewer_of(request)
    if not viewer.has_role(*MAY):
        raise Http404
    refused: Invalid | None = None
    if request.method == "POST":
        try:
            file = request.FILES.get("file")
            if file is None or isinstance(file, list):
                raise BadFile("Choose a CSV file first.", field="file")
            content = file.read(uploads.MAX_BYTES + 1)
            kept = uploads.keep(file.name or "file.csv", content, now=clock.now(), by=viewer)
            return redirect("import-mapping", public_id=kept.public_id)
        except Invalid as refusal:
            refused = refusal
    jobs = Job.objects.filter(kind="import").select_related("by").order_by("-started_at", "-id")[:10]
    page = {"refused": refused, "jobs": jobs, "megabytes": uploads.MAX_BYTES // 1024 // 1024}
    return render(request, "leads/import.html", page, status=refused.status if refused else 200)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What each column means, and what would become of the rows; then take them in."""
    viewer = viewer_of(request)
    if not viewer.has_role(*MAY):
        raise Http404
    upload = Upload.objects.filter(public_id=public_id, by=viewer).first()
    if upload is None:
        messages.warning(request, "This file was imported already, or uploaded more than a day ago. Choose it again.")
        return redirect("imports")
    now, dates = clock.now(), request.POST.get("dates", "")
    told: dict[str, Any] = {"day_first": DATES.get(dates)}
    page: dict[str, Any] = {"upload": upload, "choices": CHOICES, "dates": dates, "columns": [], "preview": None}
    refused: Invalid | None = None
    try:
        overrides = _overrides(request)
        if request.POST.get("do") == "import":
            job = uploads.take_in(upload, overrides, **told, now=now, by=viewer)
            return redirect("import-report", public_id=job.public_id)
        page["preview"] = uploads.preview(upload, overrides, **told, now=now)
    except Invalid as refusal:
        refused = refusal
        page["columns"] = _columns(request) or uploads.columns(upload)
    page["refused"] = refused
    return render(request, "leads/import_mapping.html", page, status=refused.status if refused else 200)


@signed_in
@require_GET
def report(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What became of an import."""
    if not viewer_of(request).has_role(*MAY):
        raise Http404
    job = get_object_or_404(Job.objects.select_related("by"), public_id=public_id, kind="import")
    return render(request, "leads/import_report.html", {"job": job, "may_correct": Refused.of(job) is not None})


@signed_in
@require_GET
def refused(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The rows that an import refused, as a file to correct and import again."""
    if not viewer_of(request).has_role(*MAY):
        raise Http404
    job = get_object_or_404(Job, public_id=public_id, kind="import")
    kept = Refused.of(job)
    if kept is None:
        raise Http404
    return csv_file(f"refused-{job.public_id}", kept.header, kept.rows())


def _overrides(request: HttpRequest) -> list[str]:
    """“Column=field” of each column the page asked for."""
    names, fields = request.POST.getlist("column"), request.POST.getlist("field")
    return [f"{name}={field}" for name, field in zip(names, fields, strict=False)]


def _columns(request: HttpRequest) -> list[uploads.Column]:
    names, fields = request.POST.getlist("column"), request.POST.getlist("field")
    return [uploads.Column(name, field, []) for name, field in zip(names, fields, strict=False)]
