"""Datacenter → Permissions: users, groups, roles, lists of rights, API tokens, realms and second factors."""
