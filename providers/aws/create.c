/* CREATE: all nodes of a cluster in one zone by one RunInstances, so that EC2 makes all of them or none. Their tags are in the call itself; which
 * node an instance is comes from a tag where there is one, and from its number in the launch where there are several. A launch is known to EC2
 * by a token made of what it is for: sent again, it gives the same instances. What is there already is looked for first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"
#include "providers/common/crypto.h"
#include "providers/common/requests.h"

enum { TAG_MAX = 256, TAGS_MAX = 50, KEY_MAX = 128, LATE_MS = 30000, LOOK_MS = 3000, LOOKS_MAX = 8 };

/* Disks by tier. */
static const struct tier {
	const char *name, *type;
	int iops, throughput; /* 0: the type has none to set */
} tiers[] = {
    {"low", "standard", 0, 0}, {"medium", "gp3", 3500, 218}, {"high", "gp3", 7000, 437}, {"ultra", "io2", 20000, 0}, {"best", "gp3", 7000, 437}};

static const struct tier *tier_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(tiers); i++)
		if (str_eq(tiers[i].name, name))
			return &tiers[i];
	return &tiers[1];
}

/* ---- tags ---------------------------------------------------------------------------------------------------------------- */

static void put(struct aws *t, json_t *tags, const char *key, const char *value)
{
	const char *text = aws_tag_text(t->a, value);
	json_put_str(tags, key, text);
}

/* A name may be longer than a tag: the rest is in further ones. */
static void put_long(struct aws *t, json_t *tags, const char *key, const char *value)
{
	const char *text = aws_tag_text(t->a, value);
	for (int part = 0; *text; part++) {
		size_t n = strnlen(text, TAG_MAX);
		/* Not within an =XX, and not at a blank, which is not kept at an end. */
		while (n > 1 && text[n] && (text[n - 1] == '=' || text[n - 2] == '=' || text[n - 1] == ' ' || text[n] == ' '))
			n--;
		json_put_str(tags, part ? arena_printf(t->a, "%s.%d", key, part) : key, arena_strndup(t->a, text, n));
		text += n;
	}
}

/* A token in a list of them: blanks and colons within it are not as they are. */
static const char *token_text(struct aws *t, const char *token)
{
	struct str s = str_new(4096);
	for (const char *p = aws_tag_text(t->a, token); *p; p++)
		if (*p == ' ' || *p == ':')
			str_addf(&s, "=%02X", (unsigned)*p);
		else
			str_addc(&s, *p);
	return aws_form_done(t, &s);
}

/* "RANK:TOKEN RANK:TOKEN …" of the nodes to make, over as many tags as it takes. */
static void put_nodes(struct aws *t, json_t *tags, const json_t *nodes)
{
	struct str s = str_new(TAG_MAX);
	size_t i;
	json_t *n;
	int part = 0;
	json_array_foreach(nodes, i, n) {
		struct str one = str_new(4096);
		str_addf(&one, "%lld:%s", (long long)json_int(n, "rank", 0), token_text(t, json_str(n, "token", "")));
		if (s.len && s.len + 1 + one.len > TAG_MAX) {
			json_put_str(tags, arena_printf(t->a, "skytop-nodes.%d", part++), str_text(&s));
			str_clear(&s);
		}
		str_addf(&s, "%s%s", s.len ? " " : "", str_text(&one));
		str_free(&one);
	}
	json_put_str(tags, arena_printf(t->a, "skytop-nodes.%d", part), str_text(&s));
	str_free(&s);
}

static json_t *tags_of(struct aws *t, const json_t *missing, const struct aws_image *image, const struct aws_net *net)
{
	const json_t *args = t->c->args, *price = json_object_get(args, "price_uusd_h"), *first = json_array_get(missing, 0);
	json_t *tags = json_object(), *v;
	const char *key, *name = json_str(args, "name", "");
	char number[24];
	put(t, tags, "Name", arena_printf(t->a, "skytop-%.80s", name));
	put(t, tags, "skytop-cluster", json_str(args, "cluster", ""));
	put_long(t, tags, "skytop-name", name);
	put(t, tags, "skytop-user", t->c->env->user ? t->c->env->user : "");
	put(t, tags, "skytop-login", image->user);
	put(t, tags, "skytop-net", net->is_public ? "public" : "private");
	if (json_array_size(missing) == 1) {
		put(t, tags, "skytop-token", json_str(first, "token", ""));
		snprintf(number, sizeof number, "%lld", (long long)json_int(first, "rank", 0));
		put(t, tags, "skytop-rank", number);
	} else {
		put_nodes(t, tags, missing);
	}
	if (json_is_integer(price)) {
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(price));
		put(t, tags, "skytop-price", number);
	}
	json_object_foreach(json_obj(args, "tags"), key, v)
		if (json_is_string(v))
			put(t, tags, aws_tag_text(t->a, arena_printf(t->a, "skytop.%s", key)), json_string_value(v));
	json_object_foreach(json_obj(args, "labels"), key, v)
		if (json_is_string(v) && !json_object_get(tags, key) && !str_starts(key, "aws:"))
			json_put_str(tags, key, json_string_value(v));
	return tags;
}

static enum provider_step check_tags(struct aws *t, const json_t *tags)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)tags, key, v)
		if (strlen(key) > KEY_MAX || strlen(json_string_value(v)) > TAG_MAX)
			return aws_failed(t, ERR_INVALID, ERR_SCOPE_TASK, arena_printf(t->a, "the tag %.60s is longer than AWS takes (128 and 256 characters)", key));
	if (json_object_size(tags) > TAGS_MAX)
		return aws_failed(t, ERR_INVALID, ERR_SCOPE_TASK, "more than 50 tags, which is all that AWS takes: fewer labels, or fewer nodes");
	return PROVIDER_DONE;
}

static void add_tags(struct str *s, int n, const char *resource, const json_t *tags)
{
	char name[80];
	int i = 0;
	const char *key;
	json_t *v;
	snprintf(name, sizeof name, "TagSpecification.%d.ResourceType", n);
	sigv4_form(s, name, resource);
	json_object_foreach((json_t *)(uintptr_t)tags, key, v) {
		snprintf(name, sizeof name, "TagSpecification.%d.Tag.%d.Key", n, ++i);
		sigv4_form(s, name, key);
		snprintf(name, sizeof name, "TagSpecification.%d.Tag.%d.Value", n, i);
		sigv4_form(s, name, json_string_value(v));
	}
}

/* ---- the call ------------------------------------------------------------------------------------------------------------ */

static const char *token_of_launch(struct aws *t, const json_t *missing, const struct aws_net *net)
{
	/* Instances of these nodes that are over already belong to another launch, which EC2 would answer with again. */
	struct str s = str_new(1 << 20);
	char hash[SHA256_HEX];
	size_t i;
	json_t *n;
	str_addf(&s, "%s\n%s\n%s\n%d\n%lld", json_str(t->c->args, "cluster", ""), json_str(t->c->args, "instance_type", ""), net->zone,
	    json_bool(t->c->args, "use_spot", false), (long long)json_int(t->got, "over", 0));
	json_array_foreach(missing, i, n)
		str_addf(&s, "\n%s", json_str(n, "token", ""));
	int r = crypto_sha256_hex(str_text(&s), s.len, hash, t->err);
	str_free(&s);
	return r ? NULL : arena_strdup(t->a, hash);
}

static void add_number(struct str *s, const char *key, int64_t v)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)v);
	sigv4_form(s, key, text);
}

static void add_disk(struct aws *t, struct str *s, const struct aws_image *image)
{
	const struct tier *tier = tier_of(json_str(t->c->args, "disk_tier", "medium"));
	int64_t gib = json_int(t->c->args, "disk_size_gib", 256);
	sigv4_form(s, "BlockDeviceMapping.1.DeviceName", image->device);
	add_number(s, "BlockDeviceMapping.1.Ebs.VolumeSize", gib > image->min_gib ? gib : image->min_gib);
	sigv4_form(s, "BlockDeviceMapping.1.Ebs.VolumeType", tier->type);
	if (tier->iops)
		add_number(s, "BlockDeviceMapping.1.Ebs.Iops", tier->iops);
	if (tier->throughput)
		add_number(s, "BlockDeviceMapping.1.Ebs.Throughput", tier->throughput);
	sigv4_form(s, "BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true");
	if (aws_config_bool(t, "disk_encrypted", false))
		sigv4_form(s, "BlockDeviceMapping.1.Ebs.Encrypted", "true");
}

static void add_market(struct aws *t, struct str *s)
{
	const json_t *cap = json_object_get(t->c->args, "spot_cap_uusd_h");
	char dollars[40];
	if (!json_bool(t->c->args, "use_spot", false))
		return;
	sigv4_form(s, "InstanceMarketOptions.MarketType", "spot");
	sigv4_form(s, "InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time");
	sigv4_form(s, "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", "terminate");
	if (json_is_integer(cap) && json_integer_value(cap) > 0)
		sigv4_form(s, "InstanceMarketOptions.SpotOptions.MaxPrice", micro_text(json_integer_value(cap), dollars, sizeof dollars));
}

/* What cloud-init does at the first start: it lets us in, and no more. */
static void add_user_data(struct aws *t, struct str *s)
{
	const char *key = json_str(t->c->args, "ssh_public_key", NULL);
	if (!key)
		return;
	json_t *j = json_pack("{s:[s]}", "ssh_authorized_keys", key);
	char *text = j ? json_text(j) : NULL; /* JSON is YAML */
	json_decref(j);
	if (!text)
		return;
	const char *data = arena_printf(t->a, "#cloud-config\n%s\n", text);
	free(text);
	sigv4_form(s, "UserData", crypto_base64(t->a, data, strlen(data)));
}

static const char *launch_form(struct aws *t, const json_t *missing, const struct aws_image *image, const struct aws_net *net, const json_t *tags,
    const char *reservation)
{
	const char *token = token_of_launch(t, missing, net), *profile = aws_config(t, "instance_profile");
	if (!token)
		return NULL;
	struct str s = aws_form("RunInstances");
	sigv4_form(&s, "Version", "2016-11-15");
	sigv4_form(&s, "ImageId", image->id);
	sigv4_form(&s, "InstanceType", json_str(t->c->args, "instance_type", ""));
	add_number(&s, "MinCount", (int64_t)json_array_size(missing));
	add_number(&s, "MaxCount", (int64_t)json_array_size(missing));
	sigv4_form(&s, "ClientToken", token);
	sigv4_form(&s, "NetworkInterface.1.DeviceIndex", "0");
	sigv4_form(&s, "NetworkInterface.1.SubnetId", net->subnet);
	sigv4_form(&s, "NetworkInterface.1.SecurityGroupId.1", net->groups[0]);
	if (net->groups[1])
		sigv4_form(&s, "NetworkInterface.1.SecurityGroupId.2", net->groups[1]);
	sigv4_form(&s, "NetworkInterface.1.AssociatePublicIpAddress", net->is_public ? "true" : "false");
	add_disk(t, &s, image);
	add_tags(&s, 1, "instance", tags);
	add_tags(&s, 2, "volume", tags);
	sigv4_form(&s, "MetadataOptions.HttpTokens", "required");
	sigv4_form(&s, "MetadataOptions.HttpPutResponseHopLimit", "2");
	add_market(t, &s);
	if (reservation)
		sigv4_form(&s, "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId", reservation);
	add_user_data(t, &s);
	if (profile)
		sigv4_form(&s, str_starts(profile, "arn:") ? "IamInstanceProfile.Arn" : "IamInstanceProfile.Name", profile);
	return aws_form_done(t, &s);
}

/* ---- what is there, what was made ------------------------------------------------------------------------------------------ */

/* What a list of instances says. */
struct there {
	json_t *found;	       /* nodes by token, of instances that are not over; new reference */
	const json_t *ending;  /* one that ends; NULL */
	int64_t over;	       /* how many have ended */
	const json_t *newest;  /* the instance that was launched last, of those found */
};

static struct there there(struct aws *t, const json_t *instances, const char *region)
{
	struct there out = {.found = json_object()};
	json_t *instance;
	size_t i;
	json_array_foreach(instances, i, instance) {
		const char *state = json_str(json_obj(instance, "instanceState"), "name", "");
		json_t *n = aws_node(t, instance, region);
		if (n && str_eq(state, "terminated")) {
			out.over++;
		} else if (n && str_eq(state, "shutting-down")) {
			out.ending = instance;
		} else if (n) {
			json_object_set(out.found, json_str(n, "token", ""), n);
			if (!out.newest || strcmp(json_str(instance, "launchTime", ""), json_str(out.newest, "launchTime", "")) > 0)
				out.newest = instance;
		}
		json_decref(n);
	}
	return out;
}

static json_t *missing_of(const json_t *wanted, const json_t *found)
{
	json_t *out = json_array(), *n;
	size_t i;
	json_array_foreach(wanted, i, n)
		if (!json_object_get(found, json_str(n, "token", "")))
			json_array_append(out, n);
	return out;
}

static void remember(struct aws *t, const char *region, const char *what, int64_t at)
{
	json_t *runs = json_object_get(t->memory, "runs");
	if (!runs)
		json_object_set_new(t->memory, "runs", runs = json_object());
	json_object_set_new(runs, json_str(t->c->args, "cluster", ""), json_pack("{s:s, s:I}", "region", region, what, (json_int_t)at));
}

static void remember_made(struct aws *t, const json_t *nodes)
{
	json_t *made = json_object_get(t->memory, "made"), *n, *v;
	const char *key;
	void *next;
	size_t i;
	if (!made)
		json_object_set_new(t->memory, "made", made = json_object());
	json_object_foreach_safe(made, next, key, v)
		if (aws_now_ms(t) - json_integer_value(v) > 10 * 60000)
			json_object_del(made, key);
	json_array_foreach(nodes, i, n)
		json_put_int(made, json_str(n, "id", ""), aws_now_ms(t));
}

/* In the order of the call. */
static enum provider_step give(struct aws *t, const json_t *found)
{
	json_t *out = json_array(), *n;
	size_t i;
	json_array_foreach(json_arr(t->c->args, "nodes"), i, n) {
		json_t *node = json_object_get(found, json_str(n, "token", ""));
		if (!node) {
			json_decref(out);
			return aws_failed(t, ERR_PROTOCOL, ERR_SCOPE_PLACE, "EC2 made other machines than those it was asked for");
		}
		json_array_append(out, node);
	}
	remember_made(t, out);
	return aws_done(t, json_pack("{s:o}", "nodes", out));
}

/* One RunInstances in one zone. *none: EC2 has none there; t->err says so. */
static enum provider_step launch_in(struct aws *t, const char *region, const json_t *missing, const struct aws_image *image, const struct aws_net *net,
    struct there *th, bool *none)
{
	const char *type = json_str(t->c->args, "instance_type", ""), *key = arena_printf(t->a, "run %s", net->zone);
	const json_t *answers;
	json_t *tags = json_object_get(t->got, "tags");
	if (!tags)
		json_object_set_new(t->got, "tags", tags = tags_of(t, missing, image, net));
	AWS_TRY(check_tags(t, tags));
	const char *reservation = NULL;
	if (!json_bool(t->c->args, "use_spot", false))
		AWS_TRY(aws_net_reserved(t, region, net->zone, json_array_size(missing), &reservation));
	struct aws_ask q = {.service = "ec2", .region = region, .body = launch_form(t, missing, image, net, tags, reservation)};
	if (!q.body)
		return PROVIDER_FAILED;
	if (!json_object_get(t->got, key))
		remember(t, region, "open_since", aws_now_ms(t));
	AWS_TRY(aws_ask(t, key, &q, 1, &answers));
	const json_t *answer = json_array_get(answers, 0);
	if (aws_is(answer, "IdempotentParameterMismatch")) /* it was asked for already, in other words, and may still show up */
		return aws_failed(t, ERR_CONFLICT, ERR_SCOPE_PLACE, arena_printf(t->a, "an earlier launch of these nodes in %s is not over", net->zone));
	if (!aws_ok(answer)) {
		if (!json_str(answer, "lost", NULL) && !err_info(aws_code(answer))->retry)
			remember(t, region, "refused_at", aws_now_ms(t));
		*none = aws_code(answer) == ERR_CAPACITY;
		return aws_refused(t, answer, arena_printf(t->a, "starting %zu × %s%s in %s", json_array_size(missing), type,
						  json_bool(t->c->args, "use_spot", false) ? " (spot)" : "", net->zone));
	}
	remember(t, region, "made_at", aws_now_ms(t));
	struct there made = there(t, json_arr(json_object_get(answer, "body"), "instancesSet"), region);
	json_object_update(th->found, made.found);
	json_decref(made.found);
	return give(t, th->found);
}

/* In the zone that is asked for; where none is, in one after the other of the region's that have the type and a subnet with room. */
static enum provider_step launch(struct aws *t, const char *region, const json_t *missing, struct there *th)
{
	const char *zone = json_str(t->c->args, "zone", "");
	struct aws_image image;
	struct aws_net net;
	const json_t *type;
	AWS_TRY(aws_type(t, region, json_str(t->c->args, "instance_type", ""), &type));
	AWS_TRY(aws_image(t, region, type, &image));
	struct err last = {0};
	json_object_set_new(t->got, "tried", json_array());
	for (;;) {
		bool none = false;
		enum provider_step s = aws_net(t, region, *zone ? zone : NULL, json_array_size(missing), &net);
		if (s == PROVIDER_FAILED && last.code) {
			*t->err = last;
			err_set_scope(t->err, ERR_SCOPE_REGION);
			return PROVIDER_FAILED;
		}
		if (s != PROVIDER_DONE)
			return s;
		s = launch_in(t, region, missing, &image, &net, th, &none);
		if (!none || *zone)
			return s;
		last = *t->err;
		json_array_append_new(json_object_get(t->got, "tried"), json_string(net.zone));
	}
}

/* Was the launch that made the newest of these to make one of the missing ones too? Then EC2 does not list all of it yet. */
static bool is_late(struct aws *t, const struct there *th, const json_t *missing)
{
	size_t i, k;
	json_t *n, *tag;
	if (!th->newest || aws_now_ms(t) - aws_time(json_str(th->newest, "launchTime", NULL)) > LATE_MS)
		return false;
	json_array_foreach(json_arr(th->newest, "tagSet"), k, tag)
		json_array_foreach(missing, i, n)
			if (str_starts(json_str(tag, "key", ""), "skytop-nodes.") &&
			    strstr(json_str(tag, "value", ""), arena_printf(t->a, ":%s", token_text(t, json_str(n, "token", "")))))
				return true;
	return false;
}

/* Of a cluster that is there: nothing is made but rules. */
static enum provider_step open_ports(struct aws *t, const char *region)
{
	json_t *instances, *instance, *alive = json_array();
	size_t i;
	enum provider_step s = aws_find(t, "there", region, &instances);
	json_array_foreach(s == PROVIDER_DONE ? instances : NULL, i, instance) {
		const char *state = json_str(json_obj(instance, "instanceState"), "name", "");
		if (!str_eq(state, "terminated") && !str_eq(state, "shutting-down"))
			json_array_append(alive, instance);
	}
	if (s == PROVIDER_DONE && !json_array_size(alive))
		s = aws_failed(t, ERR_NOT_FOUND, ERR_SCOPE_PLACE, "opening ports: none of the cluster's machines is there");
	if (s == PROVIDER_DONE)
		s = aws_net_open(t, region, alive);
	json_decref(alive);
	return s == PROVIDER_DONE ? aws_done(t, json_pack("{s:[]}", "nodes")) : s;
}

/* EC2 knows our keys not in a region that is off, whatever the list of regions said. Where STS knows them it is the region. */
static enum provider_step check_region(struct aws *t, const char *region)
{
	struct err first = *t->err;
	struct str s = aws_form("GetCallerIdentity");
	sigv4_form(&s, "Version", "2011-06-15");
	struct aws_ask q = {.service = "sts", .region = t->login.region, .body = aws_form_done(t, &s)};
	const json_t *answers;
	AWS_TRY(aws_ask(t, "who", &q, 1, &answers));
	*t->err = first;
	if (!aws_ok(json_array_get(answers, 0)))
		return PROVIDER_FAILED;
	return aws_failed(t, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL,
	    arena_printf(t->a, "%s does not know keys that are good elsewhere: the region is not on; switch it on in the AWS console, or leave it out", region));
}

static enum provider_step make(struct aws *t, const char *region)
{
	json_t *instances, *missing;
	struct there th;
	for (int look = 0;; look++) {
		if (look && !json_object_get(t->got, arena_printf(t->a, "there %d look#0", look)))
			aws_pause(t, LOOK_MS);
		AWS_TRY(aws_find(t, arena_printf(t->a, "there %d", look), region, &instances));
		th = there(t, instances, region);
		missing = missing_of(json_arr(t->c->args, "nodes"), th.found);
		if (!json_array_size(missing) || look == LOOKS_MAX || !is_late(t, &th, missing))
			break;
		json_decref(missing);
		json_decref(th.found);
	}
	json_put_int(t->got, "over", th.over);
	enum provider_step s;
	if (th.ending && json_array_size(missing))
		s = aws_failed(t, ERR_CONFLICT, ERR_SCOPE_PLACE, arena_printf(t->a, "%s of this cluster is still ending", json_str(th.ending, "instanceId", "?")));
	else
		s = json_array_size(missing) ? launch(t, region, missing, &th) : give(t, th.found);
	json_decref(th.found);
	json_decref(missing);
	return s;
}

enum provider_step aws_create(struct aws *t)
{
	const char *region = json_str(t->c->args, "region", "");
	if (request_check_create(t->c->args, t->err))
		return PROVIDER_FAILED;
	AWS_TRY(aws_login(t));
	AWS_TRY(aws_region_is_on(t, region));
	enum provider_step s = json_bool(t->c->args, "open_ports", false) ? open_ports(t, region) : make(t, region);
	return s == PROVIDER_FAILED && t->err->code == ERR_CREDENTIALS && strstr(t->err->text, "AuthFailure") ? check_region(t, region) : s;
}
