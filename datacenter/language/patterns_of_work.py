"""The sentences that workflows say, as patterns like those of `patterns.py`: their steps, and what they would
mean. A test holds the steps against the workflows.
"""

from django.utils.translation import gettext_noop as _

# fmt: off

# --- the steps of tasks (`cluster/workflow/`)
STEPS = (
    _("Put the former links back"),
    _("Check that the cluster is whole and every node has its new addresses"),
    _("Wait for the confirmation"),
    _("Take the witness out of the configuration"),
    _("Give the witness's token back"),
    _("Check that the cluster is whole and every node has what it needs"),
    _("Have {host} sign the cluster's certificate"),
    _("Give every node the certificate, and the witness its vote"),
    _("Wait until every node is connected to the witness"),
    _("Tell the witness that it is done"),
    _("Check that there is a witness, and that it may be removed"),
    _("Wait until no node asks the witness any more"),
    _("Put this node back into the cluster's configuration"),
    _("Check whether the cluster can go on without this node"),
    _("Take this node out of the cluster's configuration"),
    _("Leave the cluster's groups and stop {engine}"),
    _("Keep a copy of the store"),
    _("Remove the cluster's key and configuration"),
    _("Tidy up"),
    _("Take the addition back on the peer"),
    _("Check this node"),
    _("Compare versions and links"),
    _("Ask {peer} to add this node"),
    _("Check what the cluster sent"),
    _("Make sure that {engine} is stopped"),
    _("Keep a copy of this node's own store"),
    _("Write the cluster's key and configuration"),
    _("Empty the store for the cluster's content"),
    _("Start {engine}"),
    _("Start {engine} again"),
    _("Stop {engine}"),
    _("Wait for quorum"),
    _("Receive the cluster's store"),
    _("Issue this node's certificate"),
    _("Put the node's own store back"),
    _("Put the former key and configuration back"),
    _("Make the key and the configuration"),
    _("Write the key and the configuration"),
    _("Make the store the cluster's"),
    _("Check that the name is free and everybody is here"),
    _("Call the node {name} {new_name} wherever it is named"),
    _("Call the cluster {new_name} wherever it is named"),
    _("Have every {engine} read the configuration"),
    _("Remove the empty folder of the former name"),
    _("Give the former name back"),
    _("Plan what becomes of this node's own configuration"),
    _("Bring this node's own configuration along"),
)

# --- what a change would mean (`cluster/workflow/`)
PLANS = (
    _("{n_configured} votes are configured and {n_present} present; {n_needed} are needed now."),
    _("With {n_votes} expected, {n_needed} would be needed: this side would be quorate."),
    _("With {n_votes} expected, {n_needed} would be needed: this side would not be quorate."),
    _("The configuration stays read-only all the same: the store counts the configured votes."),
    _("It is only safe when {name} is certainly switched off."),
    _("It is only safe when {who} are certainly switched off."),
    _("Migrate or stop the 1 guest of {name}."),
    _("Migrate or stop the {n_guests} guests of {name}."),
    _("Remove {name}: it leaves in good order, and then says so on its own page."),
    _("There, let it leave the cluster to use it on its own, or power it off."),
    _("Make sure that {name} stays powered off."),
    _("Remove {name}."),
    _("Should it be started again, it learns that it was removed and takes no part."),
    _("Two nodes remain: when either fails, the other has no quorum."),
    _("Afterwards not one more vote may be lost: the cluster would have no quorum."),
    _("Archived: move or copy it elsewhere first if the guest shall run on another node."),
    _("Archived; it is not trusted here any more."),
    _("Archived."),
    _("The permission is taken away."),
    _("The line is taken out."),
    _("It is for this node alone: archived."),
    _("The node is taken out of its list; the others stay."),
    _("The cluster has the same."),
    _("On this node only."),
    _("The cluster's counts; this one stays in the copy."),
    _("It is of another node; it stays in the copy."),
    _("It is too large to be brought along; it stays in the copy."),
    _("It comes along as it is."),
    _("It keeps the number {n_guest}."),
)

# fmt: on
OF_WORK = (*STEPS, *PLANS)
