/* Tasks as structs: what the reader fills in, packing and unpacking, checks before a run, names, texts, amounts. What
 * files are refused, and where, is in cases.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "core/model/cloud.h"
#include "core/model/instance.h"
#include "core/model/task.h"

static struct dag *parse_over(const char *text, const struct task_override *over)
{
	struct err err = {0};
	struct dag *d = dag_parse(text, strlen(text), "t.yaml", over, NULL, &err);
	if (!d)
		fail_msg("%s", err.text);
	return d;
}

static struct dag *parse(const char *text)
{
	return parse_over(text, NULL);
}

static void refused(const char *text, const struct task_override *over, const char *part)
{
	struct err err = {0};
	struct dag *d = dag_parse(text, strlen(text), "t.yaml", over, NULL, &err);
	if (d)
		fail_msg("accepted: %s", text);
	if (!strstr(err.text, part))
		fail_msg("%s", err.text);
}

/* Everything a task can say. */
static const char everything[] =
    "name: all\n"
    "workdir: ~/w\n"
    "num_nodes: 2\n"
    "envs: {A: 1, B: ''}\n"
    "secrets: {S: hunter2}\n"
    "managed_secrets: [HF]\n"
    "file_mounts: {/a: s3://b, /c: {source: s3://d, mode: MOUNT_CACHED, config: {mount_cached: {transfers: 4}}}}\n"
    "volumes: {/mnt: {size: 100Gi}}\n"
    "setup: pip install x\n"
    "run: |\n  echo \"é\"\n"
    "inputs: {\"gs://b/x\": 70.5}\n"
    "event_callback: echo\n"
    "api_server_access: false\n"
    "config: {hooks: [{run: x}], kubernetes: {provision_timeout: 5}}\n"
    "service: {replicas: 2}\n"
    "resources:\n"
    "  cpus: 4+\n"
    "  memory: 2x\n"
    "  ports: [22, 8080-8082]\n"
    "  labels: {k: v}\n"
    "  image_id: docker:ubuntu\n"
    "  disk_size: 500+\n"
    "  disk_tier: ultra\n"
    "  network_tier: best\n"
    "  local_disk: ssd:500\n"
    "  max_hourly_cost: 2.5\n"
    "  autostop: {idle_minutes: 5, down: true, wait_for: none}\n"
    "  job_recovery: {strategy: failover, max_restarts_on_errors: 3}\n"
    "  priority: -3\n"
    "  priority_class: high\n"
    "  volumes: [{path: /v, name: n, disk_size: 10}]\n"
    "  ordered:\n"
    "    - {infra: aws/us-east-1/us-east-1a, accelerators: 'H100:0.5', use_spot: false}\n"
    "    - {infra: gcp, accelerators: tpu-v5p-8, instance_type: TPU-VM}\n"
    "    - {infra: k8s/a/b, ephemeral_storage: 10, use_spot: true}\n";

static void test_fields(void **state)
{
	(void)state;
	struct dag *d = parse(everything);
	const struct task *t = &d->tasks[0];
	const struct resources *r = &t->resources[0], *tpu = &t->resources[1], *pod = &t->resources[2];
	assert_int_equal(d->n_tasks, 1);
	assert_int_equal(t->n_resources, 3);
	assert_true(t->ordered);
	assert_string_equal(t->run, "echo \"é\"\n");
	assert_int_equal(t->n_envs, 3);
	assert_string_equal(t->envs[1].value, "");
	assert_true(t->envs[2].secret);
	assert_string_equal(t->envs[2].value, "hunter2");
	assert_int_equal(t->input_gb_micro, 70500000);
	assert_string_equal(r->zone, "us-east-1a");
	assert_int_equal(r->accel_count_micro, 500000);
	assert_int_equal(r->cpus.micro, 4000000);
	assert_true(r->cpus.at_least && r->memory.per_vcpu && r->disk_at_least);
	assert_int_equal(r->disk_size_gib, 500);
	assert_int_equal(r->max_hourly_uusd, 2500000);
	assert_int_equal(r->n_ports, 2);
	assert_string_equal(r->ports[1], "8080-8082");
	assert_true(r->use_spot_set && !r->use_spot);
	assert_int_equal(r->autostop.wait_for, WAIT_FOR_NONE);
	assert_string_equal(r->image_id, "docker:ubuntu");
	assert_int_equal(r->where.line, 34);
	assert_string_equal(json_str(tpu->accelerator_args, "runtime_version", ""), "v2-alpha-tpuv5");
	assert_string_equal(pod->cloud, "kubernetes");
	assert_string_equal(pod->region, "a/b");
	assert_int_equal(pod->ephemeral_gib, 10);
	dag_destroy(d);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct dag *d = parse(everything);
	struct err err = {0};
	json_t *packed = task_pack(&d->tasks[0]);
	char *wire = json_text(packed);
	json_t *read = json_parse(wire, strlen(wire), &err);
	struct dag *back = task_unpack(read, &err);
	if (!back)
		fail_msg("%s", err.text);
	json_t *again = task_pack(&back->tasks[0]), *shown = dag_to_json(back), *first = dag_to_json(d);
	assert_true(json_equal(packed, again));
	/* Secrets go over the wire, but are not shown. */
	assert_non_null(strstr(wire, "hunter2"));
	char *text = json_text(shown);
	assert_null(strstr(text, "hunter2"));
	assert_true(json_equal(json_object_get(shown, "tasks"), json_object_get(first, "tasks")));
	free(text);
	free(wire);
	json_decref(first);
	json_decref(shown);
	json_decref(again);
	json_decref(read);
	json_decref(packed);
	dag_destroy(back);
	dag_destroy(d);
}

/* Whatever is taken out or replaced by nonsense, unpacking refuses or copes; it never crashes. */
static void test_unpack_nonsense(void **state)
{
	(void)state;
	struct dag *d = parse(everything);
	json_t *packed = task_pack(&d->tasks[0]),
	       *bad[] = {json_null(), json_integer(-1), json_string("x"), json_array(), json_object(),
		   json_pack("[[]]"), json_pack("[{}]"), json_true()};
	const char *key;
	json_t *v;
	for (size_t b = 0; b < ARRAY_LEN(bad); b++) {
		json_object_foreach(packed, key, v)
		{
			json_t *copy = json_deep_copy(packed);
			json_object_set(copy, key, bad[b]);
			dag_destroy(task_unpack(copy, &(struct err){0}));
			json_decref(copy);
		}
		json_object_foreach(json_array_get(json_object_get(packed, "resources"), 0), key, v)
		{
			json_t *copy = json_deep_copy(packed);
			json_object_set(json_array_get(json_object_get(copy, "resources"), 0), key, bad[b]);
			dag_destroy(task_unpack(copy, &(struct err){0}));
			json_decref(copy);
		}
		struct err err = {0};
		assert_null(task_unpack(bad[b], &err));
		assert_int_equal(err.code, ERR_PROTOCOL);
		json_decref(bad[b]);
	}
	assert_null(task_unpack(NULL, &(struct err){0}));
	json_decref(packed);
	dag_destroy(d);
}

static void test_command(void **state)
{
	(void)state;
	struct task_override over = {.gpus = "L4:2",
	    .use_spot = 1,
	    .num_nodes = 3,
	    .ports = (const char *const[]){"80", "81", NULL},
	    .max_hourly_cost = "1.5",
	    .priority = "7",
	    .envs = (const char *const[]){"A=b=c", NULL}};
	struct err err = {0};
	struct dag *d = dag_of_command("nvidia-smi", &over, &err);
	assert_non_null(d);
	const struct task *t = &d->tasks[0];
	assert_string_equal(t->run, "nvidia-smi");
	assert_int_equal(t->num_nodes, 3);
	assert_string_equal(t->resources[0].accelerator, "L4");
	assert_true(t->resources[0].use_spot);
	assert_string_equal(t->resources[0].ports[0], "80-81");
	assert_int_equal(t->resources[0].max_hourly_uusd, 1500000);
	assert_int_equal(t->resources[0].priority, 7);
	assert_string_equal(t->envs[0].value, "b=c");
	dag_destroy(d);
	over.gpus = "L4:many";
	assert_null(dag_of_command("x", &over, &err));
	assert_non_null(strstr(err.text, "--gpus: "));
}

static void test_overrides(void **state)
{
	(void)state;
	const char *file = "resources: {infra: aws, any_of: [{cpus: 2, ports: 80}, {cpus: 4, image_id: ami}]}\n";
	struct task_override over = {.infra = "gcp/us-central1", .cpus = "8", .image_id = "none"};
	struct dag *d = parse_over(file, &over);
	assert_int_equal(d->tasks[0].n_resources, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(d->tasks[0].resources[i].cloud, "gcp");
		assert_string_equal(d->tasks[0].resources[i].cpus.text, "8");
		assert_null(d->tasks[0].resources[i].image_ids);
	}
	dag_destroy(d);
	over = (struct task_override){.cpus = "8", .ports = (const char *const[]){"none", NULL}, .image_id = "none"};
	d = parse_over(file, &over);
	assert_int_equal(d->tasks[0].n_resources, 1);
	dag_destroy(d);
	over = (struct task_override){.workdir = "x", .git_url = "https://x"};
	refused("run: x\n", &over, "cannot go together");
	over = (struct task_override){.git_ref = "main"};
	refused("run: x\n", &over, "'url' is missing");
	/* Both jobs of a group get the variable. */
	over = (struct task_override){.envs = (const char *const[]){"E=1", NULL}};
	d = parse_over("name: g\nexecution: parallel\n---\nname: a\n---\nname: b\nenvs: {E: null}\n", &over);
	assert_string_equal(d->tasks[0].envs[0].value, "1");
	assert_string_equal(d->tasks[1].envs[0].value, "1");
	dag_destroy(d);
	/* NAME alone is taken from here; its value is not said when it is wrong. */
	setenv("SKYTOP_TEST_VALUE", "from-here", 1);
	over = (struct task_override){.secrets = (const char *const[]){"SKYTOP_TEST_VALUE", NULL}};
	d = parse_over("run: x\n", &over);
	assert_string_equal(d->tasks[0].envs[0].value, "from-here");
	assert_true(d->tasks[0].envs[0].secret);
	dag_destroy(d);
	over = (struct task_override){.secrets = (const char *const[]){"SKYTOP_NOT_SET", NULL}};
	refused("run: x\n", &over, "--secret: SKYTOP_NOT_SET is not set here");
	struct err err = {0};
	over = (struct task_override){.secrets = (const char *const[]){"bad name=hunter2", NULL}};
	assert_null(dag_parse("run: x\n", 7, "t.yaml", &over, NULL, &err));
	assert_null(strstr(err.text, "hunter2"));
}

/* Bytes that JSON cannot carry are refused, rather than lost on the way to the engine. */
static void test_text_is_utf8(void **state)
{
	(void)state;
	struct err err = {0};
	struct task_override over = {.name = "caf\xe9"};
	assert_null(dag_of_command("echo caf\xe9", NULL, &err));
	assert_non_null(strstr(err.text, "the command is not UTF-8"));
	refused("run: x\n", &over, "--name: the value is not UTF-8");
	over = (struct task_override){.ports = (const char *const[]){"\xff", NULL}};
	refused("run: x\n", &over, "--ports: the value is not UTF-8");
	over = (struct task_override){.secrets = (const char *const[]){"S=\xff", NULL}};
	refused("run: x\n", &over, "--secret: the value of S is not UTF-8");
}

/* Variables filled in must not grow without end. */
static void test_filling_is_bounded(void **state)
{
	(void)state;
	struct str s = str_new(8 << 20);
	str_add(&s, "envs: {A: ");
	for (int i = 0; i < 100000; i++)
		str_add(&s, "xxxxxxxxxx");
	str_add(&s, "}\nfile_mounts:\n");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "  /m%d: $A\n", i);
	refused(str_text(&s), NULL, "file_mounts grows beyond 16 MB");
	str_free(&s);
}

static void test_names(void **state)
{
	(void)state;
	struct dag *d = parse("run: x\n---\nname: b\n");
	dag_fill_names(d, "sky-1");
	assert_string_equal(d->name, "sky-1");
	assert_string_equal(d->tasks[0].name, "sky-1-0");
	assert_string_equal(d->tasks[1].name, "b");
	dag_destroy(d);
	d = parse("name: a\nrun: x\n");
	dag_fill_names(d, "sky-1");
	assert_string_equal(d->name, "a");
	dag_destroy(d);
	d = parse("name: p\n---\nname: a\nrun: x\n");
	dag_fill_names(d, "sky-1");
	assert_string_equal(d->tasks[0].name, "p");
	dag_destroy(d);
}

static void check(const char *text, const char *wrong)
{
	struct dag *d = parse(text);
	struct err err = {0};
	struct where at = {0};
	int rc = dag_check(d, &at, &err);
	if (!wrong ? rc != 0 : rc == 0 || !strstr(err.text, wrong))
		fail_msg("%s: %s", text, err.text);
	if (wrong)
		assert_true(at.line > 0);
	dag_destroy(d);
}

static void test_checks(void **state)
{
	(void)state;
	char dir[] = "/tmp/skytop-model.XXXXXX", file[64], text[512];
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/f", dir);
	assert_int_equal(fs_write(file, "x", 1, 0600, NULL), 0);
	check("name: a.b-c_d--e__f\nrun: x\n", NULL);
	check("name: a b\n", "cannot be used");
	check("name: a---b\n", "cannot be used");
	check("name: a-\n", "cannot be used");
	check("run: x\n---\nname: -b\n", "t.yaml:3:1: the name '-b'");
	snprintf(text, sizeof text, "workdir: %s\nfile_mounts: {/d: %s, /e: s3://b}\n", dir, file);
	check(text, NULL);
	snprintf(text, sizeof text, "workdir: %s\n", file);
	check(text, "is not a folder");
	check("workdir: /no/such/folder\n", "is not here");
	check("file_mounts: {/d/: s3://b}\n", "end with a slash");
	check("file_mounts: {/d: s3://b/}\n", "end with a slash");
	check("file_mounts: {\"s3://x\": /tmp}\n", "is a bucket");
	check("file_mounts: {/d: /no/such/file}\n", "is not here");
	check("workdir: /tmp\nfile_mounts: {~/sky_workdir: /tmp}\n", "is where workdir goes");
	check("file_mounts: {/d: {source: s3://b, name: n}}\n", "both a bucket");
	check("file_mounts: {/d: {source: /tmp}}\n", "needs a 'name'");
	check("file_mounts: {/d: {mode: COPY}}\n", "needs a 'source'");
	check("file_mounts: {/d: {name: 's3://b'}}\n", "is a URI");
	snprintf(text, sizeof text, "file_mounts: {/d: {name: n, source: %s}}\n", file);
	check(text, "into a list");
	check("resources: {accelerators: ':8'}\n", "the name before the count is missing");
	check("resources: {job_recovery: nonsense}\n", "'NONSENSE' is not known");
	check("resources: {infra: aws, ephemeral_storage: 5}\n", "is for kubernetes");
	check("secrets: {my-key: x}\n", "cannot be the name of a variable");
	check("service: {}\n", "exactly one port");
	check("resources: {ports: 80-90}\nservice: {}\n", "exactly one port");
	check("resources: {ports: 80}\nservice: {}\n", NULL);
	check("service: {ports: 80}\n", NULL);
	check("service: {replicas: -1, ports: 80}\n", "0 or more");
	assert_int_equal(fs_remove_tree(dir, NULL), 0);
}

static void test_warnings(void **state)
{
	(void)state;
	struct dag *d =
	    parse("name: g\nexecution: parallel\ncolor: red\n---\nname: a\nresources: {autostop: {idle_minutes: 1, "
		  "hook: echo, hook_timeout: 9}}\n");
	assert_int_equal(d->n_warnings, 2);
	assert_non_null(strstr(d->warnings[0], "t.yaml:3:1: 'color'"));
	assert_non_null(strstr(d->warnings[1], "t.yaml:6:"));
	const json_t *hook = json_array_get(json_object_get(d->tasks[0].config, "hooks"), 0);
	assert_string_equal(json_str(hook, "run", ""), "echo");
	assert_int_equal(json_int(hook, "timeout", 0), 9);
	dag_destroy(d);
}

static void test_texts(void **state)
{
	(void)state;
	char buf[256];
	struct dag *d =
	    parse("resources: {accelerators: 'H100:8', cpus: 16+, infra: aws/us-east-1, use_spot: true, memory: 4x, "
		  "disk_size: 500+}\n---\nrun: x\n");
	assert_string_equal(resources_text(&d->tasks[0].resources[0], buf, sizeof buf),
	    "8x H100, 16+ CPUs, 4x GB a CPU, 500+ GB disk, aws/us-east-1 [spot]");
	assert_string_equal(resources_text(&d->tasks[1].resources[0], buf, sizeof buf), "any");
	assert_true(strlen(resources_text(&d->tasks[0].resources[0], buf, 20)) < 20);
	dag_destroy(d);
}

static void test_accelerators(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
	    {"h100", "H100"},
	    {"NVIDIA A100-SXM4-80GB", "A100-80GB"},
	    {"a100_80gb", "A100-80GB"},
	    {"Tesla T4", "T4"},
	    {"NVIDIA H100 80GB HBM3", "H100-SXM"},
	    {"H100-NVLINK", "H100-SXM"},
	    {"A4000", "RTXA4000"},
	    {"rtx 4090", "RTX4090"},
	    {"AMD Instinct MI300X OAM", "MI300X"},
	    {"Gaudi HL-205", "Gaudi"},
	    {"tpu-v5e", "tpu-v5litepod"},
	};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		assert_string_equal(accelerator_canonical(pairs[i][0]), pairs[i][1]);
	assert_null(accelerator_find("H"));
	assert_null(accelerator_find(""));
	assert_null(accelerator_find("nvidia"));
	assert_string_equal(accelerator_canonical("FutureGPU9000"), "FutureGPU9000");
	const struct accelerator *out[64], *a;
	assert_int_equal(accelerator_match("H100", out, 64), 1);
	assert_true(accelerator_match("rtx pro", out, 64) > 2);
	int64_t units = 0;
	assert_string_equal(accelerator_tpu("tpu-v6e-8", &units)->name, "tpu-v6e");
	assert_int_equal(units, 8);
	assert_null(accelerator_tpu("H100-8", NULL));
	/* Each name and each other spelling means one row: the table must not contradict itself. */
	for (size_t i = 0; (a = accelerator_at(i)); i++) {
		assert_ptr_equal(accelerator_find(a->name), a);
		assert_true(a->mem_gib > 0);
		char words[2048], *save = NULL;
		snprintf(words, sizeof words, "%s", a->aliases);
		for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
			if (accelerator_find(w) != a)
				fail_msg("%s means %s and %s", w, a->name, accelerator_find(w)->name);
	}
}

static void test_instances(void **state)
{
	(void)state;
	static const struct {
		const char *cloud, *type;
		int64_t gib;
	} rows[] = {
	    {"aws", "m6i.2xlarge", 32},
	    {"aws", "p4d.24xlarge", 1152},
	    {"aws", "p3.2xlarge", 61},
	    {"aws", "c5.large", 4},
	    {"aws", "t3.medium", 4},
	    {"aws", "g5.12xlarge", 192},
	    {"aws", "p5.48xlarge", 2048},
	    {"aws", "p9.foo", 0},
	    {"aws", "m6i.metal", 0},
	    {"gcp", "n1-standard-8", 30},
	    {"gcp", "n2-standard-8", 32},
	    {"gcp", "a2-highgpu-1g", 85},
	    {"gcp", "e2-medium", 4},
	    {"gcp", "a3-highgpu-8g", 1872},
	    {"azure", "Standard_D8s_v5", 32},
	    {"azure", "Standard_E4ds_v5", 32},
	    {"azure", "Standard_ND96asr_v4", 900},
	    {"nebius", "gpu-h100-sxm_8gpu-128vcpu-1600gb", 1600},
	    {"oci", "VM.Standard.E4.Flex$_8_32", 32},
	    {"lambda", "gpu_1x_a10", 0},
	    {"aws", "", 0},
	    {"gcp", "-", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (instance_memory_mib(rows[i].cloud, rows[i].type) != rows[i].gib * 1024)
			fail_msg("%s %s: %lld MiB", rows[i].cloud, rows[i].type,
			    (long long)instance_memory_mib(rows[i].cloud, rows[i].type));
}

static void test_amounts(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	struct amount m;
	int64_t v = 0;
	bool plus;
	const char *text;
	assert_null(amount_memory(a, "512MB", false, &m));
	assert_string_equal(m.text, "0.5");
	assert_int_equal(m.micro, 500000);
	assert_null(amount_memory(a, " 16 GB ", false, &m));
	assert_string_equal(m.text, "16.0");
	assert_null(amount_memory(a, "0", true, &m));
	assert_non_null(amount_memory(a, "0", false, &m));
	assert_non_null(amount_memory(a, "inf", false, &m));
	assert_non_null(amount_memory(a, "4x+", false, &m));
	assert_non_null(amount_memory(a, "1e300", false, &m));
	assert_non_null(amount_memory(a, "-1", false, &m));
	assert_non_null(amount_cpus(a, "nan", &m));
	assert_non_null(amount_cpus(a, "", &m));
	assert_non_null(amount_cpus(a, "4++", &m));
	assert_null(amount_disk("2048MB", &v, NULL));
	assert_int_equal(v, 2);
	assert_non_null(amount_disk("1.5TB", &v, NULL));
	assert_non_null(amount_disk("500+", &v, NULL));
	assert_non_null(amount_disk("0", &v, NULL));
	assert_non_null(amount_disk("99999999999999", &v, NULL));
	assert_null(amount_disk("500GB+", &v, &plus));
	assert_true(plus);
	assert_null(amount_minutes("1w", &v));
	assert_int_equal(v, 10080);
	assert_non_null(amount_minutes("30s", &v));
	assert_non_null(amount_minutes("1.5h", &v));
	assert_null(amount_seconds("2m", &v));
	assert_int_equal(v, 120);
	assert_null(amount_local_disk(a, "500+", &text));
	assert_string_equal(text, "nvme:500+");
	assert_null(amount_local_disk(a, "NVME", &text));
	assert_string_equal(text, "nvme:100+");
	assert_non_null(amount_local_disk(a, "ssd:", &text));
	assert_non_null(amount_local_disk(a, "tape:5", &text));
	arena_destroy(a);
}

static void test_places(void **state)
{
	(void)state;
	static const char *const good[][2] = {
	    {"aws", "aws"},
	    {"AWS/us-east-1", "aws/us-east-1"},
	    {"*", NULL},
	    {"*/*", NULL},
	    {"aws/*/z", "aws/*/z"},
	    {"k8s/ctx/with/slashes", "kubernetes/ctx/with/slashes"},
	    {"gcp/*/*", "gcp"},
	    {"ssh/pool", "ssh/pool"},
	};
	static const char *const bad[] = {
	    "", "/", "aws/", "aws//z", "/aws", "aws/a/b/c", "aws / x", "k8s/", "foo", " aws", "aws/us east"};
	struct arena *a = arena_create();
	struct place p;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (infra_parse(a, good[i][0], &p))
			fail_msg("%s", good[i][0]);
		assert_true(str_eq(infra_text(a, &p), good[i][1]));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!infra_parse(a, bad[i], &p))
			fail_msg("accepted '%s'", bad[i]);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_unpack_nonsense),
	    cmocka_unit_test(test_command),
	    cmocka_unit_test(test_overrides),
	    cmocka_unit_test(test_filling_is_bounded),
	    cmocka_unit_test(test_text_is_utf8),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_checks),
	    cmocka_unit_test(test_warnings),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_accelerators),
	    cmocka_unit_test(test_instances),
	    cmocka_unit_test(test_amounts),
	    cmocka_unit_test(test_places),
	};
	return cmocka_run_group_tests_name("tests/model/test_task", tests, NULL, NULL);
}
