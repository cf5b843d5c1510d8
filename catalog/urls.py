from django.urls import path, register_converter

from catalog import views


class Sha256Converter:
    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Sha256Converter, "sha256")

app_name = "catalog"
urlpatterns = [
    path("<sha256:sha256>", views.picture, name="picture"),
    path("<sha256:sha256>/thumbnail", views.thumbnail, name="thumbnail"),
]
