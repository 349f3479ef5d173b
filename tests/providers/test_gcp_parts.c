/* What Google's refusals mean, row by row, and what things are called there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"
#include "tests/providers/rig.h"

/* ---- errors --------------------------------------------------------------------------------------------------------- */

#define HTTP(status, reason, word, message) \
	"{'status': " #status ", 'body': {'error': {'code': " #status ", 'message': '" message "', 'status': '" word "', 'errors': [{'reason': '" reason "'}]}}}"
#define OP(code, message) "{'errors': [{'code': '" code "', 'message': '" message "'}]}"

/* One for every row of the table; creates: while machines are being made. */
static const struct rig_refusal refusals[] = {
    {HTTP(429, "rateLimitExceeded", "RESOURCE_EXHAUSTED", "Too many"), false, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(429, "", "", "Too many"), false, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(403, "rateLimitExceeded", "PERMISSION_DENIED", "Rate Limit Exceeded"), false, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(403, "userRateLimitExceeded", "", "User Rate Limit Exceeded"), false, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(403, "RATE_LIMIT_EXCEEDED", "", "Quota exceeded for quota metric Queries"), false, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(401, "authError", "UNAUTHENTICATED", "Invalid Credentials"), false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {OP("UNAUTHENTICATED", "who?"), false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {OP("ZONE_RESOURCE_POOL_EXHAUSTED", "none left"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "none left"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {HTTP(503, "insufficientCapacity", "", "none left"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("STOCKOUT", "none left"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("SOMETHING_NEW", "The zone does not have enough resources available to fulfill the request"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("UNSUPPORTED_OPERATION", "preempted"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("UNSUPPORTED_OPERATION", "cannot be stopped"), false, ERR_INVALID, ERR_SCOPE_TASK},
    {OP("X", "Instance failed to start due to preemption"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("VM_MIN_COUNT_NOT_REACHED", "0 of 2"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("X", "Zone does not currently have sufficient capacity for the requested resources"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("RESERVATION_NOT_FOUND", "x"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {HTTP(400, "invalid", "", "Specified reservations [projects/p/reservations/r] can not be targeted"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {"{'errors': [{'code': 'VM_MIN_COUNT_NOT_REACHED', 'message': ''}, {'code': 'QUOTA_EXCEEDED', 'message': 'in region us-central1'}]}", true, ERR_QUOTA,
	ERR_SCOPE_REGION},
    {OP("QUOTA_EXCEEDED", "Quota GPUS_ALL_REGIONS exceeded. Limit: 0.0 globally."), true, ERR_QUOTA, ERR_SCOPE_CLOUD},
    {OP("QUOTA_EXCEEDED", "Quota X exceeded. Limit: 1.0 globally."), true, ERR_QUOTA, ERR_SCOPE_CLOUD},
    {OP("QUOTA_EXCEEDED", "Quota X exceeded in zone us-central1-a."), true, ERR_QUOTA, ERR_SCOPE_PLACE},
    {OP("QUOTA_EXCEEDED", "Quota NVIDIA_L4_GPUS exceeded. Limit: 1.0 in region us-central1."), true, ERR_QUOTA, ERR_SCOPE_REGION},
    {HTTP(403, "quotaExceeded", "", "Quota CPUS exceeded. Limit: 24.0 in region us-central1."), true, ERR_QUOTA, ERR_SCOPE_REGION},
    {OP("RESOURCE_NOT_READY", "is still stopping"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("RESOURCE_OPERATION_RATE_EXCEEDED", "too often"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("RESOURCE_OPERATION_RATE_EXCEEDED", "too often"), false, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {OP("RESOURCE_NOT_READY", "The resource is not ready: its machine is STOPPING"), false, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(404, "resourceNotFound", "", "The resource projects/p/global/images/i was not found"), false, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(403, "IAM_PERMISSION_DENIED", "", "Permission denied on resource"), false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(400, "resourceInUseByAnotherResource", "", "in use"), false, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(500, "internalError", "", "Internal error"), false, ERR_NETWORK, ERR_SCOPE_PLACE},
    {HTTP(400, "resourceNotReady", "", "is not ready"), false, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(403, "accessNotConfigured", "PERMISSION_DENIED", "Compute Engine API has not been used"), false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {"{'status': 403, 'body': {'error': {'code': 403, 'message': 'm', 'status': 'PERMISSION_DENIED', 'details': [{'reason': 'SERVICE_DISABLED'}]}}}", false,
	ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {OP("X", "Policy update access denied."), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {OP("VPC_NOT_FOUND", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD},
    {OP("SUBNET_NOT_FOUND_FOR_VPC", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {HTTP(404, "notFound", "", "The resource machineTypes/a4-highgpu-8g was not found"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {HTTP(400, "invalid", "", "acceleratorTypes/nvidia-tesla-p4 is not there"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {HTTP(400, "invalid", "", "Machine type x does not exist in zone us-central1-a"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {HTTP(404, "notFound", "", "Location us-x1-a is not found or access is unauthorized."), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {HTTP(404, "notFound", "", "The resource projects/p/global/images/i was not found"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(404, "notFound", "", "The resource projects/p/regions/r/subnetworks/s was not found"), true, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {HTTP(404, "notFound", "", "The resource projects/p/global/networks/n was not found"), true, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD},
    {OP("RESOURCE_NOT_FOUND", "The resource projects/p/zones/z/instances/i was not found"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {HTTP(412, "conditionNotMet", "", "Constraint constraints/compute.vmExternalIpAccess violated"), true, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD},
    {OP("CONDITION_NOT_MET", "Constraint violated"), true, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD},
    {HTTP(412, "", "", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD},
    {HTTP(403, "forbidden", "PERMISSION_DENIED", "Required compute.instances.create permission"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {OP("PERMISSIONS_ERROR", "Required permission"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(409, "alreadyExists", "", "already exists"), true, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {OP("RESOURCE_ALREADY_EXISTS", "already exists"), true, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {OP("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "in use"), false, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(409, "", "", "x"), false, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {OP("INTERNAL_ERROR", "Please try again"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {HTTP(500, "backendError", "", "Backend Error"), true, ERR_NETWORK, ERR_SCOPE_PLACE},
    {HTTP(503, "", "UNAVAILABLE", "The service is currently unavailable."), false, ERR_NETWORK, ERR_SCOPE_PLACE},
    {"{'status': 502, 'body': null, 'text': '<html>bad gateway'}", true, ERR_NETWORK, ERR_SCOPE_PLACE},
    {"{'status': 400, 'body': {'error': 'invalid_grant', 'error_description': 'Invalid JWT: iat'}}", false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {"{'status': 400, 'body': {'error': 'invalid_grant', 'error_description': 'Token has been expired or revoked.'}}", false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {"{'status': 400, 'body': {'error': 'unauthorized_client', 'error_description': 'not for you'}}", false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {"{'status': 401, 'body': {'error': 'invalid_client', 'error_description': 'no such client'}}", false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(404, "notFound", "", "The resource x was not found"), false, ERR_NOT_FOUND, ERR_SCOPE_PLACE},
    {OP("RESOURCE_NOT_FOUND", "The resource x was not found"), false, ERR_NOT_FOUND, ERR_SCOPE_PLACE},
    {HTTP(400, "invalid", "INVALID_ARGUMENT", "Invalid value for field"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(400, "badRequest", "", "Requested disk size cannot be smaller than the image size (20 GB)"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(400, "", "", "x"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(403, "", "", "x"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(418, "", "", "x"), true, ERR_PROTOCOL, ERR_SCOPE_PLACE},
    {"{'status': 200, 'body': null, 'text': 'hello'}", true, ERR_PROTOCOL, ERR_SCOPE_PLACE},
    {"{'failed': 'timeout', 'text': 'no answer in time'}", true, ERR_TIMEOUT, ERR_SCOPE_PLACE},
};

static void test_refusals(void **unused)
{
	(void)unused;
	rig_refusals(refusals, ARRAY_LEN(refusals), gcp_answer_error, "errors", gcp_operation_error);
}

/* ---- names ---------------------------------------------------------------------------------------------------------- */

static void test_names(void **unused)
{
	(void)unused;
	struct arena *a = arena_create();
	struct gcp_id id;
	assert_string_equal(name_label(a, "abc-1_x"), "abc-1_x");
	assert_true(str_starts(name_label(a, "Not Fit"), "x_"));
	assert_true(str_starts(name_machine(a, "uid", "My Train!", 3), "sky-my-train-"));
	assert_true(str_ends(name_machine(a, "uid", "x", 3), "-3"));
	assert_true(strlen(name_machine(a, "uid", "a-very-long-name-that-goes-on-and-on-and-on", 999)) <= 63);
	assert_string_not_equal(name_machine(a, "uid", "x", 0), name_machine(a, "uie", "x", 0));
	assert_true(gcp_id_parse(a, "example.com:p-1/us-central1-a/sky-1", &id));
	assert_string_equal(id.zone, "us-central1-a");
	static const char *const bad[] = {"", "a", "a/b", "a/b/", "a//c", "../b/c", "a/b/c/d", "a/b/C", "a/b?/c", "1/b/c", "a/b/c-"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(gcp_id_parse(a, bad[i], &id));
	assert_string_equal(gcp_region_of(a, "europe-west4-b"), "europe-west4");
	assert_true(gcp_type_ok("a2-highgpu-1g") && gcp_type_ok("e2-micro") && !gcp_type_ok("no-such-type") && !gcp_type_ok("n1") && !gcp_type_ok("../n1-x"));
	assert_int_equal(name_time("2026-11-23T07:00:00.500-08:00"), name_time("2026-11-23T15:00:00Z") + 500);
	assert_int_equal(name_time("nonsense"), 0);
	assert_string_equal(gcp_disk_type("a3-ultragpu-8g", "low"), "hyperdisk-balanced");
	assert_string_equal(gcp_disk_type("g2-standard-4", "low"), "pd-balanced");
	assert_string_equal(gcp_disk_type("n1-standard-8", "low"), "pd-standard");
	assert_string_equal(gcp_disk_type("a2-highgpu-1g", "ultra"), "pd-ssd");
	assert_string_equal(gcp_disk_type("n2-standard-80", "ultra"), "pd-extreme");
	assert_string_equal(gcp_disk_type("n2-standard-8", "ultra"), "pd-ssd");
	assert_string_equal(gcp_disk_type("n2-standard-8", NULL), "pd-balanced");
	arena_destroy(a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusals), cmocka_unit_test(test_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
