from django.urls import re_path

from catalog import views

app_name = "catalog"
urlpatterns = [
    re_path(r"^(?P<sha256>[0-9a-f]{64})$", views.picture, name="picture"),
    re_path(r"^(?P<sha256>[0-9a-f]{64})/thumbnail$", views.thumbnail, name="thumbnail"),
]
