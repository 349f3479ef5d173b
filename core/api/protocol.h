/* What goes over the engine's socket. JSON-RPC 2.0, one object a line (core/io/rpc.h).
 *
 * The first call is `hello`. All others are refused before it, and after one of another protocol version.
 *
 *   hello {protocol, build}                  → {protocol, build, pid, started_at}
 *   submit {verb, args}                      → {id}: accepted and durable. The verbs and their args:
 *       launch    {task, cluster?, clouds?, no_setup?, retry_until_up?, debug? (setup alone, and what a shell there needs), autostop? {idle_minutes,
 *                 down, wait_for?, down_if_needed?: where machines cannot be stopped}}                                 task: as task_pack
 *       exec      {task, cluster}
 *       stop start down {cluster, autostop? (start), purge? (down)}; down results in {cluster, cost_uusd: in all, null when some of it has no
 *                 price, known_uusd, estimated, simulated}
 *       autostop  {cluster, autostop {idle_minutes (-1: off), down, wait_for?}}
 *       cancel    {cluster, jobs [id…] | all}
 *       prices    {clouds? [name…]}: the clouds themselves are asked for what they sell, into catalog.db
 *       sweep     {provider, action: destroy | adopt, ids [machine…]}: machines that `sweep` below told
 *   follow {id}                              → the request, when it is over. Meanwhile notifications:
 *       request {request}                        each time it moved
 *       event {event}                            each event of it
 *   cancel {id}                              → {}
 *   requests {all?, limit?}                  → [request…], newest first
 *   status {refresh?, cluster?}              → [cluster…]
 *   queue {cluster?, gone?}                  → [job…]; gone: also of a cluster that is gone, by name or uid
 *   events {cluster?, after?, limit?}        → [event…], oldest first
 *   spend {}                                 → {now_uusd_h, today_uusd, month_uusd: null where something has no price, known {the same, what is
 *       known of it}, estimated, simulated: all of it is (real and simulated money are never added), projection {uusd, low_uusd, high_uusd,
 *       ends_at, unknown, method: in words}, budget: the tightest one or null, budget_left_uusd, apart?: the figures of simulated machines
 *       beside real ones}
 *   cost {since?}                            → {at, simulated, spend: as above, clusters [{cluster_id, name, id, provider, instance_type, status, user,
 *       project, region, accelerator, accelerator_count, use_spot, num_nodes, price_uusd_h, estimated, from, to, duration_ms: of all
 *       machines, cost_uusd, disks_uusd: of it, for disks of stopped machines (estimates), known {cost_uusd}, running, simulated,
 *       now_uusd_h, today_uusd, month_uusd, idle_since, gpu_idle_since, wasted_uusd: since then,
 *       wasteful: it has been idle for five minutes and costs, stopped, disk_uusd_h: of a stopped one, null when not known,
 *       autostop_minutes?, hours?}…] the wasteful first, by {cloud, project, user: [{name, figures, hours, days}…]}, hours [24], days
 *       [30]: what was spent in each, oldest first, null not known, changes
 *       [{name, id, diff_uusd, day_uusd, day_before_uusd, why: launched ended price hours, text}…]: the last 24 hours against the 24 before,
 *       budgets}
 *   budgets {}                               → [{project: null for all, simulated, month_uusd, spent_uusd, left_uusd, percent, block, set_by}…]
 *   budget_set {project?, simulated?, month_uusd?, block?, clear?} → [budget…]: what is not given stays as it was
 *   nodes {cluster}                          → {cluster, status, heartbeat, at, nodes [{rank, status, id, ip, and how a person gets in:
 *                                              ssh {config, host, key}: `ssh -F config host`; or enter: the script that a login runs}]}
 *   check {}                                 → [{name, title, enabled, identity, reason, simulated}…]
 *   inspect {provider, settings?}            → the whole of what the provider's CHECK says (settings: as if its settings file said that)
 *   sweep {clouds?}                          → {at, machines [{provider, title, simulated, id, token, cluster_id, cluster, rank, status, instance_type,
 *       region, zone, use_spot, created_at, price_uusd_h, price_estimated, price_source, kind: cluster (not known here), left (its cluster is,
 *       the machine is not), late (given up before the provider answered), adoptable}…], clouds [{name, title, simulated, asked, reason,
 *       code}…]}: what skytop made and this state does not know
 *   metrics {cluster?, measure?, span?}      → {at, measure, span, step_ms, days, nodes [{cluster, rank, status (GONE: it was there then),
 *       heard_at, now {measure: percent…}, series [percent… of the measure, oldest first]}…], figures [{name, title, unit, value, explain,
 *       by_provider?}…]}; null is unknown.
 *       The measures and spans are those of core/plan/rings.h, the figures those of core/plan/figures.h
 *   plan {task, clouds?}                     → {plan, candidates}; or NO_RESOURCE
 *   offers {clouds: [name…]}                 → {live: [{provider, result: what it has now, as core/provider.h has it | error, code}…]}
 *   log {cluster, job?, rank?, setup?, follow?, tail?, fresh?} → where a job's log is: a file that the caller may read (core/api/logread.h
 *       does). cluster: a name or a uid; it may be gone. rank: that rank's own log instead of the merged one, with setup only what setup said
 *       on that node. tail: its end is wanted, and is fetched first where the copy is far behind. fresh: "target" says how much the node has
 *       now; not there when it cannot be asked.
 *       {cluster_id, job_id, name, num_nodes, nodes: of the cluster, null when it is gone, rank, setup, status, exit_code, path, base: offset in
 *       the log of the file's first byte, size: of the file, generation: another one is another log, times: a file or null, complete: nothing
 *       more will come, cut: … though that is not all, target?}
 *       With follow: log {the same}              each time it grew (at most 20 times a second) or the job moved, until complete
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
