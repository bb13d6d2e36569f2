"""What corosync's C libraries look like: declarations and nothing else, stated as facts of the installed headers.

Nothing is loaded on import, so that a machine without corosync can import everything and hears `Unavailable` on first
use. A test compares every struct with `/usr/include/corosync/*.h`. Next: `status.py` for what calls answer, then
`cpg.py` and its siblings for handles one would want to use. No other module of Quire binds corosync.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from cluster.errors import Unavailable

SONAMES = {
    "cpg": "libcpg.so.4",
    "quorum": "libquorum.so.5",
    "votequorum": "libvotequorum.so.8",
    "cmap": "libcmap.so.4",
    "cfg": "libcfg.so.7",
    "qb": "libqb.so.100",
}

DISPATCH_ONE_NONBLOCKING = 4  # one event, CS_ERR_TRY_AGAIN when there is none
TRACK_CURRENT, TRACK_CHANGES = 0x01, 0x02

COMMON = """
typedef int cs_error_t;
typedef int cs_dispatch_flags_t;
struct iovec { void *iov_base; size_t iov_len; };
"""

CPG = """
typedef uint64_t cpg_handle_t;
struct cpg_address { uint32_t nodeid; uint32_t pid; uint32_t reason; };
struct cpg_name { uint32_t length; char value[128]; };
struct cpg_ring_id { uint32_t nodeid; uint64_t seq; };
typedef void (*cpg_deliver_fn_t)(cpg_handle_t, const struct cpg_name *group, uint32_t nodeid, uint32_t pid,
                                 void *msg, size_t msg_len);
typedef void (*cpg_confchg_fn_t)(cpg_handle_t, const struct cpg_name *group,
                                 const struct cpg_address *members, size_t n_members,
                                 const struct cpg_address *left, size_t n_left,
                                 const struct cpg_address *joined, size_t n_joined);
typedef void (*cpg_totem_confchg_fn_t)(cpg_handle_t, struct cpg_ring_id ring, uint32_t n_members,
                                       const uint32_t *members);
typedef struct {
    int model;
    cpg_deliver_fn_t cpg_deliver_fn;
    cpg_confchg_fn_t cpg_confchg_fn;
    cpg_totem_confchg_fn_t cpg_totem_confchg_fn;
    unsigned int flags;
} cpg_model_v1_data_t;
cs_error_t cpg_model_initialize(cpg_handle_t *, int model, cpg_model_v1_data_t *, void *context);
cs_error_t cpg_finalize(cpg_handle_t);
cs_error_t cpg_fd_get(cpg_handle_t, int *fd);
cs_error_t cpg_max_atomic_msgsize_get(cpg_handle_t, uint32_t *size);
cs_error_t cpg_dispatch(cpg_handle_t, cs_dispatch_flags_t);
cs_error_t cpg_join(cpg_handle_t, const struct cpg_name *group);
cs_error_t cpg_leave(cpg_handle_t, const struct cpg_name *group);
cs_error_t cpg_mcast_joined(cpg_handle_t, int guarantee, const struct iovec *, unsigned int n_iovec);
cs_error_t cpg_local_get(cpg_handle_t, unsigned int *nodeid);
"""

QUORUM = """
typedef uint64_t quorum_handle_t;
struct quorum_ring_id { uint32_t nodeid; uint64_t seq; };
typedef void (*quorum_v1_quorum_notification_fn_t)(quorum_handle_t, uint32_t quorate, struct quorum_ring_id ring,
                                                   uint32_t n_members, const uint32_t *members);
typedef void (*quorum_v1_nodelist_notification_fn_t)(quorum_handle_t, struct quorum_ring_id ring,
                                                     uint32_t n_members, const uint32_t *members,
                                                     uint32_t n_joined, const uint32_t *joined,
                                                     uint32_t n_left, const uint32_t *left);
typedef struct {
    int model;
    quorum_v1_quorum_notification_fn_t quorum_notify_fn;
    quorum_v1_nodelist_notification_fn_t nodelist_notify_fn;
} quorum_model_v1_data_t;
cs_error_t quorum_model_initialize(quorum_handle_t *, int model, quorum_model_v1_data_t *, uint32_t *type,
                                   void *context);
cs_error_t quorum_finalize(quorum_handle_t);
cs_error_t quorum_fd_get(quorum_handle_t, int *fd);
cs_error_t quorum_dispatch(quorum_handle_t, cs_dispatch_flags_t);
cs_error_t quorum_trackstart(quorum_handle_t, unsigned int flags);
"""

VOTEQUORUM = """
typedef uint64_t votequorum_handle_t;
struct votequorum_info {
    unsigned int node_id;
    unsigned int node_state;
    unsigned int node_votes;
    unsigned int node_expected_votes;
    unsigned int highest_expected;
    unsigned int total_votes;
    unsigned int quorum;
    unsigned int flags;
    unsigned int qdevice_votes;
    char qdevice_name[255];
};
typedef struct { uint32_t nodeid; uint32_t state; } votequorum_node_t;
typedef struct { uint32_t nodeid; uint64_t seq; } votequorum_ring_id_t;
typedef void (*votequorum_quorum_notification_fn_t)(votequorum_handle_t, uint64_t context, uint32_t quorate,
                                                    uint32_t n_nodes, votequorum_node_t *nodes);
typedef void (*votequorum_nodelist_notification_fn_t)(votequorum_handle_t, uint64_t context, votequorum_ring_id_t ring,
                                                      uint32_t n_nodes, uint32_t *nodes);
typedef void (*votequorum_expectedvotes_notification_fn_t)(votequorum_handle_t, uint64_t context,
                                                           uint32_t expected_votes);
typedef struct {
    votequorum_quorum_notification_fn_t votequorum_quorum_notify_fn;
    votequorum_expectedvotes_notification_fn_t votequorum_expectedvotes_notify_fn;
    votequorum_nodelist_notification_fn_t votequorum_nodelist_notify_fn;
} votequorum_callbacks_t;
cs_error_t votequorum_initialize(votequorum_handle_t *, votequorum_callbacks_t *);
cs_error_t votequorum_finalize(votequorum_handle_t);
cs_error_t votequorum_fd_get(votequorum_handle_t, int *fd);
cs_error_t votequorum_dispatch(votequorum_handle_t, cs_dispatch_flags_t);
cs_error_t votequorum_getinfo(votequorum_handle_t, unsigned int nodeid, struct votequorum_info *);
cs_error_t votequorum_setexpected(votequorum_handle_t, unsigned int expected_votes);
cs_error_t votequorum_trackstart(votequorum_handle_t, uint64_t context, unsigned int flags);
"""

CMAP = """
typedef uint64_t cmap_handle_t;
typedef uint64_t cmap_iter_handle_t;
cs_error_t cmap_initialize_map(cmap_handle_t *, int map);
cs_error_t cmap_finalize(cmap_handle_t);
cs_error_t cmap_fd_get(cmap_handle_t, int *fd);
cs_error_t cmap_get(cmap_handle_t, const char *key, void *value, size_t *length, int *type);
cs_error_t cmap_iter_init(cmap_handle_t, const char *prefix, cmap_iter_handle_t *);
cs_error_t cmap_iter_next(cmap_handle_t, cmap_iter_handle_t, char key[], size_t *length, int *type);
cs_error_t cmap_iter_finalize(cmap_handle_t, cmap_iter_handle_t);
"""

CFG = """
typedef uint64_t corosync_cfg_handle_t;
typedef void (*corosync_cfg_shutdown_callback_t)(corosync_cfg_handle_t, int flags);
typedef struct { corosync_cfg_shutdown_callback_t corosync_cfg_shutdown_callback; } corosync_cfg_callbacks_t;
struct corosync_knet_link_status_v1 {
    uint8_t enabled;
    uint8_t connected;
    uint8_t dynconnected;
    unsigned int mtu;
    char src_ipaddr[256];
    char dst_ipaddr[256];
};
struct corosync_cfg_node_status_v1 {
    int version;
    unsigned int nodeid;
    uint8_t reachable;
    uint8_t remote;
    uint8_t external;
    uint8_t onwire_min;
    uint8_t onwire_max;
    uint8_t onwire_ver;
    struct corosync_knet_link_status_v1 link_status[8];
};
cs_error_t corosync_cfg_initialize(corosync_cfg_handle_t *, const corosync_cfg_callbacks_t *);
cs_error_t corosync_cfg_finalize(corosync_cfg_handle_t);
cs_error_t corosync_cfg_fd_get(corosync_cfg_handle_t, int32_t *fd);
cs_error_t corosync_cfg_dispatch(corosync_cfg_handle_t, cs_dispatch_flags_t);
cs_error_t corosync_cfg_node_status_get(corosync_cfg_handle_t, unsigned int nodeid, int version, void *status);
cs_error_t corosync_cfg_kill_node(corosync_cfg_handle_t, unsigned int nodeid, const char *reason);
cs_error_t corosync_cfg_try_shutdown(corosync_cfg_handle_t, int flags);
cs_error_t corosync_cfg_local_get(corosync_cfg_handle_t, unsigned int *nodeid);
cs_error_t corosync_cfg_reload_config(corosync_cfg_handle_t);
"""

QB = """
void *qb_ipcc_connect(const char *name, size_t message_bytes);
void qb_ipcc_disconnect(void *);
int32_t qb_ipcc_fc_enable_max_set(void *, uint32_t max);
ssize_t qb_ipcc_sendv_recv(void *, const struct iovec *, uint32_t n_iovec, void *answer, size_t room,
                           int32_t timeout_ms);
"""

DECLARATIONS = (COMMON, CPG, QUORUM, VOTEQUORUM, CMAP, CFG, QB)


_making = threading.Lock()


def ffi() -> Any:
    """The one parser of the declarations above; made on first use because parsing costs tens of milliseconds.

    One for all threads: the types of two would not fit each other."""
    with _making:
        return _made_ffi()


@cache
def _made_ffi() -> Any:
    from cffi import FFI

    made = FFI()
    for declarations in DECLARATIONS:
        made.cdef(declarations)
    return made


@cache
def library(name: str) -> Any:
    """The loaded library `name` (a key of SONAMES). Raises `Unavailable` where corosync is not installed."""
    try:
        return ffi().dlopen(SONAMES[name])
    except OSError as error:
        raise Unavailable(f"{SONAMES[name]} cannot be loaded; install corosync on this node ({error})") from error
