/* Azure against the stand-in fake_azure.py: the list of checks for all providers, and what only it can do wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "tests/providers/conformance.h"
#include "tests/providers/rig.h"
#include "tests/providers/rig_http.h"

extern const struct provider provider_azure;

static struct stand_in azure;
static char *folder; /* of credentials */

static void tell(const char *what, const char *json)
{
	char *path = xasprintf("/fake/%s", what);
	json_decref(stand_in_tell(&azure, path, rig_json("%s", json)));
	free(path);
}

static json_t *state(void)
{
	return stand_in_tell(&azure, "/fake/state", NULL);
}

static size_t machines(void)
{
	json_t *s = state();
	size_t n = json_array_size(json_arr(s, "vms"));
	json_decref(s);
	return n;
}

static int set_up(void **state_)
{
	struct rig *r = xcalloc(1, sizeof *r);
	tell("reset", "{}");
	rig_open(r, &provider_azure);
	*state_ = r;
	return 0;
}

/* Nothing that was asked is other than Azure describes it. */
static int tear_down(void **state_)
{
	struct rig *r = *state_;
	json_t *s = state(), *v;
	size_t i, n = json_array_size(json_arr(s, "violations"));
	json_array_foreach(json_arr(s, "violations"), i, v)
		print_message("# %s\n", json_string_value(v));
	json_decref(s);
	rig_close(r);
	free(r);
	return n ? -1 : 0;
}

static json_t *wish(int n, const char *more)
{
	json_t *a = rig_json("{'cluster': 'uid-1', 'name': 'train', 'nodes': [], 'instance_type': 'Standard_NC24ads_A100_v4', 'region': 'eastus', 'zone': '',"
			     " 'accelerator': 'A100-80GB', 'accelerator_count': 1, 'disk_size_gib': 50, 'ssh_public_key': 'ssh-ed25519 AAAA skytop'}"),
	       *m = rig_json("{%s}", more);
	for (int i = 0; i < n; i++)
		json_array_append_new(json_arr(a, "nodes"), rig_json("{'token': 'uid-1-0-%d', 'rank': %d}", i, i));
	json_object_update(a, m);
	json_decref(m);
	return a;
}

static json_t *cluster(void)
{
	return rig_json("{'cluster': 'uid-1'}");
}

static json_t *make(struct rig *r, int n, const char *more)
{
	return rig_do(r, PROVIDER_CREATE, wish(n, more));
}

static void end(struct rig *r)
{
	for (int i = 0; i < 100; i++) {
		json_t *t = rig_do(r, PROVIDER_TERMINATE, cluster());
		int64_t pending = json_int(t, "pending", 0);
		json_decref(t);
		if (!pending)
			return;
	}
	fail_msg("machines are still there after many a terminate");
}

static struct err fails(struct rig *r, enum provider_verb verb, json_t *args, enum err_code code)
{
	struct err err = {0};
	json_t *j = rig_call(r, verb, args, &err);
	if (j)
		fail_msg("%s succeeds where it must fail", provider_verb_name(verb));
	if (err.code != code)
		fail_msg("%s: fails as %s, not as %s", err.text, err_info(err.code)->name, err_info(code)->name);
	return err;
}

static size_t asked(const char *text)
{
	json_t *st = state(), *v;
	size_t i, n = 0;
	json_array_foreach(json_arr(st, "requests"), i, v)
		n += strstr(json_string_value(v), text) != NULL;
	json_decref(st);
	return n;
}

/* The check against Azure's description does find what is wrong, where it is there. */
static void test_described(void **unused)
{
	(void)unused;
	tell("reset", "{}");
	json_t *st = state();
	bool checked = json_bool(st, "checked", false);
	json_decref(st);
	if (!checked) {
		print_message("# not tried: Azure's description of its API is not here\n");
		return;
	}
	static const struct {
		const char *query, *body;
	} wrong[] = {{"", "{'location': 'eastus', 'propertys': {}}"}, {"", "{'location': 7}"}, {"", "{'properties': {}}"},
	    {"", "{'location': 'eastus', 'properties': {'storageProfile': {'osDisk': {'createOption': 'FromImage', 'diskSizeGB': '9'}}}}"},
	    {"", "{'location': 'eastus', 'properties': {'networkProfile': {'networkInterfaceConfiguration': []}}}"}, {"&sourc=1", "{'location': 'eastus'}"}};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct arena *a = arena_create();
		json_t *j = rig_json("%s", wrong[i].body);
		char *text = json_text(j);
		const char *const headers[] = {"Content-Type: application/json", "Authorization: Bearer cli-token", NULL};
		static const char vm[] = "/subscriptions/sub-1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v?api-version=2021-11-01";
		struct provider_http h = {.method = "PUT", .headers = headers, .body = text, .body_len = strlen(text),
		    .url = arena_printf(a, "http://127.0.0.1:%d%s%s", azure.port, vm, wrong[i].query)};
		struct provider_reply reply;
		rig_http(&(struct provider_request){.kind = PROVIDER_HTTP, .http = &h, .n_http = 1}, &reply, a);
		if (reply.http[0].status != 400 || !strstr(reply.http[0].body, "not as described"))
			fail_msg("%s is taken", text);
		free(text);
		json_decref(j);
		arena_destroy(a);
	}
	tell("reset", "{}");
}

/* ---- making --------------------------------------------------------------------------------------------------------- */

/* What is sent is what was asked for. */
static void test_body(void **s)
{
	struct rig *r = *s;
	json_decref(make(r, 2, "'use_spot': true, 'disk_tier': 'high', 'labels': {'team': 'blue'}, 'tags': {'project': 'Über'}, 'ports': ['8080', '9000-9010'],"
			       " 'spot_cap_uusd_h': 1500000"));
	json_t *st = state();
	const json_t *vm = json_array_get(json_arr(st, "vms"), 1), *b = json_obj(vm, "x-body"), *p = json_obj(b, "properties"), *tags = json_obj(b, "tags");
	static const char *const want[][2] = {{"skytop-cluster", "uid-1"}, {"skytop-name", "train"}, {"skytop-token", "uid-1-0-1"}, {"skytop-rank", "1"},
	    {"skytop-user", "cafe0123"}, {"team", "blue"}};
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(json_str(tags, want[i][0], ""), want[i][1]);
	assert_string_equal(json_str(p, "priority", ""), "Spot");
	assert_string_equal(json_str(p, "evictionPolicy", ""), "Delete");
	assert_true(json_number_value(json_object_get(json_obj(p, "billingProfile"), "maxPrice")) == 1.5);
	const json_t *store = json_obj(p, "storageProfile"), *disk = json_obj(store, "osDisk");
	assert_string_equal(json_str(json_obj(store, "imageReference"), "offer", ""), "ubuntu-hpc");
	assert_int_equal(json_int(disk, "diskSizeGB", 0), 64); /* never smaller than the image */
	assert_string_equal(json_str(json_obj(disk, "managedDisk"), "storageAccountType", ""), "Premium_LRS");
	const json_t *rules = json_arr(json_obj(json_array_get(json_arr(st, "nsgs"), 0), "properties"), "securityRules");
	assert_int_equal(json_array_size(rules), 3);
	assert_string_equal(json_str(json_obj(json_array_get(rules, 2), "properties"), "destinationPortRange", ""), "9000-9010");
	assert_int_equal(json_int(st, "addresses", 0), 2);
	json_decref(st);
	json_t *q = rig_do(r, PROVIDER_QUERY, cluster());
	const json_t *n = json_array_get(json_arr(q, "nodes"), 1);
	assert_string_equal(json_str(json_obj(n, "reach"), "user", ""), "ubuntu");
	assert_true(str_starts(json_str(json_obj(n, "reach"), "host", ""), "203.0.113."));
	assert_string_equal(json_str(json_obj(n, "tags"), "project", ""), "Über");
	json_decref(q);
	end(r);
	st = state();
	assert_int_equal(json_object_size(json_obj(st, "groups")), 0);
	json_decref(st);
}

static void test_images(void **s)
{
	struct rig *r = *s;
	static const struct {
		const char *more, *key, *value;
	} cases[] = {{"'instance_type': 'Standard_D4s_v5'", "sku", "server"}, {"'instance_type': 'Standard_D4ps_v5'", "sku", "server-arm64"},
	    {"'image': 'Canonical:x:y:latest'", "offer", "x"},
	    {"'image': '/CommunityGalleries/a/Images/b'", "communityGalleryImageId", "/CommunityGalleries/a/Images/b"}};
	json_t *st;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_decref(make(r, 1, cases[i].more));
		st = state();
		const json_t *p = json_obj(json_obj(json_array_get(json_arr(st, "vms"), 0), "x-body"), "properties");
		assert_string_equal(json_str(json_obj(json_obj(p, "storageProfile"), "imageReference"), cases[i].key, ""), cases[i].value);
		json_decref(st);
		end(r);
	}
	assert_int_equal(fails(r, PROVIDER_CREATE, wish(1, "'image': 'ami-123'"), ERR_INVALID).scope, ERR_SCOPE_TASK);
	assert_int_equal(fails(r, PROVIDER_CREATE, wish(1, "'image': 'docker:ubuntu'"), ERR_UNSUPPORTED).scope, ERR_SCOPE_CLOUD);
	assert_int_equal(fails(r, PROVIDER_CREATE, wish(1, "'instance_type': 'Standard_NV36ads_A10_v5'"), ERR_UNSUPPORTED).scope, ERR_SCOPE_PLACE);
	fails(r, PROVIDER_CREATE, wish(1, "'instance_type': 'Standard_NCC40ads_H100_v5', 'image': 'a:b:c:d'"), ERR_UNSUPPORTED);
	fails(r, PROVIDER_CREATE, wish(1, "'ssh_public_key': ''"), ERR_INVALID);
	assert_int_equal(fails(r, PROVIDER_CREATE, wish(1, "'labels': {'a/b': 'X'}"), ERR_UNSUPPORTED).scope, ERR_SCOPE_CLOUD);
	assert_int_equal(machines(), 0);
}

static void test_stockout(void **s)
{
	struct rig *r = *s;
	tell("set", "{'stockout': ['eastus']}");
	struct err err = fails(r, PROVIDER_CREATE, wish(2, ""), ERR_CAPACITY);
	assert_int_equal(err.scope, ERR_SCOPE_REGION);
	assert_non_null(strstr(err.text, "eastus"));
	assert_int_equal(machines(), 2); /* failed machines are there */
	json_t *q = rig_do(r, PROVIDER_QUERY, cluster());
	assert_string_equal(json_str(json_array_get(json_arr(q, "nodes"), 0), "status", ""), "TERMINATED");
	json_decref(q);
	tell("set", "{'stockout': []}");
	json_decref(make(r, 2, "")); /* and are made good */
	end(r);
	assert_int_equal(machines(), 0);
	tell("set", "{'sold_out': ['eastus/Standard_NC24ads_A100_v4']}");
	assert_int_equal(fails(r, PROVIDER_CREATE, wish(1, ""), ERR_CAPACITY).scope, ERR_SCOPE_REGION);
	tell("set", "{'sold_out': []}");
	/* One of three does not get its machine: what the others got is there for terminate. */
	tell("fault", "{'match': 'PUT .*/virtualMachines/', 'skip': 1, 'operation_error': {'code': 'OverconstrainedAllocationRequest', 'message': 'none left'}}");
	fails(r, PROVIDER_CREATE, wish(3, ""), ERR_CAPACITY);
	end(r);
	/* A group that is still being deleted is waited for. */
	json_decref(make(r, 1, ""));
	tell("set", "{'op_s': 0.2}");
	json_decref(rig_do(r, PROVIDER_TERMINATE, cluster()));
	tell("set", "{'op_s': 0.02}");
	json_decref(make(r, 1, ""));
	assert_int_equal(machines(), 1);
	end(r);
}

static void test_quota_exceeded(void **s)
{
	struct rig *r = *s;
	tell("set", "{'limits': {'StandardNCADSA100v4Family': 24, 'cores': 500}}");
	assert_int_equal(fails(r, PROVIDER_CREATE, wish(2, ""), ERR_QUOTA).scope, ERR_SCOPE_REGION);
	end(r);
	assert_int_equal(machines(), 0);
	json_decref(make(r, 1, ""));
	json_t *q = rig_do(r, PROVIDER_QUOTA, rig_json("{'candidates': ["
		"{'instance_type': 'Standard_NC24ads_A100_v4', 'region': 'eastus', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'Standard_NC24ads_A100_v4', 'region': 'westus2', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'Standard_NC24ads_A100_v4', 'region': 'eastus', 'use_spot': true, 'nodes': 1},"
		"{'instance_type': 'Standard_D4s_v5', 'region': 'eastus', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'Standard_D4s_v5', 'region': 'nowhere', 'use_spot': false, 'nodes': 1}]}"));
	static const int rooms[] = {0, 1, 4, 25, -1};
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
		assert_int_equal(json_int(json_array_get(json_arr(q, "verdicts"), i), "room", -1), rooms[i]);
	json_decref(q);
	end(r);
}

/* Everything that is asked fails in turn, as an error, as a connection lost before, and as an answer lost after it was done. */
static void test_torture(void **s)
{
	struct rig *r = *s;
	static const char *const ways[] = {"'drop': 'after'", "'drop': 'before'", "'status': 500"};
	bool whole = getenv("SKYTOP_TORTURE") != NULL;
	tell("set", "{'op_s': 0.01}");
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		bool hit = true;
		for (int at = 0; hit && at < 90; at += whole ? 1 : 4) {
			struct err err = {0};
			json_object_clear(r->memory);
			tell("set", "{'faults': []}");
			char *fault = xasprintf("{'match': '.', 'skip': %d, 'times': 6, %s}", at, ways[w]);
			tell("fault", fault);
			json_t *made = rig_call(r, PROVIDER_CREATE, wish(2, ""), &err);
			hit = !made;
			json_decref(made);
			tell("set", "{'faults': []}");
			if (at % 8) { /* every other time it is given up */
				json_decref(make(r, 2, ""));
				assert_int_equal(machines(), 2);
			}
			tell("fault", fault);
			free(fault);
			json_decref(rig_call(r, PROVIDER_TERMINATE, cluster(), &err));
			tell("set", "{'faults': []}");
			end(r);
			assert_int_equal(machines(), 0);
		}
		assert_false(hit);
	}
}

/* ---- looking -------------------------------------------------------------------------------------------------------- */

/* A machine that was taken back is gone, and it is told why; one that was ended by hand is gone. One that is shut down from inside still costs. */
static void test_reclaimed(void **s)
{
	struct rig *r = *s;
	json_t *m = make(r, 2, "'use_spot': true"), *ids = rig_json("{'cluster': 'uid-1', 'ids': []}");
	for (size_t i = 0; i < 2; i++)
		json_array_append(json_arr(ids, "ids"), json_object_get(json_array_get(json_arr(m, "nodes"), i), "id"));
	char *ask = xasprintf("{'name': '%s'}", strrchr(json_string_value(json_array_get(json_arr(ids, "ids"), 1)), '/') + 1);
	tell("reclaim", ask);
	free(ask);
	json_t *q = rig_do(r, PROVIDER_QUERY, json_incref(ids));
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 2);
	assert_string_equal(json_str(json_array_get(json_arr(q, "nodes"), 1), "status", ""), "PREEMPTED");
	json_decref(q);
	ask = xasprintf("{'name': '%s', 'power': 'stopped'}", strrchr(json_string_value(json_array_get(json_arr(ids, "ids"), 0)), '/') + 1);
	tell("power", ask);
	free(ask);
	q = rig_do(r, PROVIDER_QUERY, cluster());
	assert_string_equal(json_str(json_array_get(json_arr(q, "nodes"), 0), "status", ""), "STOPPING");
	assert_non_null(strstr(json_str(json_array_get(json_arr(q, "nodes"), 0), "reason", ""), "costs as before"));
	json_decref(q);
	json_decref(rig_do(r, PROVIDER_STOP, cluster()));
	assert_int_equal(asked("/deallocate"), 1);
	json_decref(m);
	end(r);
	q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'uid-1', 'ids': ['sub-1/skytop-g/x']}"));
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 0);
	json_decref(q);
	json_decref(ids);
}

static void test_pages(void **s)
{
	struct rig *r = *s;
	tell("set", "{'page': 2, 'limits': {'StandardNCADSA100v4Family': 500, 'cores': 500}}");
	json_decref(make(r, 5, ""));
	json_t *q = rig_do(r, PROVIDER_QUERY, json_object());
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(json_int(json_array_get(json_arr(q, "nodes"), (size_t)i), "rank", -1), i);
		assert_false(json_is_null(json_object_get(json_array_get(json_arr(q, "nodes"), (size_t)i), "reach")));
	}
	json_decref(q);
	/* One of them by its id alone; the rest by theirs, which is the end of the group. */
	q = rig_do(r, PROVIDER_QUERY, json_object());
	json_t *ids = rig_json("{'ids': []}");
	for (size_t i = 0; i < 5; i++) {
		json_array_append(json_arr(ids, "ids"), json_object_get(json_array_get(json_arr(q, "nodes"), i), "id"));
		if (i && i < 4)
			continue;
		for (int k = 0; k < 50 && machines() > 4 - i; k++)
			json_decref(rig_do(r, PROVIDER_TERMINATE, json_incref(ids)));
		assert_int_equal(machines(), 4 - i);
	}
	json_decref(ids);
	json_decref(q);
	json_t *st = state();
	assert_int_equal(json_object_size(json_obj(st, "groups")), 0);
	json_decref(st);
	/* A next page elsewhere is not asked for: our token would go there. */
	tell("fault", "{'match': 'GET /subscriptions/sub-1/resourcegroups$', 'status': 200, 'body': {'value': [], 'nextLink': 'https://example.com/x'}}");
	fails(r, PROVIDER_QUERY, cluster(), ERR_PROTOCOL);
}

/* ---- who we are ----------------------------------------------------------------------------------------------------- */

static void refused(struct rig *r, const char *why)
{
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object());
	assert_false(json_bool(c, "enabled", true));
	if (!strstr(json_str(c, "reason", ""), why))
		fail_msg("%s: not because of %s", json_str(c, "reason", ""), why);
	json_decref(c);
}

static void put(const char *name, const char *text, int mode)
{
	char *path = path_join(folder, name);
	assert_int_equal(fs_write(path, text, strlen(text), mode, NULL), 0);
	free(path);
}

static void principal(void)
{
	setenv("AZURE_TENANT_ID", "t-1", 1);
	setenv("AZURE_CLIENT_ID", "c-1", 1);
	setenv("AZURE_CLIENT_SECRET", "good", 1);
}

static void test_credentials(void **s)
{
	struct rig *r = *s;
	setenv("AZURE_CLIENT_SECRET", "bad", 1);
	refused(r, "AADSTS7000215");
	fails(r, PROVIDER_QUERY, cluster(), ERR_CREDENTIALS);
	unsetenv("AZURE_CLIENT_SECRET");
	setenv("AZURE_CLIENT_CERTIFICATE_PATH", "/x.pem", 1);
	refused(r, "certificates");
	unsetenv("AZURE_CLIENT_CERTIFICATE_PATH");
	char *token = path_join(folder, "token");
	setenv("AZURE_FEDERATED_TOKEN_FILE", token, 1);
	refused(r, "AZURE_FEDERATED_TOKEN_FILE");
	put("token", "assertion\n", 0600);
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object());
	assert_true(json_bool(c, "enabled", false));
	json_decref(c);
	unsetenv("AZURE_FEDERATED_TOKEN_FILE");
	unsetenv("AZURE_TENANT_ID");
	unsetenv("AZURE_CLIENT_ID");
	free(token);
	size_t before = asked("");
	refused(r, "az login");
	fails(r, PROVIDER_OFFERS, json_object(), ERR_CREDENTIALS);
	assert_int_equal(asked(""), before); /* who has none asks nobody */
	char *path = path_join(folder, "auth.json");
	setenv("AZURE_AUTH_LOCATION", path, 1);
	refused(r, "AZURE_AUTH_LOCATION");
	put("auth.json", "{\"tenantId\": \"t\", \"clientId\": \"c\", \"clientSecret\": \"good\", \"subscriptionId\": \"sub-1\"}", 0600);
	c = rig_do(r, PROVIDER_CHECK, json_object());
	assert_non_null(strstr(json_str(c, "identity", ""), "service principal c, subscription sub-1"));
	json_decref(c);
	unsetenv("AZURE_AUTH_LOCATION");
	free(path);
	/* The login of the CLI. */
	put("azureProfile.json",
	    "\xef\xbb\xbf{\"subscriptions\": [{\"id\": \"sub-9\"}, {\"id\": \"sub-1\", \"isDefault\": true, \"user\": {\"name\": \"me@x\"}}]}", 0600);
	put("az", "#!/bin/sh\necho 'ERROR: Please run az login to setup account.' >&2\nexit 1\n", 0700);
	refused(r, "Please run az login");
	put("az", "#!/bin/sh\n[ \"$*\" = 'account get-access-token --resource https://management.azure.com/ --subscription sub-1 -o json' ] &&\n"
		  "echo '{\"accessToken\": \"cli-token\", \"expiresOn\": \"2030-01-01 10:00:00.000000\", \"expires_on\": 1893456000}'\n", 0700);
	c = rig_do(r, PROVIDER_CHECK, json_object());
	assert_non_null(strstr(json_str(c, "identity", ""), "me@x, subscription sub-1"));
	assert_true(json_bool(c, "enabled", false));
	json_decref(c);
	path = path_join(folder, "azureProfile.json");
	unlink(path);
	free(path);
	principal();
	/* Of several subscriptions one has to be said. */
	tell("set", "{'subscriptions': [{'subscriptionId': 'sub-1', 'state': 'Enabled'}, {'subscriptionId': 'sub-2', 'state': 'Enabled'}]}");
	refused(r, "AZURE_SUBSCRIPTION_ID");
	rig_config(r, "{'subscription': 'sub-1'}");
	c = rig_do(r, PROVIDER_CHECK, json_object());
	assert_true(json_bool(c, "enabled", false));
	json_decref(c);
}

/* A token is asked for once, and again when Azure does not take it any more; the call goes on. */
static void test_tokens(void **s)
{
	struct rig *r = *s;
	for (int i = 0; i < 3; i++)
		json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(asked("/token"), 1);
	tell("revoke", "{}");
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(asked("/token"), 2);
	r->now_ms = json_int(json_obj(r->memory, "token"), "until", 0) + 1; /* five minutes early */
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(asked("/token"), 3);
}

static void test_check(void **s)
{
	struct rig *r = *s;
	tell("set", "{'not_actions': ['Microsoft.Compute/virtualMachines/write'], 'registered': 'NotRegistered'}");
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object()), *v;
	assert_false(json_bool(c, "enabled", true));
	assert_string_equal(json_str(c, "reason", ""), "permissions are missing: Microsoft.Compute/virtualMachines/write");
	size_t i, no = 0;
	json_array_foreach(json_arr(c, "permissions"), i, v)
		no += json_is_false(json_object_get(v, "ok"));
	assert_int_equal(no, 1);
	assert_int_equal(json_array_size(json_arr(c, "hints")), 3);
	assert_true(json_array_size(json_arr(c, "quotas")) > 5);
	json_decref(c);
	tell("set", "{'not_actions': [], 'subscriptions': [{'subscriptionId': 'sub-1', 'state': 'Warned'}, {'subscriptionId': 'sub-2', 'state': 'Enabled'}]}");
	rig_config(r, "{'subscription': 'sub-1'}");
	refused(r, "is Warned, not enabled");
}

/* ---- what is sold --------------------------------------------------------------------------------------------------- */

static const json_t *offer(const json_t *offers, const char *type, const char *region)
{
	size_t i;
	json_t *o;
	json_array_foreach(offers, i, o)
		if (str_eq(json_str(o, "instance_type", ""), type) && str_eq(json_str(o, "region", ""), region))
			return o;
	return NULL;
}

static void test_catalog(void **s)
{
	struct rig *r = *s;
	tell("set", "{'page': 7, 'sold_out': ['westus2/Standard_NC24ads_A100_v4']}");
	json_t *all = rig_do(r, PROVIDER_OFFERS, rig_json("{'catalog': true}")), *offers = json_arr(all, "offers");
	const json_t *o = offer(offers, "Standard_NC24ads_A100_v4", "eastus");
	assert_non_null(o);
	assert_int_equal(json_int(o, "price_uusd_h", 0), 3673000);
	assert_int_equal(json_int(o, "spot_uusd_h", 0), 918250);
	assert_string_equal(json_str(o, "accelerator", ""), "A100-80GB");
	assert_int_equal(json_int(o, "gpu_mem_mib", 0), 80 * 1024);
	assert_null(offer(offers, "Standard_NC24ads_A100_v4", "westus2")); /* not for this subscription */
	assert_non_null(offer(offers, "Standard_D4s_v5", "westus2"));
	assert_null(offer(offers, "Standard_NX9_v9", "eastus")); /* nobody knows what GPU it has */
	json_decref(all);
	/* Without credentials: those that are known by table. */
	unsetenv("AZURE_CLIENT_ID");
	json_object_clear(r->memory);
	all = rig_do(r, PROVIDER_OFFERS, rig_json("{'catalog': true}"));
	assert_non_null(offer(json_arr(all, "offers"), "Standard_NC24ads_A100_v4", "westus2"));
	assert_null(offer(json_arr(all, "offers"), "Standard_D4s_v5", "westus2"));
	json_decref(all);
	principal();
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct conformance_subject subject = {.provider = &provider_azure, .elsewhere = true,
	    .create = "'instance_type': 'Standard_NC4as_T4_v3', 'region': 'eastus', 'zone': '', 'accelerator': 'T4', 'accelerator_count': 1, "
		      "'disk_size_gib': 50, 'ssh_public_key': 'ssh-ed25519 AAAA skytop'"};
	const char *shared = getenv("SKYTOP_SHARED"), *top = getenv("top_srcdir");
	static const char doc[] = "specs/azure/compute-vm-trimmed.json";
	char *spec = shared ? xasprintf("%s/%s", shared, doc) : xasprintf("%s/../shared/%s", top ? top : ".", doc);
	const char *const argv[] = {"fake_azure.py", "--spec", spec, NULL};
	if (!stand_in_start(&azure, argv)) {
		printf("1..0 # SKIP there is no python3 here\n");
		return 0;
	}
	static const char *const others[] = {"AZURE_SUBSCRIPTION_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTH_LOCATION", "AZURE_CLIENT_CERTIFICATE_PATH"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		unsetenv(others[i]);
	char *base = xasprintf("http://127.0.0.1:%d", azure.port), template[] = "/tmp/skytop-azure.XXXXXX";
	folder = mkdtemp(template);
	if (!folder)
		return 99;
	char *path = xasprintf("%s:%s", folder, getenv("PATH") ? getenv("PATH") : "/bin");
	setenv("SKYTOP_AZURE_ENDPOINT", base, 1);
	setenv("AZURE_CONFIG_DIR", folder, 1);
	setenv("PATH", path, 1);
	principal();
	tell("reset", "{}");
	static const struct CMUnitTest own[] = {cmocka_unit_test(test_described), CASE(test_body), CASE(test_images),
	    CASE(test_stockout), CASE(test_quota_exceeded), CASE(test_torture), CASE(test_reclaimed), CASE(test_pages),
	    CASE(test_credentials), CASE(test_tokens), CASE(test_check), CASE(test_catalog)};
	struct CMUnitTest tests[CONFORMANCE_MAX + ARRAY_LEN(own)];
	size_t n = conformance_list(&subject, tests);
	memcpy(tests + n, own, sizeof own);
	n += ARRAY_LEN(own);
	json_t *st = state();
	if (!json_bool(st, "checked", false))
		printf("# Azure's description of its API is not here: requests are not checked against it\n");
	json_decref(st);
	int failed = _cmocka_run_group_tests("azure", tests, n, NULL, NULL);
	stand_in_stop(&azure);
	fs_remove_tree(folder, NULL);
	free(path);
	free(spec);
	free(base);
	return failed;
}
