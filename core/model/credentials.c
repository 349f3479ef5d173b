/* The table of credential places. Facts: each vendor's documentation of its command-line tool, and SkyPilot's installation
 * guide (docs.skypilot.co), so that what works there is found here. A place only counts when it looks right: a file of the
 * right name without its key is reported as such rather than taken for a login. Validity is the provider's to find out. */
#include "core/model/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { FILE_MAX = 4 << 20 };

const struct credentials credentials_table[] = {
    {"aws", "Amazon Web Services",
	{{"env:AWS_ACCESS_KEY_ID+AWS_SECRET_ACCESS_KEY", 0, 0},
	    {"env:AWS_WEB_IDENTITY_TOKEN_FILE+AWS_ROLE_ARN", 0, 0},
	    {"$AWS_SHARED_CREDENTIALS_FILE|~/.aws/credentials", "aws_access_key_id", 0},
	    {"$AWS_CONFIG_FILE|~/.aws/config", "sso_|role_arn|aws_access_key_id|credential_process|login_session", "no key, role or SSO login in it"},
	    {0, 0, 0}},
	"run `aws configure`, or `aws configure sso`"},
    {"gcp", "Google Cloud",
	{{"$GOOGLE_APPLICATION_CREDENTIALS", "\"type\"", 0},
	    {"$CLOUDSDK_CONFIG/application_default_credentials.json|~/.config/gcloud/application_default_credentials.json",
		"\"type\"", 0},
	    {"$CLOUDSDK_CONFIG/credentials.db|~/.config/gcloud/credentials.db", "SQLite", 0}, /* gcloud is asked */
	    {"env:GCE_METADATA_HOST", 0, 0},
	    {0, 0, 0}},
	"run `gcloud auth application-default login`"},
    {"azure", "Microsoft Azure",
	{{"env:AZURE_TENANT_ID+AZURE_CLIENT_ID+AZURE_CLIENT_SECRET", 0, 0},
	    {"env:AZURE_TENANT_ID+AZURE_CLIENT_ID+AZURE_FEDERATED_TOKEN_FILE", 0, 0},
	    {"env:AZURE_TENANT_ID+AZURE_CLIENT_ID+AZURE_CLIENT_CERTIFICATE_PATH", 0, 0},
	    {"$AZURE_AUTH_LOCATION", "\"clientSecret\"", 0},
	    {"env:IDENTITY_ENDPOINT+IDENTITY_HEADER", 0, 0},
	    {"$AZURE_CONFIG_DIR/azureProfile.json|~/.azure/azureProfile.json", "\"id\"", 0},
	    {0, 0, 0}},
	"run `az login`"},
    {"oci", "Oracle Cloud",
	{{"$OCI_CONFIG|$OCI_CLI_CONFIG_FILE|~/.oci/config", "fingerprint", 0}, {0, 0, 0}},
	"run `oci setup config`"},
    {"nebius", "Nebius AI Cloud",
	{{"env:NEBIUS_IAM_TOKEN", 0, 0},
	    {"~/.nebius/NEBIUS_IAM_TOKEN.txt", 0, 0},
	    {"~/.nebius/credentials.json", "private-key", 0},
	    {"~/.nebius/config.yaml", "profiles", 0},
	    {0, 0, 0}},
	"run `nebius profile create`, or put a service account's key in ~/.nebius/credentials.json"},
    {"ibm", "IBM Cloud",
	{{"env:IBMCLOUD_API_KEY", 0, 0}, {"~/.ibm/credentials.yaml", "iam_api_key", 0}, {0, 0, 0}},
	"put iam_api_key and resource_group_id in ~/.ibm/credentials.yaml"},
    {"kubernetes", "Kubernetes",
	{{"$KUBECONFIG|~/.kube/config", "cluster", 0},
	    {"/var/run/secrets/kubernetes.io/serviceaccount/token", 0, 0},
	    {0, 0, 0}},
	"put the cluster's kubeconfig in ~/.kube/config"},
    {"slurm", "Slurm", {{"~/.slurm/config", "Host|host", 0}, {0, 0, 0}}, "list login nodes in ~/.slurm/config, as in ~/.ssh/config"},
    {"ssh", "Your own machines over SSH",
	{{"$SKYTOP_HOME/config/ssh_pools.yaml|$XDG_CONFIG_HOME/skytop/ssh_pools.yaml|~/.config/skytop/ssh_pools.yaml", "hosts", 0},
	    {"~/.sky/ssh_node_pools.yaml", "hosts", 0},
	    {0, 0, 0}},
	"run `skytop ssh-pool add POOL HOST...`, or list the machines in ~/.config/skytop/ssh_pools.yaml"},
    {"lambda", "Lambda",
	{{"env:LAMBDA_API_KEY", 0, 0}, {"~/.lambda_cloud/lambda_keys", "api_key", 0}, {0, 0, 0}},
	"put `api_key = KEY` in ~/.lambda_cloud/lambda_keys"},
    {"runpod", "RunPod",
	{{"env:RUNPOD_API_KEY", 0, 0}, {"~/.runpod/config.toml", "api_key", 0}, {0, 0, 0}},
	"run `runpod config`, or put api_key in ~/.runpod/config.toml"},
    {"vast", "Vast.ai",
	{{"env:VAST_API_KEY", 0, 0},
	    {"$XDG_CONFIG_HOME/vastai/vast_api_key|~/.config/vastai/vast_api_key", 0, 0},
	    {"~/.vast_api_key", 0, 0},
	    {0, 0, 0}},
	"run `vastai set api-key KEY`"},
    {"do", "DigitalOcean",
	{{"env:DIGITALOCEAN_ACCESS_TOKEN", 0, 0},
	    {"$XDG_CONFIG_HOME/doctl/config.yaml|~/.config/doctl/config.yaml", "auth-context", 0},
	    {0, 0, 0}},
	"run `doctl auth init`"},
    {"fluidstack", "Fluidstack", {{"~/.fluidstack/api_key", 0, 0}, {0, 0, 0}}, "put the key in ~/.fluidstack/api_key"},
    {"paperspace", "Paperspace",
	{{"~/.paperspace/config.json", "apiKey", 0}, {0, 0, 0}},
	"put {\"apiKey\": \"KEY\"} in ~/.paperspace/config.json"},
    {"cudo", "Cudo Compute",
	{{"$XDG_CONFIG_HOME/cudo/cudo.yml|~/.config/cudo/cudo.yml", "key", 0}, {0, 0, 0}},
	"run `cudoctl init`"},
    {"hyperbolic", "Hyperbolic",
	{{"env:HYPERBOLIC_API_KEY", 0, 0}, {"~/.hyperbolic/api_key", 0, 0}, {0, 0, 0}},
	"put the key in ~/.hyperbolic/api_key"},
    {"primeintellect", "Prime Intellect",
	{{"env:PRIME_API_KEY", 0, 0}, {"~/.prime/config.json", "api_key", 0}, {0, 0, 0}},
	"run `prime login`"},
    {"shadeform", "Shadeform", {{"~/.shadeform/api_key", 0, 0}, {0, 0, 0}}, "put the key in ~/.shadeform/api_key"},
    {"seeweb", "Seeweb",
	{{"env:SEEWEB_API_TOKEN", 0, 0}, {"~/.seeweb_cloud/seeweb_keys", "api_key", 0}, {0, 0, 0}},
	"put `api_key = KEY` below [DEFAULT] in ~/.seeweb_cloud/seeweb_keys"},
    {"verda", "Verda",
	{{"env:VERDA_CLIENT_ID+VERDA_CLIENT_SECRET", 0, 0},
	    {"env:DATACRUNCH_CLIENT_ID+DATACRUNCH_CLIENT_SECRET", 0, 0},
	    {"~/.verda/config.json", "client_id", 0},
	    {0, 0, 0}},
	"put client_id and client_secret in ~/.verda/config.json"},
    {"mithril", "Mithril",
	{{"env:MITHRIL_API_KEY", 0, 0},
	    {"$XDG_CONFIG_HOME/mithril/config.yaml|~/.config/mithril/config.yaml", "api_key", 0},
	    {0, 0, 0}},
	"put a profile with api_key and project_id in ~/.config/mithril/config.yaml"},
    {"yotta", "Yotta", {{"~/.yotta/credentials", "apikey", 0}, {0, 0, 0}}, "put orgId=ID and apikey=KEY in ~/.yotta/credentials"},
    {"scp", "Samsung Cloud Platform",
	{{"~/.scp/scp_credential", "access_key", 0}, {0, 0, 0}},
	"put access_key, secret_key and project_id in ~/.scp/scp_credential"},
    {"vsphere", "VMware vSphere",
	{{"~/.vsphere/credential.yaml", "vcenters", 0}, {0, 0, 0}},
	"list the vcenters in ~/.vsphere/credential.yaml"},
    {"crusoe", "Crusoe",
	{{"env:CRUSOE_ACCESS_KEY_ID+CRUSOE_SECRET_KEY", 0, 0}, {"~/.crusoe/config", "access_key_id", 0}, {0, 0, 0}},
	"put access_key_id and secret_key in ~/.crusoe/config"},
    {"hotaisle", "Hot Aisle",
	{{"~/.hotaisle/config.json", "api_token", 0}, {0, 0, 0}},
	"put api_token and default_team in ~/.hotaisle/config.json"},
    {"vultr", "Vultr",
	{{"env:VULTR_API_KEY", 0, 0}, {"~/.vultr-cli.yaml", "api-key", 0}, {0, 0, 0}},
	"put `api-key: KEY` in ~/.vultr-cli.yaml"},
    {"scaleway", "Scaleway",
	{{"env:SCW_SECRET_KEY", 0, 0}, {"$SCW_CONFIG_PATH|~/.config/scw/config.yaml", "secret_key", 0}, {0, 0, 0}},
	"run `scw init`"},
    {"ovhcloud", "OVHcloud",
	{{"~/.ovh.conf", "application_key", 0}, {"/etc/ovh.conf", "application_key", 0}, {0, 0, 0}},
	"put application_key, application_secret and consumer_key in ~/.ovh.conf"},
    {"hyperstack", "Hyperstack", {{"env:HYPERSTACK_API_KEY", 0, 0}, {0, 0, 0}}, "set HYPERSTACK_API_KEY"},
    {"jarvislabs", "JarvisLabs", {{"env:JL_API_KEY", 0, 0}, {0, 0, 0}}, "set JL_API_KEY"},
    {"thundercompute", "Thunder Compute", {{"env:TNR_API_TOKEN", 0, 0}, {0, 0, 0}}, "set TNR_API_TOKEN"},
};
const size_t credentials_n = ARRAY_LEN(credentials_table);

const char *const credential_states[] = {
    [CREDENTIAL_MISSING] = "missing", [CREDENTIAL_FOUND] = "found", [CREDENTIAL_BROKEN] = "broken"};

const struct credentials *credentials_of(const char *cloud)
{
	static const struct {
		const char *said, *meant;
	} aliases[] = {{"k8s", "kubernetes"}, {"digitalocean", "do"}, {"google", "gcp"}, {"datacrunch", "verda"}};
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (str_ieq(cloud, aliases[i].said))
			cloud = aliases[i].meant;
	for (size_t i = 0; i < credentials_n; i++)
		if (str_ieq(cloud, credentials_table[i].cloud))
			return &credentials_table[i];
	return NULL;
}

/* Are all of "A+B+C" set? */
static bool env_set(const char *names)
{
	while (*names) {
		size_t n = strcspn(names, "+");
		char *name = xstrndup(names, n);
		const char *v = getenv(name);
		free(name);
		if (!v || !*v)
			return false;
		names += n;
		names += *names == '+';
	}
	return true;
}

/* "$A and $B" */
static void show_env(char *out, size_t size, const char *names)
{
	struct str s = str_new(size - 1);
	str_addc(&s, '$');
	for (; *names; names++) {
		if (*names == '+')
			str_add(&s, " and $");
		else
			str_addc(&s, *names);
	}
	snprintf(out, size, "%s", str_text(&s));
	str_free(&s);
}

/* The path that one alternative means, or NULL when its variable is not set. The caller frees. */
static char *expand(const char *what, size_t len)
{
	char *text = xstrndup(what, len), *path;
	if (text[0] != '$') {
		path = path_expand(text);
	} else {
		size_t n = strcspn(text, "/");
		char *name = xstrndup(text + 1, n - 1);
		const char *v = getenv(name);
		/* A list of files ($KUBECONFIG): the first one is looked at. */
		path = v && *v ? xasprintf("%.*s%s", (int)strcspn(v, ":"), v, text + n) : NULL;
		free(name);
	}
	free(text);
	return path;
}

/* The file a place means: the first alternative whose variable is set. NULL when none is. */
static char *place_path(const char *what)
{
	while (*what) {
		size_t n = strcspn(what, "|");
		char *path = expand(what, n);
		if (path)
			return path;
		what += n;
		what += *what == '|';
	}
	return NULL;
}

/* Home folders are shown as ~, as people know them. */
static void show_path(char *out, size_t size, const char *path)
{
	const char *home = getenv("HOME");
	size_t n = home ? strlen(home) : 0;
	if (n > 1 && !strncmp(path, home, n) && path[n] == '/')
		snprintf(out, size, "~%s", path + n);
	else
		snprintf(out, size, "%s", path);
}

/* Does text contain one of "a|b|c"? An empty list is contained in nothing. */
static bool contains_any(const char *text, const char *list)
{
	bool any = false;
	while (*list && !any) {
		size_t n = strcspn(list, "|");
		char *one = xstrndup(list, n);
		any = strstr(text, one) != NULL;
		free(one);
		list += n;
		list += *list == '|';
	}
	return any;
}

static enum credential_state look_file(const struct credential_place *p, const char *path, char *why, size_t size)
{
	struct err err;
	size_t len;
	if (!fs_exists(path))
		return CREDENTIAL_MISSING;
	char *text = fs_read(path, FILE_MAX, &len, &err);
	if (!text) {
		snprintf(why, size, "%s", err.text);
		return CREDENTIAL_BROKEN;
	}
	enum credential_state state = CREDENTIAL_FOUND;
	if (!text[strspn(text, " \t\r\n")] && len == strlen(text)) {
		snprintf(why, size, "it is empty");
		state = CREDENTIAL_BROKEN;
	} else if (p->needs && !contains_any(text, p->needs)) {
		snprintf(why, size, p->not_enough ? "%s" : "there is no %s in it", p->not_enough ? p->not_enough : p->needs);
		state = CREDENTIAL_BROKEN;
	}
	memset(text, 0, len);
	free(text);
	return state;
}

/* Look at one place; false when it names no place here (its variable is not set and there is no other). */
static bool look_place(const struct credential_place *p, struct credential_finding *f)
{
	char *where = f->places[f->n].where, *why = f->places[f->n].why;
	why[0] = '\0';
	if (str_starts(p->what, "env:")) {
		show_env(where, sizeof f->places[0].where, p->what + 4);
		f->places[f->n].state = env_set(p->what + 4) ? CREDENTIAL_FOUND : CREDENTIAL_MISSING;
		return true;
	}
	char *path = place_path(p->what);
	if (!path)
		return false;
	show_path(where, sizeof f->places[0].where, path);
	f->places[f->n].state = look_file(p, path, why, sizeof f->places[0].why);
	free(path);
	return true;
}

void credentials_look(const struct credentials *c, struct credential_finding *f)
{
	*f = (struct credential_finding){.state = CREDENTIAL_MISSING};
	for (size_t i = 0; i < CREDENTIAL_PLACES && c->places[i].what; i++) {
		if (!look_place(&c->places[i], f))
			continue;
		enum credential_state s = f->places[f->n++].state;
		if (s == CREDENTIAL_FOUND || (s == CREDENTIAL_BROKEN && f->state == CREDENTIAL_MISSING)) {
			f->state = s;
			f->at = f->n - 1;
		}
		if (s == CREDENTIAL_FOUND)
			return;
	}
}
