/* The packer: a short-lived child of the same binary (`skytop pack-tree`) that does for sync what would block the loop: clones, walks,
 * compares with what nodes have, and writes what they lack as tar streams.
 *
 * stdin: {"trees": folder of manifests, "stamp": what new manifests are named after, "compress": bool,
 *	   "items": [{"key", "root": folder on the node ("~/x" or "/x"), "src": path | "git": {"url", "ref"?, "cache", "token"?, "ssh_key"?},
 *		      "name"?: of a single file in root}],
 *	   "groups": [{"out": file or FIFO to write, "bases": one an item: {"id": manifest the nodes have | null, "touched": [line…],
 *		       "folders": [line…]}}]}
 * stdout, a line each:
 *	{"type":"group","group":0,"send":true,"items":[{"key","id": manifest they will have}],"files":3,"deleted":0,"bytes":999,"total":1234,"gzip":false}
 *	for every group, before any stream is opened; {"type":"packed","group":0} after each; {"type":"done","notes":[text…]}
 *	or {"error":{"code","message"}} with exit status 1.
 *
 * A stream (see share/agent/skytop-tree): KEY/tree/… for what changed, then for each item KEY/id, KEY/root, KEY/names and KEY/dirs (all paths,
 * "./a/b" NUL), KEY/attrs (a line a name: "SIZE MTIME" or "-"), then keys, then end. */
#ifndef CORE_RUN_PACKER_H
#define CORE_RUN_PACKER_H

/* Read the order from stdin, carry it out. The exit status. */
int packer_main(void);

#endif
