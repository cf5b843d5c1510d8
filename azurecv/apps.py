from django.apps import AppConfig


class AzureConfig(AppConfig):
    name = "azurecv"
