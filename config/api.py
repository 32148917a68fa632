"""Which address of the API opens which door."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from leads.api.facts import ActivityViewSet, LeadViewSet
from scoring.api import DefinitionViewSet, ScoresOfLead
from sla.api.absences import AbsenceViewSet
from sla.api.handoffs import HandoffViewSet
from sla.api.touches import TouchViewSet

router = SimpleRouter(use_regex_path=False)
router.register("leads", LeadViewSet, basename="lead")
router.register("activities", ActivityViewSet, basename="activity")
router.register("definitions", DefinitionViewSet, basename="definition")
router.register("handoffs", HandoffViewSet, basename="handoff")
router.register("absences", AbsenceViewSet, basename="absence")
router.register("touches", TouchViewSet, basename="touch")

urlpatterns = [
    path("leads/<uuid:public_id>/scores/", ScoresOfLead.as_view(), name="lead-scores"),
    *router.urls,
]
