"""The site's template filters: times, sizes and shares as people read them."""

from __future__ import annotations

from django import template

register = template.Library()
