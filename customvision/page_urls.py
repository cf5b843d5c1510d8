"""The developers' pages on programs: what to change in them, and their keys."""

from django.urls import path

from customvision.views import connecting, keys

app_name = "customvision"
urlpatterns = [
    path("", connecting.connect, name="connect"),
    path("keys/", keys.keys, name="keys"),
    path("keys/new", keys.new, name="key_new"),
    path("keys/<int:pk>/revoke", keys.revoke, name="key_revoke"),
]
