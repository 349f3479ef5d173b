/* What Google's refusals mean for the search that goes on elsewhere. The same status says different things (403: no permission, no quota, too
 * fast), so the codes decide: reasons of the HTTP reply ("quotaExceeded"), its status word ("PERMISSION_DENIED"), reasons of its details
 * ("SERVICE_DISABLED"), and codes of operations ("ZONE_RESOURCE_POOL_EXHAUSTED"); some codes need a look at the text as well. */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"

enum { CODES_MAX = 16, MESSAGE_MAX = 400 };

struct refusal {
	int status; /* 0: of an operation */
	const char *codes[CODES_MAX];
	size_t n;
	const char *message;
};

/* The first row that fits. codes: "a|b|c", globs; NULL: any. text: a part of the message; NULL: any. */
static const struct row {
	int status; /* 0: any */
	const char *codes, *text;
	bool creates; /* only while machines are being made */
	enum err_code code;
	enum err_scope scope;
	const char *advice;
} rows[] = {
    {429, NULL, NULL, false, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {0, "rateLimitExceeded|userRateLimitExceeded|RATE_LIMIT_EXCEEDED", NULL, false, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {401, NULL, NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "run `gcloud auth application-default login`"},
    {0, "UNAUTHENTICATED|authError", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "run `gcloud auth application-default login`"},

    {0, "ZONE_RESOURCE_POOL_EXHAUSTED*|insufficientCapacity|STOCKOUT|*_STOCKOUT", NULL, false, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, NULL, "does not have enough resources available", false, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, "UNSUPPORTED_OPERATION", NULL, true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL}, /* taken back while it was made */
    {0, NULL, "failed to start due to preemption", false, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, "VM_MIN_COUNT_NOT_REACHED", NULL, false, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},

    {0, "QUOTA_EXCEEDED|quotaExceeded|limitExceeded|RESOURCE_EXHAUSTED", "ALL_REGIONS", false, ERR_QUOTA, ERR_SCOPE_CLOUD, NULL},
    {0, "QUOTA_EXCEEDED|quotaExceeded|limitExceeded|RESOURCE_EXHAUSTED", "globally", false, ERR_QUOTA, ERR_SCOPE_CLOUD, NULL},
    {0, "QUOTA_EXCEEDED|quotaExceeded|limitExceeded|RESOURCE_EXHAUSTED", "in zone", false, ERR_QUOTA, ERR_SCOPE_PLACE, NULL},
    {0, "QUOTA_EXCEEDED|quotaExceeded|limitExceeded|RESOURCE_EXHAUSTED", NULL, false, ERR_QUOTA, ERR_SCOPE_REGION, NULL},

    /* A machine of that name is still on its way out. */
    {0, "RESOURCE_NOT_READY|resourceNotReady|RESOURCE_OPERATION_RATE_EXCEEDED", NULL, true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, "RESOURCE_OPERATION_RATE_EXCEEDED", NULL, false, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {0, "RESOURCE_NOT_READY|resourceNotReady", NULL, false, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},

    {0, "accessNotConfigured|SERVICE_DISABLED", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "run `gcloud services enable compute.googleapis.com`"},
    {0, NULL, "Policy update access denied", false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, NULL},
    {0, "VPC_NOT_FOUND", NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, NULL},
    {0, "SUBNET_NOT_FOUND_FOR_VPC", NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {0, "notFound|NOT_FOUND|RESOURCE_NOT_FOUND|resourceNotFound|invalid", "machineTypes/", true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, "notFound|NOT_FOUND|RESOURCE_NOT_FOUND|resourceNotFound|invalid", "acceleratorTypes/", true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, NULL, "does not exist in zone", true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, NULL, "is not found or access is unauthorized", true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL}, /* "Location Z …" */
    {0, "notFound|NOT_FOUND|RESOURCE_NOT_FOUND|resourceNotFound", "/images/", false, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {0, "notFound|NOT_FOUND|RESOURCE_NOT_FOUND|resourceNotFound", "/subnetworks/", true, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {0, "notFound|NOT_FOUND|RESOURCE_NOT_FOUND|resourceNotFound", "/networks/", true, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, NULL},
    {0, "RESOURCE_NOT_FOUND", "/instances/", true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL}, /* gone while it was made */

    {0, "conditionNotMet|CONDITION_NOT_MET", NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "a policy of your organization forbids it"},
    {412, NULL, NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "a policy of your organization forbids it"},
    {0, "PERMISSION_DENIED|forbidden|IAM_PERMISSION_DENIED|PERMISSIONS_ERROR", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD,
	"skytop check gcp says which permissions are missing"},
    {0, "alreadyExists|ALREADY_EXISTS|RESOURCE_ALREADY_EXISTS|RESOURCE_IN_USE_BY_ANOTHER_RESOURCE|resourceInUse*|RESOURCE_IN_USE*", NULL, false, ERR_CONFLICT,
	ERR_SCOPE_PLACE, NULL},
    {409, NULL, NULL, false, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},

    {0, "INTERNAL_ERROR", NULL, true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL}, /* of an operation: that zone could not */
    {0, "backendError|internalError|INTERNAL_ERROR|INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED", NULL, false, ERR_NETWORK, ERR_SCOPE_PLACE, NULL},
    {0, "invalid_grant", "JWT", false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "is the clock of this machine right, and is the key still valid?"},
    {0, "invalid_grant|invalid_rapt", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "the login has ended: run `gcloud auth application-default login`"},
    {0, "invalid_client|unauthorized_client|deleted_client|invalid_scope", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD,
	"run `gcloud auth application-default login`"},
    {404, NULL, NULL, false, ERR_NOT_FOUND, ERR_SCOPE_PLACE, NULL},
    {0, "notFound|NOT_FOUND|RESOURCE_NOT_FOUND|resourceNotFound", NULL, false, ERR_NOT_FOUND, ERR_SCOPE_PLACE, NULL},
    {0, "invalid|badRequest|INVALID_ARGUMENT|INVALID_FIELD_VALUE|INVALID_USAGE|required|FAILED_PRECONDITION|UNSUPPORTED_OPERATION", NULL, false, ERR_INVALID,
	ERR_SCOPE_TASK, NULL},
    {400, NULL, NULL, false, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {403, NULL, NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, NULL},
};

static bool one_fits(const char *patterns, const char *code)
{
	bool fits = false;
	while (*patterns && !fits) {
		size_t n = strcspn(patterns, "|");
		char one[80];
		if (n < sizeof one) {
			memcpy(one, patterns, n);
			one[n] = '\0';
			fits = str_glob(one, code);
		}
		patterns += n;
		patterns += *patterns == '|';
	}
	return fits;
}

static bool fits(const struct row *row, const struct refusal *r, bool creates)
{
	if ((row->status && row->status != r->status) || (row->creates && !creates) || (row->text && !str_istr(r->message, row->text)))
		return false;
	bool coded = !row->codes;
	for (size_t i = 0; i < r->n && !coded; i++)
		coded = one_fits(row->codes, r->codes[i]);
	return coded;
}

static void report(const struct refusal *r, const char *what, bool creates, struct err *err)
{
	const struct row *row = NULL;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !row; i++)
		if (fits(&rows[i], r, creates))
			row = &rows[i];
	enum err_code code = row ? row->code : r->status >= 500 ? ERR_NETWORK : ERR_PROTOCOL;
	struct str clean = str_new(MESSAGE_MAX);
	text_clean(&clean, r->message, strlen(r->message) < MESSAGE_MAX ? strlen(r->message) : MESSAGE_MAX - 1);
	char status[24] = "";
	if (r->status)
		snprintf(status, sizeof status, "HTTP %d", r->status);
	const char *named = r->n ? r->codes[0] : "";
	err_set(err, code, "%s: %s%s%.60s%s%s%s%s%s", what, clean.len ? str_text(&clean) : "Google Cloud said no", r->n || *status ? " (" : "", named,
	    r->n && *status ? ", " : "", status, r->n || *status ? ")" : "", row && row->advice ? "; " : "", row && row->advice ? row->advice : "");
	str_free(&clean);
	if (err) {
		err->http_status = r->status;
		err->scope = row ? row->scope : ERR_SCOPE_PLACE;
	}
}

static void add_code(struct refusal *r, const char *code)
{
	if (code && *code && r->n < CODES_MAX)
		r->codes[r->n++] = code;
}

int gcp_status(const json_t *answer)
{
	return (int)json_int(answer, "status", 0);
}

int gcp_answer_error(const json_t *answer, const char *what, bool creates, struct err *err)
{
	int status = gcp_status(answer);
	const char *failed = json_str(answer, "failed", NULL);
	if (failed)
		return err_set(err, err_code_of(failed), "%s: %s", what, json_str(answer, "text", ""));
	if (status >= 200 && status < 300)
		return json_is_object(json_object_get(answer, "body")) || status == 204
			   ? 0
			   : err_set(err, ERR_PROTOCOL, "%s: Google's reply is no JSON object (HTTP %d)", what, status);
	const json_t *body = json_obj(answer, "body"), *e = json_obj(body, "error"), *v;
	struct refusal r = {.status = status, .message = json_str(e, "message", json_str(answer, "text", ""))};
	size_t i;
	json_array_foreach(json_arr(e, "errors"), i, v)
		add_code(&r, json_str(v, "reason", NULL));
	json_array_foreach(json_arr(e, "details"), i, v)
		add_code(&r, json_str(v, "reason", NULL));
	add_code(&r, json_str(e, "status", NULL));
	/* The token endpoint: {"error": "invalid_grant", "error_description": …} */
	if (!e) {
		add_code(&r, json_str(body, "error", NULL));
		r.message = json_str(body, "error_description", r.message);
	}
	report(&r, what, creates, err);
	return -1;
}

/* The one of several that says most: VM_MIN_COUNT_NOT_REACHED comes with the reason beside it. */
void gcp_operation_error(const json_t *error, const char *what, bool creates, struct err *err)
{
	const json_t *list = json_arr(error, "errors"), *v, *best = json_array_get(list, 0);
	size_t i;
	json_array_foreach(list, i, v)
		if (str_eq(json_str(best, "code", ""), "VM_MIN_COUNT_NOT_REACHED"))
			best = v;
	struct refusal r = {.message = json_str(best, "message", "")};
	add_code(&r, json_str(best, "code", NULL));
	report(&r, what, creates, err);
}
