"""Addresses below /peer."""

from __future__ import annotations

from django.urls import path

from datacenter.peers.views import events, history, standing

urlpatterns = [
    path("history", history, name="peer-history"),
    path("events", events, name="peer-events"),
    path("standing", standing, name="peer-standing"),
]
