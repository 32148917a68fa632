"""Which address opens which door of the scoring floor."""

from django.urls import path

from scoring import views

urlpatterns = [
    path("leads/<uuid:public_id>/why/", views.lead_why, name="lead-why"),
]
