"""The wiring's own apps."""

from django.apps import AppConfig
from django.contrib.admin import apps


class ClassifrConfig(AppConfig):
    """Brings `manage.py run`."""

    default = True
    name = "classifr"


class AdminConfig(apps.AdminConfig):
    """Django's admin, on the site that shows itself to administrators alone."""

    default = False
    default_site = "classifr.admin_site.AdministratorSite"
