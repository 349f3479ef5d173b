/* What AWS's refusals mean: one row a code, with how far it reaches and what to do. Codes decide, statuses do not: a lack of machines comes as
 * 500, being asked too often as 400 or 503. What is not listed stops the search in its place only. */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"

struct row {
	const char *code; /* with * and ? */
	const char *text; /* must be in the message; NULL: whatever it says */
	enum err_code err;
	enum err_scope scope;
	const char *todo; /* for the person; NULL */
};

static const char renew[] = "log in again (aws sso login, or new keys by aws configure)";
static const char permit[] = "give this user or role the permission in IAM; skytop check lists those that are missing";
static const char raise_quota[] = "ask for more under Service Quotas in the AWS console, or allow more places";
static const char account[] = "look into the AWS console: the account itself needs attention";

static const struct row rows[] = {
    /* no machines */
    {"InsufficientInstanceCapacity", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {"InsufficientHostCapacity", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {"InsufficientReservedInstanceCapacity", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {"InsufficientCapacity*", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {"UnfulfillableCapacity", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {"Server.InsufficientInstanceCapacity", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {"SpotMaxPriceTooLow", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, "spot costs more there now than the cap allows"},
    {"ReservationCapacityExceeded", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, "the reservation is full"},
    {"Unsupported", NULL, ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    {"InvalidParameterCombination", "Availability Zone", ERR_CAPACITY, ERR_SCOPE_PLACE, NULL},
    /* limits */
    {"VcpuLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION, raise_quota},
    {"InstanceLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION, raise_quota},
    {"MaxSpotInstanceCountExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION, raise_quota},
    {"SpotInstanceCountLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION, raise_quota},
    {"InsufficientFreeAddressesInSubnet", NULL, ERR_QUOTA, ERR_SCOPE_PLACE, "the subnet has no free addresses"},
    {"VolumeLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION_ALL, raise_quota},
    {"MaxIOPSLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION_ALL, raise_quota},
    {"AddressLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION_ALL, raise_quota},
    {"SecurityGroupLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION_ALL, raise_quota},
    {"RulesPerSecurityGroupLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION_ALL, "ask for fewer ports"},
    {"VpcLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION_ALL, raise_quota},
    {"NetworkInterfaceLimitExceeded", NULL, ERR_QUOTA, ERR_SCOPE_REGION_ALL, raise_quota},
    {"OptInRequired", "Marketplace", ERR_INVALID, ERR_SCOPE_TASK, "accept the image's terms where the message says, or take another image"},
    {"OptInRequired", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, account},
    {"PendingVerification", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, account},
    {"Blocked", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, account},
    /* who asks */
    {"AuthFailure", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"InvalidClientTokenId", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"UnrecognizedClientException", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"InvalidAccessKeyId", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"InvalidToken", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"SignatureDoesNotMatch", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"InvalidSignatureException", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"RequestTimeTooSkewed", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "set this machine's clock"},
    {"ExpiredToken*", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"RequestExpired", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"MissingAuthenticationToken*", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"IncompleteSignature*", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"UnauthorizedException", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, renew},
    {"UnauthorizedOperation", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, permit},
    {"AccessDenied*", NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, permit},
    /* too often, or at a bad moment */
    {"RequestLimitExceeded", NULL, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {"Throttling*", NULL, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {"TooManyRequestsException", NULL, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {"EC2ThrottledException", NULL, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {"SlowDown", NULL, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL},
    {"InternalError", NULL, ERR_NETWORK, ERR_SCOPE_PLACE, NULL},
    {"InternalFailure", NULL, ERR_NETWORK, ERR_SCOPE_PLACE, NULL},
    {"Unavailable", NULL, ERR_NETWORK, ERR_SCOPE_PLACE, NULL},
    {"ServiceUnavailable*", NULL, ERR_NETWORK, ERR_SCOPE_PLACE, NULL},
    {"ServerInternal", NULL, ERR_NETWORK, ERR_SCOPE_PLACE, NULL},
    {"RequestTimeout", NULL, ERR_TIMEOUT, ERR_SCOPE_PLACE, NULL},
    /* not there, or in the way */
    {"InvalidInstanceID.NotFound", NULL, ERR_NOT_FOUND, ERR_SCOPE_PLACE, NULL},
    {"InvalidInstanceID.Malformed", NULL, ERR_NOT_FOUND, ERR_SCOPE_PLACE, NULL},
    {"NoSuchBucket", NULL, ERR_NOT_FOUND, ERR_SCOPE_TASK, NULL},
    {"NoSuchKey", NULL, ERR_NOT_FOUND, ERR_SCOPE_TASK, NULL},
    {"InvalidSubnetID.NotFound", NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {"InvalidGroup.NotFound", NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {"InvalidVpcID.NotFound", NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {"VPCIdNotSpecified", NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {"DefaultVpc*", NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, NULL},
    {"InvalidGroup.Duplicate", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"InvalidPermission.Duplicate", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"InvalidKeyPair.Duplicate", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"InvalidPlacementGroup.Duplicate", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"EntityAlreadyExists", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"DependencyViolation", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"InvalidPlacementGroup.InUse", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"InvalidGroup.InUse", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"IncorrectInstanceState", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"IncorrectSpotRequestState", NULL, ERR_CONFLICT, ERR_SCOPE_PLACE, NULL},
    {"UnsupportedOperation", NULL, ERR_UNSUPPORTED, ERR_SCOPE_TASK, NULL},
    /* can never be */
    {"InvalidInstanceType*", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {"InvalidParameter*", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {"MissingParameter", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {"InvalidAMIID.*", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {"InvalidBlockDeviceMapping", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {"InvalidUserData.Malformed", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {"InvalidKeyPair.NotFound", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {"IdempotentParameterMismatch", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
    {"ValidationError", NULL, ERR_INVALID, ERR_SCOPE_TASK, NULL},
};

static const struct row *row_of(const char *code, const char *message)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_glob(rows[i].code, code) && (!rows[i].text || str_istr(message, rows[i].text)))
			return &rows[i];
	return NULL;
}

void aws_error(struct err *err, int status, const char *code, const char *message, const char *what)
{
	static const struct row fault = {"", NULL, ERR_NETWORK, ERR_SCOPE_PLACE, NULL}, other = {"", NULL, ERR_UNSUPPORTED, ERR_SCOPE_PLACE, NULL},
				too_often = {"", NULL, ERR_THROTTLED, ERR_SCOPE_PLACE, NULL}, nonsense = {"", NULL, ERR_PROTOCOL, ERR_SCOPE_PLACE, NULL};
	const struct row *r = *code ? row_of(code, message) : NULL;
	if (!r)
		r = status / 100 == 2 ? &nonsense : status == 429 ? &too_often : status >= 500 || !status ? &fault : &other;
	/* What it cannot decode without a permission of its own says nothing to a person. */
	size_t len = strcspn(message, "\n");
	const char *blob = str_istr(message, "encoded authorization failure");
	if (blob)
		len = (size_t)(blob - message);
	char bare[40] = "";
	if (!*code)
		snprintf(bare, sizeof bare, "HTTP status %d", status);
	err_set(err, r->err, "%s: AWS says %s%s%.*s%s%s", what, *code ? code : bare, len ? ": " : "", (int)(len < 500 ? len : 500), message, r->todo ? "; " : "",
	    r->todo ? r->todo : "");
	err->http_status = status;
	err_set_scope(err, r->scope);
}

bool aws_ok(const json_t *answer)
{
	return json_object_get(answer, "body") != NULL;
}

bool aws_is(const json_t *answer, const char *code)
{
	return str_eq(json_str(answer, "code", NULL), code);
}

enum err_code aws_code(const json_t *answer)
{
	struct err e = {0};
	const char *lost = json_str(answer, "lost", NULL);
	if (lost)
		return err_code_of(lost);
	if (aws_ok(answer))
		return ERR_NONE;
	aws_error(&e, (int)json_int(answer, "status", 0), json_str(answer, "code", ""), json_str(answer, "message", ""), "");
	return e.code;
}

enum provider_step aws_refused(struct aws *t, const json_t *answer, const char *what)
{
	const char *lost = json_str(answer, "lost", NULL);
	if (lost)
		err_set(t->err, err_code_of(lost), "%s: %s", what, json_str(answer, "message", ""));
	else
		aws_error(t->err, (int)json_int(answer, "status", 0), json_str(answer, "code", ""), json_str(answer, "message", ""), what);
	return PROVIDER_FAILED;
}
