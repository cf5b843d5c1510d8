"""The page of help: what there is to do here, in stories of five minutes."""

from functools import lru_cache

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt

FOLDER = settings.BASE_DIR / "templates" / "help"


@login_required
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Show the stories in the reader's language."""
    return render(request, "help.html", {"stories": _stories(get_language() or settings.LANGUAGE_CODE)})


@lru_cache
def _stories(language: str) -> SafeString:
    text = (FOLDER / f"{language}.md").read_text(encoding="utf-8")
    page: str = MarkdownIt("js-default").render(text)
    return SafeString(page)  # our own text, and HTML in it is not passed on
