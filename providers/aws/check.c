/* CHECK and QUOTA: who we are, what we may do (by dry runs, where EC2 says what would have been allowed; the rest as IAM simulates it), and how many
 * vCPUs of each family of instance types may run. Limits are of a region, a family and a market, in vCPUs; what counts against them are machines that
 * run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"

enum { QUOTA_MS = 15 * 60000 };

/* Families that have limits of their own, by the beginning of the type's name; the first that fits counts. "" is the rest. */
static const struct family {
	const char *begins, *name, *on_demand, *spot; /* codes; NULL: not known */
	bool gpus;
} families[] = {
    {"p5", "P", "L-417A185B", NULL, false},
    {"p6", "P", "L-417A185B", NULL, false},
    {"p", "P", "L-417A185B", "L-7212CCBC", true},
    {"g", "G and VT", "L-DB2E81BA", "L-3819A6DF", true},
    {"vt", "G and VT", "L-DB2E81BA", "L-3819A6DF", false},
    {"dl", "DL", "L-6E869C2A", "L-85EED4F7", false},
    {"inf", "Inf", "L-1945791B", "L-B5D1601B", false},
    {"trn", "Trn", "L-2C3B7624", "L-6B0D517C", false},
    {"f", "F", NULL, NULL, false},
    {"x", "X", NULL, NULL, false},
    {"u-", "High Memory", NULL, NULL, false},
    {"u7", "High Memory", NULL, NULL, false},
    {"mac", "Mac", NULL, NULL, false},
    {"hpc", "HPC", NULL, NULL, false},
    {"", "Standard", "L-1216C47A", "L-34B43A08", true},
};

static const struct family *family_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (str_starts(type, families[i].begins))
			return &families[i];
	return &families[ARRAY_LEN(families) - 1];
}

static const char *code_of(const struct family *f, bool spot)
{
	return spot ? f->spot : f->on_demand;
}

static const char *quota_name(struct aws *t, const struct family *f, bool spot)
{
	return arena_printf(t->a, "vCPUs of %s %s", spot ? "spot" : "on-demand", f->name);
}

/* ---- limits ------------------------------------------------------------------------------------------------------------- */

/* A limit in vCPUs; -1: not known. Kept for a while. */
static enum provider_step limit(struct aws *t, const char *region, const char *code, int64_t *out)
{
	json_t *all = json_object_get(t->memory, "limits");
	if (!all)
		json_object_set_new(t->memory, "limits", all = json_object());
	const char *name = arena_printf(t->a, "%s %s", region, code);
	const json_t *kept = json_object_get(all, name);
	*out = json_int(kept, "value", -1);
	if (kept && aws_now_ms(t) - json_int(kept, "at", 0) < QUOTA_MS)
		return PROVIDER_DONE;
	struct aws_ask q = {.service = "servicequotas", .region = region, .target = "ServiceQuotasV20190624.GetServiceQuota",
	    .body = arena_printf(t->a, "{\"ServiceCode\":\"ec2\",\"QuotaCode\":\"%s\"}", code)};
	const json_t *answers;
	AWS_TRY(aws_ask(t, arena_printf(t->a, "limit %s", name), &q, 1, &answers));
	const json_t *v = json_object_get(json_obj(json_object_get(json_array_get(answers, 0), "body"), "Quota"), "Value");
	*out = json_is_number(v) ? (int64_t)floor(json_number_value(v)) : -1;
	json_object_set_new(all, name, json_pack("{s:I, s:I}", "value", (json_int_t)*out, "at", (json_int_t)aws_now_ms(t)));
	return PROVIDER_DONE;
}

static int64_t number(const json_t *obj, const char *key)
{
	int64_t v;
	return num_int(json_str(obj, key, ""), 0, 1 << 20, &v) ? v : 0;
}

/* vCPUs that run in a region, of a family and a market; -1: not known. */
static enum provider_step used(struct aws *t, const char *region, const struct family *f, bool spot, int64_t *out)
{
	json_t *reservations, *r, *instance;
	struct str s = aws_form("DescribeInstances");
	sigv4_form(&s, "Version", "2016-11-15");
	json_t *states = json_pack("[s, s]", "pending", "running");
	aws_filter_list(&s, 1, "instance-state-name", states);
	json_decref(states);
	AWS_TRY(aws_pages(t, arena_printf(t->a, "running %s", region), region, aws_form_done(t, &s), "reservationSet", &reservations));
	size_t i, k;
	*out = 0;
	json_array_foreach(reservations, i, r)
		json_array_foreach(json_arr(r, "instancesSet"), k, instance) {
			bool is_spot = str_eq(json_str(instance, "instanceLifecycle", ""), "spot");
			const struct family *mine = family_of(json_str(instance, "instanceType", ""));
			int64_t v = number(json_obj(instance, "cpuOptions"), "coreCount") * number(json_obj(instance, "cpuOptions"), "threadsPerCore");
			if (!str_eq(mine->name, f->name) || is_spot != spot || *out < 0)
				continue;
			*out = v ? *out + v : -1;
		}
	return PROVIDER_DONE;
}

static enum provider_step verdict(struct aws *t, const json_t *candidate, json_t *out)
{
	const char *type = json_str(candidate, "instance_type", ""), *region = json_str(candidate, "region", t->login.region);
	bool spot = json_bool(candidate, "use_spot", false);
	const struct family *f = family_of(type);
	const char *code = code_of(f, spot);
	const json_t *shape;
	int64_t max = -1, now = -1;
	json_put_str(out, "name", quota_name(t, f, spot));
	if (code)
		AWS_TRY(limit(t, region, code, &max));
	if (max > 0)
		AWS_TRY(used(t, region, f, spot, &now));
	json_object_set_new(out, "limit", max < 0 ? json_null() : json_integer(max));
	json_object_set_new(out, "used", now < 0 ? json_null() : json_integer(now));
	json_object_set_new(out, "room", max ? json_null() : json_integer(0));
	if (max <= 0 || now < 0)
		return PROVIDER_DONE;
	enum provider_step s = aws_type(t, region, type, &shape);
	if (s == PROVIDER_REQUEST)
		return s;
	int64_t vcpus = s == PROVIDER_DONE ? json_int(shape, "vcpus", 0) : 0; /* of a type that is not there nothing is known */
	if (vcpus)
		json_put_int(out, "room", max > now ? (max - now) / vcpus : 0);
	return PROVIDER_DONE;
}

enum provider_step aws_quota(struct aws *t)
{
	json_t *list = json_array(), *c;
	size_t i;
	enum provider_step s = aws_login(t);
	json_array_foreach(s == PROVIDER_DONE ? json_arr(t->c->args, "candidates") : NULL, i, c) {
		json_t *v = json_object();
		json_array_append_new(list, v);
		s = verdict(t, c, v);
		if (s == PROVIDER_FAILED) { /* a region that says nothing says nothing against it */
			*t->err = (struct err){0};
			s = PROVIDER_DONE;
			json_object_set_new(v, "room", json_null());
			json_object_set_new(v, "limit", json_null());
			json_object_set_new(v, "used", json_null());
		}
		if (s == PROVIDER_REQUEST)
			break;
	}
	if (s == PROVIDER_DONE)
		return aws_done(t, json_pack("{s:o}", "verdicts", list));
	json_decref(list);
	return s;
}

/* ---- permissions ---------------------------------------------------------------------------------------------------------- */

/* What is tried, by asking; an action of EC2's with DryRun, or a question that any account can be asked. */
static const struct permission {
	const char *name, *service, *target, *action; /* action: an EC2 action; or the body of one that has a target */
	const char *key, *value;		      /* a parameter */
	bool needed;
} permissions[] = {
    {"ec2:DescribeInstances", "ec2", NULL, "DescribeInstances", NULL, NULL, true},
    {"ec2:DescribeInstanceTypes", "ec2", NULL, "DescribeInstanceTypes", "InstanceType.1", "t3.micro", true},
    {"ec2:DescribeVpcs", "ec2", NULL, "DescribeVpcs", NULL, NULL, true},
    {"ec2:DescribeSubnets", "ec2", NULL, "DescribeSubnets", NULL, NULL, true},
    {"ec2:DescribeSecurityGroups", "ec2", NULL, "DescribeSecurityGroups", NULL, NULL, true},
    {"ec2:DescribeSpotPriceHistory", "ec2", NULL, "DescribeSpotPriceHistory", "InstanceType.1", "t3.micro", false},
    {"ec2:CreateSecurityGroup", "ec2", NULL, "CreateSecurityGroup", "GroupName", "skytop-check", true},
    {"ec2:RunInstances", "ec2", NULL, "RunInstances", "ImageId", "ami-00000000000000000", true},
    {"ssm:GetParameter", "ssm", "AmazonSSM.GetParameter",
	"{\"Name\":\"/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id\"}", NULL, NULL, false},
    {"servicequotas:GetServiceQuota", "servicequotas", "ServiceQuotasV20190624.GetServiceQuota", "{\"ServiceCode\":\"ec2\",\"QuotaCode\":\"L-1216C47A\"}", NULL,
	NULL, false},
};

static struct aws_ask trial(struct aws *t, const struct permission *p)
{
	struct aws_ask q = {.service = p->service, .region = t->login.region, .target = p->target, .body = p->action};
	if (p->target)
		return q;
	struct str s = aws_form(p->action);
	sigv4_form(&s, "Version", "2016-11-15");
	sigv4_form(&s, "DryRun", "true");
	if (p->key)
		sigv4_form(&s, p->key, p->value);
	if (str_eq(p->action, "RunInstances")) {
		sigv4_form(&s, "InstanceType", "t3.micro");
		sigv4_form(&s, "MinCount", "1");
		sigv4_form(&s, "MaxCount", "1");
	} else if (str_eq(p->action, "CreateSecurityGroup")) {
		sigv4_form(&s, "GroupDescription", "check");
	}
	q.body = aws_form_done(t, &s);
	return q;
}

static bool is_denied(const json_t *answer)
{
	const char *code = json_str(answer, "code", "");
	return str_eq(code, "UnauthorizedOperation") || str_starts(code, "AccessDenied");
}

/* Only what was denied was denied: another refusal comes from what was asked with, after it was let through or before it was looked at. */
static json_t *permission_of(struct aws *t, const struct permission *p, const json_t *answer, json_t *hints, const char **lacking)
{
	bool ok = aws_ok(answer) || aws_is(answer, "DryRunOperation"), denied = is_denied(answer);
	json_t *out = json_object();
	json_put_str(out, "name", p->name);
	json_object_set_new(out, "ok", denied ? json_false() : ok ? json_true() : json_null());
	json_object_set_new(out, "why", ok ? json_null() : json_foreign(denied ? "denied" : json_str(answer, "code", json_str(answer, "message", "no answer"))));
	if (denied && p->needed && !*lacking)
		*lacking = p->name;
	if (denied)
		json_array_append_new(hints, json_string(arena_printf(t->a, "allow %s in IAM%s", p->name, p->needed ? "" : " (it does without)")));
	return out;
}

/* JSON services are asked apart: answers of one question are read alike. */
static enum provider_step permissions_of(struct aws *t, json_t *out, json_t *hints, const char **lacking)
{
	const json_t *answers;
	struct aws_ask *q = arena_alloc(t->a, ARRAY_LEN(permissions) * sizeof *q);
	for (int json = 0; json < 2; json++) {
		size_t n = 0, k = 0;
		for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
			if ((permissions[i].target != NULL) == json)
				q[n++] = trial(t, &permissions[i]);
		AWS_TRY(aws_ask(t, json ? "permissions json" : "permissions", q, n, &answers));
		for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
			if ((permissions[i].target != NULL) == json)
				json_array_append_new(out, permission_of(t, &permissions[i], json_array_get(answers, k++), hints, lacking));
	}
	return PROVIDER_DONE;
}

/* What cannot be tried without something to try it on: IAM is asked what it would say, of things as policies name them. */
enum { ON_ANY, ON_INSTANCE, ON_GROUP, ON_CARD, ON_SPOT_ROLE, ON_PROFILE };

static const char *const things[] = {[ON_INSTANCE] = "instance/i-00000000000000000", [ON_GROUP] = "security-group/sg-00000000000000000",
    [ON_CARD] = "network-interface/eni-00000000000000000",
    [ON_SPOT_ROLE] = "role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"};

static const struct simulated {
	const char *name;
	bool needed;
	int on; /* ON_PROFILE: a role that is not known, and only where machines get one */
} simulated[] = {
    {"ec2:TerminateInstances", true, ON_INSTANCE},
    {"ec2:CreateTags", true, ON_INSTANCE},
    {"ec2:DescribeImages", true, ON_ANY},
    {"ec2:DescribeInstanceTypeOfferings", true, ON_ANY},
    {"ec2:AuthorizeSecurityGroupIngress", true, ON_GROUP},
    {"iam:PassRole", true, ON_PROFILE},
    {"ec2:StopInstances", false, ON_INSTANCE},
    {"ec2:StartInstances", false, ON_INSTANCE},
    {"ec2:DeleteSecurityGroup", false, ON_GROUP},
    {"ec2:ModifyNetworkInterfaceAttribute", false, ON_CARD},
    {"pricing:GetProducts", false, ON_ANY},
    {"iam:CreateServiceLinkedRole", false, ON_SPOT_ROLE},
};

/* Whose policies count: "arn:aws:sts::1:assumed-role/R/session" is the role R. NULL: nobody whose they are (the account itself). */
static const char *principal_of(struct aws *t, const char *arn)
{
	const char *role = strstr(arn, ":assumed-role/"), *account = str_starts(arn, "arn:aws:sts::") ? arn + strlen("arn:aws:sts::") : NULL;
	if (role && account) {
		const char *name = role + strlen(":assumed-role/");
		return arena_printf(t->a, "arn:aws:iam::%.*s:role/%.*s", (int)strcspn(account, ":"), account, (int)strcspn(name, "/"), name);
	}
	return str_starts(arn, "arn:aws:iam::") && strstr(arn, ":user/") ? arn : NULL;
}

static const char *simulation(struct aws *t, const char *principal)
{
	struct str s = aws_form("SimulatePrincipalPolicy");
	char key[40];
	int n = 0;
	sigv4_form(&s, "Version", "2010-05-08");
	sigv4_form(&s, "PolicySourceArn", principal);
	sigv4_form(&s, "ContextEntries.member.1.ContextKeyName", "aws:RequestedRegion");
	sigv4_form(&s, "ContextEntries.member.1.ContextKeyType", "string");
	sigv4_form(&s, "ContextEntries.member.1.ContextKeyValues.member.1", t->login.region);
	for (size_t i = 0; i < ARRAY_LEN(simulated); i++) {
		snprintf(key, sizeof key, "ActionNames.member.%d", ++n);
		sigv4_form(&s, key, simulated[i].name);
	}
	n = 0;
	for (size_t i = 0; i < ARRAY_LEN(things); i++) {
		const char *account = principal + strlen("arn:aws:iam::"), *of = i == ON_SPOT_ROLE ? "iam:" : arena_printf(t->a, "ec2:%s", t->login.region);
		if (!things[i])
			continue;
		snprintf(key, sizeof key, "ResourceArns.member.%d", ++n);
		sigv4_form(&s, key, arena_printf(t->a, "arn:aws:%s:%.*s:%s", of, (int)strcspn(account, ":"), account, things[i]));
	}
	return aws_form_done(t, &s);
}

struct verdict {
	bool told, allowed, denied, open; /* denied: by a rule that says so; open: what decides is not known */
};

/* One decision, if it is about what the action is on. */
static void take_decision(struct verdict *v, const json_t *r, const char *decision, int on)
{
	const char *name = json_str(r, "EvalResourceName", "*");
	if (on < (int)ARRAY_LEN(things) && things[on] && strcmp(name, "*") && !str_ends(name, things[on]))
		return;
	v->told = true;
	v->allowed = v->allowed || str_eq(decision, "allowed");
	v->denied = v->denied || str_eq(decision, "explicitDeny");
	v->open = v->open || json_array_size(json_arr(r, "MissingContextValues"));
}

/* A result is about one thing, or has one for each in a list of its own. */
static struct verdict verdict_on(const json_t *answer, const struct simulated *s)
{
	struct verdict v = {0};
	size_t i, k;
	json_t *r, *one;
	json_array_foreach(json_arr(json_obj(json_object_get(answer, "body"), "SimulatePrincipalPolicyResult"), "EvaluationResults"), i, r) {
		const json_t *each = json_arr(r, "ResourceSpecificResults");
		if (!str_ieq(json_str(r, "EvalActionName", ""), s->name))
			continue;
		if (!json_array_size(each))
			take_decision(&v, r, json_str(r, "EvalDecision", ""), s->on);
		json_array_foreach(each, k, one)
			take_decision(&v, one, json_str(one, "EvalResourceDecision", ""), s->on);
	}
	v.open = v.open || (s->on == ON_PROFILE && !v.denied);
	return v;
}

/* What depends on more than who asks (conditions, the role of a profile) is not known. */
static json_t *simulated_one(const struct simulated *s, struct verdict v)
{
	json_t *out = json_object();
	json_put_str(out, "name", s->name);
	json_object_set_new(out, "ok", v.allowed ? json_true() : v.open || !v.told ? json_null() : json_false());
	json_put_str(out, "why", v.allowed ? NULL : !v.told ? "IAM says nothing of it" : v.open ? "it depends on conditions of the policy" : "denied");
	return out;
}

/* One line for all that IAM does not tell. */
static json_t *no_simulation(struct aws *t, const json_t *answer)
{
	json_t *out = json_object();
	json_put_str(out, "name", "iam:SimulatePrincipalPolicy");
	json_object_set_new(out, "ok", json_null());
	json_object_set_new(out, "why", json_foreign(arena_printf(t->a, "%s: of %s and others, which cannot be tried, nothing is known",
				    !answer ? "not of this identity" : is_denied(answer) ? "denied" : json_str(answer, "code", "no answer"), simulated[0].name)));
	return out;
}

static enum provider_step simulated_of(struct aws *t, const char *arn, json_t *out, json_t *hints, const char **lacking)
{
	const char *principal = principal_of(t, arn);
	const json_t *answers, *answer = NULL;
	if (principal) {
		struct aws_ask q = {.service = "iam", .region = "us-east-1", .body = simulation(t, principal)};
		AWS_TRY(aws_ask(t, "simulation", &q, 1, &answers));
		answer = json_array_get(answers, 0);
	}
	if (!answer || !aws_ok(answer)) {
		json_array_append_new(out, no_simulation(t, answer));
		return PROVIDER_DONE;
	}
	for (size_t i = 0; i < ARRAY_LEN(simulated); i++) {
		const char *name = simulated[i].name;
		if (simulated[i].on == ON_PROFILE && !aws_config(t, "instance_profile"))
			continue;
		json_t *one = simulated_one(&simulated[i], verdict_on(answer, &simulated[i]));
		bool denied = json_is_false(json_object_get(one, "ok"));
		json_array_append_new(out, one);
		if (denied && simulated[i].needed && !*lacking)
			*lacking = name;
		if (denied)
			json_array_append_new(hints, json_string(arena_printf(t->a, "allow %s in IAM%s", name, simulated[i].needed ? "" : " (it does without)")));
	}
	return PROVIDER_DONE;
}

static enum provider_step quotas_of(struct aws *t, json_t *out, json_t *hints)
{
	for (size_t i = 0; i < ARRAY_LEN(families) * 2; i++) {
		const struct family *f = &families[i / 2];
		bool spot = i % 2;
		int64_t max = -1, now = -1;
		if (!f->gpus || !code_of(f, spot))
			continue;
		AWS_TRY(limit(t, t->login.region, code_of(f, spot), &max));
		enum provider_step s = max > 0 ? used(t, t->login.region, f, spot, &now) : PROVIDER_DONE;
		if (s == PROVIDER_REQUEST)
			return s;
		if (s == PROVIDER_FAILED) { /* what is used is not known, and the limit is */
			*t->err = (struct err){0};
			now = -1;
		}
		json_array_append_new(out, json_pack("{s:s, s:s, s:o, s:o}", "name", quota_name(t, f, spot), "region", t->login.region, "limit",
					       max < 0 ? json_null() : json_integer(max), "used", now < 0 ? json_null() : json_integer(now)));
		if (!max && *f->begins)
			json_array_append_new(hints, json_string(arena_printf(t->a, "%s: none may run in %s; ask for some under Service Quotas (%s)",
							 quota_name(t, f, spot), t->login.region, code_of(f, spot))));
	}
	return PROVIDER_DONE;
}

/* ---- check ------------------------------------------------------------------------------------------------------------------ */

/* none: there are no keys at all. */
static enum provider_step not_enabled(struct aws *t, bool none)
{
	json_t *r = json_object();
	json_put_bool(r, "enabled", false);
	json_put_bool(r, "none", none);
	json_put_str(r, "identity", NULL);
	json_object_set_new(r, "reason", json_foreign(t->err->text));
	*t->err = (struct err){0};
	return aws_done(t, r);
}

static enum provider_step report(struct aws *t, const char *arn)
{
	json_t *allowed = json_array(), *quotas = json_array(), *hints = json_array();
	const char *lacking = NULL;
	enum provider_step s = permissions_of(t, allowed, hints, &lacking);
	if (s == PROVIDER_DONE)
		s = simulated_of(t, arn, allowed, hints, &lacking);
	if (s == PROVIDER_DONE)
		s = quotas_of(t, quotas, hints);
	if (s != PROVIDER_DONE) {
		json_decref(allowed);
		json_decref(quotas);
		json_decref(hints);
		return s;
	}
	json_t *r = json_object();
	json_put_bool(r, "enabled", !lacking);
	json_object_set_new(r, "identity", json_foreign(arena_printf(t->a, "%s, from %s, region %s", arn, t->login.source, t->login.region)));
	json_put_str(r, "reason", lacking ? arena_printf(t->a, "%s is not allowed to do %s; allow it in IAM", arn, lacking) : NULL);
	json_object_set_new(r, "permissions", allowed);
	json_object_set_new(r, "quotas", quotas);
	json_object_set_new(r, "hints", hints);
	return aws_done(t, r);
}

enum provider_step aws_check(struct aws *t)
{
	const json_t *body;
	bool found = true;
	enum provider_step s = aws_login_if_any(t, &found);
	if (s == PROVIDER_DONE && !found)
		s = aws_login(t); /* which says why not */
	if (s == PROVIDER_FAILED && t->err->code == ERR_CREDENTIALS)
		return not_enabled(t, !found);
	if (s != PROVIDER_DONE)
		return s;
	struct str form = aws_form("GetCallerIdentity");
	sigv4_form(&form, "Version", "2011-06-15");
	struct aws_ask q = {.service = "sts", .region = t->login.region, .body = aws_form_done(t, &form)};
	s = aws_ask_one(t, "who", &q, arena_printf(t->a, "asking AWS who %s is", t->login.source), &body);
	if (s == PROVIDER_FAILED && t->err->code == ERR_CREDENTIALS)
		return not_enabled(t, false);
	if (s != PROVIDER_DONE)
		return s;
	return report(t, json_str(json_obj(body, "GetCallerIdentityResult"), "Arn", "?"));
}
