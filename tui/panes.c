/* The tree of panes. A cut keeps which share its first side has, not where it is, so that the panes keep their proportions on a screen
 * of any size; where a line falls is computed when it is drawn. */
#include "tui/panes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_W = 12, MIN_H = 3, STACK_H = 6 };

void panes_init(struct panes *p)
{
	memset(p, 0, sizeof *p);
	p->nodes[0] = (struct pane_node){.used = true, .cut = PANE_LEAF, .parent = -1, .child = {-1, -1}};
}

static int list_from(const struct panes *p, int node, int *out, int n)
{
	const struct pane_node *k = &p->nodes[node];
	if (k->cut == PANE_LEAF) {
		out[n++] = node;
		return n;
	}
	return list_from(p, k->child[1], out, list_from(p, k->child[0], out, n));
}

int panes_list(const struct panes *p, int slots[PANES_MAX])
{
	int n = list_from(p, p->root, slots, 0);
	for (int i = 0; i < n; i++)
		slots[i] = p->nodes[slots[i]].slot;
	return n;
}

int panes_focused(const struct panes *p)
{
	return p->nodes[p->focus].slot;
}

static int leaf_of(const struct panes *p, int slot)
{
	for (int i = 0; i < PANES_NODES; i++)
		if (p->nodes[i].used && p->nodes[i].cut == PANE_LEAF && p->nodes[i].slot == slot)
			return i;
	return -1;
}

void panes_focus(struct panes *p, int slot)
{
	int leaf = leaf_of(p, slot);
	if (leaf >= 0)
		p->focus = leaf;
}

void panes_cycle(struct panes *p, int dir)
{
	int leaves[PANES_MAX], n = list_from(p, p->root, leaves, 0), at = 0;
	for (int i = 0; i < n; i++)
		if (leaves[i] == p->focus)
			at = i;
	p->focus = leaves[(at + dir + n) % n];
}

static int free_node(const struct panes *p)
{
	for (int i = 0; i < PANES_NODES; i++)
		if (!p->nodes[i].used)
			return i;
	return -1;
}

static int free_slot(const struct panes *p)
{
	for (int slot = 0; slot < PANES_MAX; slot++)
		if (leaf_of(p, slot) < 0)
			return slot;
	return -1;
}

/* The focused leaf's node becomes the cut, so that what is above it need not know. */
int panes_split(struct panes *p, bool beside)
{
	int slot = free_slot(p);
	if (slot < 0)
		return -1;
	struct pane_node *cut = &p->nodes[p->focus];
	for (int i = 0; i < 2; i++) {
		int leaf = free_node(p);
		p->nodes[leaf] = (struct pane_node){.used = true, .parent = p->focus, .child = {-1, -1}, .slot = i ? slot : cut->slot};
		cut->child[i] = leaf;
	}
	cut->cut = beside ? PANE_BESIDE : PANE_BELOW;
	cut->share = PANES_SHARES / 2;
	p->focus = cut->child[1];
	p->zoomed = false;
	return slot;
}

int panes_close(struct panes *p)
{
	struct pane_node *leaf = &p->nodes[p->focus];
	int up = leaf->parent, slot = leaf->slot, own = p->focus;
	if (up < 0)
		return -1;
	struct pane_node *cut = &p->nodes[up];
	int stays = cut->child[0] == own ? cut->child[1] : cut->child[0], above = cut->parent;
	/* What stays takes the cut's place. */
	leaf->used = false;
	*cut = p->nodes[stays];
	cut->parent = above;
	p->nodes[stays].used = false;
	for (int i = 0; i < 2; i++)
		if (cut->cut != PANE_LEAF)
			p->nodes[cut->child[i]].parent = up;
	int leaves[PANES_MAX];
	list_from(p, up, leaves, 0);
	p->focus = leaves[0];
	p->zoomed = false;
	return slot;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

static int within(int n, int low, int high)
{
	return n > high ? (high > low ? high : low) : n < low ? low : n;
}

static void place(const struct panes *p, int node, struct rect r, struct panes_layout *out)
{
	const struct pane_node *k = &p->nodes[node];
	if (k->cut == PANE_LEAF) {
		out->at[k->slot] = r;
		return;
	}
	bool beside = k->cut == PANE_BESIDE;
	int n = out->n_cuts++, all = beside ? r.w - 1 : r.h, least = beside ? MIN_W : MIN_H;
	struct rect rest = r, first, line;
	int size = within((all * k->share + PANES_SHARES / 2) / PANES_SHARES, least, all - least);
	if (beside) {
		first = rect_cut_left(&rest, size);
		line = rect_cut_left(&rest, 1);
	} else {
		first = rect_cut_top(&rest, size);
		line = (struct rect){rest.x, rest.y, rest.w, rest.h > 0};
	}
	out->cuts[n].node = node;
	out->cuts[n].line = line;
	out->cuts[n].area = r;
	place(p, k->child[0], first, out);
	place(p, k->child[1], rest, out);
}

static bool has_beside(const struct panes *p)
{
	for (int i = 0; i < PANES_NODES; i++)
		if (p->nodes[i].used && p->nodes[i].cut == PANE_BESIDE)
			return true;
	return false;
}

static bool too_small(const struct panes *p, const struct panes_layout *l)
{
	int slots[PANES_MAX], n = panes_list(p, slots);
	for (int i = 0; i < n; i++)
		if (l->at[slots[i]].w < MIN_W || l->at[slots[i]].h < MIN_H)
			return true;
	return false;
}

static void only_focused(const struct panes *p, struct rect area, struct panes_layout *out)
{
	memset(out, 0, sizeof *out);
	out->area = area;
	out->at[panes_focused(p)] = area;
}

static void stack(const struct panes *p, struct rect area, struct panes_layout *out)
{
	int slots[PANES_MAX], n = panes_list(p, slots);
	bool fold = area.h < n * STACK_H;
	if (area.h < n + MIN_H) {
		only_focused(p, area, out);
		return;
	}
	memset(out, 0, sizeof *out);
	out->area = area;
	out->stacked = true;
	struct rect rest = area;
	for (int i = 0; i < n; i++) {
		bool folded = fold && slots[i] != panes_focused(p);
		out->folded[slots[i]] = folded;
		out->at[slots[i]] = rect_cut_top(&rest, folded ? 1 : fold ? area.h - n + 1 : rest.h / (n - i));
	}
}

void panes_place(const struct panes *p, struct rect area, struct panes_layout *out)
{
	if (p->zoomed) {
		only_focused(p, area, out);
		return;
	}
	memset(out, 0, sizeof *out);
	out->area = area;
	place(p, p->root, area, out);
	if (out->n_cuts && ((area.w < PANES_WIDE && has_beside(p)) || too_small(p, out)))
		stack(p, area, out);
}

int panes_at(const struct panes_layout *l, int x, int y)
{
	for (int slot = 0; slot < PANES_MAX; slot++)
		if (rect_has(l->at[slot], x, y))
			return slot;
	return -1;
}

/* The last one that is there: a cut within a side is nearer than the one around it. */
int panes_cut_at(const struct panes *p, const struct panes_layout *l, int x, int y)
{
	(void)p;
	for (int i = l->n_cuts - 1; i >= 0; i--)
		if (rect_has(l->cuts[i].line, x, y))
			return i;
	return -1;
}

void panes_drag(struct panes *p, const struct panes_layout *l, int cut, int x, int y)
{
	if (cut < 0 || cut >= l->n_cuts)
		return;
	struct pane_node *k = &p->nodes[l->cuts[cut].node];
	struct rect r = l->cuts[cut].area;
	bool beside = k->cut == PANE_BESIDE;
	int all = beside ? r.w - 1 : r.h, least = beside ? MIN_W : MIN_H, size = beside ? x - r.x : y - r.y;
	if (all < 2 * least)
		return;
	k->share = (within(size, least, all - least) * PANES_SHARES + all / 2) / all;
}

bool panes_resize(struct panes *p, const struct panes_layout *l, int dx, int dy)
{
	for (int node = p->nodes[p->focus].parent; node >= 0; node = p->nodes[node].parent) {
		if (p->nodes[node].cut != (dx ? PANE_BESIDE : PANE_BELOW))
			continue;
		for (int i = 0; i < l->n_cuts; i++) {
			if (l->cuts[i].node == node) {
				panes_drag(p, l, i, l->cuts[i].line.x + dx, l->cuts[i].line.y + dy);
				return true;
			}
		}
	}
	return false;
}

bool panes_toward(struct panes *p, const struct panes_layout *l, int dx, int dy)
{
	struct rect r = l->at[panes_focused(p)];
	/* Look from the middle of the side, over the line between. */
	int x = dx < 0 ? r.x - 2 : dx > 0 ? r.x + r.w + 1 : r.x + (r.w - 1) / 2;
	int y = dy < 0 ? r.y - 1 : dy > 0 ? r.y + r.h : r.y + (r.h - 1) / 2;
	int slot = panes_at(l, x, y);
	panes_focus(p, slot);
	return slot >= 0;
}

/* ---- as text ----------------------------------------------------------------------------------------------------- */

static void write_node(const struct panes *p, int node, struct str *out)
{
	const struct pane_node *k = &p->nodes[node];
	if (out->len)
		str_addc(out, ' ');
	if (k->cut == PANE_LEAF) {
		str_addf(out, "%d", k->slot);
		return;
	}
	str_addf(out, "%c%d", k->cut == PANE_BESIDE ? '|' : '-', k->share);
	write_node(p, k->child[0], out);
	write_node(p, k->child[1], out);
}

void panes_write(const struct panes *p, struct str *out)
{
	write_node(p, p->root, out);
}

static bool read_number(const char **at, int high, int *out)
{
	char *end;
	long n = strtol(*at, &end, 10);
	if (end == *at || **at == '-' || **at == '+' || **at == ' ' || n < 0 || n > high)
		return false;
	*at = end;
	*out = (int)n;
	return true;
}

/* The next node of the text, below `parent`; -1: that is not one. */
static int read_node(struct panes *p, const char **at, int parent)
{
	int node = free_node(p), slot;
	if (node < 0)
		return -1;
	struct pane_node *k = &p->nodes[node];
	*k = (struct pane_node){.used = true, .parent = parent, .child = {-1, -1}, .slot = -1};
	*at += **at == ' ';
	if (**at != '|' && **at != '-') {
		if (!read_number(at, PANES_MAX - 1, &slot) || leaf_of(p, slot) >= 0)
			return -1;
		k->slot = slot;
		return node;
	}
	k->cut = *(*at)++ == '|' ? PANE_BESIDE : PANE_BELOW;
	if (!read_number(at, PANES_SHARES, &k->share))
		return -1;
	for (int i = 0; i < 2; i++) {
		k->child[i] = read_node(p, at, node);
		if (k->child[i] < 0)
			return -1;
	}
	return node;
}

bool panes_read(struct panes *p, const char *text)
{
	struct panes fresh;
	memset(&fresh, 0, sizeof fresh);
	fresh.root = read_node(&fresh, &text, -1);
	if (fresh.root < 0 || *text)
		return false;
	int leaves[PANES_MAX];
	list_from(&fresh, fresh.root, leaves, 0);
	fresh.focus = leaves[0];
	*p = fresh;
	return true;
}
