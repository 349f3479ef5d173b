/* The fields of a task file. A new field is a line here and a line where it is read. Types are those of SkyPilot's schemas;
 * where this program accepts more, the line says so. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/model/amount.h"
#include "core/model/task_priv.h"

/* clang-format off */
#define FIELD(n, k, ...) {.name = (n), .type = {.kinds = (k), __VA_ARGS__}}
#define INTERNAL(n, k, ...) {.name = (n), .internal = true, .type = {.kinds = (k), __VA_ARGS__}}
#define REQUIRED(n, k, ...) {.name = (n), .required = true, .type = {.kinds = (k), __VA_ARGS__}}
#define AT_LEAST(low) .ranged = true, .min = (low), .max = INFINITY
#define BETWEEN(low, high) .ranged = true, .min = (low), .max = (high)
#define WORDS(...) .words = (const char *const[]){__VA_ARGS__, NULL}
/* clang-format on */

/* --- patterns ---------------------------------------------------------------------------------------------------- */

static bool all_of(const char *s, const char *more)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(more, *s))
			return false;
	return true;
}

bool is_env_name(const char *s)
{
	return *s && !isdigit((unsigned char)*s) && all_of(s, "_");
}

bool is_plain_name(const char *s)
{
	return *s && all_of(s, "-_");
}

/* Letters and digits, joined by one or two of . _ - */
bool is_task_name(const char *s)
{
	while (isalnum((unsigned char)*s)) {
		while (isalnum((unsigned char)*s))
			s++;
		size_t joints = strspn(s, "._-");
		if (!*s)
			return true;
		if (joints < 1 || joints > 2)
			return false;
		s += joints;
	}
	return false;
}

bool is_duration_minutes(const char *s)
{
	int64_t minutes;
	return !amount_minutes(s, &minutes);
}

static bool is_size(const char *s)
{
	size_t n = strspn(s, "0123456789");
	return n && (!s[n] || (strchr("kmgtpKMGTP", s[n]) && s[n + 1] && strchr("biBI", s[n + 1]) && !s[n + 2]));
}

/* rclone's: digits and one letter */
static bool is_rclone_size(const char *s)
{
	size_t n = strspn(s, "0123456789");
	return n && (!s[n] || (strchr("bkmgtpBKMGTP", s[n]) && !s[n + 1]));
}

/* rclone's: "1h30m", "250ms", "1.5d", "30" */
static bool is_rclone_duration(const char *s)
{
	bool unit = true, any = false;
	while (*s) {
		s += *s == '-' || *s == '+';
		size_t whole = strspn(s, "0123456789"), places = 0;
		s += whole;
		if (*s == '.' && (places = strspn(s + 1, "0123456789")) > 0)
			s += 1 + places;
		if (!whole && !places)
			return false;
		if (!*s)
			return !any;
		unit = strchr("smhdwMy", *s) != NULL;
		if (!unit)
			return false;
		s += s[0] == 'm' && s[1] == 's' ? 2 : 1;
		any = true;
	}
	return any;
}

static bool is_one_line(const char *s)
{
	return !strchr(s, '\n');
}

static bool is_vpc_name(const char *s)
{
	size_t n = strspn(s, "-abcdefghijklmnopqrstuvwxyz0123456789");
	if (!n)
		return false;
	if (s[n] != '/')
		return !s[n];
	return s[n + 1] && !s[n + 1 + strspn(s + n + 1, "-abcdefghijklmnopqrstuvwxyz0123456789")];
}

static bool is_hook_command(const char *s)
{
	size_t n = strlen(s);
	return n >= 1 && n <= 16384;
}

/* "H100", "A100-80GB:8" */
static bool is_accelerator_key(const char *s)
{
	size_t n = strcspn(s, ":");
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.", s[i]))
			return false;
	return n && (!s[n] || (s[n + 1] && !s[n + 1 + strspn(s + n + 1, "0123456789")]));
}

/* --- small types ------------------------------------------------------------------------------------------------- */

static const struct schema_type type_text = {.kinds = S_STR}, type_number = {.kinds = S_NUM},
				type_exit_code = {.kinds = S_INT, BETWEEN(0, 255)};
static const char want_size[] = "whole GB (256) or a whole number with a unit (500GB, 1TB)";

/* --- the task ---------------------------------------------------------------------------------------------------- */

static const struct schema_field fields_git[] = {
    REQUIRED("url", S_STR),
    FIELD("ref", S_STR),
};
static const struct schema schema_git = SCHEMA("workdir", fields_git);

static const struct schema_field fields_task[] = {
    FIELD("name", S_STR),
    FIELD("workdir", S_STR | S_MAP, .map = &schema_git, .want = "a folder, or a map with the url of a git repository"),
    FIELD("num_nodes", S_INT),
    FIELD("resources", S_MAP),
    FIELD("envs", S_MAP, .check = is_env_name, .key_want = "a letter or underscore, then letters, digits and underscores"),
    FIELD("secrets", S_MAP | S_LIST),
    FIELD("managed_secrets", S_LIST),
    FIELD("file_mounts", S_MAP),
    FIELD("volumes", S_MAP),
    FIELD("setup", S_STR),
    FIELD("run", S_STR),
    FIELD("service", S_MAP),
    FIELD("pool", S_MAP),
    FIELD("config", S_MAP, .map = &schema_config),
    FIELD("inputs", S_MAP, .max_items = 1, .each = &type_number),
    FIELD("outputs", S_MAP, .max_items = 1, .each = &type_number),
    FIELD("event_callback", S_STR),
    FIELD("api_server_access", S_BOOL),
    FIELD("experimental", 0, .want = "'experimental' is no longer a field; what was under it now stands in 'config'"),
    FIELD("execution", 0,
	.want = "'execution' belongs in a document of its own with 'name', above the tasks, separated by a line of ---"),
    INTERNAL("file_mounts_mapping", S_MAP),
    INTERNAL("volume_mounts", S_LIST),
    INTERNAL("_metadata", S_MAP),
};
const struct schema schema_task = SCHEMA("a task", fields_task, .skip_null = true);

/* --- resources --------------------------------------------------------------------------------------------------- */

static const struct schema_field fields_autostop[] = {
    FIELD("idle_minutes", S_INT, AT_LEAST(0)),
    FIELD("down", S_BOOL),
    FIELD("wait_for", S_STR, WORDS("jobs_and_ssh", "jobs", "none")),
    FIELD("hook", S_STR),
    FIELD("hook_timeout", S_INT, AT_LEAST(1)),
};
static const struct schema schema_autostop = SCHEMA("autostop", fields_autostop);

static const struct schema_field fields_recovery[] = {
    FIELD("strategy", S_STR | S_NULL),
    FIELD("max_restarts_on_errors", S_INT, AT_LEAST(0)),
    FIELD("recover_on_exit_codes", S_INT | S_LIST, BETWEEN(0, 255), .each = &type_exit_code, .unique = true,
	.want = "an exit status from 0 to 255, or a list of them"),
};
/* Open: recovery strategies that are added on may have settings of their own. */
static const struct schema schema_recovery = SCHEMA("job_recovery", fields_recovery, .open = true);

static const struct schema_field fields_accelerator_args[] = {
    FIELD("runtime_version", S_STR),
    FIELD("tpu_name", S_STR),
    FIELD("tpu_vm", S_BOOL),
    FIELD("gcp_queued_resource", S_BOOL),
};
static const struct schema schema_accelerator_args = SCHEMA("accelerator_args", fields_accelerator_args);

static const struct schema_field fields_volume[] = {
    FIELD("path", S_STR),
    FIELD("name", S_STR),
    FIELD("disk_size", S_STR | S_INT, .check = is_size, .want = want_size),
    FIELD("disk_tier", S_STR),
    FIELD("storage_type", S_STR),
    FIELD("attach_mode", S_STR),
    FIELD("auto_delete", S_BOOL),
};
static const struct schema schema_volume = SCHEMA("a volume", fields_volume, .open = true);
static const struct schema_type type_volume = {.kinds = S_MAP, .map = &schema_volume};
static const struct schema_type type_port = {
    .kinds = S_STR | S_INT, .want = "a port (8080) or a range (8080-8090)"};

/* What stands in resources and in each alternative of it alike. */
#define RESOURCE_FIELDS \
	FIELD("infra", S_STR), FIELD("cloud", S_STR), FIELD("region", S_STR), FIELD("zone", S_STR), \
	    FIELD("cpus", S_STR | S_NUM), FIELD("memory", S_STR | S_NUM), FIELD("instance_type", S_STR), \
	    FIELD("use_spot", S_BOOL), FIELD("job_recovery", S_STR | S_MAP, .map = &schema_recovery), \
	    FIELD("disk_size", S_STR | S_INT, \
		.want = "whole GB (256), a whole number with a unit (500GB, 1TB), or \"500+\" for at least that"), \
	    FIELD("ephemeral_storage", S_STR | S_INT, .check = is_size, .want = want_size), \
	    FIELD("disk_tier", S_STR, WORDS("low", "medium", "high", "ultra", "best")), \
	    FIELD("network_tier", S_STR, WORDS("standard", "best")), FIELD("local_disk", S_STR), \
	    FIELD("max_hourly_cost", S_NUM), \
	    FIELD("ports", S_STR | S_INT | S_LIST | S_NULL, .each = &type_port, .max_items = 1000, \
		.want = "a port (8080), a range (\"8080-8090\"), or a list of them"), \
	    FIELD("labels", S_MAP, .each = &type_text, .max_items = 1000), \
	    FIELD("accelerator_args", S_MAP, .map = &schema_accelerator_args), \
	    FIELD("image_id", S_STR | S_MAP | S_NULL), \
	    FIELD("autostop", S_BOOL | S_INT | S_STR | S_MAP, .map = &schema_autostop), \
	    FIELD("priority", S_INT, BETWEEN(-1000, 1000)), FIELD("priority_class", S_STR), \
	    FIELD("volumes", S_LIST, .each = &type_volume), FIELD("spot_recovery", S_STR | S_MAP, .map = &schema_recovery), \
	    FIELD("hooks", 0, .want = "hooks stand in config.hooks at the top level of the task, not in resources"), \
	    INTERNAL("_docker_login_config", S_MAP), INTERNAL("_docker_username_for_runpod", S_STR), \
	    INTERNAL("_is_image_managed", S_BOOL), INTERNAL("_requires_fuse", S_BOOL), \
	    INTERNAL("_cluster_config_overrides", S_MAP), INTERNAL("_no_missing_accel_warnings", S_BOOL)

#define ACCELERATORS_WANT "a name (H100), a name with a count (H100:8), a memory size (80GB+)"

/* Braces around {A100,V100}:8 are text: beyond SkyPilot, see accelerators.c. */
static const struct schema_field fields_alternative[] = {
    FIELD("accelerators", S_STR | S_MAP, .max_items = 1, .each = &type_number, .want = ACCELERATORS_WANT " or a map of one"),
    FIELD("gpus", S_STR | S_MAP, .max_items = 1, .each = &type_number, .want = ACCELERATORS_WANT " or a map of one"),
    RESOURCE_FIELDS,
};
const struct schema schema_alternative = SCHEMA("an alternative of resources", fields_alternative);
static const struct schema_type type_alternative = {.kinds = S_MAP, .map = &schema_alternative};

static const struct schema_field fields_resources[] = {
    FIELD("accelerators", S_STR | S_MAP | S_LIST, .want = ACCELERATORS_WANT ", or several of them"),
    FIELD("gpus", S_STR | S_MAP | S_LIST, .want = ACCELERATORS_WANT ", or several of them"),
    FIELD("any_of", S_LIST, .each = &type_alternative),
    FIELD("ordered", S_LIST, .each = &type_alternative),
    RESOURCE_FIELDS,
};
const struct schema schema_resources = SCHEMA("resources", fields_resources, .skip_null = true);

/* --- file mounts ------------------------------------------------------------------------------------------------- */

static const char want_rclone_size[] = "a whole number with one of B, K, M, G, T, P behind it, or none (16M)",
		  want_rclone_time[] = "a duration like 30s, 5m or 1h30m";
static const struct schema_field fields_mount_cached[] = {
    FIELD("transfers", S_INT, AT_LEAST(1)),
    FIELD("buffer_size", S_STR, .check = is_rclone_size, .want = want_rclone_size),
    FIELD("vfs_cache_max_size", S_STR, .check = is_rclone_size, .want = want_rclone_size),
    FIELD("vfs_cache_max_age", S_STR, .check = is_rclone_duration, .want = want_rclone_time),
    FIELD("vfs_read_ahead", S_STR, .check = is_rclone_size, .want = want_rclone_size),
    FIELD("vfs_read_chunk_size", S_STR, .check = is_rclone_size, .want = want_rclone_size),
    FIELD("vfs_read_chunk_streams", S_INT, AT_LEAST(0)),
    FIELD("vfs_write_back", S_STR, .check = is_rclone_duration, .want = want_rclone_time),
    FIELD("read_only", S_BOOL),
};
static const struct schema schema_mount_cached = SCHEMA("mount_cached", fields_mount_cached);
static const struct schema_field fields_mount[] = {FIELD("read_only", S_BOOL)};
static const struct schema schema_mount = SCHEMA("mount", fields_mount);
static const struct schema_field fields_storage_config[] = {
    FIELD("disk_size", S_STR | S_INT, .check = is_size, .want = want_size),
    FIELD("disk_tier", S_STR),
    FIELD("storage_type", S_STR),
    FIELD("attach_mode", S_STR),
    FIELD("mount_cached", S_MAP, .map = &schema_mount_cached),
    FIELD("mount", S_MAP, .map = &schema_mount),
};
static const struct schema schema_storage_config = SCHEMA("the config of a mount", fields_storage_config, .open = true);
static const struct schema_field fields_storage[] = {
    FIELD("name", S_STR),
    FIELD("source", S_STR | S_LIST, .each = &type_text, .some = true),
    FIELD("store", S_STR,
	WORDS("s3", "gcs", "azure", "r2", "ibm", "oci", "nebius", "coreweave", "vastdata", "hf", "volume")),
    FIELD("persistent", S_BOOL),
    FIELD("mode", S_STR, WORDS("MOUNT", "COPY", "MOUNT_CACHED")),
    FIELD("type", S_STR, WORDS("MODEL_CHECKPOINT_RO", "MODEL_CHECKPOINT_RW", "DATASET_RO", "DATASET_RW")),
    FIELD("config", S_MAP, .map = &schema_storage_config),
    INTERNAL("_is_sky_managed", S_BOOL),
    INTERNAL("_bucket_sub_path", S_STR),
    INTERNAL("_force_delete", S_BOOL),
};
const struct schema schema_storage = SCHEMA("a file mount", fields_storage, .skip_null = true);

/* --- services ---------------------------------------------------------------------------------------------------- */

static const struct schema_field fields_probe[] = {
    REQUIRED("path", S_STR),
    FIELD("initial_delay_seconds", S_NUM),
    FIELD("timeout_seconds", S_NUM),
    FIELD("endpoint_probe_interval_seconds", S_NUM),
    FIELD("consecutive_failure_threshold_timeout", S_NUM),
    FIELD("post_data", S_STR | S_MAP, .want = "a map, or JSON as text"),
    FIELD("headers", S_MAP, .each = &type_text),
};
static const struct schema schema_probe = SCHEMA("readiness_probe", fields_probe);

static const struct schema_type type_qps = {.kinds = S_NUM, AT_LEAST(0)};
static const struct schema_field fields_replicas[] = {
    REQUIRED("min_replicas", S_INT, AT_LEAST(0)),
    FIELD("max_replicas", S_INT, AT_LEAST(0)),
    FIELD("num_overprovision", S_INT, AT_LEAST(0)),
    FIELD("target_qps_per_replica", S_NUM | S_MAP, AT_LEAST(0), .each = &type_qps, .check = is_accelerator_key,
	.key_want = "an accelerator, with a count or without: H100, H100:8",
	.want = "requests a second, as a number or as a map of accelerators (H100, H100:8) to numbers"),
    FIELD("dynamic_ondemand_fallback", S_BOOL),
    FIELD("base_ondemand_fallback_replicas", S_INT, AT_LEAST(0)),
    FIELD("spot_placer", S_STR, WORDS("dynamic_fallback")),
    FIELD("upscale_delay_seconds", S_NUM),
    FIELD("downscale_delay_seconds", S_NUM),
};
static const struct schema schema_replicas = SCHEMA("replica_policy", fields_replicas);

static const struct schema_field fields_tls[] = {REQUIRED("keyfile", S_STR), REQUIRED("certfile", S_STR)};
static const struct schema schema_tls = SCHEMA("tls", fields_tls);
static const struct schema_field fields_balancer[] = {FIELD("stream_timeout_seconds", S_NUM, AT_LEAST(0))};
static const struct schema schema_balancer = SCHEMA("load_balancer", fields_balancer);

static const struct schema_field fields_pool[] = {
    FIELD("workers", S_INT, AT_LEAST(0)),
    FIELD("min_workers", S_INT, AT_LEAST(0)),
    FIELD("max_workers", S_INT, AT_LEAST(0)),
    FIELD("queue_length_threshold", S_INT, AT_LEAST(1)),
    FIELD("upscale_delay_seconds", S_NUM, AT_LEAST(0)),
    FIELD("downscale_delay_seconds", S_NUM, AT_LEAST(0)),
};
const struct schema schema_pool = SCHEMA("pool", fields_pool);

static const struct schema_field fields_service[] = {
    FIELD("readiness_probe", S_STR | S_MAP, .map = &schema_probe, .want = "a path like /health, or a map with one"),
    FIELD("replica_policy", S_MAP, .map = &schema_replicas),
    FIELD("replicas", S_INT),
    FIELD("ports", S_INT, BETWEEN(1, 65535)),
    FIELD("load_balancing_policy", S_STR, WORDS("round_robin", "least_load", "instance_aware_least_load")),
    FIELD("load_balancer", S_MAP, .map = &schema_balancer),
    FIELD("tls", S_MAP, .map = &schema_tls),
    FIELD("pool", 0, .want = "'pool' stands at the top level of the task, in place of 'service'"),
    FIELD("workers", 0, .want = "a service has 'replicas'; 'workers' is for a 'pool'"),
};
const struct schema schema_service = SCHEMA("service", fields_service, .skip_null = true);

/* --- config: what a task may override ---------------------------------------------------------------------------- */

static const struct schema_type type_option = {.kinds = S_STR | S_NUM | S_BOOL | S_NULL, .check = is_one_line,
    .want = "one line of text, a number, true or false"};
static const struct schema_type type_event = {.kinds = S_STR, WORDS("stop", "preemption", "down")};

static const struct schema_field fields_docker[] = {FIELD("run_options", S_STR | S_LIST, .each = &type_text)};
static const struct schema schema_docker = SCHEMA("docker", fields_docker);
static const struct schema_field fields_gpus[] = {FIELD("disable_ecc", S_BOOL)};
static const struct schema schema_gpus = SCHEMA("nvidia_gpus", fields_gpus);

#define POD_FIELDS FIELD("custom_metadata", S_MAP), FIELD("pod_config", S_MAP), FIELD("provision_timeout", S_INT)
static const struct schema_field fields_ssh[] = {POD_FIELDS};
static const struct schema schema_ssh = SCHEMA("ssh", fields_ssh);

static const struct schema_field fields_dws[] = {
    FIELD("enabled", S_BOOL),
    FIELD("max_run_duration", S_STR | S_INT, .check = is_duration_minutes, .want = "minutes (30) or a duration (2h)"),
};
static const struct schema schema_dws = SCHEMA("dws", fields_dws);
static const struct schema_field fields_kueue[] = {FIELD("local_queue_name", S_STR)};
static const struct schema schema_kueue = SCHEMA("kueue", fields_kueue);
static const struct schema_field fields_pod_docker[] = {
    REQUIRED("mode", S_STR, WORDS("ALL", "BUILD")),
    FIELD("cache_volume", S_STR),
};
static const struct schema schema_pod_docker = SCHEMA("enable_docker", fields_pod_docker);
static const struct schema_field fields_kubernetes[] = {
    POD_FIELDS,
    FIELD("dws", S_MAP, .map = &schema_dws),
    FIELD("kueue", S_MAP, .map = &schema_kueue),
    FIELD("quota", S_ANY),
    FIELD("remote_identity", S_STR | S_MAP, .each = &type_text),
    FIELD("enable_docker", S_BOOL | S_STR | S_MAP, .map = &schema_pod_docker, WORDS("ALL", "BUILD")),
    FIELD("set_pod_resource_limits", S_BOOL | S_NUM, AT_LEAST(1)),
};
static const struct schema schema_kubernetes = SCHEMA("kubernetes", fields_kubernetes);

static const struct schema_field fields_azure[] = {
    FIELD("remote_identity", S_STR, WORDS("LOCAL_CREDENTIALS", "SERVICE_ACCOUNT", "NO_UPLOAD")),
    FIELD("vpc_name", S_STR | S_NULL),
};
static const struct schema schema_azure = SCHEMA("azure", fields_azure);
static const struct schema_field fields_instance_group[] = {
    REQUIRED("run_duration", S_INT),
    FIELD("provision_timeout", S_INT),
};
static const struct schema schema_instance_group = SCHEMA("managed_instance_group", fields_instance_group);
static const struct schema_field fields_gcp[] = {
    FIELD("vpc_name", S_STR | S_NULL, .check = is_vpc_name, .want = "a VPC, or project/VPC, of lower case letters, digits and -"),
    FIELD("subnet_names", S_STR | S_LIST | S_NULL, .each = &type_text),
    FIELD("managed_instance_group", S_MAP, .map = &schema_instance_group),
    FIELD("enable_gvnic", S_BOOL),
    FIELD("enable_gpu_direct", S_BOOL),
    FIELD("placement_policy", S_STR),
};
static const struct schema schema_gcp = SCHEMA("gcp", fields_gcp);
static const struct schema_field fields_vast[] = {FIELD("datacenter_only", S_BOOL), FIELD("create_instance_kwargs", S_MAP)};
static const struct schema schema_vast = SCHEMA("vast", fields_vast);
static const struct schema_field fields_slurm[] = {
    FIELD("sbatch_options", S_MAP, .each = &type_option),
    FIELD("cpu_partition", S_STR),
};
static const struct schema schema_slurm = SCHEMA("slurm", fields_slurm);

static const struct schema_field fields_hook[] = {
    REQUIRED("run", S_STR, .check = is_hook_command, .want = "a command of 1 to 16384 characters"),
    FIELD("events", S_LIST, .each = &type_event, .some = true, .unique = true),
    FIELD("timeout", S_INT, AT_LEAST(1)),
};
static const struct schema schema_hook = SCHEMA("a hook", fields_hook);
static const struct schema_type type_hook = {.kinds = S_MAP, .map = &schema_hook};

static const struct schema_field fields_config[] = {
    FIELD("hooks", S_LIST, .each = &type_hook, .max_items = 32),
    FIELD("docker", S_MAP, .map = &schema_docker),
    FIELD("nvidia_gpus", S_MAP, .map = &schema_gpus),
    FIELD("kubernetes", S_MAP, .map = &schema_kubernetes),
    FIELD("ssh", S_MAP, .map = &schema_ssh),
    FIELD("gcp", S_MAP, .map = &schema_gcp),
    FIELD("azure", S_MAP, .map = &schema_azure),
    FIELD("vast", S_MAP, .map = &schema_vast),
    FIELD("slurm", S_MAP, .map = &schema_slurm),
    FIELD("active_workspace", S_STR),
};
const struct schema schema_config = SCHEMA("config", fields_config);

/* --- the document above a pipeline or a job group ---------------------------------------------------------------- */

static const struct schema_field fields_header[] = {
    FIELD("name", S_STR),
    FIELD("execution", S_STR, WORDS("serial", "parallel")),
    FIELD("primary_tasks", S_LIST | S_NULL, .each = &type_text),
    FIELD("termination_delay", S_STR | S_INT | S_MAP | S_NULL),
};
const struct schema schema_header = SCHEMA("the header of a job group", fields_header, .skip_null = true, .open = true);
