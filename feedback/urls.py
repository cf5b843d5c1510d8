from django.urls import path

from feedback import views

app_name = "feedback"
urlpatterns = [
    path("predictions/<int:pk>/verdict/", views.give, name="give"),
    path("predictions/<int:pk>/verdict/given/", views.confirmation, name="confirmation"),
    path("predictions/<int:pk>/correction/", views.correct, name="correct"),
    path("mispredictions/", views.mispredictions, name="mispredictions"),
    path("mispredictions/<int:pk>/", views.misprediction, name="misprediction"),
    path("mispredictions/delete/", views.delete, name="delete"),
]
