from django.urls import path

from acts import views

app_name = "acts"
urlpatterns = [
    path("", views.log, name="log"),
    path("export.csv", views.export, name="export"),
    path("mine/", views.mine, name="mine"),
    path("undo/", views.undo_last, name="undo_last"),
    path("redo/", views.redo, name="redo"),
    path("<int:pk>/undo/", views.undo, name="undo"),
]
