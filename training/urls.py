from django.urls import include, path

app_name = "training"
urlpatterns = [
    path("", include("training.project_urls")),
    path("<int:pk>/iterations/", include("training.iteration_urls")),
]
