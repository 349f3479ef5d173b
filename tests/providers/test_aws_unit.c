/* AWS without a network: what its refusals mean, what happens when clocks differ or too much is asked, and what instances are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"
#include "tests/providers/aws_side.h"

/* ---- refusals ------------------------------------------------------------------------------------------------------ */

static const struct {
	int status;
	const char *code, *message;
	enum err_code err;
	enum err_scope scope;
} refusals[] = {
    {500, "InsufficientInstanceCapacity", "We currently do not have sufficient p5.48xlarge capacity in zones with support", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {500, "InsufficientHostCapacity", "", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {500, "InsufficientReservedInstanceCapacity", "", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {500, "InsufficientCapacity", "", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {500, "InsufficientCapacityOnHost", "", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {400, "UnfulfillableCapacity", "", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {400, "Server.InsufficientInstanceCapacity", "", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {400, "SpotMaxPriceTooLow", "Your Spot request price of 0.1 is lower than the minimum", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {400, "ReservationCapacityExceeded", "", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {400, "Unsupported", "Your requested instance type is not supported in your requested Availability Zone", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {400, "InvalidParameterCombination", "not in this Availability Zone", ERR_CAPACITY, ERR_SCOPE_PLACE},
    {400, "VcpuLimitExceeded", "You have requested more vCPU capacity", ERR_QUOTA, ERR_SCOPE_REGION},
    {400, "InstanceLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION},
    {400, "MaxSpotInstanceCountExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION},
    {400, "SpotInstanceCountLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION},
    {400, "InsufficientFreeAddressesInSubnet", "", ERR_QUOTA, ERR_SCOPE_PLACE},
    {400, "VolumeLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION_ALL},
    {400, "MaxIOPSLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION_ALL},
    {400, "AddressLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION_ALL},
    {400, "SecurityGroupLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION_ALL},
    {400, "RulesPerSecurityGroupLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION_ALL},
    {400, "VpcLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION_ALL},
    {400, "NetworkInterfaceLimitExceeded", "", ERR_QUOTA, ERR_SCOPE_REGION_ALL},
    {401, "OptInRequired", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "PendingVerification", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "Blocked", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {401, "AuthFailure", "AWS was not able to validate the provided access credentials", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {403, "InvalidClientTokenId", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "UnrecognizedClientException", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {403, "InvalidAccessKeyId", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "InvalidToken", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {403, "SignatureDoesNotMatch", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "InvalidSignatureException", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {403, "RequestTimeTooSkewed", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {403, "ExpiredToken", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "ExpiredTokenException", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "RequestExpired", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {403, "MissingAuthenticationToken", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "IncompleteSignature", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {401, "UnauthorizedException", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {403, "UnauthorizedOperation", "You are not authorized to perform this operation.", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {403, "AccessDenied", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {400, "AccessDeniedException", "", ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {503, "RequestLimitExceeded", "Request limit exceeded.", ERR_THROTTLED, ERR_SCOPE_PLACE},
    {400, "Throttling", "Rate exceeded", ERR_THROTTLED, ERR_SCOPE_PLACE},
    {400, "ThrottlingException", "", ERR_THROTTLED, ERR_SCOPE_PLACE},
    {400, "TooManyRequestsException", "", ERR_THROTTLED, ERR_SCOPE_PLACE},
    {400, "EC2ThrottledException", "", ERR_THROTTLED, ERR_SCOPE_PLACE},
    {503, "SlowDown", "", ERR_THROTTLED, ERR_SCOPE_PLACE},
    {500, "InternalError", "", ERR_NETWORK, ERR_SCOPE_PLACE},
    {500, "InternalFailure", "", ERR_NETWORK, ERR_SCOPE_PLACE},
    {503, "Unavailable", "", ERR_NETWORK, ERR_SCOPE_PLACE},
    {503, "ServiceUnavailable", "", ERR_NETWORK, ERR_SCOPE_PLACE},
    {500, "ServerInternal", "", ERR_NETWORK, ERR_SCOPE_PLACE},
    {400, "RequestTimeout", "", ERR_TIMEOUT, ERR_SCOPE_PLACE},
    {400, "InvalidInstanceID.NotFound", "", ERR_NOT_FOUND, ERR_SCOPE_PLACE},
    {400, "InvalidInstanceID.Malformed", "", ERR_NOT_FOUND, ERR_SCOPE_PLACE},
    {404, "NoSuchBucket", "", ERR_NOT_FOUND, ERR_SCOPE_TASK},
    {404, "NoSuchKey", "", ERR_NOT_FOUND, ERR_SCOPE_TASK},
    {400, "InvalidSubnetID.NotFound", "", ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {400, "InvalidGroup.NotFound", "", ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {400, "InvalidVpcID.NotFound", "", ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {400, "VPCIdNotSpecified", "No default VPC for this user", ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {400, "DefaultVpcAlreadyExists", "", ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {400, "InvalidGroup.Duplicate", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "InvalidPermission.Duplicate", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "InvalidKeyPair.Duplicate", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "InvalidPlacementGroup.Duplicate", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {409, "EntityAlreadyExists", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "DependencyViolation", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "InvalidPlacementGroup.InUse", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "InvalidGroup.InUse", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "IncorrectInstanceState", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "IncorrectSpotRequestState", "", ERR_CONFLICT, ERR_SCOPE_PLACE},
    {400, "UnsupportedOperation", "You can't stop the Spot Instance", ERR_UNSUPPORTED, ERR_SCOPE_TASK},
    {400, "InvalidInstanceType", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "InvalidParameterValue", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "InvalidParameterCombination", "both", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "MissingParameter", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "InvalidAMIID.NotFound", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "InvalidAMIID.Malformed", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "InvalidBlockDeviceMapping", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "InvalidUserData.Malformed", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "InvalidKeyPair.NotFound", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "IdempotentParameterMismatch", "", ERR_INVALID, ERR_SCOPE_TASK},
    {400, "ValidationError", "", ERR_INVALID, ERR_SCOPE_TASK},
    {500, "", "", ERR_NETWORK, ERR_SCOPE_PLACE},
    {429, "", "", ERR_THROTTLED, ERR_SCOPE_PLACE},
    {400, "SomethingNew", "", ERR_UNSUPPORTED, ERR_SCOPE_PLACE},
};

static void each_refusal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct err e = {0};
		aws_error(&e, refusals[i].status, refusals[i].code, refusals[i].message, "starting machines");
		if (e.code != refusals[i].err || e.scope != refusals[i].scope || e.http_status != refusals[i].status)
			fail_msg("%d %s: %s, reaching %d", refusals[i].status, refusals[i].code, err_info(e.code)->name, e.scope);
		assert_true(str_starts(e.text, "starting machines: AWS says ") && strstr(e.text, refusals[i].code));
	}
	/* What needs a permission of its own to be read is left out. */
	struct err e;
	aws_error(&e, 403, "UnauthorizedOperation", "You are not authorized. Encoded authorization failure message: wXyZ", "x");
	assert_null(strstr(e.text, "wXyZ"));
}

/* Every row of the table has a case here. */
static void each_row(void **state)
{
	(void)state;
	const char *top = getenv("top_srcdir");
	char *path = path_join(top ? top : ".", "providers/aws/errors.c"), *text = fs_read(path, 1 << 20, NULL, NULL);
	size_t rows = 0;
	assert_non_null(text);
	for (const char *p = text; (p = strstr(p, "\n    {\"")); p++) {
		char pattern[100];
		bool found = false;
		snprintf(pattern, sizeof pattern, "%.*s", (int)strcspn(p + 7, "\""), p + 7);
		rows++;
		for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
			found = found || (*refusals[i].code && str_glob(pattern, refusals[i].code));
		if (!found)
			fail_msg("%s has no case", pattern);
	}
	assert_true(rows > 60);
	free(text);
	free(path);
}

/* ---- answers with refusals in them ------------------------------------------------------------------------------------ */

static const char *const plain_vars[] = {"AWS_ACCESS_KEY_ID", "AKIAPLAIN", "AWS_SECRET_ACCESS_KEY", "s3cr3t", "AWS_REGION", "us-east-1", NULL};

static void query_fails(const char *body, int status, enum err_code code)
{
	struct answer a[] = {{"DescribeInstances", body, NULL, status, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 1};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_STOP, json_pack("{s:s, s:s}", "cluster", "c", "region", "us-east-1"), &err);
	if (r || err.code != code)
		fail_msg("%s: %s", body, r ? "no failure" : err.text);
	assert_null(strstr(err.text, "s3cr3t"));
	side_end(&s, r);
}

static void bodies(void **state)
{
	(void)state;
	query_fails("<?xml version=\"1.0\"?>" EC2_ERROR("InsufficientInstanceCapacity", "none"), 500, ERR_CAPACITY);
	query_fails(EC2_ERROR("UnauthorizedOperation", "no"), 403, ERR_CREDENTIALS);
	query_fails("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>m</Message></Error></ErrorResponse>", 403, ERR_CREDENTIALS);
	query_fails("<html>gateway</html>", 500, ERR_NETWORK);
	query_fails("not even that", 200, ERR_PROTOCOL);
}

static void asked_too_often(void **state)
{
	(void)state;
	struct answer a[] = {{"DescribeInstances", EC2_ERROR("Throttling", "Rate exceeded"), NULL, 400, 2}, {"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 2};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_QUERY, QUERY_ARGS, &err);
	assert_non_null(r);
	assert_int_equal(s.http, 3);
	assert_int_equal(s.paused, 2);
	side_end(&s, r);
	struct answer ever[] = {{"DescribeInstances", EC2_ERROR("Throttling", "Rate exceeded"), NULL, 400, 0}};
	struct side t = {.vars = plain_vars, .answers = ever, .n = 1};
	r = side_call(&t, PROVIDER_STOP, json_pack("{s:s, s:s}", "cluster", "c", "region", "us-east-1"), &err);
	assert_null(r);
	assert_int_equal(err.code, ERR_THROTTLED);
	side_end(&t, r);
}

/* The clock of this machine is years behind; theirs is believed, and kept. */
static void wrong_clock(void **state)
{
	(void)state;
	struct answer a[] = {{"DescribeInstances", EC2_ERROR("RequestTimeTooSkewed", "t"), "date: Sun, 05 Nov 2034 08:49:37 GMT", 403, 1},
	    {"DescribeInstances|X-Amz-Date: 20341105T08", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 2};
	struct err err;
	for (int i = 0; i < 2; i++) {
		json_t *r = side_call(&s, PROVIDER_QUERY, QUERY_ARGS, &err);
		assert_non_null(r);
		json_decref(r);
	}
	assert_int_equal(s.http, 3);
	side_end(&s, NULL);
}

/* ---- instances ------------------------------------------------------------------------------------------------------------ */

#define INSTANCE(id, index, state, more)                                                                                                                       \
	"<item><instanceId>" id "</instanceId><instanceState><code>1</code><name>" state "</name></instanceState><amiLaunchIndex>" index                       \
	"</amiLaunchIndex><instanceType>g6.xlarge</instanceType><launchTime>2026-11-26T10:00:00.000Z</launchTime><placement><availabilityZone>us-east-1a"        \
	"</availabilityZone></placement><privateIpAddress>10.0.0.5</privateIpAddress><ipAddress>54.0.0.1</ipAddress>" more                                     \
	"<tagSet><item><key>skytop-cluster</key><value>c</value></item><item><key>skytop-nodes.0</key><value>0:t-a 1:t=20b</value></item>"                      \
	"<item><key>skytop-nodes.1</key><value>2:t-c</value></item><item><key>skytop-price</key><value>804800</value></item></tagSet></item>"
#define SPOT_ENDED "<instanceLifecycle>spot</instanceLifecycle><stateReason><code>Server.SpotInstanceTermination</code><message>taken</message></stateReason>"
#define USER_ENDED "<stateReason><code>Client.UserInitiatedShutdown</code><message>by user</message></stateReason>"
#define PAGE(items, next)                                                                                                                                      \
	"<DescribeInstancesResponse><reservationSet><item><instancesSet>" items "</instancesSet></item></reservationSet><nextToken>" next                       \
	"</nextToken></DescribeInstancesResponse>"

static void instances(void **state)
{
	(void)state;
	struct answer a[] = {{"DescribeInstances|NextToken=two", PAGE(INSTANCE("i-02", "2", "terminated", SPOT_ENDED), ""), NULL, 200, 0},
	    {"DescribeInstances|us-east-1", PAGE(INSTANCE("i-01", "1", "running", "") INSTANCE("i-09", "0", "terminated", USER_ENDED), "two"), NULL, 200, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 2};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_QUERY, json_pack("{s:s, s:[s, s]}", "cluster", "c", "ids", "us-east-1/i-01", "us-east-1/i-77"), &err);
	const json_t *nodes = json_arr(r, "nodes"), *up = json_array_get(nodes, 0), *taken = json_array_get(nodes, 1);
	assert_int_equal(json_array_size(nodes), 2);
	assert_string_equal(json_str(up, "id", ""), "us-east-1/i-01");
	assert_string_equal(json_str(up, "token", ""), "t b");
	assert_int_equal(json_int(up, "rank", -1), 1);
	assert_string_equal(json_str(up, "status", ""), "RUNNING");
	assert_string_equal(json_str(json_obj(up, "reach"), "host", ""), "54.0.0.1");
	assert_int_equal(json_int(up, "price_uusd_h", 0), 804800);
	assert_true(json_int(up, "created_at", 0) == INT64_C(1795687200000));
	assert_string_equal(json_str(taken, "status", ""), "PREEMPTED");
	assert_string_equal(json_str(taken, "token", ""), "t-c");
	assert_true(json_bool(taken, "use_spot", false));
	side_end(&s, r);
}

/* An address on the internet comes a moment later than the machine runs. */
static void addresses(void **state)
{
	(void)state;
#define RUNNING(net, more)                                                                                                                                     \
	PAGE("<item><instanceId>i-01</instanceId><instanceState><name>running</name></instanceState><privateIpAddress>10.0.0.5</privateIpAddress>" more        \
	     "<tagSet><item><key>skytop-cluster</key><value>c</value></item><item><key>skytop-token</key><value>t</value></item><item><key>skytop-net</key><value>" net  \
	     "</value></item></tagSet></item>",                                                                                                                  \
	    "")
	static const char *const cases[][2] = {{RUNNING("public", ""), NULL}, {RUNNING("public", "<ipAddress>54.0.0.1</ipAddress>"), "54.0.0.1"},
	    {RUNNING("private", ""), "10.0.0.5"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a[] = {{"DescribeInstances", cases[i][0], NULL, 200, 0}};
		struct side s = {.vars = plain_vars, .answers = a, .n = 1};
		struct err err;
		json_t *r = side_call(&s, PROVIDER_QUERY, QUERY_ARGS, &err);
		const char *host = json_str(json_obj(json_array_get(json_arr(r, "nodes"), 0), "reach"), "host", NULL);
		if (!str_eq(host, cases[i][1]))
			fail_msg("%zu: %s", i, host ? host : "nowhere");
		side_end(&s, r);
	}
}

/* EC2 does not stop what has just begun to run: it is asked again, and not for ever. */
static void between_states(void **state)
{
	(void)state;
	struct answer a[] = {{"Action=StopInstances", EC2_ERROR("IncorrectInstanceState", "is not in a state from which it can be stopped"), NULL, 400, 2},
	    {"Action=StopInstances|i-01", "<R><instancesSet/></R>", NULL, 200, 0}, {"DescribeInstances", PAGE(INSTANCE("i-01", "0", "pending", ""), ""), NULL, 200, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 3};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_STOP, json_pack("{s:s, s:[s]}", "cluster", "c", "ids", "us-east-1/i-01"), &err);
	assert_non_null(r);
	assert_int_equal(s.http, 7); /* three looks, three times asked, and one look after it */
	assert_int_equal(s.paused, 2);
	side_end(&s, r);
	struct answer ever[] = {{"Action=StopInstances", EC2_ERROR("IncorrectInstanceState", "no"), NULL, 400, 0}, a[2]};
	struct side t = {.vars = plain_vars, .answers = ever, .n = 2};
	r = side_call(&t, PROVIDER_STOP, json_pack("{s:s, s:[s]}", "cluster", "c", "ids", "us-east-1/i-01"), &err);
	assert_null(r);
	assert_int_equal(err.code, ERR_CONFLICT);
	side_end(&t, r);
}

/* A region that does not answer: what is known to be there is unknown, not gone. */
static void silence(void **state)
{
	(void)state;
	struct answer a[] = {{"DescribeInstances", EC2_ERROR("Unavailable", "x"), NULL, 503, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 1};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_QUERY, QUERY_ARGS, &err);
	assert_string_equal(json_str(json_array_get(json_arr(r, "nodes"), 0), "status", ""), "UNKNOWN");
	json_decref(r);
	r = side_call(&s, PROVIDER_TERMINATE, json_pack("{s:[s]}", "ids", "us-east-1/i-0a1b"), &err);
	assert_int_equal(json_int(r, "pending", 0), 1);
	side_end(&s, r);
}

/* More machines than one question takes, and more groups of ports than regions: all of them end. */
static void many(void **state)
{
	(void)state;
	enum { N = 201, GROUPS = 12 };
	json_t *ids = json_array();
	char id[40], groups[2000] = "<R><securityGroupInfo>";
	for (int i = 1; i <= N; i++) {
		snprintf(id, sizeof id, "us-east-1/i-%04x", i);
		json_array_append_new(ids, json_string(id));
	}
	for (size_t i = 0, n = strlen(groups); i < GROUPS; i++)
		n += (size_t)snprintf(groups + n, sizeof groups - n, "<item><groupId>sg-%zu</groupId></item>", i);
	strcat(groups, "</securityGroupInfo></R>");
	struct answer a[] = {{"Action=DescribeInstances|i-00c9", PAGE(INSTANCE("i-00c9", "0", "running", ""), ""), NULL, 200, 1},
	    {"Action=TerminateInstances|i-00c9", "<R><instancesSet/></R>", NULL, 200, 1},
	    {"Action=DescribeInstances|i-00c9", PAGE(INSTANCE("i-00c9", "0", "terminated", USER_ENDED), ""), NULL, 200, 0},
	    {"Action=DescribeInstances", PAGE("", ""), NULL, 200, 0}, {"Action=DescribeSecurityGroups", groups, NULL, 200, 0},
	    {"Action=DeleteSecurityGroup", "<R><return>true</return></R>", NULL, 200, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = ARRAY_LEN(a)};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_TERMINATE, json_pack("{s:O}", "ids", ids), &err);
	assert_int_equal(json_int(r, "pending", 0), 1);
	json_decref(r);
	s.http = 0;
	r = side_call(&s, PROVIDER_TERMINATE, json_pack("{s:o}", "ids", ids), &err);
	assert_int_equal(json_int(r, "pending", 0), 0);
	assert_int_equal(s.http, 2 + 1 + GROUPS); /* two looks, one for the groups, and their ends */
	side_end(&s, r);
}

static json_t *type_of(const char *type, const char *more)
{
	json_t *item = json_pack("{s:s, s:{s:s}, s:{s:s}}", "instanceType", type, "vCpuInfo", "defaultVCpus", "8", "memoryInfo", "sizeInMiB", "16384");
	json_t *extra = json_parse(more, strlen(more), NULL);
	json_object_update(item, extra);
	json_decref(extra);
	json_t *out = aws_type_of(item);
	json_decref(item);
	return out;
}

static void types(void **state)
{
	(void)state;
	static const struct {
		const char *type, *more, *accelerator;
		double count;
		int64_t gpu_mib;
	} cases[] = {
	    {"m7i.large", "{}", NULL, 0, 0},
	    {"g6.xlarge",
		"{\"gpuInfo\":{\"gpus\":[{\"name\":\"L4\",\"manufacturer\":\"NVIDIA\",\"count\":\"1\",\"memoryInfo\":{\"sizeInMiB\":\"22888\"}}]}}", "L4", 1, 24576},
	    {"p5en.48xlarge",
		"{\"gpuInfo\":{\"gpus\":[{\"name\":\"NVIDIA\",\"count\":\"8\",\"memoryInfo\":{\"sizeInMiB\":\"144384\"}}]}}", "H200", 8, 144384},
	    {"p4de.24xlarge",
		"{\"gpuInfo\":{\"gpus\":[{\"name\":\"A100\",\"count\":\"8\",\"memoryInfo\":{\"sizeInMiB\":\"81920\"}}]}}", "A100-80GB", 8, 81920},
	    {"g6f.large", "{\"gpuInfo\":{\"gpus\":[{\"name\":\"L4\",\"count\":\"1\",\"memoryInfo\":{\"sizeInMiB\":\"2861\"}}]}}", "L4", 0.125, 24576},
	    {"g6f.2xlarge", "{\"gpuInfo\":{\"gpus\":[{\"name\":\"L4\",\"count\":\"0\",\"memoryInfo\":{\"sizeInMiB\":\"5722\"}}]}}", "L4", 0.25, 24576},
	    {"trn1.32xlarge",
		"{\"neuronInfo\":{\"neuronDevices\":[{\"name\":\"Trainium\",\"count\":\"16\",\"memoryInfo\":{\"sizeInMiB\":\"32768\"}}]}}", "Trainium", 16, 32768},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *t = type_of(cases[i].type, cases[i].more);
		if (!str_eq(json_str(t, "accelerator", NULL), cases[i].accelerator) || json_number_value(json_object_get(t, "count")) != cases[i].count ||
		    json_int(t, "gpu_mem_mib", -1) != cases[i].gpu_mib || json_int(t, "vcpus", 0) != 8)
			fail_msg("%s: %s", cases[i].type, json_text(t));
		json_decref(t);
	}
}

/* ---- limits ---------------------------------------------------------------------------------------------------------------- */

#define RUNS(type, cores, more)                                                                                                                                \
	"<item><instanceId>i-1</instanceId><instanceType>" type "</instanceType><cpuOptions><coreCount>" cores                                                 \
	"</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>" more "</item>"

static void limits(void **state)
{
	(void)state;
	static const char g6[] = "<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>g6.xlarge</instanceType><vCpuInfo><defaultVCpus>4</defaultVCpus>"
				 "</vCpuInfo><memoryInfo><sizeInMiB>16384</sizeInMiB></memoryInfo></item></instanceTypeSet></DescribeInstanceTypesResponse>";
	struct answer a[] = {{"GetServiceQuota|L-DB2E81BA", "{\"Quota\":{\"Value\":64.0}}", NULL, 200, 1},
	    {"GetServiceQuota|L-417A185B", "{\"Quota\":{\"Value\":0.0}}", NULL, 200, 1},
	    {"GetServiceQuota|L-3819A6DF", "{\"__type\":\"x#AccessDeniedException\",\"Message\":\"no\"}", NULL, 400, 0},
	    {"DescribeInstanceTypes", g6, NULL, 200, 1},
	    {"DescribeInstances",
		PAGE(RUNS("g5.12xlarge", "24", "") RUNS("g6.xlarge", "2", "<instanceLifecycle>spot</instanceLifecycle>") RUNS("m7i.large", "1", ""), ""),
		NULL, 200, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 5};
	struct err err;
	json_t *list = json_array();
	static const struct {
		const char *type;
		bool spot;
		int64_t room; /* -1: null */
	} cases[] = {{"g6.xlarge", false, 4}, {"p5.48xlarge", false, 0}, {"g6.xlarge", true, -1}, {"p5.48xlarge", true, -1}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b, s:i}", "instance_type", cases[i].type, "region", "us-east-1", "use_spot", cases[i].spot, "nodes", 1));
	json_t *r = side_call(&s, PROVIDER_QUOTA, json_pack("{s:o}", "candidates", list), &err);
	if (!r)
		fail_msg("%s", err.text);
	assert_int_equal(json_array_size(json_arr(r, "verdicts")), ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(json_int(json_array_get(json_arr(r, "verdicts"), i), "room", -1), cases[i].room);
	assert_int_equal(json_int(json_array_get(json_arr(r, "verdicts"), 0), "used", -1), 48);
	side_end(&s, r);
}

/* ---- check ------------------------------------------------------------------------------------------------------------------ */

#define WHO(arn) "<R><GetCallerIdentityResult><Arn>" arn "</Arn><Account>1</Account></GetCallerIdentityResult></R>"
#define VERDICT(action, decision, more) "<member><EvalActionName>" action "</EvalActionName><EvalDecision>" decision "</EvalDecision>" more "</member>"

static const char *ok_of(const json_t *r, const char *name)
{
	size_t i;
	json_t *p;
	json_array_foreach(json_arr(r, "permissions"), i, p) if (str_eq(json_str(p, "name", ""), name)) return json_is_true(json_object_get(p, "ok")) ? "yes"
	: json_is_false(json_object_get(p, "ok"))												      ? "no"
						  : json_str(p, "why", "?");
	return "it is not listed";
}

static json_t *checked(const char *who, const char *simulation, int status, char *last_of_iam, size_t size)
{
	struct answer a[] = {{"Action=GetCallerIdentity", who, NULL, 200, 0},
	    {"POST https://iam.amazonaws.com/|us-east-1/iam/aws4_request|Action=SimulatePrincipalPolicy", simulation, NULL, status, 0},
	    {"DryRun=true", EC2_ERROR("DryRunOperation", "it would have succeeded"), NULL, 412, 0}, {"AmazonSSM", "{}", NULL, 200, 0},
	    {"GetServiceQuota", "{\"Quota\":{\"Value\":64.0}}", NULL, 200, 0},
	    {"DescribeInstances",
		PAGE("<item><instanceId>i-1</instanceId><instanceType>g6.xlarge</instanceType><cpuOptions><coreCount>2</coreCount><threadsPerCore>2</"
		     "threadsPerCore>"
		     "</cpuOptions></item>",
		    ""),
		NULL, 200, 0}};
	struct side s = {.vars = plain_vars,
	    .answers = a,
	    .n = ARRAY_LEN(a),
	    .config = "{'instance_profile':'w'}",
	    .keep = "SimulatePrincipalPolicy",
	    .kept = last_of_iam,
	    .kept_size = size};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_CHECK, json_object(), &err);
	if (!r)
		fail_msg("%s", err.text);
	side_end(&s, NULL);
	return r;
}

static void permissions(void **state)
{
	(void)state;
	char asked[4000] = "";
	json_t *r = checked(WHO("arn:aws:sts::1:assumed-role/Work/me"),
	    "<R><SimulatePrincipalPolicyResult><EvaluationResults>" VERDICT("ec2:TerminateInstances", "implicitDeny", "")
		VERDICT("ec2:StopInstances", "explicitDeny", "") VERDICT("ec2:StartInstances", "allowed", "")
		    VERDICT("ec2:CreateTags", "implicitDeny", "<MissingContextValues><member>aws:RequestTag/team</member></MissingContextValues>")
			VERDICT("iam:PassRole", "allowed", "") "</EvaluationResults></SimulatePrincipalPolicyResult></R>",
	    200, asked, sizeof asked);
	assert_true(side_has_all(asked, "PolicySourceArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2FWork&|aws%3ARequestedRegion"));
	assert_string_equal(ok_of(r, "ec2:TerminateInstances"), "no");
	assert_string_equal(ok_of(r, "ec2:StopInstances"), "no");
	assert_string_equal(ok_of(r, "ec2:StartInstances"), "yes");
	assert_string_equal(ok_of(r, "ec2:CreateTags"), "it depends on conditions of the policy");
	assert_string_equal(ok_of(r, "iam:PassRole"), "yes");
	assert_string_equal(ok_of(r, "ec2:RunInstances"), "yes");
	/* Machines that could not be ended are not begun. */
	assert_false(json_bool(r, "enabled", true));
	assert_non_null(strstr(json_str(r, "reason", ""), "ec2:TerminateInstances"));
	/* What is used of a limit is told as well. */
	size_t i;
	json_t *q;
	int64_t g = -1;
	json_array_foreach(json_arr(r, "quotas"), i, q) if (strstr(json_str(q, "name", ""), "on-demand G and VT")) g = json_int(q, "used", -1);
	assert_int_equal(g, 4);
	json_decref(r);
	/* Who may not ask is let in all the same, and told. */
	r = checked(WHO("arn:aws:iam::1:user/me"), "<ErrorResponse><Error><Code>AccessDenied</Code><Message>m</Message></Error></ErrorResponse>", 403, asked,
	    sizeof asked);
	assert_true(side_has_all(asked, "PolicySourceArn=arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fme&"));
	assert_true(json_bool(r, "enabled", false));
	assert_string_equal(ok_of(r, "iam:SimulatePrincipalPolicy"), "denied: of ec2:TerminateInstances and others, which cannot be tried, nothing is known");
	json_decref(r);
	/* A policy that names what it is for allows nothing on everything: each is asked of what it is about. */
#define ON(thing, decision) \
	"<member><EvalResourceName>arn:aws:ec2:us-east-1:1:" thing "</EvalResourceName><EvalResourceDecision>" decision "</EvalResourceDecision></member>"
#define EACH(members) "<ResourceSpecificResults>" members "</ResourceSpecificResults>"
	r = checked(WHO("arn:aws:iam::1:user/me"),
	    "<R><SimulatePrincipalPolicyResult><EvaluationResults>" VERDICT("ec2:TerminateInstances", "implicitDeny",
		EACH(ON("instance/i-00000000000000000", "allowed") ON("security-group/sg-00000000000000000", "implicitDeny")))
		VERDICT("ec2:CreateTags", "allowed", "<EvalResourceName>arn:aws:ec2:us-east-1:1:instance/i-00000000000000000</EvalResourceName>")
		    VERDICT("ec2:CreateTags", "implicitDeny", "<EvalResourceName>arn:aws:ec2:us-east-1:1:security-group/sg-00000000000000000</EvalResourceName>")
			VERDICT("iam:PassRole", "implicitDeny", "")
			    VERDICT("ec2:StopInstances", "implicitDeny",
				EACH(ON("instance/i-00000000000000000", "explicitDeny") ON("security-group/sg-00000000000000000", "allowed")))
	    "</EvaluationResults></SimulatePrincipalPolicyResult></R>",
	    200, asked, sizeof asked);
	assert_true(side_has_all(asked, "=arn%3Aaws%3Aec2%3Aus-east-1%3A1%3Ainstance%2Fi-0|=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Faws-service-role"));
	assert_string_equal(ok_of(r, "ec2:TerminateInstances"), "yes");
	assert_string_equal(ok_of(r, "ec2:CreateTags"), "yes");
	assert_string_equal(ok_of(r, "ec2:StopInstances"), "no");
	assert_string_equal(ok_of(r, "iam:PassRole"), "it depends on conditions of the policy");
	assert_true(json_bool(r, "enabled", false));
	json_decref(r);
	asked[0] = '\0';
	r = checked(WHO("arn:aws:iam::1:root"), "", 500, asked, sizeof asked);
	assert_string_equal(asked, "");
	assert_true(json_bool(r, "enabled", false));
	json_decref(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_refusal),
	    cmocka_unit_test(each_row),
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(asked_too_often),
	    cmocka_unit_test(wrong_clock),
	    cmocka_unit_test(instances),
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(silence),
	    cmocka_unit_test(many),
	    cmocka_unit_test(between_states),
	    cmocka_unit_test(types),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(permissions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
