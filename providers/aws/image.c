/* The image a node starts from: the one that was asked for, else one with drivers for the accelerators of its type. AWS names the newest of each
 * kind by public parameters; where those cannot be read (a permission of their own), images are searched by name. Kept in memory for a while. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"

enum { IMAGE_MS = 6 * 3600000 };

/* Kinds of images. %s: x86_64 or arm64; in names of Ubuntu's, amd64. */
struct kind {
	const char *name, *parameter, *owner, *pattern;
	bool amd;
};

static const struct kind kinds[] = {
    {"nvidia", "/aws/service/deeplearning/ami/%s/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id", "898082745236",
	"Deep Learning *Base OSS Nvidia Driver GPU AMI (Ubuntu 2?.04) *", false},
    {"nvidia-old", NULL, "898082745236", "Deep Learning Base Proprietary Nvidia Driver GPU AMI (Ubuntu *) *", false},
    {"neuron", "/aws/service/neuron/dlami/multi-framework/ubuntu-22.04/latest/image_id", "898082745236", "Deep Learning AMI Neuron (Ubuntu 2?.04) *", false},
    {"plain", "/aws/service/canonical/ubuntu/server/24.04/stable/current/%s/hvm/ebs-gp3/ami-id", "099720109477",
	"ubuntu/images/hvm-ssd*/ubuntu-noble-24.04-%s-server-*", true},
};

static const struct kind *kind_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* Drivers with an open kernel module know Turing and what came after it. */
static const struct kind *kind_of(const json_t *type)
{
	static const char *const old[] = {"V100", "V100-32GB", "M60", "K80", "P100"};
	const char *acc = json_str(type, "accelerator", NULL);
	if (!acc)
		return kind_named("plain");
	if (json_bool(type, "neuron", false))
		return kind_named("neuron");
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		if (str_eq(acc, old[i]))
			return kind_named("nvidia-old");
	return kind_named("nvidia");
}

static const char *filled(struct aws *t, const char *pattern, const char *arch)
{
	const char *hole = pattern ? strstr(pattern, "%s") : NULL;
	return hole ? arena_printf(t->a, "%.*s%s%s", (int)(hole - pattern), pattern, arch, hole + 2) : pattern;
}

/* Who logs in to images of other makers than Ubuntu's, by a word of their names. */
static const char *login_of(struct aws *t, const char *name)
{
	static const char *const users[][2] = {{"amzn", "ec2-user"}, {"al2023", "ec2-user"}, {"amazon linux", "ec2-user"}, {"debian", "admin"}, {"rocky", "rocky"},
	    {"rhel", "ec2-user"}, {"centos", "centos"}, {"fedora", "fedora"}, {"suse", "ec2-user"}};
	if (aws_config(t, "ssh_user"))
		return aws_config(t, "ssh_user");
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		if (str_istr(name, users[i][0]))
			return users[i][1];
	return "ubuntu";
}

static enum provider_step by_parameter(struct aws *t, const char *region, const char *parameter, const char **id)
{
	json_t *body = json_pack("{s:s}", "Name", parameter);
	char *text = json_text(body);
	struct aws_ask q = {.service = "ssm", .region = region, .target = "AmazonSSM.GetParameter", .body = arena_strdup(t->a, text)};
	free(text);
	json_decref(body);
	const json_t *answers;
	*id = NULL;
	AWS_TRY(aws_ask(t, arena_printf(t->a, "image %s", parameter), &q, 1, &answers));
	const json_t *p = json_obj(json_object_get(json_array_get(answers, 0), "body"), "Parameter");
	if (str_starts(json_str(p, "Value", ""), "ami-"))
		*id = arena_strdup(t->a, json_str(p, "Value", ""));
	return PROVIDER_DONE;
}

/* The newest of a name. */
static enum provider_step by_name(struct aws *t, const char *region, const char *owner, const char *pattern, const char *arch, const char **id)
{
	struct str s = aws_form("DescribeImages");
	sigv4_form(&s, "Version", "2016-11-15");
	sigv4_form(&s, "Owner.1", owner);
	aws_filter(&s, 1, "name", pattern);
	aws_filter(&s, 2, "state", "available");
	aws_filter(&s, 3, "architecture", arch);
	struct aws_ask q = {.service = "ec2", .region = region, .body = aws_form_done(t, &s)};
	const json_t *body;
	AWS_TRY(aws_ask_one(t, "image by name", &q, arena_printf(t->a, "looking for images in %s", region), &body));
	const char *newest = "";
	size_t i;
	json_t *image;
	*id = NULL;
	json_array_foreach(json_arr(body, "imagesSet"), i, image)
		if (strcmp(json_str(image, "creationDate", ""), newest) > 0) {
			newest = json_str(image, "creationDate", "");
			*id = arena_strdup(t->a, json_str(image, "imageId", NULL));
		}
	return PROVIDER_DONE;
}

/* Which: "ami-…", the name of a parameter ("/aws/service/…", "ssm:/…"), or none. */
static enum provider_step find(struct aws *t, const char *region, const json_t *type, const char *which, const char **id)
{
	const char *arch = json_str(type, "arch", "x86_64"), *path = which && str_starts(which, "ssm:") ? which + 4 : which;
	*id = which;
	if (which && str_starts(which, "ami-"))
		return PROVIDER_DONE;
	if (path && *path == '/') {
		AWS_TRY(by_parameter(t, region, path, id));
		return *id ? PROVIDER_DONE
			   : aws_failed(t, ERR_INVALID, ERR_SCOPE_TASK, arena_printf(t->a, "%s has no parameter %.200s that names an image", region, path));
	}
	if (which)
		return aws_failed(t, ERR_INVALID, ERR_SCOPE_TASK,
		    arena_printf(t->a, "the image '%.100s' is none of AWS's: give an id (ami-…) or the name of an SSM parameter (/aws/service/…)", which));
	const struct kind *k = kind_of(type);
	const char *word = k->amd && str_eq(arch, "x86_64") ? "amd64" : arch;
	*id = NULL;
	if (k->parameter)
		AWS_TRY(by_parameter(t, region, filled(t, k->parameter, word), id));
	if (!*id)
		AWS_TRY(by_name(t, region, k->owner, filled(t, k->pattern, word), arch, id));
	if (*id)
		return PROVIDER_DONE;
	return aws_failed(t, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL,
	    arena_printf(t->a, "%s has no image for %s (%s); name one with image_id", region, json_str(type, "type", "?"), k->name));
}

static void take(struct aws *t, const json_t *image, json_t *keep)
{
	const char *device = json_str(image, "rootDeviceName", "/dev/sda1");
	int64_t gib = 8;
	size_t i;
	json_t *m;
	json_array_foreach(json_arr(image, "blockDeviceMapping"), i, m)
		if (str_eq(json_str(m, "deviceName", ""), device))
			num_int(json_str(json_obj(m, "ebs"), "volumeSize", ""), 1, 1 << 20, &gib);
	json_put_str(keep, "id", json_str(image, "imageId", ""));
	json_put_str(keep, "device", device);
	json_put_str(keep, "user", login_of(t, json_str(image, "name", "")));
	json_put_int(keep, "min_gib", gib);
}

enum provider_step aws_image(struct aws *t, const char *region, const json_t *type, struct aws_image *out)
{
	const char *which = json_str(t->c->args, "image", NULL), *id;
	json_t *images = json_object_get(t->memory, "images");
	if (!images)
		json_object_set_new(t->memory, "images", images = json_object());
	const char *name = arena_printf(t->a, "%s %s %s", region, which ? which : kind_of(type)->name, json_str(type, "arch", ""));
	json_t *kept = json_object_get(images, name);
	if (!kept || aws_now_ms(t) - json_int(kept, "at", 0) > IMAGE_MS) {
		AWS_TRY(find(t, region, type, which, &id));
		struct str s = aws_form("DescribeImages");
		sigv4_form(&s, "Version", "2016-11-15");
		sigv4_form(&s, "ImageId.1", id);
		struct aws_ask q = {.service = "ec2", .region = region, .body = aws_form_done(t, &s)};
		const json_t *body;
		AWS_TRY(aws_ask_one(t, "image", &q, arena_printf(t->a, "looking at the image %s in %s", id, region), &body));
		const json_t *image = json_array_get(json_arr(body, "imagesSet"), 0);
		if (!image)
			return aws_failed(t, ERR_INVALID, ERR_SCOPE_TASK, arena_printf(t->a, "%s has no image %.60s, or it may not be used", region, id));
		kept = json_object();
		json_put_int(kept, "at", aws_now_ms(t));
		take(t, image, kept);
		json_object_set_new(images, name, kept);
	}
	*out = (struct aws_image){json_str(kept, "id", ""), json_str(kept, "device", ""), json_str(kept, "user", ""), json_int(kept, "min_gib", 8)};
	return PROVIDER_DONE;
}
