/* What each cloud can do, as far as it decides where a request may go. Facts, one row a cloud. */
#ifndef CORE_PLAN_FEATURES_H
#define CORE_PLAN_FEATURES_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/model/task.h"

enum {
	FEATURE_SPOT = 1 << 0,
	FEATURE_STOP = 1 << 1, /* machines can be stopped and started again */
	FEATURE_MULTI_NODE = 1 << 2,
	FEATURE_PORTS = 1 << 3,
	FEATURE_DOCKER = 1 << 4, /* image_id: docker:… */
	FEATURE_IMAGE = 1 << 5,	 /* an image of the whole machine */
	FEATURE_DISK_TIER = 1 << 6,
	FEATURE_DISK_ULTRA = 1 << 7,
	FEATURE_NETWORK_BEST = 1 << 8,
	FEATURE_LOCAL_DISK = 1 << 9, /* disks inside the machine can be asked for */
	FEATURE_EPHEMERAL = 1 << 10, /* ephemeral storage of a pod */
	FEATURES = 11
};

/* When a plan names the zone; otherwise the cloud chooses one in the region, unless the request names it. */
enum zone_use { ZONES_NEVER, ZONES_SPOT, ZONES_ALWAYS };

struct cloud_features {
	const char *cloud;
	unsigned can; /* FEATURE_… */
	enum zone_use zones;
	bool us_first; /* of equally priced regions, those of the US come first */
	bool smallest; /* of equally priced machines the smallest is taken, else the largest: shares of machines of one's own */
};

/* Never NULL: of a cloud we know nothing about, nothing is held against it. */
const struct cloud_features *cloud_features_of(const char *cloud);
/* What one alternative of a task needs. */
unsigned features_needed(const struct task *t, const struct resources *r);
/* "spot, several nodes": appended. */
void features_text(unsigned features, struct str *out);

#endif
