"""What other nodes of the cluster ask this one directly. They prove who they are by the cluster's key, not a ticket."""
