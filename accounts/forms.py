"""Forms by which people sign in, and by which administrators deactivate them."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import ApiKey, User
from accounts.sign_ins import attempt_of


class SignInForm(AuthenticationForm):
    """Looks at no password where too many were wrong, and counts those that are."""

    def clean(self) -> dict[str, Any]:
        """Raises SignInRefused, also for a name that `accounts.middleware` has not recognised as it was written."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password or self.request is None:
            return super().clean()
        attempt = attempt_of(self.request, name)
        attempt.check()
        try:
            cleaned = super().clean()
        except ValidationError:
            attempt.note_failure()
            raise
        attempt.note_success()
        return cleaned


class DeactivationForm(forms.Form):
    """For each key of some people that works: who gets it. Nobody is the default; then it stops."""

    def __init__(self, data: Any = None, *, users: QuerySet[User]) -> None:
        super().__init__(data)
        self._keys = {f"key-{key.pk}": key for key in ApiKey.objects.usable(timezone.now()).filter(owner__in=users)}
        developers = User.objects.with_perm("accounts.develop").exclude(pk__in=users).order_by("username")
        for name, key in self._keys.items():
            self.fields[name] = forms.ModelChoiceField(
                developers, label=str(key), required=False, empty_label=gettext_lazy("It stops")
            )

    @property
    def successors(self) -> dict[ApiKey, User]:
        """Who gets which key."""
        return {key: self.cleaned_data[name] for name, key in self._keys.items() if self.cleaned_data[name]}
