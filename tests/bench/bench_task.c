/* How long reading a task file takes, in process: a usual one, one with everything, and the worst that is let through.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/task.h"

enum { RUNS = 301 };

static const char usual[] =
    "name: train\nresources:\n  accelerators: {A100: 8, H100: 8}\n  use_spot: true\n  disk_size: 500\n"
    "num_nodes: 2\nworkdir: .\nenvs:\n  MODEL: llama\n  EPOCHS: 3\nfile_mounts:\n  /data: s3://bucket/$MODEL\n"
    "setup: |\n  pip install -r requirements.txt\nrun: |\n  torchrun --nnodes $SKYPILOT_NUM_NODES train.py\n";

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void row(const char *name, const char *text, size_t len, int runs, const char *bar)
{
	int64_t took[RUNS];
	for (int i = 0; i < runs; i++) {
		struct err err = {0};
		int64_t start = mono_now_us();
		struct dag *d = dag_parse(text, len, "task.yaml", NULL, NULL, &err);
		dag_destroy(d);
		took[i] = mono_now_us() - start;
	}
	qsort(took, (size_t)runs, sizeof *took, by_size);
	printf("%s\t%.3f\tms\t%s\n", name, (double)took[runs / 2] / 1000, bar);
}

int main(void)
{
	struct str s = str_new(11 << 20);
	row("task file: parse", usual, sizeof usual - 1, RUNS, "1");
	str_add(&s, "resources:\n  any_of:\n");
	for (int i = 0; i < 500; i++)
		str_addf(&s, "    - {infra: aws/us-east-%d, accelerators: 'H100:%d', cpus: %d+, labels: {n: '%d'}}\n",
		    i, i % 8 + 1, i + 1, i);
	row("task file: 500 alternatives", str_text(&s), s.len, 31, "-");
	str_clear(&s);
	str_add(&s, "run: |\n");
	while (s.len < 10 << 20 && !s.full && s.len + 64 < 10 << 20)
		str_add(&s, "  echo a line of a script that is much too long already\n");
	row("task file: a script of 10 MB", str_text(&s), s.len, 5, "-");
	str_clear(&s);
	while (s.len + 64 < 10 << 20)
		str_add(&s, "[[[[[{a: [b, c");
	row("task file: refused, 10 MB of brackets", str_text(&s), s.len, 5, "-");
	str_free(&s);
	return 0;
}
