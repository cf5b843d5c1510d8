from django.urls import path

from classifier import trial_views, views

app_name = "classifier"
urlpatterns = [
    path("", views.home, name="home"),
    path("predictions/<int:pk>/", views.prediction, name="prediction"),
    path("predictions/<int:pk>/photo", views.photo, name="photo"),
    path("held/<int:pk>/photo", views.held_photo, name="held_photo"),
    path("projects/<int:pk>/iterations/<int:number>/try", trial_views.trial, name="trial"),
]
