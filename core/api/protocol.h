/* What goes over the engine's socket. JSON-RPC 2.0, one object a line (core/io/rpc.h).
 *
 * The first call is `hello`. All others are refused before it, and after one of another protocol version.
 *
 *   hello {protocol, build}                  → {protocol, build, pid, started_at}
 *   submit {verb, args}                      → {id}: accepted and durable. The verbs and their args:
 *       launch    {task, cluster?, clouds?, no_setup?, retry_until_up?, debug? (setup alone, and what a shell there needs), autostop? {idle_minutes,
 *                 down, wait_for?, down_if_needed?: where machines cannot be stopped}}                                 task: as task_pack
 *       exec      {task, cluster}
 *       stop start down {cluster, autostop? (start), purge? (down)}
 *       autostop  {cluster, autostop {idle_minutes (-1: off), down, wait_for?}}
 *       cancel    {cluster, jobs [id…] | all}
 *   follow {id}                              → the request, when it is over. Meanwhile notifications:
 *       request {request}                        each time it moved
 *       event {event}                            each event of it
 *   cancel {id}                              → {}
 *   requests {all?, limit?}                  → [request…], newest first
 *   status {refresh?, cluster?}              → [cluster…]
 *   queue {cluster?}                         → [job…]
 *   events {cluster?, after?, limit?}        → [event…], oldest first
 *   cost {since?}                            → [row…]
 *   spend {}                                 → {now_uusd_h, today_uusd, month_uusd, simulated: some of it is}
 *   nodes {cluster}                          → {cluster, status, heartbeat, at, nodes [{rank, status, id, ip, and how a person gets in:
 *                                              ssh {config, host, key}: `ssh -F config host`; or enter: the script that a login runs}]}
 *   check {}                                 → [{name, title, enabled, identity, reason, simulated}…]
 *   plan {task, clouds?}                     → {plan, candidates}; or NO_RESOURCE
 *   log {cluster, job?, follow?}             → {path, size, status, exit_code, complete, cluster_id, job_id}: a file the caller may read. With follow:
 *       log {the same}                           each time it grew or the job moved, until complete
 *   watch {topics [clusters jobs requests events spend], cluster?} → {}; then
 *       snapshot {revision, clusters?, jobs?, requests?, events?, spend?}    now, and (at most 20 times a second) when something changed
 *   engine {}                                → {pid, build, protocol, started_at, clients, clusters, requests, socket, state, idle, rss_kib}
 *   shutdown {}                              → {}: the engine leaves; clusters and jobs stay as they are
 */
#ifndef CORE_API_PROTOCOL_H
#define CORE_API_PROTOCOL_H

enum { API_PROTOCOL = 1 };

/* Of this program, as `hello` says it. */
const char *api_build(void);
/* "<runtime>/engine.sock"; caller frees. */
char *api_socket_path(void);

#endif
