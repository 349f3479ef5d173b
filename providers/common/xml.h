/* XML as clouds answer with: elements, text and entities, no more. A scanner that gives one piece at a time, and a reader that makes a JSON
 * value of a whole text. Both are for foreign bytes: depth and number of elements are bounded, and nothing outside the text is ever fetched. */
#ifndef PROVIDERS_COMMON_XML_H
#define PROVIDERS_COMMON_XML_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/str.h"

enum { XML_DEPTH_MAX = 64, XML_NAME_MAX = 128, XML_ELEMENTS_MAX = 500000 };

enum xml_event { XML_OPEN, XML_CLOSE, XML_TEXT, XML_END, XML_BAD };

/* Zero it but for p and end to begin. */
struct xml {
	const char *p, *end;
	/* Of the last event: the element's name, of OPEN and CLOSE. Attributes are skipped. */
	char name[XML_NAME_MAX];
	struct str text; /* of TEXT: decoded; .max is set by xml_init */
	int depth;	 /* of open elements; in OPEN with the new one, in CLOSE without it */
	char open[XML_DEPTH_MAX][XML_NAME_MAX];
	bool closes; /* the element that was just opened is an empty one */
	size_t elements;
	const char *why; /* of XML_BAD: the end of a sentence */
};

/* Scan len bytes; text stays the caller's. */
void xml_init(struct xml *x, const char *text, size_t len);
void xml_free(struct xml *x);
/* The next piece. After XML_END and XML_BAD there is nothing more. XML_END comes only after all that was opened was closed. */
enum xml_event xml_next(struct xml *x);

/* {"ROOT": …}: an element with text only is a string, one whose children are all called "item" or "member" is a list of them, any other is an
 * object; what occurs in an object several times is a list there. Attributes, and text beside elements, are left out. New reference;
 * NULL: PROTOCOL. */
json_t *xml_json(const char *text, size_t len, struct err *err);

#endif
