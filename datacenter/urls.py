"""Every address of the site. Pages and fragments here; the API's own are in `datacenter/api/urls.py`."""

from __future__ import annotations

from django.urls import include, path

from datacenter.account import views as account
from datacenter.ahead import views as ahead
from datacenter.alerts import views as alerts
from datacenter.api import browser as api
from datacenter.configs import journal
from datacenter.configs import views as configs
from datacenter.flight import views as flight
from datacenter.language.views import choose as choose_language
from datacenter.log import views as log
from datacenter.membership import checks, expected, join_tokens, link_dialog, link_history, removal, renaming, witness
from datacenter.membership import views as membership
from datacenter.nodes import views as nodes
from datacenter.options import views as options
from datacenter.permissions import views as permissions
from datacenter.session import openid
from datacenter.session import views as session
from datacenter.shell.views import palette
from datacenter.summary import views as summary
from datacenter.tasks import views as tasks
from datacenter.tasks.cluster_log import cluster_log

urlpatterns = [
    path("", membership.cluster_page, name="home"),
    path("datacenter/what-if", ahead.what_if_page, name="what-if"),
    path("datacenter/summary", summary.summary_page, name="summary"),
    path("datacenter/summary/events", summary.newest, name="summary-events"),
    path("datacenter/cluster", membership.cluster_page, name="cluster"),
    path("datacenter/cluster/create", membership.create, name="create"),
    path("datacenter/cluster/join-information", membership.join_info, name="join-information"),
    path("datacenter/cluster/join", membership.join, name="join"),
    path("datacenter/cluster/join/decode", membership.decode, name="decode"),
    path("datacenter/cluster/create/check", checks.check_create, name="check-create"),
    path("datacenter/cluster/join/check", checks.check_join, name="check-join"),
    path("datacenter/cluster/compare", checks.compare, name="compare-nodes"),
    path("datacenter/cluster/leftovers/remove", checks.remove_leftovers, name="remove-leftovers"),
    path("datacenter/cluster/tokens", join_tokens.tokens, name="join-tokens"),
    path("datacenter/cluster/tokens/revoke", join_tokens.revoke, name="revoke-join-token"),
    path("datacenter/cluster/leave", removal.leave, name="leave"),
    path("datacenter/cluster/undo-join", removal.undo_join, name="undo-join"),
    path("datacenter/cluster/gone", removal.gone, name="gone"),
    path("datacenter/cluster/nodes/<str:name>/remove", removal.remove, name="remove-node"),
    path("datacenter/cluster/gone/<str:name>/undo", removal.undo, name="undo-removal"),
    path("datacenter/cluster/nodes/<str:name>/rename", renaming.rename, name="rename-node"),
    path("datacenter/cluster/rename", renaming.rename, name="rename-cluster"),
    path("datacenter/cluster/links/history", link_history.link_history, name="link-history"),
    path("datacenter/cluster/links", link_dialog.change, name="change-links"),
    path("datacenter/cluster/links/trial", link_dialog.confirm, name="confirm-links"),
    path("datacenter/cluster/expected", expected.expected, name="expected"),
    path("datacenter/cluster/witness", witness.set_up, name="set-up-witness"),
    path("datacenter/cluster/witness/remove", witness.remove, name="remove-witness"),
    path("datacenter/config", configs.config_page, name="config"),
    path("datacenter/config/shown", configs.shown, name="config-shown"),
    path("datacenter/config/edit", configs.edit, name="config-edit"),
    path("datacenter/config/review", configs.review, name="config-review"),
    path("datacenter/config/save", configs.save, name="config-save"),
    path("datacenter/config/change", configs.change, name="config-change"),
    path("datacenter/config/conflicts/<str:conflict_id>", journal.conflict, name="config-conflict"),
    path("datacenter/config/conflicts/<str:conflict_id>/again", journal.make_again, name="config-make-again"),
    path("datacenter/config/restore", configs.restore, name="config-restore"),
    path("datacenter/permissions", permissions.sheet_page, name="permissions"),
    path("datacenter/permissions/rights", permissions.rights_page, name="rights"),
    path("datacenter/permissions/<str:name>", permissions.sheet_page, name="permissions-sheet"),
    path("datacenter/permissions/<str:name>/<str:act>", permissions.act),
    path("datacenter/options", options.options_page, name="options"),
    path("datacenter/options/<str:name>", options.options_page, name="options-sheet"),
    path("datacenter/options/<str:name>/<str:act>", options.act),
    path("datacenter/tasks", tasks.tasks_page, name="tasks"),
    path("datacenter/log", log.log_page, name="log"),
    path("datacenter/alerts", alerts.alerts_page, name="alerts"),
    path("datacenter/alerts/<str:name>", alerts.alerts_page, name="alerts-sheet"),
    path("datacenter/alerts/<str:name>/<str:act>", alerts.act),
    path("datacenter/events", flight.events_page, name="events"),
    path("datacenter/events/shown", flight.shown, name="events-shown"),
    path("datacenter/events/file.<str:form>", flight.export, name="events-file"),
    path("datacenter/api", api.api_page, name="api"),
    path("datacenter/api/try", api.try_out, name="api-try"),
    path("account", account.account_page, name="account"),
    path("account/<str:name>", account.account_page, name="account-sheet"),
    path("account/<str:name>/<str:act>", account.act),
    path("nodes/<str:name>", nodes.node_page, name="node"),
    path("nodes/<str:name>/<str:tab>", nodes.node_tab, name="node-tab"),
    path("datacenter/palette", palette, name="palette"),
    path("datacenter/log/newest", cluster_log, name="cluster-log"),
    path("tasks/<str:upid>", tasks.task, name="task"),
    path("tasks/<str:upid>/follow", tasks.follow, name="follow-task"),
    path("tasks/<str:upid>/stop", tasks.stop, name="stop-task"),
    path("session/sign-in", session.sign_in, name="sign-in"),
    path("session/second-step", session.second_step, name="second-step"),
    path("session/again", session.again, name="sign-in-again"),
    path("session/openid", openid.leave, name="openid"),
    path("session/openid/back", openid.back),
    path("session/renew-after-join", session.renew, name="renew"),
    path("session/language", choose_language, name="language"),
    path("session/sign-out", session.sign_out, name="sign-out"),
    path("favicon.ico", session.favicon),
    path("api2/", include("datacenter.api.urls")),
    path("peer/", include("datacenter.peers.urls")),
]

handler400 = "datacenter.problems.bad_request"
handler404 = "datacenter.problems.not_found"
handler500 = "datacenter.problems.broken"
