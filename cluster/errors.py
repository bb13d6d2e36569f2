"""Every error Quire can answer with, as one tree; each has a code for programs and a sentence for people.

    QuireError
    ├── InvalidInput        a value from outside is malformed; `fields` says which and why      400
    ├── Unauthenticated     who is asking is not known                                           401
    ├── Forbidden           who is asking may not                                                403
    │   └── TokenRefused    a join token opens nothing; its kinds say why
    │       ├── TokenExpired · TokenUsedUp · TokenRevoked · TokenForeign · TokenClock
    ├── NotFound            the thing named does not exist                                       404
    ├── NotInCluster        the node is stand-alone and the request needs a cluster              424
    ├── Conflict            the request contradicts what is there (name taken)                   409
    │   └── Changed         what is there is not what the asker has seen (digest, lost lock)      409
    ├── StoreRefusal        the configuration store refused an operation; carries an errno       500
    ├── NoQuorum            too few votes are present to write                                   503
    ├── Busy                a bounded queue is full; try again                                   503
    │   └── Queued          others come first; `fields` has the place                            503
    ├── Unavailable         a thing this needs does not answer (engine, disk, peer, daemon)      503
    │   ├── CorosyncError   a corosync library call failed; carries the cs_error_t name
    │   ├── StoreDamaged    this node's store on disk is not what was written to it
    │   │   └── StoreTooNew       it is of a later version, and left alone
    │   └── PeerError       another node could not be reached or answered with nonsense
    │       ├── FingerprintMismatch   the peer's certificate is not the one that was pinned
    │       └── PeerRefused           the peer answered, with a refusal of its own
    ├── OutcomeUnknown      the operation may or may not have happened; carries the request id   504
    └── TaskFailed          a task's step failed; what was done has been undone                  500

A message says what happened, to what, and what to do. This module knows nothing of HTTP beyond the number in
`http_status`; how an error is written on the wire is `cluster/control/protocol.py` and `datacenter/api`.
"""

from __future__ import annotations

import errno as _errno
from collections.abc import Mapping
from typing import ClassVar


class QuireError(Exception):
    """An error with a machine-readable code, a sentence, and per-field reasons where input was at fault."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields: dict[str, str] = dict(fields or {})


class InvalidInput(QuireError):
    code = "invalid-input"
    http_status = 400


class Unauthenticated(QuireError):
    code = "unauthenticated"
    http_status = 401


class Forbidden(QuireError):
    code = "forbidden"
    http_status = 403


class TokenRefused(Forbidden):
    code = "token-refused"


class TokenExpired(TokenRefused):
    code = "token-expired"


class TokenUsedUp(TokenRefused):
    code = "token-used-up"


class TokenRevoked(TokenRefused):
    code = "token-revoked"


class TokenForeign(TokenRefused):
    """It is of another cluster, or of none."""

    code = "token-foreign"


class TokenClock(TokenRefused):
    """The two clocks are too far apart to tell whether it still is good."""

    code = "token-clock"


class NotFound(QuireError):
    code = "not-found"
    http_status = 404


class NotInCluster(QuireError):
    code = "not-in-cluster"
    http_status = 424


class Conflict(QuireError):
    code = "conflict"
    http_status = 409


class Changed(Conflict):
    """Somebody else was there first; look again and decide anew."""

    code = "changed"


class StoreRefusal(QuireError):
    """The tree refused an operation. `errno` is the number a file system would give (errno(3)); `revision` is where
    in the log it was refused, [epoch, index], once and on every node: None when it never came that far."""

    code = "store-refusal"

    def __init__(self, errno: int, message: str, revision: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.errno = errno
        self.revision = revision

    @property
    def errno_name(self) -> str:
        return _errno.errorcode.get(self.errno, str(self.errno))


class NoQuorum(QuireError):
    code = "no-quorum"
    http_status = 503


class Busy(QuireError):
    code = "busy"
    http_status = 503


class Queued(Busy):
    """Ask again in a moment: others are before this one."""

    code = "queued"


class Unavailable(QuireError):
    code = "unavailable"
    http_status = 503


class CorosyncError(Unavailable):
    """A corosync library call failed. `status` is the cs_error_t name, e.g. CS_ERR_TRY_AGAIN (corotypes.h)."""

    code = "corosync"

    def __init__(self, call: str, status: str) -> None:
        super().__init__(f"corosync refused {call}: {status}")
        self.call = call
        self.status = status


class StoreDamaged(Unavailable):
    """What is on disk cannot be trusted. The message names the first thing that is wrong."""

    code = "store-damaged"


class StoreTooNew(StoreDamaged):
    code = "store-too-new"


class PeerError(Unavailable):
    code = "peer"


class FingerprintMismatch(PeerError):
    code = "fingerprint-mismatch"


class PeerRefused(PeerError):
    code = "peer-refused"


class OutcomeUnknown(QuireError):
    """The caller's time ran out before the outcome was known; ask again with the same `request_id`."""

    code = "outcome-unknown"
    http_status = 504

    def __init__(self, message: str, request_id: str) -> None:
        super().__init__(message)
        self.request_id = request_id


class TaskFailed(QuireError):
    code = "task-failed"
