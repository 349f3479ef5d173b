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

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "tests/providers/rfc7515.h"
#include "tests/providers/stand_in.h"

extern const struct provider provider_azure;

/* The check against Azure's description does find what is wrong, where it is there. */
static void test_described(void **unused)
{
	(void)unused;
	static const char vm[] = "/subscriptions/sub-1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v?api-version=2021-11-01";
	static const struct {
		const char *query, *body;
	} wrong[] = {{"", "{'location': 'eastus', 'propertys': {}}"}, {"", "{'location': 7}"}, {"", "{'properties': {}}"},
	    {"", "{'location': 'eastus', 'properties': {'storageProfile': {'osDisk': {'createOption': 'FromImage', 'diskSizeGB': '9'}}}}"},
	    {"", "{'location': 'eastus', 'properties': {'networkProfile': {'networkInterfaceConfiguration': []}}}"}, {"&sourc=1", "{'location': 'eastus'}"}};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char *path = xasprintf("%s%s", vm, wrong[i].query);
		if (!cloud_described("PUT", path, "cli-token", wrong[i].body))
			fail_msg("%s is taken", wrong[i].body);
		free(path);
	}
}

/* ---- making --------------------------------------------------------------------------------------------------------- */

/* What is sent is what was asked for. */
static void test_body(void **s)
{
	struct rig *r = *s;
	json_decref(cloud_make(r, 2, "'use_spot': true, 'disk_tier': 'high', 'labels': {'team': 'blue'}, 'tags': {'project': 'Über'}, 'ports': ['8080', '9000-9010'],"
			       " 'spot_cap_uusd_h': 1500000"));
	json_t *st = cloud_state();
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
	json_t *q = rig_do(r, PROVIDER_QUERY, cloud_cluster());
	const json_t *n = json_array_get(json_arr(q, "nodes"), 1);
	assert_string_equal(json_str(json_obj(n, "reach"), "user", ""), "ubuntu");
	assert_true(str_starts(json_str(json_obj(n, "reach"), "host", ""), "203.0.113."));
	assert_string_equal(json_str(json_obj(n, "tags"), "project", ""), "Über");
	json_decref(q);
	cloud_end(r);
	st = cloud_state();
	assert_int_equal(json_object_size(json_obj(st, "groups")), 0);
	json_decref(st);
}

static void test_images(void **s)
{
	struct rig *r = *s;
	static const struct {
		const char *more, *key, *value;
	} cases[] = {{"'instance_type': 'Standard_D4s_v5'", "sku", "server"}, {"'instance_type': 'Standard_ND96isr_MI300X_v5'", "sku", "2204-rocm"},
	    {"'instance_type': 'Standard_NC4as_T4_v3'", "sku", "2204"}, {"'instance_type': 'Standard_NV36ads_A10_v5'", "sku", "22_04-lts-gen2"},
	    {"'instance_type': 'Standard_D4ps_v5'", "sku", "server-arm64"},
	    {"'image': 'Canonical:x:y:latest'", "offer", "x"},
	    {"'image': '/CommunityGalleries/a/Images/b'", "communityGalleryImageId", "/CommunityGalleries/a/Images/b"}};
	json_t *st;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_decref(cloud_make(r, 1, cases[i].more));
		st = cloud_state();
		const json_t *vm = json_array_get(json_arr(st, "vms"), 0), *p = json_obj(json_obj(vm, "x-body"), "properties");
		assert_string_equal(json_str(json_obj(json_obj(p, "storageProfile"), "imageReference"), cases[i].key, ""), cases[i].value);
		/* A10s get their driver from Azure's extension, others have theirs. */
		assert_int_equal(json_array_size(json_arr(vm, "x-extensions")), strstr(cases[i].more, "_A10_") != NULL);
		json_decref(st);
		cloud_end(r);
	}
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'image': 'ami-123'"), ERR_INVALID).scope, ERR_SCOPE_TASK);
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'image': 'docker:ubuntu'"), ERR_UNSUPPORTED).scope, ERR_SCOPE_CLOUD);
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'instance_type': 'Standard_ND128isr_GB300_v6'"), ERR_UNSUPPORTED).scope, ERR_SCOPE_PLACE);
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'instance_type': 'Standard_NCC40ads_H100_v5', 'image': 'a:b:c:d'"), ERR_UNSUPPORTED);
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'ssh_public_key': ''"), ERR_INVALID);
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'labels': {'a/b': 'X'}"), ERR_UNSUPPORTED).scope, ERR_SCOPE_CLOUD);
	assert_int_equal(cloud_machines(), 0);
}

/* What a task asks of Azure that cannot be had is refused with words. */
static void test_settings(void **s)
{
	struct rig *r = *s;
	struct err err = cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'config': {'vpc_name': 'mine'}"), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "config.azure.vpc_name of the task: networks of one's own"));
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, "'config': {'remote_identity': 'SERVICE_ACCOUNT'}"), ERR_UNSUPPORTED);
	json_decref(cloud_make(r, 1, "'config': {'remote_identity': 'NO_UPLOAD', 'use_internal_ips': true}"));
	json_t *st = cloud_state();
	assert_int_equal(json_int(st, "addresses", -1), 0);
	json_decref(st);
	cloud_end(r);
}

/* The driver of an A10 that does not come is told, and comes when the call is made again. */
static void test_driver(void **s)
{
	struct rig *r = *s;
	cloud_tell("fault", "{'match': 'PUT .*/extensions/', 'operation_error': {'code': 'VMExtensionProvisioningError', 'message': 'cannot be had'}}");
	struct err err = cloud_fails(r, PROVIDER_CREATE, cloud_wish(2, "'instance_type': 'Standard_NV36ads_A10_v5'"), ERR_CAPACITY);
	assert_non_null(strstr(err.text, "putting NVIDIA's driver into sky-train-"));
	json_decref(cloud_make(r, 2, "'instance_type': 'Standard_NV36ads_A10_v5'"));
	assert_int_equal(cloud_asked("/extensions/NvidiaGpuDriverLinux"), 4);
	cloud_end(r);
}

static void test_stockout(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'stockout': ['eastus']}");
	struct err err = cloud_fails(r, PROVIDER_CREATE, cloud_wish(2, ""), ERR_CAPACITY);
	assert_int_equal(err.scope, ERR_SCOPE_REGION);
	assert_non_null(strstr(err.text, "eastus"));
	assert_int_equal(cloud_machines(), 2); /* failed machines are there */
	json_t *q = rig_do(r, PROVIDER_QUERY, cloud_cluster());
	assert_string_equal(json_str(json_array_get(json_arr(q, "nodes"), 0), "status", ""), "TERMINATED");
	json_decref(q);
	cloud_tell("set", "{'stockout': []}");
	json_decref(cloud_make(r, 2, "")); /* and are made good */
	cloud_end(r);
	assert_int_equal(cloud_machines(), 0);
	cloud_tell("set", "{'sold_out': ['eastus/Standard_NC24ads_A100_v4']}");
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(1, ""), ERR_CAPACITY).scope, ERR_SCOPE_REGION);
	cloud_tell("set", "{'sold_out': []}");
	/* One of three does not get its machine: what the others got is there for terminate. */
	cloud_tell("fault", "{'match': 'PUT .*/virtualMachines/', 'skip': 1, 'operation_error': {'code': 'OverconstrainedAllocationRequest', 'message': 'none left'}}");
	cloud_fails(r, PROVIDER_CREATE, cloud_wish(3, ""), ERR_CAPACITY);
	cloud_end(r);
	/* A group that is still being deleted is waited for. */
	json_decref(cloud_make(r, 1, ""));
	cloud_tell("set", "{'op_s': 0.2}");
	json_decref(rig_do(r, PROVIDER_TERMINATE, cloud_cluster()));
	cloud_tell("set", "{'op_s': 0.02}");
	json_decref(cloud_make(r, 1, ""));
	assert_int_equal(cloud_machines(), 1);
	cloud_end(r);
}

static void test_quota_exceeded(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'limits': {'StandardNCADSA100v4Family': 24, 'cores': 500}}");
	assert_int_equal(cloud_fails(r, PROVIDER_CREATE, cloud_wish(2, ""), ERR_QUOTA).scope, ERR_SCOPE_REGION);
	cloud_end(r);
	assert_int_equal(cloud_machines(), 0);
	json_decref(cloud_make(r, 1, ""));
	json_t *q = rig_do(r, PROVIDER_QUOTA, rig_json("{'candidates': ["
		"{'instance_type': 'Standard_NC24ads_A100_v4', 'region': 'eastus', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'Standard_NC24ads_A100_v4', 'region': 'westus2', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'Standard_NC24ads_A100_v4', 'region': 'eastus', 'use_spot': true, 'nodes': 1},"
		"{'instance_type': 'Standard_D4s_v5', 'region': 'eastus', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'Standard_D4s_v5', 'region': 'nowhere', 'use_spot': false, 'nodes': 1},"
		"{'instance_type': 'Standard_NCC40ads_H100_v5', 'region': 'eastus', 'use_spot': true, 'nodes': 1}]}"));
	static const int rooms[] = {0, 1, 4, 25, -1, 0};
	assert_non_null(strstr(json_str(json_array_get(json_arr(q, "verdicts"), 5), "why", ""), "confidential machines"));
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
		assert_int_equal(json_int(json_array_get(json_arr(q, "verdicts"), i), "room", -1), rooms[i]);
	json_decref(q);
	cloud_end(r);
}

/* Everything that is asked fails in turn, in each way that there is. */
static void test_torture(void **s)
{
	cloud_torture(*s, "", 5);
}

/* ---- looking -------------------------------------------------------------------------------------------------------- */

/* A machine that was taken back is gone, and it is told why; one that was ended by hand is gone. One that is shut down from inside still costs. */
static void test_reclaimed(void **s)
{
	struct rig *r = *s;
	json_t *m = cloud_make(r, 2, "'use_spot': true"), *ids = rig_json("{'cluster': 'uid-1', 'ids': []}");
	for (size_t i = 0; i < 2; i++)
		json_array_append(json_arr(ids, "ids"), json_object_get(json_array_get(json_arr(m, "nodes"), i), "id"));
	char *ask = xasprintf("{'name': '%s'}", strrchr(json_string_value(json_array_get(json_arr(ids, "ids"), 1)), '/') + 1);
	cloud_tell("reclaim", ask);
	free(ask);
	json_t *q = rig_do(r, PROVIDER_QUERY, json_incref(ids));
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 2);
	assert_string_equal(json_str(json_array_get(json_arr(q, "nodes"), 1), "status", ""), "PREEMPTED");
	json_decref(q);
	ask = xasprintf("{'name': '%s', 'power': 'stopped'}", strrchr(json_string_value(json_array_get(json_arr(ids, "ids"), 0)), '/') + 1);
	cloud_tell("power", ask);
	free(ask);
	q = rig_do(r, PROVIDER_QUERY, cloud_cluster());
	assert_string_equal(json_str(json_array_get(json_arr(q, "nodes"), 0), "status", ""), "STOPPING");
	assert_non_null(strstr(json_str(json_array_get(json_arr(q, "nodes"), 0), "reason", ""), "costs as before"));
	json_decref(q);
	json_decref(rig_do(r, PROVIDER_STOP, cloud_cluster()));
	assert_int_equal(cloud_asked("/deallocate"), 1);
	json_decref(m);
	cloud_end(r);
	q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'uid-1', 'ids': ['sub-1/skytop-g/x']}"));
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 0);
	json_decref(q);
	json_decref(ids);
}

static void test_pages(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'page': 2, 'limits': {'StandardNCADSA100v4Family': 500, 'cores': 500}}");
	json_decref(cloud_make(r, 5, ""));
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
		for (int k = 0; k < 50 && cloud_machines() > 4 - i; k++)
			json_decref(rig_do(r, PROVIDER_TERMINATE, json_incref(ids)));
		assert_int_equal(cloud_machines(), 4 - i);
	}
	json_decref(ids);
	json_decref(q);
	json_t *st = cloud_state();
	assert_int_equal(json_object_size(json_obj(st, "groups")), 0);
	json_decref(st);
	/* A next page elsewhere is not asked for: our token would go there. */
	cloud_tell("fault", "{'match': 'GET /subscriptions/sub-1/resourcegroups$', 'status': 200, 'body': {'value': [], 'nextLink': 'https://example.com/x'}}");
	cloud_fails(r, PROVIDER_QUERY, cloud_cluster(), ERR_PROTOCOL);
}

/* ---- who we are ----------------------------------------------------------------------------------------------------- */

static void principal(void)
{
	setenv("AZURE_TENANT_ID", "t-1", 1);
	setenv("AZURE_CLIENT_ID", "c-1", 1);
	setenv("AZURE_CLIENT_SECRET", "good", 1);
}

static void nobody(void)
{
	unsetenv("AZURE_TENANT_ID");
	unsetenv("AZURE_CLIENT_ID");
	unsetenv("AZURE_CLIENT_SECRET");
}

static void test_credentials(void **s)
{
	struct rig *r = *s;
	setenv("AZURE_CLIENT_SECRET", "bad", 1);
	cloud_refused(r, "AADSTS7000215");
	cloud_fails(r, PROVIDER_QUERY, cloud_cluster(), ERR_CREDENTIALS);
	unsetenv("AZURE_CLIENT_SECRET");
	char *token = path_join(cloud_folder, "token");
	setenv("AZURE_FEDERATED_TOKEN_FILE", token, 1);
	cloud_refused(r, "AZURE_FEDERATED_TOKEN_FILE");
	free(cloud_put("token", "assertion\n", 0600));
	cloud_enabled(r, NULL);
	unsetenv("AZURE_FEDERATED_TOKEN_FILE");
	nobody();
	free(token);
	size_t before = cloud_asked("");
	cloud_refused(r, "az login");
	cloud_fails(r, PROVIDER_OFFERS, json_object(), ERR_CREDENTIALS);
	assert_int_equal(cloud_asked(""), before); /* who has none asks nobody */
	char *path = path_join(cloud_folder, "auth.json");
	setenv("AZURE_AUTH_LOCATION", path, 1);
	cloud_refused(r, "AZURE_AUTH_LOCATION");
	free(cloud_put("auth.json", "{\"tenantId\": \"t\", \"clientId\": \"c\", \"clientSecret\": \"good\", \"subscriptionId\": \"sub-1\"}", 0600));
	cloud_enabled(r, "service principal c, subscription sub-1");
	unsetenv("AZURE_AUTH_LOCATION");
	free(path);
	/* The login of the CLI. */
	free(cloud_put("azureProfile.json",
	    "\xef\xbb\xbf{\"subscriptions\": [{\"id\": \"sub-9\"}, {\"id\": \"sub-1\", \"isDefault\": true, \"user\": {\"name\": \"me@x\"}}]}", 0600));
	free(cloud_put("az", "#!/bin/sh\necho 'ERROR: Please run az login to setup account.' >&2\nexit 1\n", 0700));
	cloud_refused(r, "Please run az login");
	free(cloud_put("az", "#!/bin/sh\n[ \"$*\" = 'account get-access-token --resource https://management.azure.com/ --subscription sub-1 -o json' ] &&\n"
		  "echo '{\"accessToken\": \"cli-token\", \"expiresOn\": \"2030-01-01 10:00:00.000000\", \"expires_on\": 1893456000}'\n", 0700));
	cloud_enabled(r, "me@x, subscription sub-1");
	path = path_join(cloud_folder, "azureProfile.json");
	unlink(path);
	free(path);
	principal();
	/* Of several subscriptions one has to be said. */
	cloud_tell("set", "{'subscriptions': [{'subscriptionId': 'sub-1', 'state': 'Enabled'}, {'subscriptionId': 'sub-2', 'state': 'Enabled'}]}");
	cloud_refused(r, "AZURE_SUBSCRIPTION_ID");
	rig_config(r, "{'subscription': 'sub-1'}");
	cloud_enabled(r, NULL);
}

/* By a certificate, whose file holds the key as well. */
static void test_certificate(void **s)
{
	struct rig *r = *s;
	unsetenv("AZURE_CLIENT_SECRET");
	setenv("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere/x.pem", 1);
	cloud_refused(r, "/nowhere/x.pem, which $AZURE_CLIENT_CERTIFICATE_PATH names, is not there");
	char *path = cloud_put("c.pem", rfc7515_certificate, 0600), *both = xasprintf("%s%s", rfc7515_key, rfc7515_certificate);
	setenv("AZURE_CLIENT_CERTIFICATE_PATH", path, 1);
	cloud_refused(r, "c.pem, which $AZURE_CLIENT_CERTIFICATE_PATH names, must be a PEM file with the certificate and its RSA key: the private key is no RSA key");
	free(cloud_put("c.pem", rfc7515_key, 0600));
	cloud_refused(r, "there is no certificate in PEM form");
	free(cloud_put("c.pem", both, 0600));
	cloud_refused(r, "AADSTS7000215"); /* another's certificate */
	char *known = xasprintf("{'thumbprint': '%s'}", rfc7515_x5t);
	cloud_tell("set", known);
	cloud_enabled(r, "service principal c-1, subscription sub-1");
	unsetenv("AZURE_CLIENT_CERTIFICATE_PATH");
	free(known);
	free(both);
	free(path);
	principal();
}

/* Identities of apps and of machines. */
static void test_identities(void **s)
{
	struct rig *r = *s;
	char *app = xasprintf("http://127.0.0.1:%d/app/token", stand_in.port), *host = xasprintf("http://127.0.0.1:%d", stand_in.port);
	nobody();
	setenv("IDENTITY_ENDPOINT", app, 1);
	setenv("IDENTITY_HEADER", "sesame", 1);
	cloud_enabled(r, "this app's managed identity, subscription sub-1");
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("GET /app/token"), 1);
	r->now_ms = json_int(json_obj(r->memory, "token"), "until", 0) + 1; /* five minutes early */
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("GET /app/token"), 2);
	json_object_clear(r->memory);
	setenv("AZURE_CLIENT_ID", "other", 1);
	cloud_refused(r, "asking for a token for this app's managed identity: Identity not found (HTTP 400); is an identity given to it");
	unsetenv("AZURE_CLIENT_ID");
	unsetenv("IDENTITY_HEADER");
	unsetenv("IDENTITY_ENDPOINT");
	cloud_refused(r, "this is no machine of Azure's");
	setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", host, 1);
	cloud_enabled(r, "this machine's managed identity, subscription sub-1");
	json_object_clear(r->memory);
	setenv("AZURE_CLIENT_ID", "mine", 1);
	cloud_enabled(r, "this machine's managed identity");
	assert_int_equal(cloud_asked("client_id=mine"), 1);
	cloud_tell("set", "{'identity': false}");
	json_object_clear(r->memory);
	cloud_refused(r, "is an identity given to it");
	unsetenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	free(app);
	free(host);
	principal();
}

/* What the CLI has of its own, while it is good. */
static void test_cli_cache(void **s)
{
	struct rig *r = *s;
	static const char form[] = "{\"Account\": {\"k\": {\"home_account_id\": \"h\", \"username\": \"me@x\"}}, \"AccessToken\": {"
				   "\"a\": {\"home_account_id\": \"h\", \"realm\": \"t-2\", \"target\": \"https://management.core.windows.net//.default\", "
				   "\"expires_on\": \"%lld\", \"secret\": \"not-this-tenant\"}, "
				   "\"b\": {\"home_account_id\": \"h\", \"realm\": \"t-1\", \"target\": \"https://vault.azure.net/.default\", "
				   "\"expires_on\": \"%lld\", \"secret\": \"not-this-use\"}, "
				   "\"c\": {\"home_account_id\": \"h\", \"realm\": \"t-1\", \"target\": \"https://management.core.windows.net//user_impersonation\", "
				   "\"expires_on\": \"%lld\", \"secret\": \"cli-token\"}}}";
	long long soon = (long long)(wall_now_ms() / 1000 + 3600), over = soon - 3500;
	char *profile = cloud_put("azureProfile.json", "{\"subscriptions\": [{\"id\": \"sub-1\", \"isDefault\": true, \"tenantId\": \"t-1\", "
			    "\"user\": {\"name\": \"Me@x\"}}]}", 0600);
	char *text = xasprintf(form, soon, soon, soon), *cache = cloud_put("msal_token_cache.json", text, 0600);
	nobody();
	char *az = cloud_put("az", "#!/bin/sh\necho asked >&2\nexit 1\n", 0700);
	cloud_enabled(r, "Me@x, subscription sub-1");
	assert_true(json_int(json_obj(r->memory, "token"), "until", 0) < soon * 1000);
	free(text);
	text = xasprintf(form, soon, soon, over);
	free(cloud_put("msal_token_cache.json", text, 0600));
	json_object_clear(r->memory);
	cloud_refused(r, "the Azure CLI gives no token: asked"); /* it has to make a new one */
	free(cloud_put("msal_token_cache.json", "{", 0600));
	cloud_refused(r, "the Azure CLI gives no token: asked");
	unlink(cache);
	unlink(profile);
	unlink(az);
	free(text);
	free(az);
	free(cache);
	free(profile);
	principal();
}

static bool asked_for(const char *resource)
{
	json_t *st = cloud_state();
	const char *last = json_string_value(json_array_get(json_arr(st, "asked"), json_array_size(json_arr(st, "asked")) - 1));
	bool is = last && !strcmp(last, resource);
	json_decref(st);
	return is;
}

/* Clouds of Azure for themselves. */
static void test_sovereign(void **s)
{
	struct rig *r = *s;
	setenv("AZURE_AUTHORITY_HOST", "login.microsoftonline.us", 1);
	cloud_enabled(r, NULL);
	assert_true(asked_for("https://management.usgovcloudapi.net/.default"));
	rig_config(r, "{'cloud': 'azurechinacloud'}");
	json_object_clear(r->memory);
	cloud_enabled(r, NULL);
	assert_true(asked_for("https://management.chinacloudapi.cn/.default"));
	cloud_fails(r, PROVIDER_OFFERS, rig_json("{'catalog': true}"), ERR_UNSUPPORTED);
	rig_config(r, "{'cloud': 'AzureMoon'}");
	cloud_refused(r, "azure.cloud is \"AzureMoon\", which is none of Azure's clouds");
	rig_config(r, "{}");
	setenv("AZURE_AUTHORITY_HOST", "https://login.example.com/", 1);
	cloud_refused(r, "$AZURE_AUTHORITY_HOST is \"https://login.example.com/\"");
	unsetenv("AZURE_AUTHORITY_HOST");
	/* As the login of the CLI is (`az cloud set`). */
	nobody();
	char *profile = cloud_put("azureProfile.json", "{\"subscriptions\": [{\"id\": \"sub-1\", \"environmentName\": \"AzureUSGovernment\"}]}", 0600);
	char *az = cloud_put("az", "#!/bin/sh\n[ \"$4\" = https://management.usgovcloudapi.net/ ] && echo '{\"accessToken\": \"cli-token\"}'\n", 0700);
	json_object_clear(r->memory);
	cloud_enabled(r, "the user of `az login`");
	unlink(profile);
	unlink(az);
	free(profile);
	free(az);
	principal();
}

/* A token is asked for once, and again when Azure does not take it any more; the call goes on. */
static void test_tokens(void **s)
{
	struct rig *r = *s;
	for (int i = 0; i < 3; i++)
		json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("/token"), 1);
	cloud_tell("revoke", "{}");
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("/token"), 2);
	r->now_ms = json_int(json_obj(r->memory, "token"), "until", 0) + 1; /* five minutes early */
	json_decref(rig_do(r, PROVIDER_QUERY, json_object()));
	assert_int_equal(cloud_asked("/token"), 3);
}

static void test_check(void **s)
{
	struct rig *r = *s;
	cloud_tell("set", "{'not_actions': ['Microsoft.Compute/virtualMachines/write'], 'registered': 'NotRegistered'}");
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
	cloud_tell("set", "{'not_actions': [], 'subscriptions': [{'subscriptionId': 'sub-1', 'state': 'Warned'}, {'subscriptionId': 'sub-2', 'state': 'Enabled'}]}");
	rig_config(r, "{'subscription': 'sub-1'}");
	cloud_refused(r, "is Warned, not enabled");
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
	cloud_tell("set", "{'page': 7, 'sold_out': ['westus2/Standard_NC24ads_A100_v4']}");
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

static void environment(void)
{
	static const char *const others[] = {"AZURE_SUBSCRIPTION_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTH_LOCATION", "AZURE_CLIENT_CERTIFICATE_PATH",
	    "AZURE_AUTHORITY_HOST", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		unsetenv(others[i]);
	char *path = xasprintf("%s:%s", cloud_folder, getenv("PATH") ? getenv("PATH") : "/bin");
	setenv("AZURE_CONFIG_DIR", cloud_folder, 1);
	setenv("PATH", path, 1);
	free(path);
	principal();
}

int main(void)
{
	static const struct cloud azure = {.program = "fake_azure.py", .description = "specs/azure/compute-vm-trimmed.json", .endpoint = "SKYTOP_AZURE_ENDPOINT",
	    .machines = "vms", .environment = environment,
	    .wish = "'instance_type': 'Standard_NC24ads_A100_v4', 'region': 'eastus', 'zone': '', 'accelerator': 'A100-80GB', 'accelerator_count': 1, "
		    "'disk_size_gib': 50",
	    .subject = {.provider = &provider_azure, .elsewhere = true,
		.create = "'instance_type': 'Standard_NC4as_T4_v3', 'region': 'eastus', 'zone': '', 'accelerator': 'T4', 'accelerator_count': 1, "
			  "'disk_size_gib': 50, 'ssh_public_key': 'ssh-ed25519 AAAA skytop'"}};
	static const struct CMUnitTest own[] = {CLOUD_CASE(test_described), CLOUD_CASE(test_body), CLOUD_CASE(test_images), CLOUD_CASE(test_settings),
	    CLOUD_CASE(test_driver),
	    CLOUD_CASE(test_stockout), CLOUD_CASE(test_quota_exceeded), CLOUD_CASE(test_torture), CLOUD_CASE(test_reclaimed), CLOUD_CASE(test_pages),
	    CLOUD_CASE(test_credentials), CLOUD_CASE(test_certificate), CLOUD_CASE(test_identities), CLOUD_CASE(test_cli_cache), CLOUD_CASE(test_sovereign),
	    CLOUD_CASE(test_tokens), CLOUD_CASE(test_check), CLOUD_CASE(test_catalog)};
	return cloud_main(&azure, own, ARRAY_LEN(own));
}
