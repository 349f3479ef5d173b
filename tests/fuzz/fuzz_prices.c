/* Price lists in SkyPilot's layout: read into a list whose indices hold and whose prices are prices, or refused. */
#include <string.h>

#include "core/base/mem.h"
#include "core/store/vms_csv.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const clouds[] = {"aws", "gcp", "vast"};
	static const struct offer_source source = {"fuzz", 0, false, false, false, false};
	for (size_t c = 0; c < ARRAY_LEN(clouds); c++) {
		struct pricelist l;
		struct vms_report report = {0};
		struct err err = {0};
		char *text = xmalloc(size + 1);
		memcpy(text, data, size);
		text[size] = '\0';
		pricelist_init(&l, clouds[c]);
		if (vms_csv_read(text, size, &source, NULL, &l, &report, &err)) {
			MUST(err.code == ERR_INVALID && err.text[0]);
		} else {
			MUST(l.n_rows > 0);
			for (size_t i = 0; i < l.n_rows; i++) {
				MUST(l.rows[i].type < l.n_types && l.rows[i].place < l.n_places && l.rows[i].source < l.n_sources);
				MUST(l.rows[i].price_uusd_h >= PRICE_UNKNOWN && l.rows[i].spot_uusd_h >= PRICE_UNKNOWN);
			}
		}
		MUST(report.n_problems <= ARRAY_LEN(report.problems));
		for (size_t i = 0; i < report.n_problems; i++)
			free(report.problems[i]);
		pricelist_free(&l);
		free(text);
	}
	return 0;
}
