/* Google Cloud against the stand-in fake_gcp.py: the list of checks for all providers, and what only it can do wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"
#include "tests/providers/stand_in.h"

extern const struct provider provider_gcp;

static char *node_status(struct rig *r, size_t i)
{
	json_t *q = rig_do(r, PROVIDER_QUERY, cloud_cluster());
	char *text = xstrdup(json_str(json_array_get(json_arr(q, "nodes"), i), "status", "(none)"));
	json_decref(q);
	return text;
}

static void is_status(struct rig *r, size_t i, const char *want)
{
	char *got = node_status(r, i);
	assert_string_equal(got, want);
	free(got);
}

/* The check against Google's description does find what is wrong, where it is there. */
static void test_described(void **unused)
{
	(void)unused;
	static const struct {
		const char *path, *body;
	} wrong[] = {{"zones/us-central1-a/instances", "{'name': 'x', 'machineTyp': 'y'}"}, {"zones/us-central1-a/instances", "{'name': 7}"},
	    {"zones/us-central1-a/instances", "{'name': 'x', 'scheduling': {'provisioningModel': 'CHEAP'}}"},
	    {"zones/us-central1-a/instances?sourc=1", "{'name': 'x'}"},
	    {"global/firewalls", "{'name': 'x', 'allowed': [{'IPProtocol': 6}]}"}};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char *path = xasprintf("/compute/v1/projects/proj-1/%s", wrong[i].path);
		if (!cloud_described("POST", path, "fixed", wrong[i].body))
			fail_msg("%s is taken", wrong[i].body);
		free(path);
	}
}

/* ---- making --------------------------------------------------------------------------------------------------------- */

/* What is sent is what was asked for. */
static void test_body(void **s)
{
	struct rig *r = *s;
	json_decref(cloud_make(r, 2, "'use_spot': true, 'instance_type': 'n1-standard-8', 'accelerator': 'T4', 'accelerator_count': 2, 'disk_tier': 'high',"
			       " 'labels': {'team': 'blue'}, 'tags': {'project': 'Über'}, 'ports': ['8080', '9000-9010']"));
	json_t *st = cloud_state();
	const json_t *i = json_array_get(json_arr(st, "instances"), 1), *b = json_obj(i, "x-body"), *disk = json_obj(i, "x-disk"), *labels = json_obj(b, "labels");
	assert_string_equal(json_str(labels, "skytop-cluster", ""), "uid-1");
	assert_string_equal(json_str(labels, "skytop-name", ""), "train");
	assert_string_equal(json_str(labels, "skytop-token", ""), "uid-1-0-1");
	assert_string_equal(json_str(labels, "skytop-rank", ""), "1");
	assert_string_equal(json_str(labels, "skytop-user", ""), "cafe0123");
	assert_string_equal(json_str(labels, "team", ""), "blue");
	assert_string_equal(json_str(disk, "diskSizeGb", ""), "50");
	assert_true(str_ends(json_str(disk, "diskType", ""), "/pd-ssd"));
	assert_non_null(strstr(json_str(disk, "sourceImage", ""), "ubuntu-accelerator-2404-amd64-with-nvidia-580"));
	assert_string_equal(json_str(json_obj(b, "scheduling"), "provisioningModel", ""), "SPOT");
	assert_string_equal(json_str(json_obj(b, "scheduling"), "instanceTerminationAction", ""), "DELETE");
	const json_t *gpu = json_array_get(json_arr(b, "guestAccelerators"), 0);
	assert_true(str_ends(json_str(gpu, "acceleratorType", ""), "/nvidia-tesla-t4"));
	assert_int_equal(json_int(gpu, "acceleratorCount", 0), 2);
	json_t *items = json_arr(json_obj(b, "metadata"), "items"), *m;
	size_t k, keys = 0;
	json_array_foreach(items, k, m)
		keys += str_eq(json_str(m, "key", ""), "ssh-keys") && str_eq(json_str(m, "value", ""), "ubuntu:ssh-ed25519 AAAA skytop");
	assert_int_equal(keys, 1);
	/* The ports of the cluster are open for its machines alone. */
	const char *name;
	json_t *f;
	size_t found = 0;
	json_object_foreach(json_obj(st, "firewalls"), name, f)
		if (str_starts(name, "skytop-") && str_ends(name, "-ports")) {
			found++;
			assert_int_equal(json_array_size(json_arr(json_array_get(json_arr(f, "allowed"), 0), "ports")), 2);
			assert_string_equal(json_string_value(json_array_get(json_arr(f, "targetTags"), 0)),
			    json_string_value(json_array_get(json_arr(json_obj(b, "tags"), "items"), 1)));
		}
	assert_int_equal(found, 1);
	assert_int_equal(json_object_size(json_obj(st, "firewalls")), 3); /* SSH was let through already */
	json_decref(st);
	json_decref(cloud_make(r, 2, "'use_spot': true, 'ports': ['8080']")); /* again, with other ports: nothing new, the rule is changed */
	assert_int_equal(cloud_machines(), 2);
	cloud_end(r);
	st = cloud_state();
	assert_int_equal(json_object_size(json_obj(st, "firewalls")), 2);
	json_decref(st);
}

static void test_no_network(void **s)
{
	struct rig *r = *s;
	cloud_tell("networks", "{'names': []}");
	json_decref(cloud_make(r, 1, ""));
	json_t *st = cloud_state();
	const json_t *rules = json_obj(st, "firewalls"), *ssh = json_obj(rules, "skytop-skytop-vpc-ssh"), *in = json_obj(rules, "skytop-skytop-vpc-internal");
	assert_int_equal(json_object_size(rules), 2);
	assert_string_equal(json_string_value(json_array_get(json_arr(ssh, "targetTags"), 0)), "skytop");
	assert_string_equal(json_string_value(json_array_get(json_arr(in, "sourceTags"), 0)), "skytop");
	json_decref(st);
	cloud_end(r);
	/* A setting that names another. */
	cloud_tell("networks", "{'names': ['default', 'vpc-7']}");
	json_object_clear(r->memory);
	rig_config(r, "{'vpc_name': 'vpc-7'}");
	json_decref(cloud_make(r, 1, ""));
	st = cloud_state();
	assert_true(str_ends(
	    json_str(json_array_get(json_arr(json_array_get(json_arr(st, "instances"), 0), "networkInterfaces"), 0), "network", ""), "/vpc-7"));
	json_decref(st);
	cloud_end(r);
	json_object_clear(r->memory);
	rig_config(r, "{'vpc_name': 'gone'}");
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, ""), ERR_UNSUPPORTED).scope, ERR_SCOPE_CLOUD);
}

static json_t *body_of_first(void)
{
	json_t *st = cloud_state(), *b = json_deep_copy(json_obj(json_array_get(json_arr(st, "instances"), 0), "x-body"));
	json_decref(st);
	return b;
}

/* What the settings and the task say, which counts more; and what cannot be had is refused with words. */
static void test_settings(void **s)
{
	struct rig *r = *s;
	cloud_tell("networks", "{'names': ['default', 'vpc-7']}");
	rig_config(r, "{'vpc_name': 'default', 'use_internal_ips': true}");
	json_decref(cloud_make(r, 1, "'config': {'vpc_name': 'vpc-7', 'subnet_names': ['other', 'vpc-7'], 'enable_gvnic': true, 'enable_gpu_direct': false}"));
	json_t *b = body_of_first();
	const json_t *nic = json_array_get(json_arr(b, "networkInterfaces"), 0);
	assert_true(str_ends(json_str(nic, "network", ""), "/vpc-7") && str_ends(json_str(nic, "subnetwork", ""), "/us-central1/subnetworks/vpc-7"));
	assert_string_equal(json_str(nic, "nicType", ""), "GVNIC");
	assert_null(json_object_get(nic, "accessConfigs"));
	json_decref(b);
	cloud_end(r);
	struct err err = cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'config': {'subnet_names': 'a, b'}"), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "no subnetwork in us-central1 that gcp.subnet_names names"));
	static const char *const no[][2] = {{"'enable_gpu_direct': true", "config.gcp.enable_gpu_direct of the task: GPUDirect"},
	    {"'placement_policy': 'compact'", "placement policies"}, {"'managed_instance_group': {'run_duration': 3600}", "one by one"},
	    {"'colour': 'red'", "there is no such setting"}};
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		char *more = xasprintf("'config': {%s}", no[i][0]);
		err = cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, more), ERR_UNSUPPORTED);
		assert_int_equal(err.scope, ERR_SCOPE_CLOUD);
		assert_non_null(strstr(err.text, no[i][1]));
		free(more);
	}
	assert_int_equal(cloud_machines(), 0);
}

/* A reservation of ours is used while it has room, where it is; of another project by its whole name. */
static void test_reservations(void **s)
{
	struct rig *r = *s;
	static const char rows[] = "{'reservations': {'proj-1': {'us-central1-b': [{'name': 'mine', 'status': 'READY', 'specificReservation':"
				   " {'count': '3', 'inUseCount': '1', 'instanceProperties': {'machineType': 'g2-standard-4'}}}],"
				   " 'us-central1-c': [{'name': 'open', 'specificReservationRequired': false, 'specificReservation':"
				   " {'count': '3', 'instanceProperties': {'machineType': 'g2-standard-4'}}}]},"
				   " 'proj-2': {'us-central1-c': [{'name': 'theirs', 'specificReservation':"
				   " {'count': '9', 'instanceProperties': {'machineType': 'g2-standard-4'}}}]}}}";
	static const struct {
		const char *names, *more, *zone, *value;
		int n;
	} cases[] = {{"['open']", "'zone': ''", "us-central1-c", NULL, 1}, /* which may not be named */
	    {"'gone, mine'", "'zone': ''", "us-central1-b", "mine", 2}, {"['mine']", "'zone': ''", "us-central1-a", NULL, 3}, /* not so many */
	    {"['mine']", "'zone': 'us-central1-c'", "us-central1-c", NULL, 1}, {"['mine']", "'zone': '', 'use_spot': true", "us-central1-a", NULL, 1},
	    {"['mine']", "'zone': '', 'instance_type': 'g2-standard-24'", "us-central1-a", NULL, 1},
	    {"['projects/proj-2/reservations/theirs']", "'zone': ''", "us-central1-c", "projects/proj-2/reservations/theirs", 1}};
	cloud_tell("set", rows);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *config = xasprintf("{'specific_reservations': %s}", cases[i].names);
		rig_config(r, config);
		json_t *m = cloud_make(r, cases[i].n, cases[i].more), *b = body_of_first();
		assert_string_equal(json_str(json_array_get(json_arr(m, "nodes"), 0), "zone", ""), cases[i].zone);
		const char *value = json_string_value(json_array_get(json_arr(json_obj(b, "reservationAffinity"), "values"), 0));
		assert_true(cases[i].value ? str_eq(value, cases[i].value) : !value);
		json_decref(m);
		json_decref(b);
		cloud_end(r);
		free(config);
	}
	rig_config(r, "{'specific_reservations': 'a?b'}");
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, ""), ERR_INVALID);
}

static void test_images(void **s)
{
	struct rig *r = *s;
	static const struct {
		const char *more, *image;
	} cases[] = {{"'instance_type': 'e2-standard-4', 'accelerator': null, 'accelerator_count': 0", "ubuntu-2404-lts-amd64"},
	    {"'instance_type': 't2a-standard-4', 'accelerator': null, 'accelerator_count': 0", "ubuntu-2404-lts-arm64"},
	    {"'instance_type': 'n1-standard-8', 'accelerator': 'V100'", "common-cu129-ubuntu-2204-nvidia-580"},
	    {"'image': 'projects/other/global/images/mine'", "projects/other/global/images/mine"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_decref(cloud_make(r, 1, cases[i].more));
		json_t *st = cloud_state();
		const json_t *disk = json_obj(json_array_get(json_arr(st, "instances"), 0), "x-disk");
		assert_non_null(strstr(json_str(disk, "sourceImage", ""), cases[i].image));
		if (i == 3) /* never smaller than the image */
			assert_string_equal(json_str(disk, "diskSizeGb", ""), "700");
		json_decref(st);
		cloud_end(r);
	}
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'image': 'projects/p/global/images/none'"), ERR_INVALID).scope, ERR_SCOPE_TASK);
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'image': 'ami-123'"), ERR_INVALID).scope, ERR_SCOPE_TASK);
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'image': 'docker:ubuntu'"), ERR_UNSUPPORTED).scope, ERR_SCOPE_CLOUD);
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'ssh_public_key': ''"), ERR_INVALID);
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'labels': {'Team': 'X'}"), ERR_UNSUPPORTED).scope, ERR_SCOPE_CLOUD);
	assert_int_equal(cloud_machines(), 0);
}

static void test_zone_found(void **s)
{
	struct rig *r = *s;
	json_t *m = cloud_make(r, 2, "'instance_type': 'a4-highgpu-8g', 'accelerator': 'B200', 'accelerator_count': 8, 'zone': ''");
	assert_string_equal(json_str(json_array_get(json_arr(m, "nodes"), 1), "zone", ""), "us-central1-b");
	json_decref(m);
	cloud_end(r);
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'instance_type': 'a3-ultragpu-8g', 'zone': ''"), ERR_CAPACITY).scope, ERR_SCOPE_REGION);
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'region': 'us-nowhere9', 'zone': ''"), ERR_INVALID);
}

static void test_stockout(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'stockout': ['us-central1-a']}");
	struct err err = cloud_fails(r, PROVIDER_CREATE, cloud_wish(2, ""), ERR_CAPACITY);
	assert_int_equal(err.scope, ERR_SCOPE_PLACE);
	assert_non_null(strstr(err.text, "us-central1-a"));
	assert_int_equal(cloud_machines(), 0);
	cloud_end(r);
	/* One of three does not get its machine: what the others got is there for terminate. */
	cloud_tell("set", "{'stockout': []}");
	cloud_tell("fault", "{'match': 'POST .*/instances$', 'skip': 1, 'operation_error': [{'code': 'ZONE_RESOURCE_POOL_EXHAUSTED', 'message': 'none left'}]}");
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(3, ""), ERR_CAPACITY);
	assert_int_equal(cloud_machines(), 2);
	cloud_end(r);
	assert_int_equal(cloud_machines(), 0);
	json_decref(cloud_make(r, 1, ""));
	json_decref(rig_do(r, PROVIDER_STOP, cloud_cluster()));
	for (int i = 0; i < 200; i++) {
		char *st = node_status(r, 0);
		bool down = str_eq(st, "STOPPED");
		free(st);
		if (down)
			break;
	}
	cloud_tell("set", "{'stockout': ['us-central1-a']}");
	assert_int_equal(cloud_fails(r, PROVIDER_START, cloud_cluster(), ERR_CAPACITY).scope, ERR_SCOPE_PLACE);
	is_status(r, 0, "STOPPED");
	cloud_end(r);
}

static void test_quota_exceeded(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'regional': {'NVIDIA_L4_GPUS': 1.0}}");
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(2, ""), ERR_QUOTA).scope, ERR_SCOPE_REGION);
	cloud_end(r);
	cloud_tell("set", "{'regional': {}, 'limits': {'GPUS_ALL_REGIONS': 1.0}}");
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(2, ""), ERR_QUOTA).scope, ERR_SCOPE_CLOUD);
	cloud_end(r);
	assert_int_equal(cloud_machines(), 0);
}

static void test_throttled(void **s)
{
	struct rig *r = *s;
	cloud_tell("fault", "{'match': 'POST .*/instances$', 'skip': 1, 'status': 403, 'body': {'error': {'code': 403, 'message': 'slow down',"
		      " 'errors': [{'reason': 'rateLimitExceeded'}]}}}");
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(3, ""), ERR_THROTTLED);
	json_decref(cloud_make(r, 3, "")); /* as core does */
	assert_int_equal(cloud_machines(), 3);
	/* A delete that is not allowed is told, not passed over. */
	cloud_tell("fault", "{'match': 'DELETE', 'status': 403, 'body': {'error': {'code': 403, 'message': 'no', 'errors': [{'reason': 'forbidden'}]}}}");
	cloud_fails(r, PROVIDER_TERMINATE, cloud_cluster(), ERR_CREDENTIALS);
	cloud_end(r);
	assert_int_equal(cloud_machines(), 0);
}

/* Everything that is asked fails in turn, in each way that there is. */
static void test_torture(void **s)
{
	cloud_torture(*s, "'ports': ['80']", 2);
}

/* ---- looking -------------------------------------------------------------------------------------------------------- */

/* A machine that was taken back is gone, and it is told why; one that its user stopped is there. */
static void test_reclaimed(void **s)
{
	struct rig *r = *s;
	json_t *m = cloud_make(r, 2, "'use_spot': true"), *ids = rig_json("{'cluster': 'uid-1', 'ids': []}");
	for (size_t i = 0; i < 2; i++)
		json_array_append(json_arr(ids, "ids"), json_object_get(json_array_get(json_arr(m, "nodes"), i), "id"));
	char *ask = xasprintf("{'name': '%s'}", gcp_last_part(json_string_value(json_array_get(json_arr(ids, "ids"), 1))));
	json_decref(rig_do(r, PROVIDER_STOP, rig_json("{'cluster': 'uid-1', 'ids': ['%s']}", json_string_value(json_array_get(json_arr(ids, "ids"), 0)))));
	cloud_tell("reclaim", ask);
	for (int i = 0; i < 200; i++) {
		char *st = node_status(r, 0);
		bool stopping = str_eq(st, "STOPPING");
		free(st);
		if (!stopping)
			break;
	}
	is_status(r, 0, "STOPPED");
	assert_int_equal(cloud_machines(), 1);
	json_t *q = rig_do(r, PROVIDER_QUERY, json_incref(ids));
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 2);
	assert_string_equal(json_str(json_array_get(json_arr(q, "nodes"), 1), "status", ""), "PREEMPTED");
	assert_true(json_equal(json_object_get(json_array_get(json_arr(q, "nodes"), 1), "id"), json_array_get(json_arr(ids, "ids"), 1)));
	json_decref(q);
	free(ask);
	json_decref(m);
	cloud_end(r);
	/* One that is ended by hand is gone, and not taken back. */
	m = cloud_make(r, 1, "'use_spot': true");
	json_t *id = rig_json("{'cluster': 'uid-1', 'ids': ['%s']}", json_str(json_array_get(json_arr(m, "nodes"), 0), "id", ""));
	json_decref(m);
	cloud_end(r);
	q = rig_do(r, PROVIDER_QUERY, id);
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 0);
	json_decref(q);
	json_decref(ids);
}

static void test_pages(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'page': 2}");
	json_decref(cloud_make(r, 5, ""));
	json_t *q = rig_do(r, PROVIDER_QUERY, json_object());
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(json_int(json_array_get(json_arr(q, "nodes"), (size_t)i), "rank", -1), i);
	json_decref(q);
	cloud_end(r);
	assert_int_equal(cloud_machines(), 0);
}

/* What cannot be seen is not gone. */
static void test_dark_zone(void **s)
{
	struct rig *r = *s;
	json_t *m = cloud_make(r, 1, "");
	char *id = xstrdup(json_str(json_array_get(json_arr(m, "nodes"), 0), "id", ""));
	json_decref(m);
	cloud_tell("set", "{'unreachable': ['us-central1-a']}");
	json_t *q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'uid-1', 'ids': ['%s']}", id));
	assert_string_equal(json_str(json_array_get(json_arr(q, "nodes"), 0), "status", ""), "UNKNOWN");
	json_decref(q);
	cloud_fails(r, PROVIDER_QUERY, cloud_cluster(), ERR_NETWORK);
	json_t *t = rig_do(r, PROVIDER_TERMINATE, cloud_cluster());
	assert_int_equal(json_int(t, "pending", 0), 1);
	json_decref(t);
	cloud_tell("set", "{'unreachable': []}");
	cloud_end(r);
	assert_int_equal(cloud_machines(), 0);
	free(id);
}

/* Labels may be taken off by anyone; an id that is known is ended all the same. Another project's machines are theirs. */
static void test_by_id(void **s)
{
	struct rig *r = *s;
	json_t *m = cloud_make(r, 1, "");
	json_t *ids = rig_json("{'ids': ['%s']}", json_str(json_array_get(json_arr(m, "nodes"), 0), "id", ""));
	json_decref(m);
	for (int i = 0; i < 50 && cloud_machines(); i++)
		json_decref(rig_do(r, PROVIDER_TERMINATE, json_incref(ids)));
	assert_int_equal(cloud_machines(), 0);
	json_decref(ids);
}

static void test_local_ssd(void **s)
{
	struct rig *r = *s;
	json_decref(cloud_make(r, 1, "'instance_type': 'a3-highgpu-8g', 'accelerator': 'H100', 'accelerator_count': 8"));
	json_decref(rig_do(r, PROVIDER_STOP, cloud_cluster()));
	json_t *st = cloud_state(), *v;
	size_t i, kept = 0, dropped = 0;
	json_array_foreach(json_arr(st, "requests"), i, v) {
		kept += str_ends(json_string_value(v), "stop?discardLocalSsd=false");
		dropped += str_ends(json_string_value(v), "stop?discardLocalSsd=true");
	}
	assert_int_equal(kept, 1);
	assert_int_equal(dropped, 1);
	json_decref(st);
	cloud_end(r);
}

/* ---- who we are ----------------------------------------------------------------------------------------------------- */

static void credentials(const char *json)
{
	char *text = xstrdup(json);
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	free(cloud_put("adc.json", text, 0600));
	free(text);
}

static const char a_user[] = "{'type': 'authorized_user', 'client_id': 'c', 'client_secret': 's', 'refresh_token': 'good', 'quota_project_id': 'proj-1'}";

static void test_credentials(void **s)
{
	struct rig *r = *s;
	credentials("{'type': 'gdch_service_account', 'audience': 'x'}");
	cloud_refused(r, "gdch_service_account");
	cloud_fails(r, PROVIDER_QUERY, cloud_cluster(), ERR_CREDENTIALS);
	credentials("hello");
	cloud_refused(r, "gcloud auth application-default login");
	credentials("{'type': 'authorized_user', 'client_id': 'c', 'client_secret': 's', 'refresh_token': 'old'}");
	cloud_refused(r, "expired or revoked");
	credentials("{'type': 'service_account', 'client_email': 'me@p', 'private_key': 'none', 'project_id': 'proj-1'}");
	cloud_refused(r, "no RSA key");
	char *path = path_join(cloud_folder, "adc.json");
	unlink(path);
	cloud_refused(r, "is not there");
	free(path);
	const char *was = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	char *kept = xstrdup(was);
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	size_t before = cloud_asked("");
	cloud_refused(r, "application_default_credentials.json");
	assert_int_equal(cloud_asked(""), before); /* who has none asks nobody */
	setenv("GOOGLE_APPLICATION_CREDENTIALS", kept, 1);
	free(kept);
	/* No project is said anywhere, then by gcloud's settings. */
	credentials("{'type': 'authorized_user', 'client_id': 'c', 'client_secret': 's', 'refresh_token': 'good'}");
	cloud_refused(r, "gcloud config set project");
	char *configurations = path_join(cloud_folder, "configurations"), *file = path_join(configurations, "config_work");
	char *active = path_join(cloud_folder, "active_config");
	static const char ini[] = "[compute]\nproject = wrong\n[core]\naccount = me\nproject = proj-1\n";
	assert_int_equal(fs_mkdirs(configurations, NULL) | fs_write(active, "work\n", 5, 0600, NULL) | fs_write(file, ini, sizeof ini - 1, 0600, NULL), 0);
	cloud_enabled(r, "project proj-1");
	unlink(active);
	unlink(file);
	free(active);
	free(file);
	free(configurations);
	credentials(a_user);
}

#define POOL "'audience': '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/x', " \
	     "'token_url': 'https://sts.googleapis.com/v1/token', 'subject_token_type': 'urn:ietf:params:oauth:token-type:jwt', 'project_id': 'proj-1', "
#define ROBOT \
	"'service_account_impersonation_url': 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/%s@p.iam.gserviceaccount.com:generateAccessToken'"

/* One whom another than Google vouches for: by a file, or at an address; as themselves, or as a service account. */
static void test_external(void **s)
{
	struct rig *r = *s;
	char *file = cloud_put("subject", "subject\n", 0600), *text = xasprintf("{'type': 'external_account', " POOL "'credential_source': {'file': '%s'}}", file);
	credentials(text);
	cloud_enabled(r, "an external account of pool/providers/x, project proj-1");
	assert_int_equal(cloud_asked("POST /v1/token"), 1);
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("POST /v1/token"), 1); /* it is kept */
	free(cloud_put("subject", "other", 0600));
	json_object_clear(r->memory);
	cloud_refused(r, "rejected by the attribute condition. (HTTP 400); does the provider of the pool take this token?");
	unlink(file);
	cloud_refused(r, "subject, where the external account's token is, is not there");
	free(text);
	free(file);
	/* At an address, in a member of JSON; as a service account. */
	cloud_tell("set", "{'only_robots': true}");
	text = xasprintf("{'type': 'external_account', " POOL "'credential_source': {'url': 'http://127.0.0.1:%d/subject', 'headers': {'X-Ask': 'nicely'}, "
		"'format': {'type': 'json', 'subject_token_field_name': 'id'}}, " ROBOT "}", stand_in.port, "robot");
	credentials(text);
	cloud_enabled(r, "robot@p.iam.gserviceaccount.com (by an external account of pool/providers/x)");
	free(text);
	text = xasprintf("{'type': 'external_account', " POOL "'credential_source': {'url': 'http://127.0.0.1:%d/subject'}}", stand_in.port);
	credentials(text);
	json_object_clear(r->memory);
	cloud_refused(r, "/subject, where the external account's token is, says no: HTTP 403");
	cloud_tell("fault", "{'match': 'GET /subject', 'times': 9, 'status': 503}");
	cloud_fails(r, PROVIDER_QUERY, json_object(), ERR_NETWORK);
	cloud_tell("set", "{'faults': []}");
	free(text);
	credentials("{'type': 'external_account', " POOL "'credential_source': {'environment_id': 'aws1'}}");
	cloud_refused(r, "whose token comes from AWS cannot be used");
	char *program = cloud_put("vouch", "#!/bin/sh\n[ \"$1 $2\" = '-x $HOME' ] && case $GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE in //iam*) "
				   "echo '{\"version\": 1, \"success\": true, \"id_token\": \"subject\"}' ;; esac\n", 0700);
	text = xasprintf("{'type': 'external_account', " POOL "'credential_source': {'executable': {'command': '%s -x  $HOME'}}}", program);
	credentials(text); /* the word stays as it is: no shell sees it */
	cloud_refused(r, "set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1 if it may be run");
	setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1", 1);
	cloud_enabled(r, "an external account of pool/providers/x");
	free(cloud_put("vouch", "#!/bin/sh\necho '{\"version\": 1, \"success\": false, \"code\": \"401\", \"message\": \"log in first\"}'\n", 0700));
	json_object_clear(r->memory);
	cloud_refused(r, "which says the external account's token, says none: log in first");
	unsetenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES");
	free(text);
	free(program);
	credentials(a_user);
}

/* A user, and a service account's key, that act as a service account. */
static void test_impersonated(void **s)
{
	struct rig *r = *s;
	static const char form[] = "{'type': 'impersonated_service_account', 'delegates': [], " ROBOT ", 'source_credentials': {'type': 'authorized_user', "
				   "'client_id': 'c', 'client_secret': 's', 'refresh_token': 'good'}, 'project_id': 'proj-1'}";
	char *text = xasprintf(form, "robot");
	cloud_tell("set", "{'only_robots': true}");
	credentials(text);
	cloud_enabled(r, "robot@p.iam.gserviceaccount.com (by the user of");
	assert_int_equal(cloud_asked("generateAccessToken"), 1);
	r->now_ms = json_int(json_obj(r->memory, "token"), "until", 0) + 1; /* an hour, but for five minutes */
	assert_true(r->now_ms - wall_now_ms() > 50 * 60 * 1000 && r->now_ms - wall_now_ms() < 56 * 60 * 1000);
	free(text);
	r->now_ms = 0;
	text = xasprintf(form, "boss");
	credentials(text);
	cloud_refused(r, "on resource (or it may not exist). (HTTP 403); may it act as that service account?");
	free(text);
	credentials("{'type': 'impersonated_service_account', 'service_account_impersonation_url': 'ftp://x', 'source_credentials': {'type': 'authorized_user', "
		    "'client_id': 'c', 'client_secret': 's', 'refresh_token': 'good'}, 'project_id': 'proj-1'}");
	cloud_refused(r, "ftp://x, which is no place on https");
	credentials(a_user);
}

/* A machine of Google's, and who is logged in to gcloud alone. */
static void test_elsewhere(void **s)
{
	struct rig *r = *s;
	char *kept = xstrdup(getenv("GOOGLE_APPLICATION_CREDENTIALS")), *host = xasprintf("127.0.0.1:%d", stand_in.port), *old_path = xstrdup(getenv("PATH"));
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	setenv("GCE_METADATA_HOST", host, 1);
	cloud_enabled(r, "this machine's service account, project proj-1");
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("/default/token"), 1);
	assert_int_equal(cloud_asked("/project/project-id"), 1);
	r->now_ms = json_int(json_obj(r->memory, "token"), "until", 0) + 1; /* five minutes early */
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("/default/token"), 2);
	json_object_clear(r->memory);
	cloud_tell("fault", "{'match': 'project-id', 'times': 9, 'status': 503}");
	cloud_fails(r, PROVIDER_QUERY, json_object(), ERR_NETWORK);
	cloud_tell("set", "{'faults': [], 'account': false}");
	json_object_clear(r->memory);
	cloud_refused(r, "has this machine a service account?");
	unsetenv("GCE_METADATA_HOST");
	/* gcloud */
	char *path = xasprintf("%s:%s", cloud_folder, old_path), *db = cloud_put("credentials.db", "SQLite format 3", 0600);
	setenv("PATH", path, 1);
	rig_config(r, "{'project': 'proj-1'}");
	char *gcloud = cloud_put("gcloud", "#!/bin/sh\necho 'ERROR: Reauthentication failed.' >&2\nexit 1\n", 0700);
	cloud_refused(r, "gives no token: ERROR: Reauthentication failed.");
	free(cloud_put("gcloud", "#!/bin/sh\n[ \"$*\" = 'auth print-access-token --quiet' ] && echo fixed\n", 0700));
	cloud_enabled(r, "the user of `gcloud auth login`, project proj-1");
	unlink(gcloud);
	unlink(db);
	json_object_clear(r->memory);
	cloud_refused(r, "gcloud is not logged in");
	setenv("PATH", old_path, 1);
	setenv("GOOGLE_APPLICATION_CREDENTIALS", kept, 1);
	free(kept);
	free(host);
	free(old_path);
	free(path);
	free(db);
	free(gcloud);
}

/* A token is asked for once, and again when Google does not take it any more; the call goes on. */
static void test_tokens(void **s)
{
	struct rig *r = *s;
	for (int i = 0; i < 3; i++)
		json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	cloud_tell("revoke", "{}");
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("POST /token"), 2);
	r->now_ms = json_int(json_obj(r->memory, "token"), "until", 0) + 1; /* five minutes early */
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("POST /token"), 3);
}

static void test_check(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'denied': ['compute.instances.create'], 'limits': {'GPUS_ALL_REGIONS': 0.0}}");
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object()), *v;
	assert_false(json_bool(c, "enabled", true));
	assert_non_null(strstr(json_str(c, "reason", ""), "compute.instances.create"));
	size_t i, no = 0;
	json_array_foreach(json_arr(c, "permissions"), i, v)
		no += json_is_false(json_object_get(v, "ok"));
	assert_int_equal(no, 1);
	assert_int_equal(json_array_size(json_arr(c, "hints")), 2);
	json_decref(c);
	cloud_tell("fault", "{'match': 'GET /compute/v1/projects/proj-1$', 'status': 403, 'body': {'error': {'code': 403,"
			    " 'message': 'Compute Engine API has not been used', 'errors': [{'reason': 'accessNotConfigured'}]}}}");
	cloud_refused(r, "gcloud services enable compute.googleapis.com");
}

/* ---- what is sold, what may be had ---------------------------------------------------------------------------------- */

static const json_t *offer(const json_t *offers, const char *type, const char *zone, const char *accelerator, int64_t n)
{
	size_t i;
	json_t *o;
	json_array_foreach(offers, i, o)
		if (str_eq(json_str(o, "instance_type", ""), type) && str_eq(json_str(o, "zone", ""), zone) &&
		    str_eq(json_str(o, "accelerator", NULL), accelerator) && json_int(o, "accelerator_count", 0) == n)
			return o;
	return NULL;
}

static void test_catalog(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'page': 7}");
	json_t *all = rig_do(r, PROVIDER_OFFERS, rig_json("{'catalog': true}")), *offers = json_arr(all, "offers");
	static const struct {
		const char *type, *zone, *accelerator;
		int n;
		int64_t price, spot; /* by hand from the stand-in's list */
	} want[] = {
	    {"e2-standard-4", "us-central1-a", NULL, 0, 4 * 21811590 + 16 * 2923530, 4 * (21811590 / 4) + 16 * (2923530 / 4)},
	    {"g2-standard-4", "europe-west4-a", "L4", 1, 4 * 24988000 + 16 * 2927000 + 560040000, 4 * 6247000 + 16 * 731750 + 140010000},
	    {"a2-highgpu-8g", "us-central1-c", "A100", 8, 96 * 31611000LL + 680 * 4237000LL + 8 * 2933908000LL,
		96 * 7902750LL + 680 * 1059250LL + 8 * 733477000LL},
	    {"n1-standard-8", "us-central1-a", "T4", 4, 8 * 31611000LL + 30 * 4237000LL + 4 * 350000000LL, 8 * 7902750LL + 30 * 1059250LL + 4 * 87500000LL},
	    {"a4-highgpu-8g", "us-central1-b", "B200", 8, -1, 8 * 8000000000LL},
	    {"a3-highgpu-1g", "us-central1-a", "H100", 1, -1, 26 * 7342750LL + 234 * 637500LL + 2449138000LL + 2 * 375 * (40000000LL / 730)},
	};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const json_t *o = offer(offers, want[i].type, want[i].zone, want[i].accelerator, want[i].n);
		if (!o)
			fail_msg("%s is not offered in %s", want[i].type, want[i].zone);
		if (want[i].price < 0)
			assert_true(json_is_null(json_object_get(o, "price_uusd_h")));
		else
			assert_int_equal(json_int(o, "price_uusd_h", -1), (want[i].price + 500) / 1000);
		assert_int_equal(json_int(o, "spot_uusd_h", -1), (want[i].spot + 500) / 1000);
	}
	assert_null(offer(offers, "a4-highgpu-8g", "us-central1-a", "B200", 8)); /* sold there, but not had there */
	assert_null(offer(offers, "n1-standard-8", "europe-west4-a", "T4", 1));
	assert_null(offer(offers, "n1-highmem-96", "us-central1-a", "T4", 1)); /* too large for one */
	assert_null(offer(offers, "e2-micro", "us-central1-a", NULL, 0));
	json_decref(all);
	all = rig_do(r, PROVIDER_OFFERS, json_object()); /* what is free is not told */
	assert_null(json_object_get(all, "offers"));
	json_decref(all);
}

static void test_quotas(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'regional': {'NVIDIA_L4_GPUS': 5.0, 'PREEMPTIBLE_NVIDIA_L4_GPUS': 0.0, 'NVIDIA_A100_GPUS': 0.0, 'PREEMPTIBLE_NVIDIA_A100_GPUS': 16.0,"
		    " 'CPUS': 10.0}}");
	json_decref(cloud_make(r, 1, ""));
	json_t *q = rig_do(r, PROVIDER_QUOTA, rig_json("{'candidates': ["
		"{'instance_type': 'g2-standard-4', 'region': 'us-central1', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'g2-standard-24', 'region': 'us-central1', 'use_spot': true, 'nodes': 1},"
		"{'instance_type': 'a2-highgpu-8g', 'region': 'us-central1', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'a2-highgpu-8g', 'region': 'us-central1', 'use_spot': true, 'nodes': 1},"
		"{'instance_type': 'a3-highgpu-8g', 'region': 'us-central1', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'e2-standard-4', 'region': 'us-central1', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'e2-standard-4', 'region': 'us-nowhere1', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'TPU-VM', 'region': 'us-central1', 'use_spot': true, 'nodes': 1},"
		"{'instance_type': 'ct6e-standard-8t', 'region': 'us-central1', 'use_spot': false, 'nodes': 1}]}"));
	static const int rooms[] = {4, 2, 0, 2, -1, 2, -1, 0, 0};
	for (size_t i = 7; i < 9; i++)
		assert_string_equal(json_str(json_array_get(json_arr(q, "verdicts"), i), "why", ""), GCP_NO_TPU);
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
		assert_int_equal(json_int(json_array_get(json_arr(q, "verdicts"), i), "room", -1), rooms[i]);
	assert_string_equal(json_str(json_array_get(json_arr(q, "verdicts"), 0), "name", ""), "NVIDIA_L4_GPUS");
	json_decref(q);
	cloud_end(r);
}

static void environment(void)
{
	char *cred = path_join(cloud_folder, "adc.json");
	credentials(a_user);
	unsetenv("GCE_METADATA_HOST");
	setenv("GOOGLE_APPLICATION_CREDENTIALS", cred, 1);
	setenv("CLOUDSDK_CONFIG", cloud_folder, 1);
	free(cred);
}

int main(void)
{
	static const struct cloud google = {.program = "fake_gcp.py", .description = "specs/gcp/compute-strict.json", .endpoint = "SKYTOP_GCP_ENDPOINT",
	    .machines = "instances", .environment = environment,
	    .wish = "'instance_type': 'g2-standard-4', 'region': 'us-central1', 'zone': 'us-central1-a', 'accelerator': 'L4', 'accelerator_count': 1, "
		    "'disk_size_gib': 50, 'price_uusd_h': 700000",
	    .subject = {.provider = &provider_gcp, .elsewhere = true,
		.create = "'instance_type': 'g2-standard-4', 'region': 'us-central1', 'zone': 'us-central1-a', 'accelerator': 'L4', 'accelerator_count': 1, "
			  "'disk_size_gib': 50, 'ssh_public_key': 'ssh-ed25519 AAAA skytop'"}};
	static const struct CMUnitTest own[] = {CLOUD_CASE(test_described), CLOUD_CASE(test_body), CLOUD_CASE(test_no_network),
	    CLOUD_CASE(test_settings), CLOUD_CASE(test_reservations), CLOUD_CASE(test_images), CLOUD_CASE(test_zone_found),
	    CLOUD_CASE(test_stockout), CLOUD_CASE(test_quota_exceeded), CLOUD_CASE(test_throttled), CLOUD_CASE(test_torture),
	    CLOUD_CASE(test_reclaimed), CLOUD_CASE(test_pages), CLOUD_CASE(test_dark_zone), CLOUD_CASE(test_by_id), CLOUD_CASE(test_local_ssd),
	    CLOUD_CASE(test_credentials), CLOUD_CASE(test_external), CLOUD_CASE(test_impersonated), CLOUD_CASE(test_elsewhere),
	    CLOUD_CASE(test_tokens), CLOUD_CASE(test_check), CLOUD_CASE(test_catalog), CLOUD_CASE(test_quotas)};
	return cloud_main(&google, own, ARRAY_LEN(own));
}
