"""corosync.conf as a value: parse, look, edit, verify, render. Pure text in, text out; no file is opened here.

A `Document` never changes; an edit returns a new one with the version raised. What is rendered has been read back and
compared first, so text that could say something else to corosync never leaves this package. Unknown keys survive;
comments do not. Next: `document.py` for what can be asked of a document, `edits.py` for what can be done to it.
"""

from cluster.corosync.conf.document import DOCUMENT_SIZE_MAX, Document, Section, digest
from cluster.corosync.conf.edits import (
    add_node,
    new,
    plan_node,
    raise_version,
    remove_node,
    rename_cluster,
    rename_node,
    with_version,
)
from cluster.corosync.conf.parser import parse
from cluster.corosync.conf.renderer import render
from cluster.corosync.conf.verifier import Verification, host_names, verify

__all__ = [
    "DOCUMENT_SIZE_MAX",
    "Document",
    "Section",
    "Verification",
    "add_node",
    "digest",
    "host_names",
    "new",
    "parse",
    "plan_node",
    "raise_version",
    "remove_node",
    "rename_cluster",
    "rename_node",
    "render",
    "verify",
    "with_version",
]
