"""The form by which people sign in."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

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
