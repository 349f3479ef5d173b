/* Whose keys AWS is asked with: every place in which its own tools keep some, in their order, and what is said when
 * there are none in it. The services that give keys (metadata of machines, containers, SSO, STS) are lists of answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tests/providers/aws_side.h"

static const char *const plain_vars[] = {"AWS_ACCESS_KEY_ID", "AKIAPLAIN", "AWS_SECRET_ACCESS_KEY", "s3cr3t", "AWS_REGION", "us-east-1", NULL};
#define ROLE_ANSWER(id) \
	"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>r0le</SecretAccessKey><SessionToken>TOK" \
	"</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></" \
	"AssumeRoleResponse>"

/* A QUERY with these variables and files: the last request holds `has`. */
static void uses(struct side *s, const char *has)
{
	struct err err;
	json_t *r = side_call(s, PROVIDER_QUERY, QUERY_ARGS, &err);
	if (!r)
		fail_msg("%s", err.text);
	if (!side_has_all(s->last, has))
		fail_msg("%s is not in %s", has, s->last);
	json_decref(r);
}

static void files_and_profiles(void **state)
{
	(void)state;
	static const char credentials[] = "[default]\naws_access_key_id = AKIADEFAULT # "
					  "mine\naws_secret_access_key=x\n\n[dev]\nAWS_ACCESS_KEY_ID=AKIADEV\n"
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
	side_end(&s, NULL);
}

static void roles(void **state)
{
	(void)state;
	const char *const files[] = {"~/.aws/credentials", "[base]\naws_access_key_id=AKIABASE\naws_secret_access_key=x\n", "~/.aws/config",
	    "[profile work]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = base\nexternal_id = E 1\n[profile "
	    "a]\nrole_arn=x\nsource_profile=b\n"
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
	uses(&s, "ASIANEW");	     /* it ended before its time: taken anew */
	assert_int_equal(s.http, 6);
	s.vars = loop;
	struct err err;
	assert_null(side_call(&s, PROVIDER_QUERY, QUERY_ARGS, &err));
	assert_int_equal(err.code, ERR_CREDENTIALS);
	assert_non_null(strstr(err.text, "refer to each other"));
	side_end(&s, NULL);
}

static void single_sign_on(void **state)
{
	(void)state;
	/* sha1("my-sso") names the file. */
	const char *const files[] = {"~/.aws/config",
	    "[default]\nsso_session = my-sso\nsso_account_id = 111\nsso_role_name = Dev\n[sso-session "
	    "my-sso]\nsso_start_url = https://x\nsso_region = eu-west-1\n",
	    "~/.aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json", "{\"accessToken\": \"BEARER\", \"expiresAt\": \"2099-01-01T00:00:00Z\"}", NULL};
	struct answer a[] = {{"GET "
			      "https://portal.sso.eu-west-1.amazonaws.com/federation/"
			      "credentials?role_name=Dev&account_id=111|x-amz-sso_bearer_token: BEARER",
				 "{\"roleCredentials\":{\"accessKeyId\":\"ASIASSO\",\"secretAccessKey\":\"x\","
				 "\"sessionToken\":\"T\",\"expiration\":4070908800000}}",
				 NULL, 200, 1},
	    {"DescribeInstances|ASIASSO", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.files = files, .answers = a, .n = 2};
	uses(&s, "ASIASSO");
	uses(&s, "ASIASSO");
	side_end(&s, NULL);
	const char *const old[] = {files[0], files[1], files[2], "{\"accessToken\": \"BEARER\", \"expiresAt\": \"2020-01-01T00:00:00Z\"}", NULL};
	struct side t = {.files = old};
	struct err err;
	assert_null(side_call(&t, PROVIDER_QUERY, QUERY_ARGS, &err));
	assert_int_equal(err.code, ERR_CREDENTIALS);
	assert_non_null(strstr(err.text, "aws sso login --profile default"));
	assert_null(strstr(err.text, "BEARER"));
	side_end(&t, NULL);
}

static void programs(void **state)
{
	(void)state;
	const char *const files[] = {"~/.aws/config", "[default]\ncredential_process = /opt/get keys --for 'my team' \"a b\"\n", NULL};
	struct answer a[] = {{"DescribeInstances|ASIAPROC", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.files = files, .answers = a, .n = 1, .exec = "{\"Version\":1,\"AccessKeyId\":\"ASIAPROC\",\"SecretAccessKey\":\"x\"}"};
	uses(&s, "ASIAPROC");
	assert_string_equal(s.argv, "[/opt/get][keys][--for][my team][a b]");
	side_end(&s, NULL);
}

static void web_identities(void **state)
{
	(void)state;
	const char *const vars[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token", "AWS_ROLE_ARN", "arn:aws:iam::1:role/W", NULL};
	const char *const files[] = {"/var/token", "JWT.x.y\n", NULL};
	struct answer a[] = {{"Action=AssumeRoleWithWebIdentity|WebIdentityToken=JWT.x.y",
				 "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><"
				 "AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>x</SecretAccessKey>"
				 "<SessionToken>T</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></"
				 "Credentials></AssumeRoleWithWebIdentityResult>"
				 "</AssumeRoleWithWebIdentityResponse>",
				 NULL, 200, 0},
	    {"DescribeInstances|ASIAWEB", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = vars, .files = files, .answers = a, .n = 2};
	uses(&s, "ASIAWEB");
	side_end(&s, NULL);
}

/* Nobody is asked, and all places are named. */
static void no_keys(void **state)
{
	(void)state;
	struct side s = {0};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_CHECK, json_object(), &err);
	assert_false(json_bool(r, "enabled", true));
	static const char *const places[] = {
	    "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "~/.aws/credentials", "~/.aws/config", "container", "aws configure"};
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		assert_non_null(strstr(json_str(r, "reason", ""), places[i]));
	assert_int_equal(s.http, 0);
	json_decref(r);
	/* Nor when it is only asked whether we are let in. */
	s.vars = plain_vars;
	r = side_call(&s, PROVIDER_OFFERS, json_object(), &err);
	assert_non_null(r);
	assert_int_equal(s.http, 0);
	json_decref(r);
	/* A list of gigabytes that needs none is not taken unasked. */
	s.vars = NULL;
	assert_null(side_call(&s, PROVIDER_OFFERS, json_pack("{s:b}", "catalog", 1), &err));
	assert_int_equal(err.code, ERR_CREDENTIALS);
	assert_non_null(strstr(err.text, "skytop catalog update --live aws"));
	assert_int_equal(s.http, 0);
	/* Keys go nowhere in the clear. */
	const char *const elsewhere[] = {"AWS_ACCESS_KEY_ID", "A", "AWS_SECRET_ACCESS_KEY", "B", "AWS_ENDPOINT_URL", "http://example.com", NULL};
	s.vars = elsewhere;
	assert_null(side_call(&s, PROVIDER_QUERY, QUERY_ARGS, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(s.http, 0);
	side_end(&s, NULL);
}

/* It fails for want of keys, and says all of these; no secret among it. */
static void told(struct side *s, const char *words)
{
	static const char *const secrets[] = {"BEARER", "s3cr3t", "REFRESH", "JWT.x.y"};
	struct err err;
	assert_null(side_call(s, PROVIDER_QUERY, QUERY_ARGS, &err));
	if (err.code != ERR_CREDENTIALS || !side_has_all(err.text, words))
		fail_msg("'%s' is not in '%s'", words, err.text);
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		assert_null(strstr(err.text, secrets[i]));
	/* CHECK reports the same. */
	json_t *r = side_call(s, PROVIDER_CHECK, json_object(), &err);
	assert_false(json_bool(r, "enabled", true));
	assert_true(side_has_all(json_str(r, "reason", ""), words));
	side_end(s, r);
	s->memory = NULL;
}

/* Nothing is known of who we are: it is no matter of credentials. */
static void out_of_order(struct side *s, const char *words, enum err_code code)
{
	struct err err;
	assert_null(side_call(s, PROVIDER_QUERY, QUERY_ARGS, &err));
	if (err.code != code || !side_has_all(err.text, words))
		fail_msg("'%s' is not in '%s'", words, err.text);
	side_end(s, NULL);
	s->memory = NULL;
}

/* Keys as metadata services give them, that end in so many minutes. */
static const char *keys_for(char *buf, size_t size, const char *id, int minutes)
{
	char end[32];
	snprintf(buf, size,
	    "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s3cr3t\","
	    "\"Token\":\"TOK\",\"Expiration\":\"%s\"}",
	    id, time_rfc3339(wall_now_ms() + minutes * INT64_C(60000), end, sizeof end));
	return buf;
}

static void pass(struct side *s, int minutes)
{
	json_put_int(s->memory, "skew_ms", json_int(s->memory, "skew_ms", 0) + minutes * INT64_C(60000));
}

#define ROLES "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/"

/* A machine of EC2: a token, the role's name, its keys; anew before they end. */
static void machines(void **state)
{
	(void)state;
	char first[400], second[400];
	const char *const ec2[] = {"/sys/class/dmi/id/sys_vendor", "Amazon EC2\n", NULL};
	struct answer a[] = {{"PUT http://169.254.169.254/latest/api/token|x-aws-ec2-metadata-token-ttl-seconds: 21600", "TOKEN-1", NULL, 200, 0},
	    {ROLES "my-role|x-aws-ec2-metadata-token: TOKEN-1", keys_for(first, sizeof first, "ASIAONE", 60), NULL, 200, 1},
	    {ROLES "my-role|x-aws-ec2-metadata-token: TOKEN-1", keys_for(second, sizeof second, "ASIATWO", 600), NULL, 200, 0},
	    {ROLES "|x-aws-ec2-metadata-token: TOKEN-1", "my-role", NULL, 200, 0}, {"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.files = ec2, .answers = a, .n = ARRAY_LEN(a)};
	uses(&s, "Credential=ASIAONE/|X-Amz-Security-Token: TOK");
	assert_int_equal(s.direct, 3); /* past any proxy */
	pass(&s, 30);
	uses(&s, "ASIAONE");
	pass(&s, 16); /* a quarter of an hour before they end */
	uses(&s, "ASIATWO");
	side_end(&s, NULL);
	/* What it may say instead. */
	struct answer hop[] = {{"PUT http://169.254.169.254/", "", NULL, 0, 0}},
		      none[] = {{"PUT http://169.254.169.254/", "T", NULL, 200, 0}, {ROLES, "", NULL, 404, 0}};
	struct answer trust[] = {{"PUT http://169.254.169.254/", "T", NULL, 200, 0},
	    {ROLES "r", "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the role r\"}", NULL, 200, 0}, {ROLES, "r", NULL, 200, 0}};
	struct side x = {.files = ec2, .answers = hop, .n = 1}, y = {.files = ec2, .answers = none, .n = 2}, z = {.files = ec2, .answers = trust, .n = 3};
	told(&x, "a role of this machine|does not answer|hop limit to 2|aws configure");
	told(&y, "a role of this machine|it has no role|instance profile");
	told(&z, "the role r of this machine gave no keys|EC2 cannot assume the role r|trust policy");
	/* It may be switched off, and be elsewhere. */
	const char *const off[] = {"AWS_EC2_METADATA_DISABLED", "true", NULL}, *const elsewhere[] = {
										   "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9/", NULL};
	struct side o = {.files = ec2, .vars = off};
	told(&o, "no AWS keys");
	assert_int_equal(o.http, 0);
	struct answer there[] = {{"PUT http://127.0.0.1:9/latest/api/token", "T", NULL, 200, 0},
	    {"GET http://127.0.0.1:9/latest/meta-data/iam/security-credentials/r", first, NULL, 200, 0},
	    {"GET http://127.0.0.1:9/latest/meta-data/iam/security-credentials/", "r\n", NULL, 200, 0}, {"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	struct side e = {.vars = elsewhere, .answers = there, .n = 4};
	uses(&e, "ASIAONE");
	side_end(&e, NULL);
}

/* Tasks of ECS and pods of EKS. */
static void containers(void **state)
{
	(void)state;
	char keys[400], soon[400];
	keys_for(keys, sizeof keys, "ASIABOX", 600);
	struct answer ecs[] = {{"GET http://169.254.170.2/v2/credentials/uuid", keys_for(soon, sizeof soon, "ASIASOON", 9), NULL, 200, 1},
	    {"GET http://169.254.170.2/v2/credentials/uuid", keys, NULL, 200, 0}, {"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	const char *const relative[] = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/uuid", NULL};
	struct side s = {.vars = relative, .answers = ecs, .n = 3};
	uses(&s, "ASIASOON");
	pass(&s, 5);
	uses(&s, "ASIASOON");
	pass(&s, 2); /* those that live for minutes are used for two thirds of them */
	uses(&s, "ASIABOX");
	side_end(&s, NULL);
	struct answer eks[] = {
	    {"GET http://169.254.170.23/v1/credentials|Authorization: JWT.x.y", keys, NULL, 200, 0}, {"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	const char *const full[] = {
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/var/run/token", NULL};
	const char *const files[] = {"/var/run/token", "JWT.x.y\n", NULL};
	struct side t = {.vars = full, .files = files, .answers = eks, .n = 2};
	uses(&t, "ASIABOX");
	side_end(&t, NULL);
	struct side unread = {.vars = full};
	told(&unread, "/var/run/token (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) cannot be read");
	const char *const anywhere[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "s3cr3t", NULL};
	struct side w = {.vars = anywhere};
	told(&w, "AWS_CONTAINER_CREDENTIALS_FULL_URI|nothing is sent there");
	assert_int_equal(w.http, 0);
	const char *const looks_near[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1.example.com/", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "s3cr3t", NULL};
	struct side v = {.vars = looks_near};
	told(&v, "AWS_CONTAINER_CREDENTIALS_FULL_URI|nothing is sent there");
	assert_int_equal(v.http, 0);
	struct answer no[] = {{"GET http://169.254.170.2/", "{}", NULL, 404, 0}}, broken[] = {{"GET http://169.254.170.2/", "{}", NULL, 500, 0}},
		      silent[] = {{"GET http://169.254.170.2/", "", NULL, 0, 0}};
	struct side x = {.vars = relative, .answers = no, .n = 1}, b = {.vars = relative, .answers = broken, .n = 1},
		    y = {.vars = relative, .answers = silent, .n = 1};
	told(&x, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI|HTTP status 404|role of its task");
	out_of_order(&b, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI|HTTP status 500", ERR_NETWORK);
	out_of_order(&y, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI|in time", ERR_NETWORK);
}

#define SSO_OLD \
	"[profile old]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-west-2\nsso_account_id = " \
	"222\nsso_role_name = Ops\n"
/* sha1 of the start URL */
#define SSO_OLD_FILE "~/.aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json"

/* The older form of a profile; a login that is renewed by its token; and refusals. */
static void sign_on_more(void **state)
{
	(void)state;
	const char *const vars[] = {"AWS_PROFILE", "old", NULL};
	const char *const good[] = {"~/.aws/config", SSO_OLD, SSO_OLD_FILE, "{\"accessToken\": \"BEARER\", \"expiresAt\": \"2099-01-01T00:00:00UTC\"}", NULL};
	const char *const ended[] = {"~/.aws/config", SSO_OLD, SSO_OLD_FILE,
	    "{\"accessToken\": \"OLD\", \"expiresAt\": \"2020-01-01T00:00:00Z\", \"refreshToken\": \"REFRESH\", "
	    "\"clientId\": \"C\", \"clientSecret\": \"s3cr3t\","
	    " \"registrationExpiresAt\": \"2099-01-01T00:00:00Z\"}",
	    NULL};
	struct answer a[] = {{"POST https://oidc.us-west-2.amazonaws.com/token|\"grantType\":\"refresh_token\"|REFRESH",
				 "{\"accessToken\":\"BEARER\",\"expiresIn\":28800}", NULL, 200, 0},
	    {"GET "
	     "https://portal.sso.us-west-2.amazonaws.com/federation/"
	     "credentials?role_name=Ops&account_id=222|x-amz-sso_bearer_token: BEARER",
		"{\"roleCredentials\":{\"accessKeyId\":\"ASIASSO\",\"secretAccessKey\":\"x\",\"sessionToken\":\"T\","
		"\"expiration\":4070908800000}}",
		NULL, 200, 0},
	    {"DescribeInstances|ASIASSO", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = vars, .files = good, .answers = a, .n = 3}, renewed = {.vars = vars, .files = ended, .answers = a, .n = 3};
	uses(&s, "ASIASSO");
	assert_int_equal(s.http, 2);
	side_end(&s, NULL);
	uses(&renewed, "ASIASSO");
	assert_int_equal(renewed.http, 3);
	side_end(&renewed, NULL);
	struct answer refused[] = {{"oidc", "{\"error\":\"invalid_grant\"}", NULL, 400, 0}},
		      out[] = {{"portal.sso", "{\"message\":\"Session token not found or invalid\"}", NULL, 401, 0}},
		      denied[] = {{"portal.sso", "{\"message\":\"No access\"}", NULL, 403, 0}};
	struct side x = {.vars = vars, .files = ended, .answers = refused, .n = 1}, y = {.vars = vars, .files = good, .answers = out, .n = 1},
		    z = {.vars = vars, .files = good, .answers = denied, .n = 1};
	struct answer busy[] = {{"portal.sso", "{}", NULL, 429, 0}}, lost[] = {{"oidc", "", NULL, 0, 0}};
	struct side v = {.vars = vars, .files = good, .answers = busy, .n = 1}, w = {.vars = vars, .files = ended, .answers = lost, .n = 1};
	out_of_order(&v, "keys of an SSO login: HTTP status 429", ERR_THROTTLED);
	out_of_order(&w, "renewing the SSO login of profile old|in time", ERR_NETWORK);
	told(&x, "could not be renewed|aws sso login --profile old");
	told(&y, "HTTP status 401|aws sso login --profile old");
	told(&z, "may not take the role Ops in the account 222|sso_role_name");
	const char *const nothing[] = {"~/.aws/config", SSO_OLD, NULL};
	struct side n = {.vars = vars, .files = nothing};
	told(&n, "the SSO login of profile old is not there|aws sso login --profile old");
}

#define WORK(more) "[profile work]\nrole_arn = arn:aws:iam::1:role/R\n" more

/* Where a role's own keys may come from. */
static void role_sources(void **state)
{
	(void)state;
	char keys[400];
	keys_for(keys, sizeof keys, "ASIAMACH", 600);
	const char *const vars[] = {"AWS_PROFILE", "work", NULL};
	const char *const box[] = {"AWS_PROFILE", "work", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", NULL};
	const char *const ec2[] = {"~/.aws/config", WORK("credential_source = Ec2InstanceMetadata\nduration_seconds = 900\nrole_session_name = me\n"), NULL};
	const char *const ecs[] = {"~/.aws/config", WORK("credential_source = EcsContainer\n"), NULL};
	const char *const web[] = {"~/.aws/config", WORK("web_identity_token_file = /var/t\n"), "/var/t", "JWT.x.y", NULL};
	struct answer a[] = {{"PUT http://169.254.169.254/", "T", NULL, 200, 0}, {ROLES "r", keys, NULL, 200, 0}, {ROLES, "r", NULL, 200, 0},
	    {"GET http://169.254.170.2/x", keys, NULL, 200, 0}, {"Action=AssumeRole&|ASIAMACH", ROLE_ANSWER("ASIAROLE"), NULL, 200, 0},
	    {"Action=AssumeRoleWithWebIdentity|role%2FR|JWT.x.y",
		"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>"
		"ASIAROLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey>"
		"<SessionToken>T</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></"
		"AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
		NULL, 200, 0},
	    {"DescribeInstances|ASIAROLE", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = vars, .files = ec2, .answers = a, .n = ARRAY_LEN(a)}, t = {.vars = box, .files = ecs, .answers = a, .n = ARRAY_LEN(a)},
		    u = {.vars = vars, .files = web, .answers = a, .n = ARRAY_LEN(a)};
	uses(&s, "ASIAROLE");
	side_end(&s, NULL);
	uses(&t, "ASIAROLE");
	side_end(&t, NULL);
	uses(&u, "ASIAROLE");
	side_end(&u, NULL);
	/* None, one that has none, and one that is refused. */
	const char *const none[] = {"~/.aws/config", WORK(""), NULL}, *const empty[] = {"~/.aws/config", WORK("source_profile = base\n"), NULL};
	const char *const environment[] = {"~/.aws/config", WORK("credential_source = Environment\n"), NULL}, *const no_box[] = {"~/.aws/config",
														  WORK("credential_source = EcsContainer\n"),
														  NULL};
	struct side n = {.vars = vars, .files = none}, e = {.vars = vars, .files = empty}, v = {.vars = vars, .files = environment},
		    b = {.vars = vars, .files = no_box};
	told(&n, "the role of profile work has no source of keys|neither source_profile nor credential_source");
	told(&e, "profile base has none");
	told(&v, "credential_source Environment");
	told(&b, "credential_source is EcsContainer|AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set");
	const char *const base[] = {
	    "~/.aws/credentials", "[base]\naws_access_key_id=AKIABASE\naws_secret_access_key=s3cr3t\n", "~/.aws/config", WORK("source_profile = base\n"), NULL};
	struct answer denied[] = {{"Action=AssumeRole",
	    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User is not authorized to perform: "
	    "sts:AssumeRole</Message></Error></ErrorResponse>",
	    NULL, 403, 0}};
	struct side d = {.vars = vars, .files = base, .answers = denied, .n = 1};
	told(&d, "taking the role arn:aws:iam::1:role/R|sts:AssumeRole|IAM");
	const char *const unread[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "/var/none", "AWS_ROLE_ARN", "arn:aws:iam::1:role/W", NULL};
	struct side w = {.vars = unread};
	told(&w, "/var/none (a web identity's token) cannot be read|AWS_WEB_IDENTITY_TOKEN_FILE");
}

/* A code that has to be typed: only a session of the CLI's helps. */
static void codes(void **state)
{
	(void)state;
	const char *const vars[] = {"AWS_PROFILE", "work", NULL}, *const files[] = {"~/.aws/config",
								      WORK("source_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n"), NULL};
	struct answer a[] = {{"DescribeInstances|ASIAMFA", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = vars, .files = files, .answers = a, .n = 1, .exec = "{\"Version\":1,\"AccessKeyId\":\"ASIAMFA\",\"SecretAccessKey\":\"x\"}"};
	uses(&s, "ASIAMFA");
	assert_string_equal(s.argv, "[aws][configure][export-credentials][--profile][work][--format][process]");
	side_end(&s, NULL);
	struct side t = {.vars = vars, .files = files, .exec = "", .exec_status = 255, .complaint = "Enter MFA code: EOF"};
	told(&t, "asks for an MFA code|mfa_serial|aws sts get-caller-identity --profile work");
}

static void programs_that_fail(void **state)
{
	(void)state;
	const char *const files[] = {"~/.aws/config", "[default]\ncredential_process = /opt/get\n", NULL}, *const open_quote[] = {"~/.aws/config",
													       "[default]\ncredential_process = '/opt/get\n",
													       NULL};
	struct side s = {.files = files, .exec = "", .exec_status = 1, .complaint = "vault is sealed"}, mute = {.files = files, .exec = "", .exec_status = -1};
	told(&s, "credential_process of profile default failed|vault is sealed|by hand");
	told(&mute, "credential_process of profile default failed|says nothing");
	struct side nonsense = {.files = files, .exec = "hello"},
		    old = {.files = files,
			.exec = "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s3cr3t\",\"Expiration\":"
				"\"2020-01-01T00:00:00Z\"}"};
	told(&nonsense, "gave no keys|by hand");
	told(&old, "gave keys that ended at 2020-01-01T00:00:00Z");
	struct side quote = {.files = open_quote};
	told(&quote, "a quote that is not closed|~/.aws/config");
	/* Without an end they are asked for again after a quarter of an hour, with one shortly before it. */
	char keys[400];
	struct answer a[] = {{"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	struct side t = {.files = files, .answers = a, .n = 1, .exec = keys_for(keys, sizeof keys, "ASIAPROC", 60)};
	uses(&t, "ASIAPROC");
	t.argv[0] = '\0';
	pass(&t, 30);
	uses(&t, "ASIAPROC");
	assert_string_equal(t.argv, "");
	pass(&t, 20);
	uses(&t, "ASIAPROC");
	assert_string_equal(t.argv, "[/opt/get]");
	side_end(&t, NULL);
}

/* Where the files are, which profile counts, and where requests go. */
static void variables(void **state)
{
	(void)state;
	const char *const files[] = {"/etc/keys", "[ci]\naws_access_key_id=AKIACI\naws_secret_access_key=x\n", "/etc/conf",
	    "[profile ci]\nregion = eu-north-1\n[profile other]\n", NULL};
	struct answer a[] = {
	    {"DescribeInstances", NO_INSTANCES, NULL, 200, 0}, {"DescribeRegions",
								   "<DescribeRegionsResponse><regionInfo><item><regionName>eu-north-1</regionName><optInStatus>"
								   "opt-in-not-required</optInStatus></item></regionInfo></DescribeRegionsResponse>",
								   NULL, 200, 0}};
	const char *const v[] = {"AWS_SHARED_CREDENTIALS_FILE", "/etc/keys", "AWS_CONFIG_FILE", "/etc/conf", "AWS_DEFAULT_PROFILE", "ci", NULL};
	struct side s = {.vars = v, .files = files, .answers = a, .n = 2};
	struct err err;
	uses(&s, "AKIACI");
	json_decref(side_call(&s, PROVIDER_QUERY, json_object(), &err));
	assert_non_null(strstr(s.last, "https://ec2.eu-north-1.amazonaws.com/")); /* the profile's region */
	side_end(&s, NULL);
	const char *const w[] = {
	    "AWS_SHARED_CREDENTIALS_FILE", "/etc/keys", "AWS_CONFIG_FILE", "/etc/conf", "AWS_PROFILE", "ci", "AWS_REGION", "us-west-1", NULL};
	struct answer b[] = {
	    {"https://ec2.us-west-1.amazonaws.com/|DescribeRegions", a[1].body, NULL, 200, 0}, {"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	struct side t = {.vars = w, .files = files, .answers = b, .n = 2};
	json_t *r = side_call(&t, PROVIDER_QUERY, json_object(), &err);
	assert_non_null(r);
	side_end(&t, r);
	const char *const missing[] = {"AWS_SHARED_CREDENTIALS_FILE", "/etc/keys", "AWS_CONFIG_FILE", "/etc/conf", "AWS_PROFILE", "prod", NULL};
	struct side x = {.vars = missing, .files = files};
	told(&x, "there is no profile prod (AWS_PROFILE) in /etc/keys and /etc/conf");
	const char *const bare[] = {"AWS_SHARED_CREDENTIALS_FILE", "/etc/keys", "AWS_CONFIG_FILE", "/etc/conf", "AWS_PROFILE", "other", NULL};
	struct side y = {.vars = bare, .files = files};
	told(&y, "no AWS keys|profile other of /etc/keys and /etc/conf");
	const char *const shut[] = {"~/.aws/credentials", "cannot read ~/.aws/credentials: Permission denied", NULL};
	struct side z = {.files = shut};
	told(&z, "no AWS keys|cannot read ~/.aws/credentials: Permission denied");
}

/* `aws login`: its keys while they last, else those that the CLI gives. */
static void cli_logins(void **state)
{
	(void)state;
#define LOGIN_FILE "~/.aws/login/cache/2c1b78894dace16b5f3d1233e77e1823cce319ea0544af9c3a5ec13c7a59b1a3.json"
	const char *const vars[] = {"AWS_PROFILE", "web", NULL};
	static const char config[] = "[profile web]\nlogin_session = arn:aws:sts::1:me\n";
	const char *const good[] = {"~/.aws/config", config, LOGIN_FILE,
	    "{\"accessToken\":{\"accessKeyId\":\"ASIALOGIN\",\"secretAccessKey\":\"s3cr3t\",\"sessionToken\":\"T\",\"expiresAt\":\"2099-01-01T00:00:00Z\"}}", NULL};
	const char *const ended[] = {"~/.aws/config", config, LOGIN_FILE,
	    "{\"accessToken\":{\"accessKeyId\":\"ASIAOLD\",\"secretAccessKey\":\"s3cr3t\",\"sessionToken\":\"T\",\"expiresAt\":\"2020-01-01T00:00:00Z\"}}", NULL};
	struct answer a[] = {{"DescribeInstances", NO_INSTANCES, NULL, 200, 0}};
	struct side s = {.vars = vars, .files = good, .answers = a, .n = 1};
	uses(&s, "ASIALOGIN|X-Amz-Security-Token: T");
	side_end(&s, NULL);
	struct side t = {.vars = vars, .files = ended, .answers = a, .n = 1, .exec = "{\"Version\":1,\"AccessKeyId\":\"ASIANEW\",\"SecretAccessKey\":\"x\"}"};
	uses(&t, "ASIANEW");
	assert_string_equal(t.argv, "[aws][configure][export-credentials][--profile][web][--format][process]");
	side_end(&t, NULL);
	struct side x = {.vars = vars, .files = ended, .exec = "", .exec_status = 1, .complaint = "Your session has expired. Please run aws login"};
	told(&x, "aws configure export-credentials|Please run aws login");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_and_profiles),
	    cmocka_unit_test(roles),
	    cmocka_unit_test(role_sources),
	    cmocka_unit_test(codes),
	    cmocka_unit_test(single_sign_on),
	    cmocka_unit_test(sign_on_more),
	    cmocka_unit_test(cli_logins),
	    cmocka_unit_test(programs),
	    cmocka_unit_test(programs_that_fail),
	    cmocka_unit_test(web_identities),
	    cmocka_unit_test(machines),
	    cmocka_unit_test(containers),
	    cmocka_unit_test(variables),
	    cmocka_unit_test(no_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
