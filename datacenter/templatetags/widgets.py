"""The site's template tags: what draws something small, and addresses of static files.

Everything is put together with `format_html`, which escapes what it is given. Figures and words are `quire.py`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext

from cluster.core.health import Health
from cluster.model import ClusterState, NodeState
from datacenter.assets import address_of
from datacenter.assets import page_scripts as names_of_scripts
from datacenter.language.words import as_json as script_words_json
from datacenter.membership import heat, link_cells
from datacenter.membership.topology import Drawing, seen
from datacenter.membership.witness_words import ALGORITHMS, standing
from datacenter.summary import curves
from datacenter.summary.votes import HalfRing, half_ring

register = template.Library()

# A level has a shape of its own, so that colour is never the only sign.
LEVEL_ICONS = {
    "good": "online",
    "warning": "warning",
    "bad": "offline",
    "unknown": "unknown",
    "running": "running",
    "info": "info",
}
WARNING_FROM, BAD_FROM = 0.85, 0.95


@register.simple_tag
def asset(name: str) -> str:
    """The address of a static file, which changes whenever any static file does."""
    return address_of(name)


@register.simple_tag
def page_scripts() -> list[str]:
    """The addresses of a page's modules; the first one starts the others."""
    return [address_of(name) for name in names_of_scripts()]


@register.simple_tag
def script_words() -> str:
    """What scripts say, in the page's language."""
    return script_words_json()


@register.simple_tag(takes_context=True)
def oob(context: dict[str, Any], how: str = "true") -> str:
    """Marks a fragment, when it is pushed, as the replacement of what has its id on the page."""
    return f"hx-swap-oob={how}" if context.get("pushed") else ""


@register.simple_tag
def icon(name: str) -> str:
    """A drawing of `templates/_icons.svg`; it says nothing to a screen reader, the word beside it does."""
    return format_html('<svg class="icon icon-{0}" aria-hidden="true"><use href="#i-{0}"/></svg>', name)


@register.simple_tag
def querystring_of(values: dict[str, Any]) -> str:
    """`?name=value&…`, or nothing."""
    return f"?{urlencode(values)}" if values else ""


@register.simple_tag
def level_icon(level: str) -> str:
    return icon(LEVEL_ICONS.get(level, "plain"))


@register.simple_tag
def bar(fraction: float | None) -> str:
    """A small bar; the figure stands beside it."""
    fraction = min(max(fraction or 0.0, 0.0), 1.0)
    level = "bad" if fraction >= BAD_FROM else "warning" if fraction >= WARNING_FROM else "good"
    return format_html(
        '<svg class="bar-gauge fill-{}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="6"/></svg>',
        level,
        round(fraction * 100, 1),
    )


@register.simple_tag
def curve(values: tuple[int | None, ...]) -> str:
    """A figure's last hour, as a small curve; the figure of now stands beside it."""
    return format_html(
        '<svg class="curve" viewBox="0 -8 59 116" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}"/></svg>',
        curves.said(values),
        curves.path(values),
    )


@register.simple_tag
def votes_drawing(cluster: ClusterState) -> HalfRing | None:
    """The votes as a half ring."""
    return half_ring(cluster)


@register.simple_tag
def copy_button(of: str, what: str, focus: bool = False) -> str:
    """Copies the text or the value of the element with the id `of`; with `focus` it has the focus once it arrives."""
    return format_html(
        '<button type="button" class="icon-button copy-button" data-copy="{}" aria-label="{}" title="{}"{}>{}</button>',
        of,
        gettext("Copy the {what}").format(what=what),
        gettext("Copy"),
        " autofocus" if focus else "",
        icon("copy"),
    )


@register.simple_tag
def copyable(text: str | None) -> str:
    """An address or a fingerprint in a table: a click on it copies it. For the keyboard a node's page has buttons."""
    if not text:
        return "–"
    return format_html('<button type="button" class="copy-self" data-copy-self tabindex="-1">{}</button>', text)


@register.simple_tag
def link_row(cluster: ClusterState, node: NodeState, number: int) -> list[link_cells.LinkCell]:
    """What a node measures on one of its links, towards each node."""
    return link_cells.row(cluster, node, number)


@register.simple_tag
def link_columns(cluster: ClusterState) -> list[str]:
    """The peers that have a column of their own."""
    return link_cells.columns(cluster)


@register.simple_tag
def shows_each_peer(cluster: ClusterState) -> bool:
    return link_cells.shows_each_peer(cluster)


@register.simple_tag
def heat_maps(cluster: ClusterState) -> list[heat.HeatMap]:
    """The latencies of a large cluster, a map per link."""
    return heat.maps(cluster)


@register.simple_tag
def topology(cluster: ClusterState) -> Drawing:
    """The drawing of who sees whom now."""
    return seen(cluster)


@register.simple_tag
def witness_standing(cluster: ClusterState) -> Health:
    """How the cluster's witness stands."""
    return standing(cluster)


@register.filter
def witness_algorithm(name: str) -> str:
    return gettext(ALGORITHMS[name]) if name in ALGORITHMS else name
