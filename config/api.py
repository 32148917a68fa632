"""Which address of the API opens which door."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from leads.api.dead_letters import DeadLetterViewSet
from leads.api.facts import ActivityViewSet, LeadViewSet
from scoring.api import DefinitionViewSet, ScoresOfLead
from sla.api.absences import AbsenceViewSet
from sla.api.attainment import AttainmentView
from sla.api.calendars import CalendarViewSet
from sla.api.contests import ContestViewSet
from sla.api.deadline import DeadlineView, ElapsedView
from sla.api.endpoints import EndpointViewSet
from sla.api.handoffs import HandoffViewSet
from sla.api.pull import PullView
from sla.api.simulate import SimulateView
from sla.api.touches import TouchViewSet

router = SimpleRouter(use_regex_path=False)
router.register("leads", LeadViewSet, basename="lead")
router.register("activities", ActivityViewSet, basename="activity")
router.register("definitions", DefinitionViewSet, basename="definition")
router.register("handoffs", HandoffViewSet, basename="handoff")
router.register("contests", ContestViewSet, basename="contest")
router.register("absences", AbsenceViewSet, basename="absence")
router.register("touches", TouchViewSet, basename="touch")
router.register("endpoints", EndpointViewSet, basename="endpoint")
router.register("dead-letters", DeadLetterViewSet, basename="dead-letter")
router.register("calendars", CalendarViewSet, basename="calendar")

urlpatterns = [
    path("leads/<uuid:public_id>/scores/", ScoresOfLead.as_view(), name="lead-scores"),
    path("attainment/", AttainmentView.as_view(), name="api-attainment"),
    path("deadline/", DeadlineView.as_view(), name="deadline"),
    path("elapsed/", ElapsedView.as_view(), name="elapsed"),
    path("pull/", PullView.as_view(), name="pull"),
    path("simulate/", SimulateView.as_view(), name="simulate"),
    *router.urls,
]
