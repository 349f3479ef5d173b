/* AWS without a network: what its refusals mean, whose keys are used, what happens when clocks differ, keys end or too much is asked, and what
 * instances are. The other side is a list of answers in this file. */
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

extern const struct provider provider_aws;

/* ---- the other side ------------------------------------------------------------------------------------------------ */

/* An answer to the first request whose URL, headers or body hold all of `has` (words separated by '|'). */
struct answer {
	const char *has, *body, *header;
	int status, times; /* times: 0: for ever */
};

struct side {
	const char *const *vars;	   /* name, value, …, NULL */
	const char *const *files;	   /* path, text, …, NULL */
	struct answer *answers;
	size_t n;
	const char *exec;  /* what a program prints; NULL: none may be run */
	char last[20000];  /* the last request, as text */
	char argv[500];
	int http, paused;
	json_t *memory;
};

/* What the step functions are given has no room for ours. */
static struct side *now_tested;

static const char *var(const char *name)
{
	for (size_t i = 0; now_tested->vars && now_tested->vars[i]; i += 2)
		if (!strcmp(now_tested->vars[i], name))
			return now_tested->vars[i + 1];
	return NULL;
}

static bool has_all(const char *text, const char *words)
{
	char word[200];
	for (; *words; words += strcspn(words, "|"), words += *words == '|') {
		snprintf(word, sizeof word, "%.*s", (int)strcspn(words, "|"), words);
		if (!strstr(text, word))
			return false;
	}
	return true;
}

static struct provider_http_reply answer_to(struct side *s, struct arena *a, const struct provider_http *q)
{
	struct str text = str_new(sizeof s->last - 1);
	str_addf(&text, "%s %s\n", q->method, q->url);
	for (size_t i = 0; q->headers && q->headers[i]; i++)
		str_addf(&text, "%s\n", q->headers[i]);
	str_addf(&text, "\n%s", q->body ? q->body : "");
	snprintf(s->last, sizeof s->last, "%s", str_text(&text));
	str_free(&text);
	s->http++;
	for (size_t i = 0; i < s->n; i++) {
		struct answer *r = &s->answers[i];
		if (r->times < 0 || !has_all(s->last, r->has))
			continue;
		if (r->times == 1)
			r->times = -1;
		else if (r->times > 1)
			r->times--;
		const char **headers = arena_alloc(a, 2 * sizeof *headers);
		headers[0] = r->header;
		return (struct provider_http_reply){.status = r->status, .body = r->body, .body_len = strlen(r->body), .headers = headers};
	}
	fail_msg("nothing is foreseen for %s", s->last);
	return (struct provider_http_reply){0};
}

static json_t *call(struct side *s, enum provider_verb verb, json_t *args, struct err *err)
{
	now_tested = s;
	if (!s->memory)
		s->memory = json_object();
	struct provider_env env = {.var = var, .memory = s->memory, .user = "cafe0123", .now_ms = wall_now_ms()};
	struct provider_call c = {.verb = verb, .args = args, .env = &env, .arena = arena_create(), .scratch = json_object()};
	struct provider_reply reply;
	*err = (struct err){0};
	enum provider_step step = provider_aws.step(&c, NULL, err);
	while (step == PROVIDER_REQUEST) {
		const struct provider_request *q = &c.request;
		reply = (struct provider_reply){.body = "", .complaint = "", .n_http = q->n_http, .n_files = q->n_files};
		struct provider_http_reply *http = arena_alloc(c.arena, (q->n_http + 1) * sizeof *http);
		struct provider_file *files = arena_alloc(c.arena, (q->n_files + 1) * sizeof *files);
		s->paused += q->after_ms > 0;
		for (size_t i = 0; q->kind == PROVIDER_HTTP && i < q->n_http; i++)
			http[i] = answer_to(s, c.arena, &q->http[i]);
		for (size_t i = 0; q->kind == PROVIDER_READ && i < q->n_files; i++) {
			files[i] = q->files[i];
			for (size_t k = 0; s->files && s->files[k]; k += 2)
				if (!strcmp(s->files[k], q->files[i].path))
					files[i].text = s->files[k + 1];
		}
		if (q->kind == PROVIDER_EXEC) {
			assert_non_null(s->exec);
			s->argv[0] = '\0';
			for (size_t i = 0, n = 0; q->argv[i]; i++)
				n += (size_t)snprintf(s->argv + n, sizeof s->argv - n, "[%s]", q->argv[i]);
			reply.body = s->exec;
			reply.body_len = strlen(s->exec);
		}
		reply.http = http;
		reply.files = files;
		step = provider_aws.step(&c, &reply, err);
	}
	assert_true(step == PROVIDER_DONE || (step == PROVIDER_FAILED && err->code && err->text[0]));
	json_t *result = step == PROVIDER_DONE ? c.result : NULL;
	json_decref(c.scratch);
	json_decref(args);
	arena_destroy(c.arena);
	return result;
}

static void end(struct side *s, json_t *result)
{
	json_decref(s->memory);
	json_decref(result);
}

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
#define QUERY_ARGS json_pack("{s:s, s:[s]}", "cluster", "c", "ids", "us-east-1/i-0a1b")
#define NO_INSTANCES "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
#define EC2_ERROR(code, message) "<Response><Errors><Error><Code>" code "</Code><Message>" message "</Message></Error></Errors><RequestID/></Response>"

static void query_fails(const char *body, int status, enum err_code code)
{
	struct answer a[] = {{"DescribeInstances", body, NULL, status, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 1};
	struct err err;
	json_t *r = call(&s, PROVIDER_STOP, json_pack("{s:s, s:s}", "cluster", "c", "region", "us-east-1"), &err);
	if (r || err.code != code)
		fail_msg("%s: %s", body, r ? "no failure" : err.text);
	assert_null(strstr(err.text, "s3cr3t"));
	end(&s, r);
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
	json_t *r = call(&s, PROVIDER_QUERY, QUERY_ARGS, &err);
	assert_non_null(r);
	assert_int_equal(s.http, 3);
	assert_int_equal(s.paused, 2);
	end(&s, r);
	struct answer ever[] = {{"DescribeInstances", EC2_ERROR("Throttling", "Rate exceeded"), NULL, 400, 0}};
	struct side t = {.vars = plain_vars, .answers = ever, .n = 1};
	r = call(&t, PROVIDER_STOP, json_pack("{s:s, s:s}", "cluster", "c", "region", "us-east-1"), &err);
	assert_null(r);
	assert_int_equal(err.code, ERR_THROTTLED);
	end(&t, r);
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
		json_t *r = call(&s, PROVIDER_QUERY, QUERY_ARGS, &err);
		assert_non_null(r);
		json_decref(r);
	}
	assert_int_equal(s.http, 3);
	end(&s, NULL);
}

/* ---- whose keys --------------------------------------------------------------------------------------------------------- */

#define ROLE_ANSWER(id)                                                                                                                                      \
	"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>r0le</SecretAccessKey><SessionToken>TOK"      \
	"</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"

/* A QUERY with these variables and files: the last request holds `has`. */
static void uses(struct side *s, const char *has)
{
	struct err err;
	json_t *r = call(s, PROVIDER_QUERY, QUERY_ARGS, &err);
	if (!r)
		fail_msg("%s", err.text);
	if (!has_all(s->last, has))
		fail_msg("%s is not in %s", has, s->last);
	json_decref(r);
}

static void files_and_profiles(void **state)
{
	(void)state;
	static const char credentials[] = "[default]\naws_access_key_id = AKIADEFAULT # mine\naws_secret_access_key=x\n\n[dev]\nAWS_ACCESS_KEY_ID=AKIADEV\n"
					  "aws_secret_access_key = y\naws_session_token = SESSION\n";
	const char *const files[] = {"~/.aws/credentials", credentials, "~/.aws/config", "[profile dev]\nregion = eu-west-1\ns3 =\n  max = 3\n", NULL};
	struct answer a[] = {{"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.files = files, .answers = a, .n = 1};
	uses(&s, "Credential=AKIADEFAULT/");
	const char *const dev[] = {"AWS_PROFILE", "dev", NULL};
	s.vars = dev;
	uses(&s, "Credential=AKIADEV/|X-Amz-Security-Token: SESSION");
	/* Keys of the environment are before a profile that the environment names. */
	const char *const both[] = {"AWS_PROFILE", "dev", "AWS_ACCESS_KEY_ID", "AKIAENV", "AWS_SECRET_ACCESS_KEY", "z", NULL};
	s.vars = both;
	uses(&s, "Credential=AKIAENV/");
	end(&s, NULL);
}

static void roles(void **state)
{
	(void)state;
	const char *const files[] = {"~/.aws/credentials", "[base]\naws_access_key_id=AKIABASE\naws_secret_access_key=x\n", "~/.aws/config",
	    "[profile work]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = base\nexternal_id = E 1\n[profile a]\nrole_arn=x\nsource_profile=b\n"
	    "[profile b]\nrole_arn=y\nsource_profile=a\n",
	    NULL};
	const char *const vars[] = {"AWS_PROFILE", "work", NULL}, *const loop[] = {"AWS_PROFILE", "a", NULL};
	struct answer a[] = {{"Action=AssumeRole|AKIABASE|ExternalId=E+1|role%2FR", ROLE_ANSWER("ASIAROLE"), NULL, 200, 1},
	    {"Action=AssumeRole|AKIABASE", ROLE_ANSWER("ASIANEW"), NULL, 200, 1}, {"DescribeInstances|ASIAROLE|TOK", NO_INSTANCES, NULL, 200, 2},
	    {"DescribeInstances|ASIAROLE", EC2_ERROR("RequestExpired", "x"), NULL, 400, 1}, {"DescribeInstances|ASIANEW", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = vars, .files = files, .answers = a, .n = 5};
	uses(&s, "ASIAROLE");
	uses(&s, "ASIAROLE");
	assert_int_equal(s.http, 3); /* the role was taken once */
	uses(&s, "ASIANEW"); /* it ended before its time: taken anew */
	assert_int_equal(s.http, 6);
	s.vars = loop;
	struct err err;
	assert_null(call(&s, PROVIDER_QUERY, QUERY_ARGS, &err));
	assert_int_equal(err.code, ERR_CREDENTIALS);
	assert_non_null(strstr(err.text, "refer to each other"));
	end(&s, NULL);
}

static void single_sign_on(void **state)
{
	(void)state;
	/* sha1("my-sso") names the file. */
	const char *const files[] = {"~/.aws/config",
	    "[default]\nsso_session = my-sso\nsso_account_id = 111\nsso_role_name = Dev\n[sso-session my-sso]\nsso_start_url = https://x\nsso_region = eu-west-1\n",
	    "~/.aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json",
	    "{\"accessToken\": \"BEARER\", \"expiresAt\": \"2099-01-01T00:00:00Z\"}", NULL};
	struct answer a[] = {
	    {"GET https://portal.sso.eu-west-1.amazonaws.com/federation/credentials?role_name=Dev&account_id=111|x-amz-sso_bearer_token: BEARER",
		"{\"roleCredentials\":{\"accessKeyId\":\"ASIASSO\",\"secretAccessKey\":\"x\",\"sessionToken\":\"T\",\"expiration\":4070908800000}}", NULL, 200, 1},
	    {"DescribeInstances|ASIASSO", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.files = files, .answers = a, .n = 2};
	uses(&s, "ASIASSO");
	uses(&s, "ASIASSO");
	end(&s, NULL);
	const char *const old[] = {files[0], files[1], files[2], "{\"accessToken\": \"BEARER\", \"expiresAt\": \"2020-01-01T00:00:00Z\"}", NULL};
	struct side t = {.files = old};
	struct err err;
	assert_null(call(&t, PROVIDER_QUERY, QUERY_ARGS, &err));
	assert_int_equal(err.code, ERR_CREDENTIALS);
	assert_non_null(strstr(err.text, "aws sso login --profile default"));
	assert_null(strstr(err.text, "BEARER"));
	end(&t, NULL);
}

static void programs(void **state)
{
	(void)state;
	const char *const files[] = {"~/.aws/config", "[default]\ncredential_process = /opt/get keys --for 'my team' \"a b\"\n", NULL};
	struct answer a[] = {{"DescribeInstances|ASIAPROC", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.files = files, .answers = a, .n = 1, .exec = "{\"Version\":1,\"AccessKeyId\":\"ASIAPROC\",\"SecretAccessKey\":\"x\"}"};
	uses(&s, "ASIAPROC");
	assert_string_equal(s.argv, "[/opt/get][keys][--for][my team][a b]");
	end(&s, NULL);
}

static void web_identities(void **state)
{
	(void)state;
	const char *const vars[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token", "AWS_ROLE_ARN", "arn:aws:iam::1:role/W", NULL};
	const char *const files[] = {"/var/token", "JWT.x.y\n", NULL};
	struct answer a[] = {
	    {"Action=AssumeRoleWithWebIdentity|WebIdentityToken=JWT.x.y",
		"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>x</SecretAccessKey>"
		"<SessionToken>T</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
		"</AssumeRoleWithWebIdentityResponse>",
		NULL, 200, 0},
	    {"DescribeInstances|ASIAWEB", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = vars, .files = files, .answers = a, .n = 2};
	uses(&s, "ASIAWEB");
	end(&s, NULL);
}

/* Nobody is asked, and all places are named. */
static void no_keys(void **state)
{
	(void)state;
	struct side s = {0};
	struct err err;
	json_t *r = call(&s, PROVIDER_CHECK, json_object(), &err);
	assert_false(json_bool(r, "enabled", true));
	static const char *const places[] = {"AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "~/.aws/credentials", "~/.aws/config", "container", "aws configure"};
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		assert_non_null(strstr(json_str(r, "reason", ""), places[i]));
	assert_int_equal(s.http, 0);
	json_decref(r);
	/* Nor when it is only asked whether we are let in. */
	s.vars = plain_vars;
	r = call(&s, PROVIDER_OFFERS, json_object(), &err);
	assert_non_null(r);
	assert_int_equal(s.http, 0);
	json_decref(r);
	/* A list of gigabytes that needs none is not taken unasked. */
	s.vars = NULL;
	assert_null(call(&s, PROVIDER_OFFERS, json_pack("{s:b}", "catalog", 1), &err));
	assert_int_equal(err.code, ERR_CREDENTIALS);
	assert_non_null(strstr(err.text, "skytop catalog update --live aws"));
	assert_int_equal(s.http, 0);
	/* Keys go nowhere in the clear. */
	const char *const elsewhere[] = {"AWS_ACCESS_KEY_ID", "A", "AWS_SECRET_ACCESS_KEY", "B", "AWS_ENDPOINT_URL", "http://example.com", NULL};
	s.vars = elsewhere;
	assert_null(call(&s, PROVIDER_QUERY, QUERY_ARGS, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(s.http, 0);
	end(&s, NULL);
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
	json_t *r = call(&s, PROVIDER_QUERY, json_pack("{s:s, s:[s, s]}", "cluster", "c", "ids", "us-east-1/i-01", "us-east-1/i-77"), &err);
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
	end(&s, r);
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
		json_t *r = call(&s, PROVIDER_QUERY, QUERY_ARGS, &err);
		const char *host = json_str(json_obj(json_array_get(json_arr(r, "nodes"), 0), "reach"), "host", NULL);
		if (!str_eq(host, cases[i][1]))
			fail_msg("%zu: %s", i, host ? host : "nowhere");
		end(&s, r);
	}
}

/* A region that does not answer: what is known to be there is unknown, not gone. */
static void silence(void **state)
{
	(void)state;
	struct answer a[] = {{"DescribeInstances", EC2_ERROR("Unavailable", "x"), NULL, 503, 0}};
	struct side s = {.vars = plain_vars, .answers = a, .n = 1};
	struct err err;
	json_t *r = call(&s, PROVIDER_QUERY, QUERY_ARGS, &err);
	assert_string_equal(json_str(json_array_get(json_arr(r, "nodes"), 0), "status", ""), "UNKNOWN");
	json_decref(r);
	r = call(&s, PROVIDER_TERMINATE, json_pack("{s:[s]}", "ids", "us-east-1/i-0a1b"), &err);
	assert_int_equal(json_int(r, "pending", 0), 1);
	end(&s, r);
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
	json_t *r = call(&s, PROVIDER_QUOTA, json_pack("{s:o}", "candidates", list), &err);
	if (!r)
		fail_msg("%s", err.text);
	assert_int_equal(json_array_size(json_arr(r, "verdicts")), ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(json_int(json_array_get(json_arr(r, "verdicts"), i), "room", -1), cases[i].room);
	assert_int_equal(json_int(json_array_get(json_arr(r, "verdicts"), 0), "used", -1), 48);
	end(&s, r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_refusal),
	    cmocka_unit_test(each_row),
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(asked_too_often),
	    cmocka_unit_test(wrong_clock),
	    cmocka_unit_test(files_and_profiles),
	    cmocka_unit_test(roles),
	    cmocka_unit_test(single_sign_on),
	    cmocka_unit_test(programs),
	    cmocka_unit_test(web_identities),
	    cmocka_unit_test(no_keys),
	    cmocka_unit_test(instances),
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(silence),
	    cmocka_unit_test(types),
	    cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
