from django.contrib import admin
from django.urls import include, path

from classifr import stories, views

urlpatterns = [
    path("customvision/", include("customvision.urls")),
    path("", include("classifier.urls")),
    path("", include("feedback.urls")),
    path("accounts/", include("accounts.urls")),
    path("pictures/", include("catalog.urls")),
    path("jobs/", include("jobs.urls")),
    path("acts/", include("acts.urls")),
    path("projects/", include("training.urls")),
    path("connect/", include("customvision.page_urls")),
    path("help/", stories.help_page, name="help"),
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("may-send", views.may_send, name="may-send"),
    path("favicon.ico", views.favicon),
]

handler400 = "classifr.views.bad_request"
handler500 = "classifr.views.server_error"
