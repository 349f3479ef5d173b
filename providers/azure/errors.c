/* What Azure's refusals mean for the search that goes on elsewhere. The same code says different things (OperationNotAllowed: a quota, or not like
 * this), and the cause is often wrapped: in "details", in "innererror", or as JSON in the text of a message. All codes on the way down count, and
 * the innermost message is the one for people. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "providers/common/refusal.h"

enum { DEPTH_MAX = 6 };

#define LOGIN "run `az login`, or set the secret anew"

static const struct refusal_row rows[] = {
    {429, NULL, NULL, false, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {0, "TooManyRequests|SubscriptionRequestsThrottled|ResourceRequestsThrottled|*Throttled", NULL, false, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},

    {0, "SkuNotAvailable", NULL, false, ERR_CAPACITY, ERR_SCOPE_REGION, NULL},
    {0, "AllocationFailed|ZonalAllocationFailed|Overconstrained*AllocationRequest|AllocationTimeout", NULL, false, ERR_CAPACITY, ERR_SCOPE_REGION, NULL},
    {0, "SpotPriceGreaterThanProvidedMaxPrice", NULL, false, ERR_CAPACITY, ERR_SCOPE_REGION, "it costs more than the cap on spot prices"},
    {0, "QuotaExceeded|PublicIPCountLimitReached|*CountLimitReached|ResourceCountExceedsLimit*", "Cores", false, ERR_QUOTA, ERR_SCOPE_REGION, NULL},
    {0, "PublicIPCountLimitReached|*CountLimitReached|ResourceCountExceedsLimit*", NULL, false, ERR_QUOTA, ERR_SCOPE_REGION_ALL, NULL},
    {0, "ResourceGroupQuotaExceeded", NULL, false, ERR_QUOTA, ERR_SCOPE_CLOUD, NULL},
    {0, "QuotaExceeded", NULL, false, ERR_QUOTA, ERR_SCOPE_REGION, NULL},
    {0, "OperationNotAllowed", "quota", false, ERR_QUOTA, ERR_SCOPE_REGION, "ask for more with `az quota`, or in the portal under Quotas"},

    {0, "AzureSpotFeatureNotEnabledForSubscription", NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "this kind of subscription has no spot machines"},
    {0, "MaxPriceValueInvalid|MaxPriceChangeNotAllowed", NULL, false, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {0, "ReadOnlyDisabledSubscription|SubscriptionNotFound|SubscriptionNotRegistered|InvalidSubscriptionId|DisabledSubscription", NULL, false,
	ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "is the subscription right, and is it paid for? `az account list` shows them"},
    {0, "MissingSubscriptionRegistration", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD,
	"run `az provider register --namespace Microsoft.Compute` and the same for Microsoft.Network, once"},
    {0, "AuthorizationFailed|LinkedAuthorizationFailed|AuthorizationPermissionMismatch", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD,
	"the role Contributor is needed on the subscription"},
    {401, NULL, NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, LOGIN},
    {0, "InvalidAuthenticationToken*|ExpiredAuthenticationToken|AuthenticationFailed*", NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, LOGIN},
    {0, "invalid_client|unauthorized_client|invalid_grant|invalid_request|invalid_scope|interaction_required", NULL, false, ERR_CREDENTIALS,
	ERR_SCOPE_CLOUD, LOGIN},

    {0, "RequestDisallowedByAzure", NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {0, "RequestDisallowedByPolicy", NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "a policy of your organization forbids it"},
    {0, "LocationNotAvailableFor*|NoRegisteredProviderFound*", NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {0, "PlatformImageNotFound", NULL, false, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {0, "ImageNotFound|GalleryImageNotFound|*ImageReference*", NULL, false, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {0, "PlanRequired|MarketplacePurchaseEligibilityFailed|ResourcePurchaseValidationFailed|VMMarketplaceInvalidInput", NULL, false, ERR_INVALID,
	ERR_SCOPE_TASK, "the terms of the image have to be accepted first: `az vm image terms accept`"},

    {0, "ResourceGroupBeingDeleted|InvalidResourceLocation|PropertyChangeNotAllowed|NicReservedForAnotherVm", NULL, false, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {0, "AnotherOperationInProgress|Conflict|ConflictingUserInput|OperationPreempted", NULL, false, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {0, "VMExtension*|OSProvisioningTimedOut|OSProvisioningClientError|InternalExecutionError|InternalOperationError|NetworkingInternalOperationError", NULL, true,
	ERR_CAPACITY, ERR_SCOPE_PLACE, NULL}, /* this one could not be made */
    {0, "RetryableError*|InternalServerError|ServiceUnavailable|NetworkingInternalOperationError|GatewayTimeout|ServerTimeout|InternalExecutionError", NULL,
	false, ERR_NETWORK, ERR_SCOPE_PLACE, NULL},
    {0, "OperationNotAllowed", NULL, false, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {0, "VMSizeDoesNotExist", NULL, false, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {404, NULL, NULL, false, ERR_NOT_FOUND, ERR_SCOPE_PLACE, NULL},
    {0, "ResourceNotFound|ResourceGroupNotFound|NotFound", NULL, false, ERR_NOT_FOUND, ERR_SCOPE_PLACE, NULL},
    {0, "InvalidParameter|BadRequest|InvalidRequest*|InvalidResource*|*NotSupported*", NULL, false, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {400, NULL, NULL, false, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {403, NULL, NULL, false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, NULL},
    {409, NULL, NULL, false, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
};

/* Codes from the outside in; what the innermost says is the message. `held` keeps texts that were unpacked alive. */
static void unpack(struct refusal *r, const json_t *e, json_t *held, int depth)
{
	const char *message = json_str(e, "message", NULL);
	size_t i;
	json_t *v;
	if (!json_is_object(e) || depth >= DEPTH_MAX)
		return;
	refusal_add(r, json_str(e, "code", NULL));
	if (message && *message == '{') {
		json_t *inner = json_parse(message, strlen(message), NULL);
		if (inner) {
			json_array_append_new(held, inner);
			unpack(r, json_obj(inner, "error") ? json_obj(inner, "error") : inner, held, depth + 1);
			return;
		}
	}
	if (message && *message)
		r->message = message;
	json_array_foreach(json_arr(e, "details"), i, v)
		unpack(r, v, held, depth + 1);
	unpack(r, json_obj(e, "innererror"), held, depth + 1);
}

static void report(struct refusal *r, const json_t *e, const char *what, struct err *err)
{
	json_t *held = json_array();
	unpack(r, e, held, 0);
	refusal_report(rows, ARRAY_LEN(rows), r, "Azure", what, err);
	json_decref(held);
}

int azure_answer_error(const json_t *answer, const char *what, bool creates, struct err *err)
{
	int status = talk_status(answer);
	const char *failed = json_str(answer, "failed", NULL);
	if (failed)
		return err_set(err, err_code_of(failed), "%s: %s", what, json_str(answer, "text", ""));
	const json_t *body = json_obj(answer, "body"), *e = json_obj(body, "error");
	if (status >= 200 && status < 300) {
		if (json_is_object(body) || status != 200 || !*json_str(answer, "text", ""))
			return 0;
		return err_set(err, ERR_PROTOCOL, "%s: Azure's reply is no JSON object (HTTP %d)", what, status);
	}
	struct refusal r = {.status = status, .creates = creates, .message = json_str(answer, "text", "")};
	/* Tokens: {"error": "invalid_client", "error_description": …} */
	if (!e) {
		refusal_add(&r, json_str(body, "error", NULL));
		r.message = json_str(body, "error_description", r.message);
	}
	report(&r, e ? e : body, what, err);
	return -1;
}

void azure_operation_error(const json_t *error, const char *what, bool creates, struct err *err)
{
	struct refusal r = {.creates = creates, .message = ""};
	report(&r, error, what, err);
}
