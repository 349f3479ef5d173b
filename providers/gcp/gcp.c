/* Google Compute Engine as a provider: see gcp_priv.h for how its calls are written. */
#include "core/base/json.h"
#include "providers/gcp/gcp_priv.h"

extern const struct provider provider_gcp;

static enum provider_step (*const verbs[PROVIDER_VERBS])(struct gcp *g) = {
    [PROVIDER_CHECK] = gcp_check,
    [PROVIDER_OFFERS] = gcp_offers,
    [PROVIDER_CREATE] = gcp_create,
    [PROVIDER_QUERY] = gcp_query,
    [PROVIDER_START] = gcp_start,
    [PROVIDER_STOP] = gcp_stop,
    [PROVIDER_TERMINATE] = gcp_terminate,
    [PROVIDER_QUOTA] = gcp_quota,
    [PROVIDER_OBJECTS] = gcp_objects,
};

static enum provider_step gcp_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	struct err none, *e = err ? err : &none;
	*e = (struct err){.code = ERR_NONE};
	struct gcp g = {.c = c, .err = e, .talk = {.c = c, .reply = reply, .err = e, .cloud = "Google Cloud", .section = "gcp"}};
	talk_take(&g.talk);
	talk_begin_anew(&g.talk, "token");
	if (c->verb >= PROVIDER_VERBS || !verbs[c->verb])
		return talk_failed(&g.talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "Google Cloud is not asked that");
	g.local = c->verb == PROVIDER_OFFERS && !json_bool(c->args, "catalog", false);
	if (c->verb == PROVIDER_CHECK || c->verb == PROVIDER_OBJECTS)
		return verbs[c->verb](&g); /* for which missing credentials are an answer; public buckets need none */
	int r = gcp_auth(&g);
	return r > 0 ? verbs[c->verb](&g) : r ? PROVIDER_FAILED : talk_send(&g.talk);
}

static const char *const stores[] = {"gs://*", NULL};

const struct provider provider_gcp = {
    .name = "gcp",
    .title = "Google Cloud",
    .can = PROVIDER_CAN_STOP | PROVIDER_CAN_SPOT | PROVIDER_CAN_MULTI_NODE | PROVIDER_CAN_PORTS | PROVIDER_CAN_IMAGES | PROVIDER_CAN_DISK_TIERS,
    .more_quota = "of Google Cloud at https://console.cloud.google.com/iam-admin/quotas",
    .credentials = "$GOOGLE_APPLICATION_CREDENTIALS or ~/.config/gcloud/application_default_credentials.json",
    .stores = stores,
    .step = gcp_step,
};
