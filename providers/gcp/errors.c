/* What Google's refusals mean for the search that goes on elsewhere. The same status says different things (403: no permission, no quota, too
 * fast), so the codes decide: reasons of the HTTP reply ("quotaExceeded"), its status word ("PERMISSION_DENIED"), reasons of its details
 * ("SERVICE_DISABLED"), and codes of operations ("ZONE_RESOURCE_POOL_EXHAUSTED"); some codes need a look at the text as well. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/refusal.h"
#include "providers/gcp/gcp_priv.h"

static const struct refusal_row rows[] = {
    {429, NULL, NULL, false, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {0, "rateLimitExceeded|userRateLimitExceeded|RATE_LIMIT_EXCEEDED", NULL, false, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {401, NULL, NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "run `gcloud auth application-default login`"},
    {0, "UNAUTHENTICATED|authError", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "run `gcloud auth application-default login`"},

    {0, "ZONE_RESOURCE_POOL_EXHAUSTED*|insufficientCapacity|STOCKOUT|*_STOCKOUT", NULL, false, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, NULL, "does not have enough resources available", false, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, "UNSUPPORTED_OPERATION", NULL, true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL}, /* taken back while it was made */
    {0, NULL, "failed to start due to preemption", false, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, "VM_MIN_COUNT_NOT_REACHED", NULL, false, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {0, NULL, "have sufficient capacity for the requested resources", true, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL}, /* a zone, or a reservation */
    {0, "RESERVATION_NOT_FOUND", NULL, false, ERR_CAPACITY, ERR_SCOPE_PLACE, "look at gcp.specific_reservations"},
    {0, "invalid|badRequest|INVALID_*", "reservation", true, ERR_CAPACITY, ERR_SCOPE_PLACE, "look at gcp.specific_reservations"},

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

static void report(const struct refusal *r, const char *what, struct err *err)
{
	refusal_report(rows, ARRAY_LEN(rows), r, "Google Cloud", what, err);
}

int gcp_answer_error(const json_t *answer, const char *what, bool creates, struct err *err)
{
	int status = talk_status(answer);
	const char *failed = json_str(answer, "failed", NULL);
	if (failed)
		return err_set(err, err_code_of(failed), "%s: %s", what, json_str(answer, "text", ""));
	if (status >= 200 && status < 300)
		return json_is_object(json_object_get(answer, "body")) || status == 204
			   ? 0
			   : err_set(err, ERR_PROTOCOL, "%s: Google's reply is no JSON object (HTTP %d)", what, status);
	const json_t *body = json_obj(answer, "body"), *e = json_obj(body, "error"), *v;
	struct refusal r = {.status = status, .creates = creates, .message = json_str(e, "message", json_str(answer, "text", ""))};
	size_t i;
	json_array_foreach(json_arr(e, "errors"), i, v)
		refusal_add(&r, json_str(v, "reason", NULL));
	json_array_foreach(json_arr(e, "details"), i, v)
		refusal_add(&r, json_str(v, "reason", NULL));
	refusal_add(&r, json_str(e, "status", NULL));
	/* The token endpoint: {"error": "invalid_grant", "error_description": …} */
	if (!e) {
		refusal_add(&r, json_str(body, "error", NULL));
		r.message = json_str(body, "error_description", r.message);
	}
	report(&r, what, err);
	return -1;
}

bool gcp_out_of_order(const json_t *answer, const char *what, struct err *err)
{
	bool again = gcp_answer_error(answer, what, false, err) && err_info(err->code)->retry;
	if (!again)
		*err = (struct err){.code = ERR_NONE};
	return again;
}

/* The one of several that says most: VM_MIN_COUNT_NOT_REACHED comes with the reason beside it. */
void gcp_operation_error(const json_t *error, const char *what, bool creates, struct err *err)
{
	const json_t *list = json_arr(error, "errors"), *v, *best = json_array_get(list, 0);
	size_t i;
	json_array_foreach(list, i, v)
		if (str_eq(json_str(best, "code", ""), "VM_MIN_COUNT_NOT_REACHED"))
			best = v;
	struct refusal r = {.creates = creates, .message = json_str(best, "message", "")};
	refusal_add(&r, json_str(best, "code", NULL));
	report(&r, what, err);
}
