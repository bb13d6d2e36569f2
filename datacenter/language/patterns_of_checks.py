"""The sentences of checks, as patterns like those of `patterns.py`: what pre-flight and the comparison of all nodes
find, why it matters and what to do. A test holds them against what is found.
"""

from django.utils.translation import gettext_noop as _

# fmt: off

# --- this node's own state (`cluster/workflow/preflight.py`)
LOCAL = (
    _("This node is in no cluster."),
    _("No engine runs that is not Quire's."),
    _(
        "corosync already runs on this node, with a configuration that is not Quire's. Stop it first (systemctl "
        "disable --now corosync)."
    ),
    _("There is no key in the way."),
    _("This node already has a corosync key (authkey), perhaps of a cluster it was in before; remove it first."),
    _("There is no corosync.conf left of a former cluster."),
    _("An older corosync.conf on this node, which is not Quire's, is replaced."),
    _("There is nothing here that would be replaced."),
    _(
        "This node has guests ({rest}); their ids could collide. Bring its own configuration along: where the cluster"
        " has an id, they get another."
    ),
    _("This node's own configuration files give way to the cluster's; a copy of them is kept."),
    _("{rest} can carry this node's links."),
    _("Link {n_link}: {address} cannot be resolved."),
    _("Link {n_link}: {address} is a loopback address, which other nodes cannot reach."),
    _("Link {n_link}: {address} is not an address of this node."),
)

# --- ways between nodes (`cluster/core/preflight.py`)
WAYS = (
    _("{protocol} port {n_port} of {name} cannot be reached from {other} on link {n_link}."),
    _("{protocol} port {n_port} of {name} cannot be reached from {other} at {address}."),
    _("{n_ways} more such ways are closed."),
    _("UDP {n_first} to {n_last}: could not be looked at here."),
    _("TCP: could not be looked at here."),
    _("UDP {n_first} to {n_last} pass both ways on every link."),
    _("TCP passes both ways between all nodes."),
    _("Open the port in the firewalls of both, and between; see that both networks are connected."),
    _("The longest round trip is {n_ms} ms between {name} and {other} on link {n_link}."),
    _(
        "A round trip takes {n_ms} ms between {name} and {other} on link {n_link}; a cluster wants less than "
        "{n_least} ms."
    ),
    _("Choose a nearer or less busy network for this link."),
    _("No packet was lost."),
    _("{n_share}% of the packets between {name} and {other} were lost on link {n_link}."),
    _("Look at cables, switches and the load of this network."),
    _("Packets of {n_bytes} bytes pass whole on every link."),
    _("Packets of {n_bytes} bytes do not pass whole between {name} and {other} on link {n_link}, smaller ones do."),
    _("Set the same MTU on both and on what is between."),
    _("The MTU of {name} on link {n_link} is {n_mtu}; corosync needs {n_least}."),
    _("Raise it."),
    _("The MTU on link {n_link} differs: {rest}."),
    _("Set the same on all; the smallest decides."),
)

# --- nodes compared
NODES = (
    _("The clock of {name} is {n_seconds} s ahead of this node's."),
    _("The clock of {name} is {n_seconds} s behind this node's."),
    _("Let both follow the same time servers (NTP)."),
    _("The clocks agree within {n_seconds} s."),
    _("The clock of {name} is kept by {program}."),
    _("The clock of {name} is kept."),
    _("{program} runs on {name}, but its clock is not synchronised (yet)."),
    _("See whether it reaches its time servers."),
    _("Nothing that keeps the clock of {name} was found."),
    _("Install chrony, or switch systemd-timesyncd on."),
    _("{name} resolves to {rest}."),
    _("Write the same address in /etc/hosts of all nodes, or in DNS."),
    _("{name} is a loopback address on {other}."),
    _("Take the line out of /etc/hosts there."),
    _("Every name means the same on all nodes that know it."),
    _("The cluster lists a node named {name} already."),
    _("Remove that one first if it is this machine's former self, or give this node another name."),
    _("No other node is named {name}."),
    _("{address} is an address of {name} already."),
    _("Choose another address."),
    _("No other node has these addresses."),
    _("{name} has the node id {n_id} already."),
    _("Leave the id out: the cluster gives the next free one."),
    _("Node id {n_id} is free."),
    _("The cluster gives a free node id."),
    _("corosync has the security fixes that are asked for, on all nodes."),
    _("corosync has the security fixes that are asked for, here."),
    _("corosync {version} on {who} lacks security fixes ({rest})."),
    _("Update it, one node after the other; Debian 12 has them from {version} on."),
    _("The version of corosync on {who}, {version}, does not tell whether it has the security fixes."),
    _("See that its package's changelog names {rest}."),
    _("{program} {version} on all nodes."),
    _("{program} {version} runs here."),
    _("Different versions of {program} run: {rest}."),
    _("Different versions run: {rest}."),
    _("Update the older nodes."),
    _("Update the older nodes, one after the other."),
    _("Processors of different makers: {rest}."),
    _("Running guests cannot move between them."),
    _("Different processors: {rest}."),
    _("Give guests that are to move a CPU type that all have."),
    _("The processor is {rest}."),
    _("All nodes have the processor {rest}."),
    _("{name} has {n_mib} MiB free for the store."),
    _("{name} has {n_mib} MiB free for the store, which is little."),
    _("Make room first."),
    _("Make room in time."),
    _("SSH answers on {name}, port 22."),
    _("SSH does not answer on {name}, port 22."),
    _("Link {n_link} of {name}: {text}"),
    _("Give the cluster a network of its own, or a second link on another one."),
    _("No heavy traffic was found on the links' networks."),
    _("Link {n_link} of {name} runs over a bond in mode {mode}, which corosync does not bear."),
    _("Use active-backup, or 802.3ad with a fast LACP rate."),
    _("Link {n_link} of {name} runs over an 802.3ad bond with a slow LACP rate: a failed port is noticed after 90 s."),
    _("Set bond-lacp-rate fast, on the switch too."),
    _("The bond below is fit ({rest})."),
    _("No link runs over a bond."),
    _("Nothing of a former cluster is left."),
    _("A former cluster left {rest}."),
    _("They are moved to a backup, not deleted."),
)

# --- why it matters (`cluster/core/findings.py`)
WHYS = (
    _("The engine's messages travel by UDP; without them the nodes do not see each other."),
    _("Nodes ask each other over HTTPS: joining, catching up, and pages about another node."),
    _("Every write waits for messages there and back; above 5 ms a cluster becomes slow, then unstable."),
    _("Lost packets are sent again, which delays everybody; many of them break the ring."),
    _("Where large packets do not pass, small ones do: the nodes meet, and stall at the first large change."),
    _("Tickets, tokens and logs of one node are read on the others."),
    _("A clock that nobody keeps drifts away from the others'."),
    _("A name that means different hosts on different nodes leads programs and people astray."),
    _("A node is known by its name; two of one name cannot be told apart."),
    _("Two nodes with one address take each other's messages."),
    _("The engine knows nodes by their ids."),
    _("Nodes of different versions work together, but new functions wait for the oldest."),
    _("Different versions of corosync may not understand each other."),
    _("Whoever has the cluster's key, a member that was taken over, could stop corosync on the others."),
    _("A full disk makes the node read-only."),
    _("Guests can only move while they run between processors of one kind."),
    _("Nothing here needs SSH; Proxmox VE's own tools between nodes do."),
    _("Bursts of other traffic delay the engine's messages."),
    _("The engine needs packets in order, and a bond that fails over within its token's time."),
    _("What a former cluster left could bring this node back to it."),
)

# --- asking the cluster's side (`cluster/workflow/check_together.py`)
PEERS = (
    _("Nothing was asked of the cluster's side."),
    _("{address} is a member of {name} and lets this node in."),
    _("This node has an address for every link of the cluster."),
    _("The cluster {name} uses the links {rest}."),
    _("Give an address for each of them."),
    _("{name} did not answer the member that was asked."),
    _("The cluster's side cannot look: {text}"),
    _("Update the cluster's nodes; the join itself may go on."),
)

# --- all nodes compared (`cluster/node/verification.py`)
VERIFY = (
    _("{name} has answered."),
    _("All nodes are alike, and nothing is wrong."),
    _("{name} has no certificate in the store."),
    _("{name} has a certificate that has expired, or is not of the cluster's authority."),
    _("Restart its daemon; it makes a new one when the store can be written."),
    _("Start it, look at its links, or remove it if it is gone for good."),
    _("{name} has corosync.conf version {n_version} on its disk, not the cluster's version {n_other}."),
    _("Restart its daemon, which copies it."),
    _("{name} has another corosync key on its disk."),
    _("Copy authkey from another node, or let it leave and join again."),
    _("{name} cannot write its store now."),
    _("Its page says why."),
    _("{name} is at revision {revision}, others at {others}."),
    _("Nothing while changes are being made; else look at the node's log."),
    _("The store of {name} differs from that of the others."),
    _("Run 'pvecm store verify' on it; let it leave and join again."),
    _("{name} serves another certificate than the cluster has for it."),
    _("Run 'pvecm updatecerts' there, or restart its daemon."),
    _("{name} sees the nodes {seen}, others see {others}."),
    _("Look at its links; wait until it settles."),
    _("{name} has not confirmed for more than 10 s what the others have written."),
    _("Look at the disk and the load there."),
)

# fmt: on
OF_CHECKS = (*LOCAL, *WAYS, *NODES, *WHYS, *PEERS, *VERIFY)
