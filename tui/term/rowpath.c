/* curses knows one cell from another but not what a blank looks like: it changes the pen to draw one, walks around blanks that are right by
 * addresses of nine bytes, and writes those that are wrong one by one. Here the shortest of all ways along a row is looked for, cell by cell:
 * a place on it is a column, the pen in hand, and whether the rest of what changes has been erased; from there one can take another pen,
 * write a cell (also one that is right, if that is shorter than a move), go over cells that are right, erase a run of blanks, or erase the
 * rest. A blank is drawn with any pen that has its background. Columns only grow, so each place is looked at once.
 *
 * What is not looked for: going back within a row; the pen that the next row would like. */
#include "tui/term/rowpath.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

enum { GAP_MAX = 9, EARLY = 3, NOWHERE = INT_MAX };

enum how { FROM_START, BY_PEN, BY_WRITING, BY_HOP, BY_ERASING_REST, BY_ERASING_RUN };

struct place {
	int cost, from; /* bytes up to here, and the place before; NOWHERE: it is not reached */
	enum how how;
};

struct known_pen {
	struct pen pen;
	int look; /* as blank_look */
};

struct rowpath {
	int w;
	const struct writer *s;
	const struct cell *old, *row;
	int first, last;      /* the cells that are wrong */
	int *next[2], *final; /* the first wrong one from a cell on, w: none; and the last up to it. [1]: when the rest is erased */
	int *pen_at, *run;    /* of a cell; where the blanks that are alike end that begin with it */
	int *look;	      /* of a cell that is blank: how the blank looks; 0: it is none */
	struct known_pen *pens; /* those of the cells up to the last wrong one; [0]: the one in hand at the beginning */
	int n_pens, pens_cap;
	int back;	      /* with which pen the rest would be erased; -1: it cannot be */
	bool tail;	      /* … as the row is from the last wrong cell on */
	int *costs;	      /* from pen to pen; -1: not known yet */
	struct place *places; /* by column, whether erased, and pen */
	int places_cap, costs_cap;
	int *steps; /* the places of the best way, from its end */
	struct {
		int cost, from;
		bool erases; /* the run that begins there, and that is all */
	} end;
};

struct rowpath *rowpath_create(int w)
{
	struct rowpath *p = xcalloc(1, sizeof *p);
	size_t n = (size_t)w + 1;
	p->w = w;
	p->next[0] = xreallocarray(NULL, n * 9, sizeof *p->next[0]);
	p->next[1] = p->next[0] + n;
	p->final = p->next[1] + n;
	p->pen_at = p->final + n;
	p->run = p->pen_at + n;
	p->look = p->run + n;
	p->steps = p->look + n; /* a pen and a step a cell, and the erasing */
	return p;
}

void rowpath_destroy(struct rowpath *p)
{
	free(p->next[0]);
	free(p->pens);
	free(p->costs);
	free(p->places);
	free(p);
}

bool cell_is_blank(const struct cell *c)
{
	return c->cp == ' ' && !c->mark && c->width == 1;
}

/* How a blank looks that is written or erased with the pen: by its background alone. 0: there would be more to see. */
static int blank_look(struct pen pen)
{
	return pen_same_blank(pen, pen) ? pen.bg + 2 : 0;
}

static bool same(const struct rowpath *p, int x)
{
	const struct cell *a = &p->old[x], *b = &p->row[x];
	return !memcmp(a, b, sizeof *a) || (cell_is_blank(a) && cell_is_blank(b) && pen_same_blank(pen_of(p->s, a), pen_of(p->s, b)));
}

/* --- what there is to do ------------------------------------------------------------------------------------------- */

static int pen_number(struct rowpath *p, struct pen pen)
{
	for (int i = 0; i < p->n_pens; i++)
		if (pen_same(p->pens[i].pen, pen))
			return i;
	ARRAY_GROW(p->pens, p->n_pens, p->pens_cap);
	p->pens[p->n_pens] = (struct known_pen){pen, blank_look(pen)};
	return p->n_pens++;
}

/* Which cells are wrong, one half of a wide one as the other; false: none. */
static bool find_wrong(struct rowpath *p)
{
	int *wrong = p->next[0], n = 0;
	for (int x = 0; x < p->w; x++)
		wrong[x] = !same(p, x);
	for (int x = 0; x + 1 < p->w; x++)
		if (p->row[x].width == 2)
			wrong[x] = wrong[x + 1] = wrong[x] || wrong[x + 1];
	for (int x = 0, last = -1; x < p->w; x++) {
		if (wrong[x]) {
			p->first = n++ ? p->first : x;
			last = x;
		}
		p->final[x] = last;
	}
	p->last = p->final[p->w - 1];
	wrong[p->w] = p->w;
	for (int x = p->w - 1; x >= 0; x--)
		wrong[x] = wrong[x] ? x : wrong[x + 1];
	return n > 0;
}

static bool drawn_alike(const struct cell *a, const struct cell *b)
{
	return a->role == b->role && a->back == b->back && a->attrs == b->attrs;
}

static void find_pens(struct rowpath *p)
{
	struct pen pen = p->s->pen;
	p->n_pens = 0;
	pen_number(p, pen);
	for (int x = 0; x < p->w; x++) {
		bool as_before = x && drawn_alike(&p->row[x], &p->row[x - 1]);
		pen = as_before ? pen : pen_of(p->s, &p->row[x]);
		p->look[x] = cell_is_blank(&p->row[x]) ? blank_look(pen) : 0;
		if (x >= p->first - GAP_MAX && x <= p->last)
			p->pen_at[x] = as_before && x > p->first - GAP_MAX ? p->pen_at[x - 1] : pen_number(p, pen);
	}
	for (int x = p->w - 1; x >= 0; x--)
		p->run[x] = x + 1 < p->w && p->look[x] && p->look[x] == p->look[x + 1] ? p->run[x + 1] : x + 1;
}

static bool can_erase(const struct rowpath *p, int pen, bool to_end)
{
	return (to_end || p->s->can->ech) && (p->s->can->bce || p->pens[pen].pen.bg < 0);
}

/* All that is wrong may be erased at once: to the background of its first blank. */
static void find_back(struct rowpath *p)
{
	int at = p->first, after = p->last + 1;
	while (at <= p->last && !p->look[at])
		at++;
	p->back = at <= p->last && (after == p->w || (p->old[after].width && p->row[after].width)) ? p->pen_at[at] : -1;
	if (p->back < 0)
		return;
	p->tail = after == p->w || (p->run[after] == p->w && p->look[after] == p->look[at]);
	if (!can_erase(p, p->back, p->tail))
		p->back = -1;
	for (int x = p->w; x >= 0; x--)
		p->next[1][x] = x > p->last ? p->w : p->look[x] == p->look[at] ? p->next[1][x + 1] : x;
}

/* --- ways ---------------------------------------------------------------------------------------------------------- */

static int place_at(const struct rowpath *p, int x, int erased, int pen)
{
	return (x * 2 + erased) * p->n_pens + pen;
}

static void clear_places(struct rowpath *p)
{
	int n = place_at(p, p->last + 2, 0, 0), m = p->n_pens * p->n_pens;
	if (p->places_cap < n)
		p->places = xreallocarray(p->places, (size_t)(p->places_cap = n), sizeof *p->places);
	if (p->costs_cap < m)
		p->costs = xreallocarray(p->costs, (size_t)(p->costs_cap = m), sizeof *p->costs);
	for (int i = place_at(p, p->first > GAP_MAX ? p->first - GAP_MAX : 0, 0, 0); i < n; i++)
		p->places[i].cost = NOWHERE;
	for (int i = 0; i < m; i++)
		p->costs[i] = -1;
	p->end.cost = NOWHERE;
}

static int pen_change(struct rowpath *p, int from, int to)
{
	int *cost = &p->costs[from * p->n_pens + to];
	if (*cost < 0)
		*cost = pen_cost(p->s, p->pens[from].pen, p->pens[to].pen);
	return *cost;
}

static void reach(struct rowpath *p, int place, int from, int cost, enum how how)
{
	if (cost < p->places[place].cost)
		p->places[place] = (struct place){cost, from, how};
}

static void reach_end(struct rowpath *p, int from, int cost, bool erases)
{
	if (cost >= p->end.cost)
		return;
	p->end.cost = cost;
	p->end.from = from;
	p->end.erases = erases;
}

static void begin(struct rowpath *p, int y)
{
	const struct writer *s = p->s;
	for (int x = p->first > EARLY ? p->first - EARLY : 0; x <= p->first; x++)
		if (p->row[x].width)
			reach(p, place_at(p, x, 0, 0), -1, move_len(s, x, y), FROM_START);
	if (s->y == y && s->x < p->first && p->first - s->x <= GAP_MAX && p->row[s->x].width)
		reach(p, place_at(p, s->x, 0, 0), -1, 0, FROM_START);
}

static void take_pen(struct rowpath *p, int x, int erased, int pen)
{
	int base = place_at(p, x, erased, 0);
	for (int i = 0; i < p->n_pens; i++)
		if (p->places[base + i].cost < p->places[base + pen].cost)
			reach(p, base + pen, base + i, p->places[base + i].cost + pen_change(p, i, pen), BY_PEN);
}

/* The pens that are of use from here: the cell's, that of the next text, and the one to erase with. */
static void take_pens(struct rowpath *p, int x, int erased)
{
	int text = x;
	if (p->n_pens == 1)
		return;
	take_pen(p, x, erased, p->pen_at[x]);
	while (text <= p->last && p->look[text])
		text = p->run[text];
	if (text > x && text <= p->last)
		take_pen(p, x, erased, p->pen_at[text]);
	if (!erased && p->back >= 0)
		take_pen(p, x, erased, p->back);
}

static int cell_bytes(const struct cell *c)
{
	char utf8[4];
	return c->cp < 0x80 && !c->mark ? 1 : (int)(utf8_encode(c->cp, utf8) + (c->mark ? utf8_encode(c->mark, utf8) : 0));
}

static int run_len(const struct rowpath *p, int x)
{
	return p->final[p->run[x] - 1] + 1 - x;
}

static void erase_run(struct rowpath *p, int x, int pen, int here)
{
	bool to_end = p->run[x] == p->w;
	int n = run_len(p, x), cost = p->places[here].cost + csi_len(to_end ? 1 : n);
	if (!can_erase(p, pen, to_end))
		return;
	int next = to_end ? p->w : p->next[0][x + n];
	if (next == p->w)
		reach_end(p, here, cost, true);
	else if (n > EARLY)
		reach(p, place_at(p, next, 0, pen), here, cost + way_len(way_right(p->s, x, next)), BY_ERASING_RUN);
}

/* From where it is right on: later on the way, or with another pen, it would be no shorter. */
static bool may_hop(const struct rowpath *p, int x, int erased, enum how how)
{
	return how == BY_ERASING_REST || (how == BY_WRITING && p->next[erased][x - 1] == x - 1);
}

static void hops(struct rowpath *p, int x, int erased, int pen)
{
	int here = place_at(p, x, erased, pen), next = p->next[erased][x];
	for (int to = next - EARLY > x ? next - EARLY : x + 1; to <= next; to++)
		if (p->row[to].width)
			reach(p, place_at(p, to, erased, pen), here, p->places[here].cost + way_len(way_right(p->s, x, to)), BY_HOP);
}

static void go_on(struct rowpath *p, int x, int erased, int pen)
{
	int here = place_at(p, x, erased, pen), cost = p->places[here].cost, next = p->next[erased][x];
	if (cost == NOWHERE || cost >= p->end.cost)
		return;
	if (next == p->w) {
		reach_end(p, here, cost, false);
		return;
	}
	if (next > x && may_hop(p, x, erased, p->places[here].how))
		hops(p, x, erased, pen);
	bool blank = p->look[x] && p->look[x] == p->pens[pen].look;
	const struct cell *c = &p->row[x];
	if (next - x <= GAP_MAX && (blank || p->pen_at[x] == pen))
		reach(p, place_at(p, x + c->width, erased, pen), here, cost + cell_bytes(c), BY_WRITING);
	if (erased)
		return;
	if (blank && next == x)
		erase_run(p, x, pen, here);
	if (p->back >= 0 && p->old[x].width && p->pens[pen].look == p->pens[p->back].look)
		reach(p, place_at(p, x, 1, pen), here, cost + csi_len(p->tail ? 1 : p->last + 1 - x), BY_ERASING_REST);
}

static void find_way(struct rowpath *p, int y)
{
	clear_places(p);
	begin(p, y);
	for (int x = p->first > GAP_MAX ? p->first - GAP_MAX : 0; x <= p->last + 1; x++) {
		for (int erased = 0; erased < (p->back >= 0 ? 2 : 1); erased++) {
			if (x <= p->last && p->row[x].width && p->next[erased][x] - x <= GAP_MAX)
				take_pens(p, x, erased);
			for (int pen = 0; pen < p->n_pens; pen++)
				go_on(p, x, erased, pen);
		}
	}
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

static void put(struct writer *s, const struct cell *c)
{
	char utf8[4];
	str_addn(s->out, utf8, utf8_encode(c->cp, utf8));
	if (c->mark)
		str_addn(s->out, utf8, utf8_encode(c->mark, utf8));
	s->x += c->width;
}

static void hop(struct writer *s, int x)
{
	way_add(s->out, way_right(s, s->x, x));
	s->x = x;
}

static void erase(struct writer *s, int n, bool to_end)
{
	csi_add(s->out, to_end ? 1 : n, to_end ? 'K' : 'X');
}

static void step(struct rowpath *p, struct writer *s, int place, int y)
{
	int pen = place % p->n_pens, x = place / p->n_pens / 2;
	switch (p->places[place].how) {
	case FROM_START:
		move_to(s, x, y);
		return;
	case BY_PEN:
		pen_set(s, p->pens[pen].pen);
		return;
	case BY_WRITING:
		put(s, &p->row[s->x]);
		return;
	case BY_ERASING_REST:
		erase(s, p->last + 1 - x, p->tail);
		return;
	case BY_ERASING_RUN:
		erase(s, run_len(p, s->x), false);
		hop(s, x);
		return;
	case BY_HOP:
		hop(s, x);
		return;
	}
}

void rowpath_write(struct rowpath *p, struct writer *s, const struct cell *old, const struct cell *row, int y)
{
	int n = 0;
	p->s = s;
	p->old = old;
	p->row = row;
	if (!find_wrong(p))
		return;
	find_pens(p);
	find_back(p);
	find_way(p, y);
	for (int at = p->end.from; at >= 0; at = p->places[at].from)
		p->steps[n++] = at;
	while (n > 0)
		step(p, s, p->steps[--n], y);
	if (p->end.erases)
		erase(s, run_len(p, s->x), p->run[s->x] == p->w);
}
