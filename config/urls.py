"""Which address opens which door."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from sla.api.health import healthz, healthz_part

# One log-in for all of Baton, with its throttling; somebody signed in who may not open the admin is refused.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler404 = "leads.api.problems.nothing_here"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("config.api")),
    path("api/schema/", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("healthz", healthz, name="healthz"),
    path("healthz/<slug:name>", healthz_part, name="healthz-part"),
    path("", include("leads.urls")),
    path("", include("scoring.urls")),
    path("", include("sla.urls")),
]
