/* An area divided into panes: a tree of cuts with panes as leaves, which of them has the focus, and where each goes. Pure. A pane
 * is known by its slot, a number below PANES_MAX that stays the same while the pane lives; what is in it is the caller's. */
#ifndef TUI_PANES_H
#define TUI_PANES_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "tui/layout.h"

enum { PANES_MAX = 8, PANES_NODES = 2 * PANES_MAX - 1, PANES_SHARES = 10000, PANES_WIDE = 100 };

enum pane_cut { PANE_LEAF, PANE_BESIDE, PANE_BELOW };

struct pane_node {
	bool used;
	enum pane_cut cut;
	int parent, child[2]; /* -1: none */
	int share;	      /* of the first child, of PANES_SHARES */
	int slot;	      /* of a leaf */
};

struct panes {
	struct pane_node nodes[PANES_NODES];
	int root, focus; /* nodes; focus is a leaf */
	bool zoomed;	 /* the focused pane has the whole area */
};

/* One pane, in slot 0. */
void panes_init(struct panes *p);
/* Their slots in order, from left to right and from the top down; how many. */
int panes_list(const struct panes *p, int slots[PANES_MAX]);
int panes_focused(const struct panes *p);	  /* the slot */
void panes_focus(struct panes *p, int slot);	  /* one that is not there is ignored */
void panes_cycle(struct panes *p, int dir);	  /* to the next (1) or the one before (-1), around */
/* Cut the focused pane in two; the new one, beside or below it, has the focus. Its slot, or -1 when there are PANES_MAX. Ends a
 * zoom. */
int panes_split(struct panes *p, bool beside);
/* Take the focused pane away; the slot that is free now, or -1 when it is the only one. Ends a zoom. */
int panes_close(struct panes *p);

/* Where everything is. A pane's rectangle begins with its title line; one that is empty is not shown. */
struct panes_layout {
	struct rect area;
	struct rect at[PANES_MAX];     /* by slot */
	bool folded[PANES_MAX];	       /* only the title line of it has room */
	struct {
		int node;
		struct rect line;      /* a column between two panes, or the title lines of those below */
		struct rect area;      /* of both sides */
	} cuts[PANES_MAX];
	int n_cuts;
	bool stacked; /* too narrow for panes beside one another: all of them below one another, without cuts */
};

/* Narrower than PANES_WIDE nothing is beside anything; there, where they would be too low, all but the focused one fold up. */
void panes_place(const struct panes *p, struct rect area, struct panes_layout *out);
/* The slot at a place, or the cut; -1: none. */
int panes_at(const struct panes_layout *l, int x, int y);
int panes_cut_at(const struct panes *p, const struct panes_layout *l, int x, int y);
/* Move a cut (an index into l->cuts) to a column or line. */
void panes_drag(struct panes *p, const struct panes_layout *l, int cut, int x, int y);
/* Move the nearest cut of the focused pane by so many columns or lines. False: there is none that way. */
bool panes_resize(struct panes *p, const struct panes_layout *l, int dx, int dy);
/* Give the focus to the pane to the left (-1, 0), below (0, 1), …. False: there is none. */
bool panes_toward(struct panes *p, const struct panes_layout *l, int dx, int dy);

/* As text, to be kept: "|5000 0 -5000 1 2". */
void panes_write(const struct panes *p, struct str *out);
/* The reverse; false (and *p untouched) when it is none. */
bool panes_read(struct panes *p, const char *text);

#endif
