"""Forms of the accounts room."""

from django import forms
from django.conf import settings

from accounts.models import User


class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=settings.LANGUAGES)


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=User.Theme)
