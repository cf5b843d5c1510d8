"""The library's own page of tasks is not shown: the page of jobs and the log say what became of them."""

from django.contrib import admin
from django_tasks_db.models import DBTaskResult

admin.site.unregister(DBTaskResult)
