/* The conformance list for AWS, against whatever $AWS_ENDPOINT_URL is: started by test_aws.py, with an emulator behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/providers/conformance.h"

extern const struct provider provider_aws;

static const struct conformance_subject subject = {
    .provider = &provider_aws,
    .create = "'instance_type': 'g6.xlarge', 'region': 'us-east-1', 'zone': 'us-east-1a', 'use_spot': false, 'accelerator': 'L4', 'disk_size_gib': 100, "
	      "'ssh_public_key': 'ssh-ed25519 AAAA test'",
    .config = "{'regions': ['us-east-1', 'us-west-2']}",
    .elsewhere = true,
    .slow = true,
};

/* Of the list, what costs little. */
static bool is_cheap(const char *name)
{
	static const char *const names[] = {
	    "check says it is enabled", "nodes come back as they were given", "bad requests make nothing", "stop and start are idempotent", "lost replies do no harm"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

int main(void)
{
	struct CMUnitTest tests[CONFORMANCE_MAX];
	if (!getenv("AWS_ENDPOINT_URL")) {
		print_message("1..0 # SKIP started by test_aws.py\n");
		return 0;
	}
	size_t n = conformance_list(&subject, tests), kept = 0;
	for (size_t i = 0; i < n; i++)
		if (getenv("SKYTOP_TORTURE") || is_cheap(tests[i].name))
			tests[kept++] = tests[i];
	return _cmocka_run_group_tests("aws", tests, kept, NULL, NULL);
}
