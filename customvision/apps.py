from django.apps import AppConfig


class CustomVisionConfig(AppConfig):
    name = "customvision"
