"""The Datacenter pages: the cluster's summary, its configuration, and creating, joining and inviting."""
