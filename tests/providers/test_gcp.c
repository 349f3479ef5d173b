/* Google Cloud against the stand-in fake_gcp.py: the list of checks for all providers, and what only it can do wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "tests/providers/conformance.h"
#include "tests/providers/rig.h"
#include "tests/providers/rig_http.h"

extern const struct provider provider_gcp;

static struct stand_in google;

static void tell(const char *what, const char *json)
{
	char *path = xasprintf("/fake/%s", what);
	json_decref(stand_in_tell(&google, path, rig_json("%s", json)));
	free(path);
}

int main(void)
{
	static const struct conformance_subject subject = {.provider = &provider_gcp, .elsewhere = true,
	    .create = "'instance_type': 'g2-standard-4', 'region': 'us-central1', 'zone': 'us-central1-a', 'accelerator': 'L4', 'accelerator_count': 1, "
		      "'disk_size_gib': 50, 'ssh_public_key': 'ssh-ed25519 AAAA skytop'"};
	const char *shared = getenv("SKYTOP_SHARED"), *top = getenv("top_srcdir");
	char *spec = shared ? xasprintf("%s/specs/gcp/compute-strict.json", shared) : xasprintf("%s/../shared/specs/gcp/compute-strict.json", top ? top : ".");
	const char *const argv[] = {"fake_gcp.py", "--spec", spec, NULL};
	if (!stand_in_start(&google, argv)) {
		printf("1..0 # SKIP there is no python3 here\n");
		return 0;
	}
	char *base = xasprintf("http://127.0.0.1:%d", google.port), folder[] = "/tmp/skytop-gcp.XXXXXX";
	if (!mkdtemp(folder))
		return 99;
	char *cred = path_join(folder, "adc.json");
	static const char user[] = "{\"type\": \"authorized_user\", \"client_id\": \"c\", \"client_secret\": \"s\", \"refresh_token\": \"good\","
				   " \"quota_project_id\": \"proj-1\"}";
	fs_write(cred, user, sizeof user - 1, 0600, NULL);
	setenv("SKYTOP_GCP_ENDPOINT", base, 1);
	setenv("GOOGLE_APPLICATION_CREDENTIALS", cred, 1);
	setenv("CLOUDSDK_CONFIG", folder, 1);
	tell("reset", "{}");
	struct CMUnitTest tests[CONFORMANCE_MAX + 64];
	size_t n = conformance_list(&subject, tests);
	int failed = _cmocka_run_group_tests("gcp", tests, n, NULL, NULL);
	stand_in_stop(&google);
	return failed;
}
