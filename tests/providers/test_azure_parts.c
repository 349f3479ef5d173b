/* What Azure's refusals mean, row by row, and what its machines and things are called. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "tests/providers/rig.h"

#define HTTP(status, code, message) "{'status': " #status ", 'body': {'error': {'code': '" code "', 'message': '" message "'}}}"
#define OP(code, message) "{'code': '" code "', 'message': '" message "'}"

/* One for every row of the table; creates: while machines are being made. */
static const struct rig_refusal refusals[] = {
    {HTTP(429, "TooManyRequests", "slow down"), false, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(429, "OperationNotAllowed", "The server rejected the request because too many requests"), true, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(503, "SubscriptionRequestsThrottled", "slow down"), false, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(409, "SkuNotAvailable", "not available in location eastus"), true, ERR_CAPACITY, ERR_SCOPE_REGION},
    {OP("AllocationFailed", "no capacity"), true, ERR_CAPACITY, ERR_SCOPE_REGION},
    {OP("ZonalAllocationFailed", "no capacity"), true, ERR_CAPACITY, ERR_SCOPE_REGION},
    {OP("OverconstrainedAllocationRequest", "no capacity"), true, ERR_CAPACITY, ERR_SCOPE_REGION},
    {OP("OverconstrainedZonalAllocationRequest", "no capacity"), true, ERR_CAPACITY, ERR_SCOPE_REGION},
    {HTTP(409, "SpotPriceGreaterThanProvidedMaxPrice", "3.1 is more"), true, ERR_CAPACITY, ERR_SCOPE_REGION},
    {HTTP(409, "QuotaExceeded", "Cores quota of standardNC"), true, ERR_QUOTA, ERR_SCOPE_REGION},
    {HTTP(400, "PublicIPCountLimitReached", "Cannot create more than 10 addresses in this region"), true, ERR_QUOTA, ERR_SCOPE_REGION_ALL},
    {HTTP(409, "ResourceGroupQuotaExceeded", "980"), true, ERR_QUOTA, ERR_SCOPE_CLOUD},
    {HTTP(409, "QuotaExceeded", "too many"), true, ERR_QUOTA, ERR_SCOPE_REGION},
    {HTTP(409, "OperationNotAllowed", "exceeding approved LowPriorityCores quota"), true, ERR_QUOTA, ERR_SCOPE_REGION},
    {HTTP(409, "OperationNotAllowed", "the machine is generalized"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(400, "AzureSpotFeatureNotEnabledForSubscription", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD},
    {HTTP(400, "MaxPriceValueInvalid", "x"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(409, "ReadOnlyDisabledSubscription", "x"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(409, "SubscriptionNotRegistered", "x"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(400, "InvalidSubscriptionId", "x"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(404, "VMSizeDoesNotExist", "x"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(504, "GatewayTimeout", "x"), false, ERR_NETWORK, ERR_SCOPE_PLACE},
    {HTTP(404, "SubscriptionNotFound", "x"), false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(409, "MissingSubscriptionRegistration", "Microsoft.Compute"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(403, "AuthorizationFailed", "does not have authorization"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(403, "LinkedAuthorizationFailed", "x"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(401, "", "x"), false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(403, "InvalidAuthenticationTokenTenant", "x"), false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(401, "ExpiredAuthenticationToken", "x"), false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {"{'status': 400, 'body': {'error': 'invalid_grant', 'error_description': 'AADSTS50076: MFA'}}", false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {"{'status': 400, 'body': {'error': 'unauthorized_client', 'error_description': 'AADSTS700016'}}", false, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(403, "RequestDisallowedByAzure", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {HTTP(403, "RequestDisallowedByPolicy", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD},
    {HTTP(400, "LocationNotAvailableForResourceType", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {HTTP(400, "LocationNotAvailableForResourceGroup", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {HTTP(400, "NoRegisteredProviderFound", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {HTTP(404, "PlatformImageNotFound", "x"), true, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL},
    {HTTP(404, "ImageNotFound", "x"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(400, "MarketplacePurchaseEligibilityFailed", "x"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(409, "ResourceGroupBeingDeleted", "x"), true, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(400, "InvalidResourceLocation", "x"), true, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(409, "PropertyChangeNotAllowed", "x"), true, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(400, "NicReservedForAnotherVm", "x"), true, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(409, "AnotherOperationInProgress", "x"), true, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {OP("OSProvisioningTimedOut", "x"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("VMExtensionProvisioningError", "x"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("NetworkingInternalOperationError", "x"), true, ERR_CAPACITY, ERR_SCOPE_PLACE},
    {OP("NetworkingInternalOperationError", "x"), false, ERR_NETWORK, ERR_SCOPE_PLACE},
    {HTTP(429, "RetryableError", "x"), true, ERR_THROTTLED, ERR_SCOPE_PLACE},
    {HTTP(409, "RetryableError", "x"), true, ERR_NETWORK, ERR_SCOPE_PLACE},
    {HTTP(500, "InternalServerError", "x"), false, ERR_NETWORK, ERR_SCOPE_PLACE},
    {HTTP(503, "ServiceUnavailable", "x"), false, ERR_NETWORK, ERR_SCOPE_PLACE},
    {"{'status': 502, 'body': null, 'text': '<html>bad gateway'}", true, ERR_NETWORK, ERR_SCOPE_PLACE},
    {HTTP(404, "", "x"), false, ERR_NOT_FOUND, ERR_SCOPE_PLACE},
    {HTTP(404, "ResourceGroupNotFound", "x"), false, ERR_NOT_FOUND, ERR_SCOPE_PLACE},
    {OP("ResourceNotFound", "x"), false, ERR_NOT_FOUND, ERR_SCOPE_PLACE},
    {OP("InvalidParameter", "x"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(400, "BadRequest", "cannot boot Hypervisor Generation 2"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(400, "", "x"), true, ERR_INVALID, ERR_SCOPE_TASK},
    {HTTP(403, "", "x"), true, ERR_CREDENTIALS, ERR_SCOPE_CLOUD},
    {HTTP(409, "", "x"), true, ERR_CONFLICT, ERR_SCOPE_PLACE},
    {HTTP(418, "", "x"), true, ERR_PROTOCOL, ERR_SCOPE_PLACE},
    {"{'status': 200, 'body': null, 'text': 'hello'}", true, ERR_PROTOCOL, ERR_SCOPE_PLACE},
    {"{'failed': 'timeout', 'text': 'no answer in time'}", true, ERR_TIMEOUT, ERR_SCOPE_PLACE},
    /* The cause is wrapped. */
    {"{'code': 'ResourceDeploymentFailure', 'message': 'failed', 'details': [{'code': 'AllocationFailed', 'message': 'none left'}]}", true, ERR_CAPACITY,
	ERR_SCOPE_REGION},
    {"{'code': 'DeploymentFailed', 'message': '{\\'error\\': {\\'code\\': \\'QuotaExceeded\\', \\'message\\': \\'no more\\'}}'}", true, ERR_QUOTA, ERR_SCOPE_REGION},
    {"{'code': 'Conflict', 'message': 'x', 'innererror': {'code': 'SkuNotAvailable', 'message': 'none left'}}", true, ERR_CAPACITY, ERR_SCOPE_REGION},
};

static void test_refusals(void **unused)
{
	(void)unused;
	rig_refusals(refusals, ARRAY_LEN(refusals), azure_answer_error, "code", azure_operation_error);
	struct err err = {0};
	json_t *ok = rig_json("{'status': 202, 'body': null}");
	assert_int_equal(azure_answer_error(ok, "trying", true, &err), 0);
	json_decref(ok);
}

static void test_names(void **unused)
{
	(void)unused;
	struct arena *a = arena_create();
	struct azure_id id;
	assert_true(azure_id_parse(a, "SUB-1/skytop-AB-eastus/sky-1", &id));
	assert_string_equal(id.group, "skytop-ab-eastus");
	static const char *const bad[] = {"", "a", "a/skytop-b", "a/skytop-b/", "a//c", "../skytop-b/c", "a/skytop-b/c/d", "a/other/c", "a/skytop-b?/c"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(azure_id_parse(a, bad[i], &id));
	assert_string_equal(azure_family(a, "Standard_NC24ads_A100_v4"), "StandardNCADSA100v4Family");
	assert_true(str_ieq(azure_family(a, "Standard_D4s_v5"), "standardDSv5Family"));
	assert_true(str_ieq(azure_family(a, "Standard_E16ads_v5"), "standardEADSv5Family"));
	assert_true(str_ieq(azure_family(a, "Standard_F8s_v2"), "standardFSv2Family"));
	assert_null(azure_family(a, "Standard_NX4_v9"));
	assert_int_equal(azure_vcpus("Standard_D64s_v5"), 64);
	assert_int_equal(azure_vcpus("Standard_ND96asr_v4"), 96);
	assert_true(azure_size_is_arm("Standard_D4ps_v5") && azure_size_is_arm("Standard_ND128isr_GB300_v6") && !azure_size_is_arm("Standard_D4s_v5"));
	assert_true(azure_size_takes_premium("Standard_NC4as_T4_v3") && !azure_size_takes_premium("Standard_D4_v3"));
	assert_true(azure_size_ok("Standard_D4s_v5") && !azure_size_ok("no-such-type") && !azure_size_ok("Standard_") && !azure_size_ok("Standard_D4/../x"));
	assert_true(azure_region_ok("eastus2") && !azure_region_ok("no-such-region") && !azure_region_ok("East US"));
	assert_string_equal(azure_region(a, "East US 2"), "eastus2");
	arena_destroy(a);
}

/* Where calls and logins go in each of Azure's clouds. */
static void test_clouds(void **unused)
{
	(void)unused;
	static const struct {
		const char *name, *arm, *login;
	} want[] = {{"azurecloud", "https://management.azure.com/x", "https://login.microsoftonline.com/x"},
	    {"AzureUSGovernment", "https://management.usgovcloudapi.net/x", "https://login.microsoftonline.us/x"},
	    {"AzureChinaCloud", "https://management.chinacloudapi.cn/x", "https://login.chinacloudapi.cn/x"}};
	struct arena *a = arena_create();
	struct provider_call call = {.arena = a};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct azure g = {.c = &call, .cloud = azure_cloud_of(want[i].name, NULL)};
		assert_non_null(g.cloud);
		assert_string_equal(azure_url(&g, AZURE_ARM, "/x"), want[i].arm);
		assert_string_equal(azure_url(&g, AZURE_LOGIN, "/x"), want[i].login);
		assert_ptr_equal(azure_cloud_of(NULL, want[i].login), g.cloud);
	}
	assert_null(azure_cloud_of("AzureGermanCloud", NULL));
	arena_destroy(a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusals), cmocka_unit_test(test_names), cmocka_unit_test(test_clouds)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
