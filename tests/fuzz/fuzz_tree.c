/* Ignore files and manifests: any bytes are read to their end; a manifest that is one prints as it was; rules answer the same twice. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/ignore.h"
#include "core/model/tree.h"
#include "tests/fuzz/must.h"

static void manifest(const char *text, size_t size)
{
	struct err err;
	struct tree *t = tree_parse(text, size, &err);
	if (!t) {
		MUST(err.code == ERR_PROTOCOL && err.text[0]);
		return;
	}
	struct str out = str_new(TREE_TEXT_MAX);
	tree_print(t, &out);
	struct tree *again = tree_parse(str_text(&out), out.len, &err);
	MUST(again && again->n == t->n);
	bool *send = xcalloc(t->n + 1, sizeof *send);
	struct tree_change sum;
	bool differs = tree_compare(t, NULL, again, send, &sum), unsure = false;
	for (size_t i = 0; i < t->n; i++)
		unsure = unsure || (t->v[i].type == TREE_FILE && t->v[i].mtime_ns == TREE_MTIME_UNSURE);
	MUST(differs == unsure && !sum.deleted);
	free(send);
	tree_destroy(again);
	str_free(&out);
	tree_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"a", "a/b", "build/x.o", "foo bar", "a/b/c/d/e", "x.py", ".hid", "aaaaaaaaaaaaaaaaaaaaaaaa"};
	const char *text = (const char *)data;
	manifest(text, size);
	struct ignore *ig = ignore_create();
	ignore_add(ig, "", text, size);
	size_t mark = ignore_mark(ig);
	bool first[ARRAY_LEN(paths)];
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		first[i] = ignore_match(ig, paths[i], i % 2);
	ignore_add(ig, "a", text, size);
	ignore_match(ig, "a/b", false);
	ignore_release(ig, mark);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		MUST(first[i] == ignore_match(ig, paths[i], i % 2));
	ignore_destroy(ig);
	return 0;
}
