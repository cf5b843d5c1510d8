from django.urls import path

from jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.jobs, name="jobs"),
    path("tray", views.tray, name="tray"),
    path("<int:pk>/cancel", views.cancel, name="cancel"),
]
