/* XML as clouds answer with it: whatever comes, the reader ends, stays in its bounds, and gives a value or a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "providers/common/xml.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	json_t *j = xml_json((const char *)data, size, &err);
	MUST(j || (err.code && err.text[0]));
	if (j) {
		char *text = json_text(j);
		MUST(text != NULL);
		free(text);
	}
	json_decref(j);
	struct xml *x = xmalloc(sizeof *x);
	xml_init(x, (const char *)data, size);
	enum xml_event e;
	size_t n = 0;
	while ((e = xml_next(x)) != XML_END && e != XML_BAD) {
		MUST(x->depth >= 0 && x->depth <= XML_DEPTH_MAX && ++n <= 3 * size + 3);
		MUST(x->p <= x->end);
	}
	MUST(xml_next(x) == e);
	xml_free(x);
	free(x);
	return 0;
}
