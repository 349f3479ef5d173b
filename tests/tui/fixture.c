/* The fixture is imported as any price list is, three times with other prices, so that the history is the store's own. */
#include "tests/tui/fixture.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/catalog.h"
#include "tests/tui/fake_source.h"

static const char header[] =
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone\n";

/* @ is replaced by a digit that falls from day to day. */
static const struct {
	const char *cloud, *rows;
} lists[] = {
    {"aws",
	"p5.48xlarge,H100,8,192,2048,,98.32,2@.11,us-east-1,us-east-1a\n"
	"p5.48xlarge,H100,8,192,2048,,98.32,39.40,us-east-1,us-east-1b\n"
	"p5.48xlarge,H100,8,192,2048,,110.06,,eu-north-1,eu-north-1a\n"
	"p4d.24xlarge,A100,8,96,1152,,32.7726,9.8@,us-west-2,us-west-2b\n"
	"g5.xlarge,A10G,1,4,16,,1.006,0.4213,us-east-1,us-east-1a\n"
	"g5.48xlarge,A10G,8,192,768,,16.288,5.1,us-east-1,us-east-1a\n"
	"m6i.2xlarge,,,8,32,,0.384,0.15,us-east-1,us-east-1a\n"
	"c6i.32xlarge,,,128,256,,5.44,,eu-central-1,eu-central-1b\n"},
    {"azure",
	"Standard_ND96isr_H100_v5,H100,8,96,1900,,98.32,,eastus,\n"
	"Standard_NC24ads_A100_v4,A100-80GB,1,24,220,,3.673,0.7346,westeurope,\n"
	"Standard_NV12ads_A10_v5,A10,0.333,12,110,,0.908,0.363,eastus,\n"},
    {"lambda",
	"gpu_8x_h100_sxm5,H100,8,208,1800,,23.92,,us-east-1,\n"
	"gpu_1x_h100_pcie,H100,1,26,200,,2.@9,,us-west-3,\n"
	"gpu_8x_a100,A100,8,124,1800,,10.32,,us-west-2,\n"
	"gpu_1x_gh200,GH200,1,64,432,,1.49,,us-east-3,\n"},
    {"nebius",
	"gpu-h100-sxm_8gpu-128vcpu-1600gb,H100,8,128,1600,,23.6,10,eu-north1,\n"
	"gpu-h200-sxm_8gpu-128vcpu-1600gb,H200,8,128,1600,,28,11.6,eu-north1,\n"},
    {"vast",
	"8x-H100_SXM-192-2014,H100,8,192,2014,,14.94,,\"Vi\xe1\xbb\x87t Nam, VN\",\n"
	"1x_RTX4090,RTX4090,1,,,,,0.31,\"Hong Kong, HK\",\n"
	"4x_RTX4090-\xe6\x9d\xb1\xe4\xba\xac,RTX4090,4,64,256,,1.6@,,\"\xe6\x9d\xb1\xe4\xba\xac, JP\",\n"},
};

static void must(int rc, const struct err *err, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "fixture: %s: %s\n", what, err->text);
	abort();
}

static void write_lists(const char *dir, int day)
{
	struct err err = {0};
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct str s = str_new(1 << 20);
		str_add(&s, header);
		for (const char *p = lists[i].rows; *p; p++)
			str_addc(&s, *p == '@' ? (char)('9' - day) : *p);
		char *folder = path_join(dir, lists[i].cloud), *file = path_join(folder, "vms.csv");
		must(fs_mkdirs(folder, &err), &err, folder);
		must(fs_write(file, str_text(&s), s.len, 0600, &err), &err, file);
		free(file);
		free(folder);
		str_free(&s);
	}
}

static void write_recipe(const char *folder, const char *name, const char *text)
{
	struct err err = {0};
	char *path = path_join(folder, name);
	must(fs_mkdirs(folder, &err), &err, folder);
	must(fs_write(path, text, strlen(text), 0644, &err), &err, path);
	free(path);
}

/* Two that came with skytop, one of them replaced by the person's own. */
static void write_recipes(const char *dir)
{
	char *share = path_join(dir, "share/recipes"), *own = path_join(dir, "config/recipes");
	write_recipe(share, "hello.yaml", "# The smallest job: says where it runs and ends.\n# Needs: nothing; a bare machine will do.\nname: hello\n\nresources:\n"
					  "  cpus: 1+\n\nrun: |\n  echo \"Hello from $(hostname).\"\n");
	write_recipe(share, "vllm.yaml", "# Serves a language model behind an OpenAI-like endpoint.\n# Needs: one GPU of 24 GB or more.\nname: vllm\n");
	write_recipe(own, "vllm.yaml", "# Our own way of serving a model.\n# Needs: two H100.\nname: vllm\n\nresources:\n  accelerators: H100:2\n  ports: 8000\n"
				       "\nsetup: |\n  pip install vllm\n\nrun: |\n  vllm serve meta-llama/Llama-3.1-8B\n");
	free(own);
	free(share);
}

void fixture_home(const char *dir)
{
	struct err err = {0};
	const int64_t day_ms = 86400000;
	char *prices = path_join(dir, "prices"), *cache = path_join(dir, "cache"), *share = path_join(dir, "share");
	char *db = path_join(cache, "catalog.db");
	must(fs_mkdirs(cache, &err), &err, cache);
	must(fs_mkdirs(share, &err), &err, share);
	/* Prices that fall over a week; the last list is of two days ago. */
	for (int day = 0; day < 6; day++) {
		struct import_report report = {0};
		int64_t at_ms = FAKE_NOW_MS - (7 - day) * day_ms;
		write_lists(prices, day);
		must(catalog_import_at(db, NULL, prices, at_ms, at_ms, &report, &err), &err, prices);
		import_report_free(&report);
	}
	must(fs_remove_tree(prices, &err), &err, prices);
	write_recipes(dir);
	free(db);
	free(share);
	free(cache);
	free(prices);
}
