/* The provider local: the conformance list, and its GPUs, told by an nvidia-smi made here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "providers/common/child.h"
#include "providers/local/nvidia.h"
#include "tests/providers/conformance.h"
#include "tests/providers/rig.h"

extern const struct provider provider_local;

/* --- what nvidia-smi says
 * -------------------------------------------------------------------------------------------*/

static void test_models(void **state)
{
	(void)state;
	static const struct {
		const char *line, *name;
		int64_t mem_mib;
	} cases[] = {
	    {"0, NVIDIA A100-SXM4-80GB, 81920", "A100-80GB", 81920},
	    {"1, NVIDIA A100-SXM4-40GB, 40960", "A100", 40960},
	    {"2, NVIDIA A100-PCIE-40GB, 40960", "A100", 40960},
	    {"3, NVIDIA A100 80GB PCIe, 81920", "A100-80GB", 81920},
	    {"0, Tesla V100-SXM2-16GB, 16384", "V100", 16384},
	    {"0, Tesla V100-SXM2-32GB, 32768", "V100-32GB", 32768},
	    {"0, Tesla T4, 15360", "T4", 15360},
	    {"0, NVIDIA A10G, 23028", "A10G", 23028},
	    {"0, NVIDIA L4, 23034", "L4", 23034},
	    {"0, NVIDIA L40S, 46068", "L40S", 46068},
	    {"0, NVIDIA H100 80GB HBM3, 81559", "H100", 81559},
	    {"0, NVIDIA H100 PCIe, 81559", "H100", 81559},
	    {"0, NVIDIA H100 NVL, 95830", "H100-NVL", 95830},
	    {"0, NVIDIA H200, 143771", "H200", 143771},
	    {"0, NVIDIA B200, 183359", "B200", 183359},
	    {"0, NVIDIA GH200 480GB, 97871", "GH200", 97871},
	    {"0, NVIDIA GeForce RTX 4090, 24564", "RTX4090", 24564},
	    {"0, NVIDIA GeForce RTX 3080 Ti, 12288", "RTX3080Ti", 12288},
	    {"0, NVIDIA RTX A6000, 49140", "RTXA6000", 49140},
	    {"0, NVIDIA RTX 6000 Ada Generation, 49140", "RTX6000-Ada", 49140},
	    {"0, NVIDIA GB10, [N/A]", "GB10", -1},
	    {"7, NVIDIA Z9000 Ultra, 1000000", "Z9000-Ultra", 1000000},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nvidia_gpu gpus[NVIDIA_GPUS_MAX];
		struct err err = {0};
		assert_int_equal(nvidia_parse(cases[i].line, gpus, &err), 1);
		if (!str_eq(gpus[0].name, cases[i].name))
			fail_msg("%s is called %s, not %s", cases[i].line, gpus[0].name, cases[i].name);
		assert_int_equal(gpus[0].mem_mib, cases[i].mem_mib);
	}
}

static void test_lists(void **state)
{
	(void)state;
	struct nvidia_gpu gpus[NVIDIA_GPUS_MAX];
	struct err err = {0};
	assert_int_equal(nvidia_parse("", gpus, &err), 0);
	assert_int_equal(nvidia_parse("\n \n", gpus, &err), 0);
	assert_int_equal(nvidia_parse("No devices were found\n", gpus, &err), 0);
	assert_int_equal(nvidia_parse("0, Tesla T4, 15360\r\n3, NVIDIA L4, 23034\r\n", gpus, &err), 2);
	assert_int_equal(gpus[1].index, 3);
	assert_string_equal(gpus[0].name, "T4");
	static const char *const nonsense[] = {"hello", "0, Tesla T4", ", , ", "x, Tesla T4, 15360", "-1, T4, 15360",
	    "0,,15360", "Failed to initialize NVML: Driver/library version mismatch", "0, \xff\xfe, 100",
	    "Unable to determine the device handle for GPU0000:01:00.0: Unknown Error"};
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		assert_int_equal(nvidia_parse(nonsense[i], gpus, &err), -1);
		assert_int_equal(err.code, ERR_PROTOCOL);
	}
	struct str many = str_new(1 << 20);
	for (int i = 0; i <= NVIDIA_GPUS_MAX; i++)
		str_addf(&many, "%d, Tesla T4, 15360\n", i);
	assert_int_equal(nvidia_parse(str_text(&many), gpus, &err), -1);
	str_free(&many);
}

/* --- a machine with GPUs
 * --------------------------------------------------------------------------------------------*/

struct machine {
	struct rig rig;
	char *bin, *path;
};

static int set_up(void **state)
{
	struct machine *m = xcalloc(1, sizeof *m);
	rig_open(&m->rig, &provider_local);
	m->bin = path_join(m->rig.top, "bin");
	assert_int_equal(mkdir(m->bin, 0700), 0);
	m->path = xstrdup(getenv("PATH"));
	char *path = xasprintf("%s:%s", m->bin, m->path);
	setenv("PATH", path, 1);
	free(path);
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	struct machine *m = *state;
	setenv("PATH", m->path, 1);
	rig_close(&m->rig);
	free(m->bin);
	free(m->path);
	free(m);
	return 0;
}

static void install_smi(struct machine *m, const char *body)
{
	char *file = path_join(m->bin, "nvidia-smi"), *text = xasprintf("#!/bin/sh\n%s\n", body);
	assert_int_equal(fs_write(file, text, strlen(text), 0700, NULL), 0);
	free(file);
	free(text);
}

static void install_gpus(struct machine *m, int n, const char *model)
{
	struct str s = str_new(65536);
	str_add(&s, "[ \"$1\" = --query-gpu=index,name,memory.total ] || exit 1\ncat <<E\n");
	for (int i = 0; i < n; i++)
		str_addf(&s, "%d, %s\n", i, model);
	str_add(&s, "E");
	install_smi(m, str_text(&s));
	str_free(&s);
}

static json_t *args_of(const char *cluster, int nodes, const char *type)
{
	json_t *args = rig_json("{'cluster': '%s', 'instance_type': '%s', 'region': 'local'}", cluster, type),
	       *list = json_array();
	for (int i = 0; i < nodes; i++)
		json_array_append_new(list, rig_json("{'token': '%s-%d', 'rank': %d}", cluster, i, i));
	json_object_set_new(args, "nodes", list);
	return args;
}

/* The instance types offered, with * behind those that are not to be had now. */
static void assert_offers(struct machine *m, const char *want)
{
	json_t *r = rig_do(&m->rig, PROVIDER_OFFERS, json_object());
	struct str s = str_new(4096);
	size_t i;
	json_t *o;
	json_array_foreach(json_arr(r, "offers"), i, o) str_addf(&s, "%s%s%s", i ? " " : "",
	    json_str(o, "instance_type", "?"), str_eq(json_str(o, "available", ""), "yes") ? "" : "*");
	assert_string_equal(str_text(&s), want);
	str_free(&s);
	json_decref(r);
}

static const char *indices(const json_t *reply, size_t i)
{
	const json_t *node = json_array_get(json_arr(reply, "nodes"), i);
	return json_str(json_obj(json_obj(node, "reach"), "env"), "SKYTOP_GPU_INDICES", "?");
}

static void test_offers(void **state)
{
	struct machine *m = *state;
	install_gpus(m, 0, "");
	assert_offers(m, "local");
	install_gpus(m, 1, "Tesla T4, 15360");
	assert_offers(m, "local local-1xT4");
	install_gpus(m, 6, "NVIDIA H100 80GB HBM3, 81559");
	assert_offers(m, "local local-1xH100 local-2xH100 local-4xH100 local-6xH100");
	install_gpus(m, 8, "NVIDIA A100-SXM4-80GB, 81920");
	assert_offers(m, "local local-1xA100-80GB local-2xA100-80GB local-4xA100-80GB local-8xA100-80GB");
	install_smi(m, "echo '0, Tesla T4, 15360'; echo '1, NVIDIA L4, 23034'; echo '2, Tesla T4, 15360'");
	assert_offers(m, "local local-1xT4 local-2xT4 local-1xL4");
	json_t *r = rig_do(&m->rig, PROVIDER_OFFERS, json_object());
	const json_t *o = json_array_get(json_arr(r, "offers"), 3);
	assert_string_equal(json_str(o, "accelerator", ""), "L4");
	assert_int_equal(json_int(o, "gpu_mem_mib", 0), 23034);
	assert_int_equal(json_int(o, "price_uusd_h", -1), 0);
	json_decref(r);
	rig_config(&m->rig, "{'price_per_hour': 0.35}");
	r = rig_do(&m->rig, PROVIDER_OFFERS, json_object());
	assert_int_equal(json_int(json_array_get(json_arr(r, "offers"), 0), "price_uusd_h", -1), 350000);
	json_decref(r);
}

/* A driver that is ill takes the GPUs, not the machine, and check says why. */
static void test_ill_driver(void **state)
{
	struct machine *m = *state;
	static const char *const ill[] = {"echo 'NVIDIA-SMI has failed'; exit 9", "echo 'Failed to initialize NVML'",
	    "kill -9 $$", "yes 0, Tesla T4, 15360"};
	for (size_t i = 0; i < ARRAY_LEN(ill); i++) {
		install_smi(m, ill[i]);
		assert_offers(m, "local");
		json_t *r = rig_do(&m->rig, PROVIDER_CHECK, json_object());
		assert_true(json_bool(r, "enabled", false));
		assert_non_null(strstr(json_str(r, "reason", ""), "nvidia-smi"));
		json_decref(r);
		rig_fails(&m->rig, PROVIDER_CREATE, args_of("c1", 1, "local-1xT4"), ERR_CAPACITY, NULL);
	}
}

static void test_leases(void **state)
{
	struct machine *m = *state;
	install_gpus(m, 4, "Tesla T4, 15360");
	json_t *r = rig_do(&m->rig, PROVIDER_CREATE, args_of("c1", 1, "local-2xT4"));
	assert_string_equal(indices(r, 0), "0,1");
	json_decref(r);
	assert_offers(m, "local local-1xT4 local-2xT4 local-4xT4*");
	rig_fails(&m->rig, PROVIDER_CREATE, args_of("c2", 3, "local-1xT4"), ERR_CAPACITY, NULL);
	rig_fails(&m->rig, PROVIDER_CREATE, args_of("c2", 1, "local-4xT4"), ERR_CAPACITY, NULL);
	r = rig_do(&m->rig, PROVIDER_CREATE, args_of("c2", 2, "local-1xT4"));
	assert_string_equal(indices(r, 0), "2");
	assert_string_equal(indices(r, 1), "3");
	json_decref(r);
	assert_offers(m, "local local-1xT4* local-2xT4* local-4xT4*");
	/* The same call again needs no more of them. */
	json_decref(rig_do(&m->rig, PROVIDER_CREATE, args_of("c2", 2, "local-1xT4")));
	/* A node without GPUs sees none, and needs none. */
	r = rig_do(&m->rig, PROVIDER_CREATE, args_of("c3", 1, "local"));
	assert_string_equal(indices(r, 0), "");
	json_decref(r);
	/* Stopped nodes hold none, and may not get them back. */
	json_decref(rig_do(&m->rig, PROVIDER_STOP, rig_json("{'cluster': 'c1'}")));
	r = rig_do(&m->rig, PROVIDER_CREATE, args_of("c4", 1, "local-1xT4"));
	assert_string_equal(indices(r, 0), "0");
	json_decref(r);
	rig_fails(&m->rig, PROVIDER_START, rig_json("{'cluster': 'c1'}"), ERR_CAPACITY, NULL);
	json_decref(rig_do(&m->rig, PROVIDER_TERMINATE, rig_json("{'cluster': 'c2'}")));
	r = rig_do(&m->rig, PROVIDER_START, rig_json("{'cluster': 'c1'}"));
	assert_string_equal(indices(r, 0), "1,2");
	json_decref(r);
	rig_fails(&m->rig, PROVIDER_CREATE, args_of("c5", 1, "local-3xT4"), ERR_INVALID, NULL);
	rig_fails(&m->rig, PROVIDER_CREATE, args_of("c5", 1, "local-1xL4"), ERR_INVALID, NULL);
}

static void test_quota(void **state)
{
	struct machine *m = *state;
	rig_config(&m->rig, "{'max_nodes': 3}");
	json_decref(rig_do(&m->rig, PROVIDER_CREATE, args_of("c1", 2, "local")));
	rig_fails(&m->rig, PROVIDER_CREATE, args_of("c2", 2, "local"), ERR_QUOTA, NULL);
	json_decref(rig_do(&m->rig, PROVIDER_CREATE, args_of("c2", 1, "local")));
	json_decref(rig_do(&m->rig, PROVIDER_CREATE, args_of("c1", 2, "local")));
	install_gpus(m, 0, "");
	assert_offers(m, "local*");
	rig_config(&m->rig, "{'max_nodes': 'many'}");
	char *text = NULL;
	rig_fails(&m->rig, PROVIDER_OFFERS, json_object(), ERR_INVALID, &text);
	assert_non_null(strstr(text, "local.max_nodes"));
	free(text);
	json_decref(rig_do(&m->rig, PROVIDER_TERMINATE, rig_json("{'cluster': 'c2'}")));
	rig_config(&m->rig, "{'enabled': false}");
	json_t *r = rig_do(&m->rig, PROVIDER_CHECK, json_object());
	assert_false(json_bool(r, "enabled", true));
	json_decref(r);
	json_decref(rig_do(&m->rig, PROVIDER_TERMINATE, rig_json("{'cluster': 'c1'}")));
	assert_int_equal(rig_count_nodes(&m->rig), 0);
}

static void test_no_spot(void **state)
{
	struct machine *m = *state;
	json_t *args = args_of("c1", 1, "local");
	json_put_bool(args, "use_spot", true);
	rig_fails(&m->rig, PROVIDER_CREATE, args, ERR_UNSUPPORTED, NULL);
}

/* A record that somebody damaged: the node is still seen, its processes are still ended, and nothing else suffers. */
static void test_damaged_record(void **state)
{
	struct machine *m = *state;
	static const char *const damage[] = {
	    "", "{", "[]", "{\"id\": \"other\"}", "\xff\xff", "{\"id\":1,\"cluster\":[]}"};
	for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
		json_t *r = rig_do(&m->rig, PROVIDER_CREATE, args_of("c1", 1, "local"));
		const json_t *node = json_array_get(json_arr(r, "nodes"), 0);
		pid_t pid = rig_run_on(node, "touch ready; exec sleep 120");
		char *file = xasprintf("%s/nodes/%s/node.json", m->rig.state_dir, json_str(node, "id", "?"));
		assert_int_equal(fs_write(file, damage[i], strlen(damage[i]), 0600, NULL), 0);
		json_t *seen = rig_do(&m->rig, PROVIDER_QUERY, json_object());
		node = json_array_get(json_arr(seen, "nodes"), 0);
		assert_non_null(strstr(json_str(node, "reason", ""), "node.json"));
		json_decref(rig_do(&m->rig, PROVIDER_CREATE, args_of("c2", 1, "local")));
		json_decref(rig_do(&m->rig, PROVIDER_TERMINATE,
		    i % 2 ? rig_json("{'cluster': 'c1'}") : rig_json("{'ids': ['%s']}", json_str(node, "id", "?"))));
		assert_false(rig_alive(pid));
		json_decref(rig_do(&m->rig, PROVIDER_TERMINATE, rig_json("{'cluster': 'c2'}")));
		json_decref(seen);
		json_decref(r);
		free(file);
	}
}

/* This machine was booted since the node was started: it is up again, in another boot, so that its agent knows what was
 * lost. */
static void test_reboot(void **state)
{
	struct machine *m = *state;
	json_t *made = rig_do(&m->rig, PROVIDER_CREATE, args_of("c1", 1, "local"));
	const json_t *node = json_array_get(json_arr(made, "nodes"), 0);
	char *file = xasprintf("%s/nodes/%s/node.json", m->rig.state_dir, json_str(node, "id", "?"));
	json_t *rec = json_load_file(file, 0, NULL);
	if (!json_str(rec, "kernel_boot", "")[0])
		skip();
	json_put_str(rec, "kernel_boot", "another-boot");
	assert_int_equal(json_dump_file(rec, file, 0), 0);
	json_t *first = rig_do(&m->rig, PROVIDER_QUERY, json_object()),
	       *again = rig_do(&m->rig, PROVIDER_QUERY, json_object());
	const json_t *now = json_array_get(json_arr(first, "nodes"), 0);
	const char *boot = json_str(json_obj(json_obj(now, "reach"), "env"), "SKYTOP_BOOT_ID", "");
	assert_string_equal(json_str(now, "status", ""), "RUNNING");
	assert_true(boot[0]);
	assert_string_not_equal(boot, json_str(json_obj(json_obj(node, "reach"), "env"), "SKYTOP_BOOT_ID", ""));
	assert_true(json_equal(first, again)); /* one boot, not one at each look */
	json_decref(first);
	json_decref(again);
	json_decref(rec);
	json_decref(made);
	free(file);
}

static bool has_open(pid_t pid, const char *path)
{
	for (int fd = 3; fd < 20; fd++) {
		char link[64], target[4096];
		snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)pid, fd);
		ssize_t n = readlink(link, target, sizeof target - 1);
		target[n > 0 ? n : 0] = '\0';
		if (str_eq(target, path))
			return true;
	}
	return false;
}

/* A create whose engine is killed while it waits makes nothing later on. The lock is held here, so that it has to wait.
 */
static void test_dies_with_parent(void **state)
{
	struct machine *m = *state;
	assert_int_equal(rig_count_nodes(&m->rig), 0);
	char *path = path_join(m->rig.state_dir, "lock");
	int lock = open(path, O_RDWR | O_CLOEXEC), pipe_fds[2];
	assert_int_equal(flock(lock, LOCK_EX) | pipe(pipe_fds), 0);
	pid_t engine = fork();
	if (engine == 0) {
		struct rig_child c = rig_spawn(&m->rig, PROVIDER_CREATE, args_of("c1", 1, "local"));
		if (write(pipe_fds[1], &c.pid, sizeof c.pid) == sizeof c.pid)
			pause();
		_exit(1);
	}
	pid_t child = 0;
	assert_int_equal(read(pipe_fds[0], &child, sizeof child), sizeof child);
	for (int i = 0; i < 2500 && !has_open(child, path); i++)
		usleep(4000);
	assert_true(has_open(child, path));
	kill(engine, SIGKILL);
	waitpid(engine, NULL, 0);
	for (int i = 0; i < 2500 && has_open(child, path); i++)
		usleep(4000);
	close(lock);
	assert_int_equal(rig_count_nodes(&m->rig), 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	free(path);
}

/* --- children
 * -------------------------------------------------------------------------------------------------------*/

static char *output(const char *script, int64_t deadline_ms, size_t max, struct err *err)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	return child_output(argv, deadline_ms, max, err);
}

static void test_child_output(void **state)
{
	(void)state;
	struct err err = {0};
	char *s = output("cat; echo out; echo err >&2", 60000, 100, &err);
	assert_string_equal(s, "out\n");
	free(s);
	assert_null(output("exit 3", 60000, 100, &err));
	assert_int_equal(err.code, ERR_FAILED);
	assert_null(output("kill -9 $$", 60000, 100, &err));
	assert_int_equal(err.code, ERR_FAILED);
	assert_null(output("yes", 60000, 100, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_null(output("sleep 120 & wait", 50, 100, &err));
	assert_int_equal(err.code, ERR_TIMEOUT);
	const char *const none[] = {"no-such-program-here", NULL};
	assert_null(child_output(none, 1000, 100, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
	const struct conformance_subject subject = {
	    .provider = &provider_local, .create = "'instance_type': 'local', 'region': 'local'"};
	const struct CMUnitTest own[] = {
	    cmocka_unit_test(test_models),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_child_output),
	    cmocka_unit_test_setup_teardown(test_offers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_ill_driver, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_leases, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_quota, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_no_spot, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_damaged_record, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_reboot, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_dies_with_parent, set_up, tear_down),
	};
	struct CMUnitTest tests[CONFORMANCE_MAX + ARRAY_LEN(own)];
	memcpy(tests, own, sizeof own);
	size_t n = ARRAY_LEN(own) + conformance_list(&subject, tests + ARRAY_LEN(own));
	return _cmocka_run_group_tests("local", tests, n, NULL, NULL);
}
