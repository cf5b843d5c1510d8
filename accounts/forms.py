"""Forms by which people sign in, and by which administrators make them, change them and deactivate them."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import ApiKey, User
from accounts.roles import Role
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


class UserForm(forms.ModelForm[User]):
    """A person's name and role."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, widget=forms.RadioSelect)

    class Meta:
        model = User
        fields = ("username",)
        field_classes = {"username": UsernameField}
        labels = {"username": gettext_lazy("Name")}
        help_texts = {"username": gettext_lazy("With which they sign in: letters, digits and @ . + - _ only.")}

    def __init__(self, *args: Any, by: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_own = self.instance == by

    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if self._is_own and role != Role.ADMINISTRATOR:
            raise ValidationError(_("You cannot take this role from yourself: another administrator can."))
        return role

    def clean_username(self) -> str:
        """A name that differs from another's in capitals alone would be taken for it."""
        name: str = self.cleaned_data["username"]
        if User.objects.exclude(pk=self.instance.pk).filter(username__iexact=name).exists():
            raise ValidationError(_("Somebody has this name already."))
        return name


class SuccessionForm(forms.Form):
    """For each key of some people that works: who gets it. Nobody is the default; then it stops."""

    def __init__(self, data: Any = None, *, users: Iterable[User]) -> None:
        super().__init__(data)
        self._keys = {f"key-{key.pk}": key for key in ApiKey.objects.usable(timezone.now()).filter(owner__in=users)}
        leaving = [user.pk for user in users]
        developers = User.objects.with_perm("accounts.develop").exclude(pk__in=leaving).order_by("username")
        for name, key in self._keys.items():
            self.fields[name] = forms.ModelChoiceField(
                developers, label=str(key), required=False, empty_label=gettext_lazy("It stops")
            )

    @property
    def successors(self) -> dict[ApiKey, User]:
        """Who gets which key."""
        return {key: self.cleaned_data[name] for name, key in self._keys.items() if self.cleaned_data[name]}
