"""What answers: publish, stop answering, go back, the log of it, and the package for other programs."""

from io import BytesIO

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import UserRequest, developer_required, next_url
from training import packages
from training.figures import side_by_side
from training.models import Iteration, Project
from training.names import LONGEST_NAME
from training.services import publishing
from training.views.answers import TROUBLE, iteration_or_404, notices, of_iteration, project_or_404, trouble_sentence
from training.views.iterations import number_in

LINES_A_PAGE = 100
LONGEST_REASON = 1000


class PublishForm(forms.Form):
    """Under which name an iteration is to answer, and why."""

    name = forms.CharField(
        label=gettext_lazy("Publish name"),
        max_length=LONGEST_NAME,
        help_text=gettext_lazy(
            "Programs ask for it by this name. Taken over from the live iteration, nothing changes for them."
        ),
    )
    keep_previous = forms.BooleanField(
        label=gettext_lazy("Keep the previous one published"),
        required=False,
        help_text=gettext_lazy("It goes on answering under its own name: give this one another."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("For the log of publications."),
    )

    @property
    def policy(self) -> publishing.Policy:
        return publishing.KEEP_PREVIOUS if self.cleaned_data["keep_previous"] else publishing.REPLACE


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@of_iteration
def publish(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """Say what would go live and what it replaces; then let it answer."""
    iteration = iteration_or_404(pk, number)
    if iteration.status != Iteration.Status.COMPLETED:
        messages.error(request, _("Only a completed iteration can be published."))
        return redirect("training:iteration", pk=pk, number=number)
    form = PublishForm(request.POST or None, initial={"name": publishing.default_name(iteration.project)})
    if request.method == "POST" and form.is_valid():
        try:
            plan = publishing.publish(
                iteration=iteration,
                by=request.user,
                name=form.cleaned_data["name"],
                policy=form.policy,
                reason=form.cleaned_data["reason"],
            )
        except TROUBLE as exc:
            form.add_error(None, trouble_sentence(exc))
        else:
            _say_it_answers(request, plan)
            return redirect("training:iteration", pk=pk, number=number)
    return _publish_page(request, iteration, form)


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@of_iteration
def unpublish(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """Say what would no longer answer; once that is confirmed, let it no longer answer."""
    iteration = iteration_or_404(pk, number)
    if request.method != "POST":
        context = {"iteration": iteration, "project": iteration.project, "successor": publishing.successor(iteration)}
        return render(request, "training/unpublish.html", context)
    try:
        line = publishing.unpublish(iteration=iteration, by=request.user)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
    else:
        said = _("%(name)s no longer answers as “%(publish_name)s”.")
        messages.success(request, said % {"name": line.iteration_name, "publish_name": line.publish_name})
    return redirect("training:iteration", pk=pk, number=number)


@developer_required
@require_POST
def rollback(request: UserRequest, pk: int) -> HttpResponseBase:
    """Let the iteration that the form names answer again or, where it names none, what answered before."""
    project = project_or_404(pk)
    target = _named(project, request.POST.get("iteration", ""))
    try:
        plan = publishing.rollback(project=project, by=request.user, to=target)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
    else:
        _say_it_answers(request, plan)
    return redirect(next_url(request, reverse("training:iterations", args=[pk])))


@developer_required
@never_cache
@require_safe
def publications(request: UserRequest, pk: int) -> HttpResponse:
    """List what was published and unpublished when and by whom, newest first."""
    project = project_or_404(pk)
    log = project.publications.select_related("iteration", "replaced")
    page = Paginator(log, LINES_A_PAGE).get_page(request.GET.get("page"))
    context = {"project": project, "page": page, "rollback": publishing.rollback_target(project)}
    return render(request, "training/publications.html", context)


@developer_required
@never_cache
@require_safe
@of_iteration
def export(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """Send the iteration as an ONNX package."""
    iteration = iteration_or_404(pk, number)
    try:
        content = packages.package(iteration)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
        return redirect("training:iteration", pk=pk, number=number)
    name = slugify(iteration.project.name) or "classifr"
    return FileResponse(
        BytesIO(content), as_attachment=True, filename=f"{name}-{number}.zip", content_type="application/zip"
    )


def _publish_page(request: UserRequest, iteration: Iteration, form: PublishForm) -> HttpResponse:
    live = iteration.project.live_iteration
    replaced = None if live is None or live.pk == iteration.pk else live
    context = {
        "iteration": iteration,
        "project": iteration.project,
        "form": form,
        "replaced": replaced,
        "lines": side_by_side(iteration.metrics, replaced.metrics if replaced else {}),
        **notices(iteration),
    }
    return render(request, "training/publish.html", context)


def _named(project: Project, number: str) -> Iteration | None:
    """Return the iteration of that number, None if none is named; raise Http404 for one that there is not."""
    if not number:
        return None
    return get_object_or_404(project.iterations, number=number_in(number))


def _say_it_answers(request: UserRequest, plan: publishing.Plan) -> None:
    """Say what answers now, with a link to try it."""
    values = {"name": plan.iteration.name, "publish_name": plan.name, "replaced": plan.replaced}
    said = _("%(name)s answers as “%(publish_name)s”, in place of %(replaced)s.")
    said = said if plan.replaced else _("%(name)s answers as “%(publish_name)s”.")
    link = format_html('<a href="{}">{}</a>', reverse("classifier:home"), _("Try it"))
    messages.success(request, format_html("{} {}", said % values, link))
