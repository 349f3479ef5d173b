/* Where nodes are in the network: the default VPC, or the one that the configuration names; a subnet of the zone with room; a security group for all
 * clusters of this user, in which nodes reach each other and anybody reaches SSH; and one of the cluster for its ports. What is missing is made,
 * with tags that say whose it is. Groups of ports go when the cluster does; the shared group stays, and costs nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"
#include "providers/common/crypto.h"

static struct aws_ask ec2(struct aws *t, const char *region, struct str *form)
{
	return (struct aws_ask){.service = "ec2", .region = region, .body = aws_form_done(t, form)};
}

static struct str form_of(const char *action)
{
	struct str s = aws_form(action);
	sigv4_form(&s, "Version", "2016-11-15");
	return s;
}

/* ---- VPC, subnet ------------------------------------------------------------------------------------------------------ */

static enum provider_step make_vpc(struct aws *t, const char *region, const char **vpc)
{
	struct str s = form_of("CreateDefaultVpc");
	struct aws_ask q = ec2(t, region, &s);
	const json_t *answers;
	AWS_TRY(aws_ask(t, "make vpc", &q, 1, &answers));
	const json_t *answer = json_array_get(answers, 0);
	*vpc = json_str(json_obj(json_object_get(answer, "body"), "vpc"), "vpcId", NULL);
	if (*vpc)
		return PROVIDER_DONE;
	aws_refused(t, answer, arena_printf(t->a, "%s has no default VPC, and making one", region));
	if (t->err->code != ERR_CREDENTIALS && !err_info(t->err->code)->retry) {
		t->err->code = ERR_UNSUPPORTED;
		err_set_scope(t->err, ERR_SCOPE_REGION_ALL);
	}
	return PROVIDER_FAILED;
}

/* As a filter: ids by their id, others by their Name tag. Of several names of both kinds the kind of the first counts. */
static void add_names(struct str *s, int n, const char *prefix, const char *id_filter, const json_t *names)
{
	aws_filter_list(s, n, str_starts(json_string_value(json_array_get(names, 0)), prefix) ? id_filter : "tag:Name", names);
}

/* names: one of these; NULL: the default one. */
static enum provider_step find_vpc(struct aws *t, const char *region, const json_t *names, const char **vpc)
{
	struct str s = form_of("DescribeVpcs");
	if (names)
		add_names(&s, 1, "vpc-", "vpc-id", names);
	else
		aws_filter(&s, 1, "isDefault", "true");
	struct aws_ask q = ec2(t, region, &s);
	const json_t *body;
	AWS_TRY(aws_ask_one(t, "vpc", &q, arena_printf(t->a, "looking for the network in %s", region), &body));
	*vpc = json_str(json_array_get(json_arr(body, "vpcSet"), 0), "vpcId", NULL);
	if (*vpc)
		return PROVIDER_DONE;
	if (names)
		return aws_failed(t, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL,
		    arena_printf(t->a, "%s has no VPC %.60s%s (aws.vpc_name)", region, json_string_value(json_array_get(names, 0)),
			json_array_size(names) > 1 ? ", nor any other that is named" : ""));
	return make_vpc(t, region, vpc);
}

static bool is_true(const json_t *obj, const char *key)
{
	return str_eq(json_str(obj, key, ""), "true");
}

static int64_t room_in(const json_t *subnet)
{
	int64_t n = 0;
	num_int(json_str(subnet, "availableIpAddressCount", ""), 0, 1 << 20, &n);
	return n;
}

/* The best for so many nodes in any of the zones, but for those tried: a public one before a private one, then the one with most room; NULL. */
static const json_t *best(const json_t *subnets, const json_t *zones, const json_t *tried, size_t nodes)
{
	const json_t *out = NULL;
	size_t i;
	json_t *s;
	json_array_foreach(subnets, i, s) {
		const char *zone = json_str(s, "availabilityZone", "");
		bool fits = json_has(zones, zone) && !json_has(tried, zone) && room_in(s) >= (int64_t)nodes;
		int better = is_true(s, "mapPublicIpOnLaunch") - is_true(out, "mapPublicIpOnLaunch");
		if (fits && (!out || better > 0 || (!better && room_in(s) > room_in(out))))
			out = s;
	}
	return out;
}

/* Zones of the region that have the type. */
static enum provider_step offering(struct aws *t, const char *region, const char *type, json_t **zones)
{
	*zones = json_object_get(t->got, "zones");
	if (*zones)
		return PROVIDER_DONE;
	struct str s = form_of("DescribeInstanceTypeOfferings");
	sigv4_form(&s, "LocationType", "availability-zone");
	aws_filter(&s, 1, "instance-type", type);
	json_t *list, *out = json_array(), *o;
	enum provider_step step = aws_pages(t, "offerings", region, aws_form_done(t, &s), "instanceTypeOfferingSet", &list);
	size_t i;
	json_array_foreach(step == PROVIDER_DONE ? list : NULL, i, o)
		json_array_append(out, json_object_get(o, "location"));
	if (step == PROVIDER_DONE)
		json_object_set(t->got, "zones", out);
	json_decref(out);
	*zones = out;
	return step;
}

static enum provider_step make_subnet(struct aws *t, const char *region, const char *zone, const json_t **subnet)
{
	struct str s = form_of("CreateDefaultSubnet");
	sigv4_form(&s, "AvailabilityZone", zone);
	struct aws_ask q = ec2(t, region, &s);
	const json_t *answers;
	AWS_TRY(aws_ask(t, "make subnet", &q, 1, &answers));
	*subnet = json_obj(json_object_get(json_array_get(answers, 0), "body"), "subnet");
	return PROVIDER_DONE;
}

/* Its own route table, or the VPC's main one, has a way out. */
static enum provider_step has_way_out(struct aws *t, const char *region, const char *vpc, const char *subnet, bool *out)
{
	*out = false;
	for (int main_one = 0; main_one < 2; main_one++) {
		struct str s = form_of("DescribeRouteTables");
		aws_filter(&s, 1, main_one ? "vpc-id" : "association.subnet-id", main_one ? vpc : subnet);
		if (main_one)
			aws_filter(&s, 2, "association.main", "true");
		struct aws_ask q = ec2(t, region, &s);
		const json_t *body;
		AWS_TRY(aws_ask_one(t, main_one ? "main routes" : "routes", &q, "looking at routes", &body));
		const json_t *table = json_array_get(json_arr(body, "routeTableSet"), 0);
		size_t i;
		json_t *r;
		json_array_foreach(json_arr(table, "routeSet"), i, r)
			*out = *out || str_starts(json_str(r, "gatewayId", ""), "igw-");
		if (table)
			break;
	}
	return PROVIDER_DONE;
}

static enum provider_step find_subnet(struct aws *t, const char *region, const char *zone, const char *vpc, bool named, size_t nodes, struct aws_net *out)
{
	struct str s = form_of("DescribeSubnets");
	aws_filter(&s, 1, "vpc-id", vpc);
	aws_filter(&s, 2, "state", "available");
	const json_t *own = aws_config_list(t, "subnet_names");
	if (own)
		add_names(&s, 3, "subnet-", "subnet-id", own);
	json_t *subnets, *zones = NULL;
	AWS_TRY(aws_pages(t, "subnets", region, aws_form_done(t, &s), "subnetSet", &subnets));
	if (!zone)
		AWS_TRY(offering(t, region, json_str(t->c->args, "instance_type", ""), &zones));
	json_t *one = zone ? json_pack("[s]", zone) : NULL;
	const json_t *subnet = best(subnets, zone ? one : zones, json_object_get(t->got, "tried"), nodes);
	json_decref(one);
	if (!subnet && zone && !named && !own)
		AWS_TRY(make_subnet(t, region, zone, &subnet));
	if (!subnet)
		return aws_failed(t, ERR_UNSUPPORTED, zone ? ERR_SCOPE_PLACE : ERR_SCOPE_REGION,
		    arena_printf(t->a, "%s of %s has no subnet with %zu free addresses%s%s", vpc, zone ? zone : region, nodes, zone ? "" : " where this type is offered",
			own ? " among aws.subnet_names" : ""));
	out->subnet = arena_strdup(t->a, json_str(subnet, "subnetId", ""));
	out->zone = arena_strdup(t->a, json_str(subnet, "availabilityZone", zone ? zone : ""));
	out->is_public = !named && !own;
	if (!out->is_public)
		AWS_TRY(has_way_out(t, region, vpc, out->subnet, &out->is_public));
	if (aws_config_bool(t, "use_internal_ips", false))
		out->is_public = false;
	return PROVIDER_DONE;
}

/* ---- security groups ----------------------------------------------------------------------------------------------------- */

static void add_tag(struct str *s, int n, const char *key, const char *value)
{
	char name[80];
	snprintf(name, sizeof name, "TagSpecification.1.Tag.%d.Key", n);
	sigv4_form(s, name, key);
	snprintf(name, sizeof name, "TagSpecification.1.Tag.%d.Value", n);
	sigv4_form(s, name, value);
}

static enum provider_step find_group(struct aws *t, const char *key, const char *region, const char *vpc, const char *name, const json_t **group)
{
	struct str s = form_of("DescribeSecurityGroups");
	aws_filter(&s, 1, "vpc-id", vpc);
	aws_filter(&s, 2, "group-name", name);
	struct aws_ask q = ec2(t, region, &s);
	const json_t *body;
	AWS_TRY(aws_ask_one(t, key, &q, arena_printf(t->a, "looking for the security group %s in %s", name, region), &body));
	*group = json_array_get(json_arr(body, "securityGroupInfo"), 0);
	return PROVIDER_DONE;
}

/* cluster: of one cluster's ports; NULL: of all. */
static enum provider_step make_group(struct aws *t, const char *key, const char *region, const char *vpc, const char *name, const char *cluster, const char **id)
{
	struct str s = form_of("CreateSecurityGroup");
	sigv4_form(&s, "GroupName", name);
	sigv4_form(&s, "GroupDescription", cluster ? "Ports of a cluster of skytop" : "SSH, and all between nodes, of skytop");
	sigv4_form(&s, "VpcId", vpc);
	sigv4_form(&s, "TagSpecification.1.ResourceType", "security-group");
	add_tag(&s, 1, "skytop-user", t->c->env->user ? t->c->env->user : "");
	add_tag(&s, 2, "Name", name);
	if (cluster)
		add_tag(&s, 3, "skytop-cluster", aws_tag_text(t->a, cluster));
	struct aws_ask q = ec2(t, region, &s);
	const json_t *answers, *group;
	AWS_TRY(aws_ask(t, arena_printf(t->a, "%s make", key), &q, 1, &answers));
	const json_t *answer = json_array_get(answers, 0);
	*id = json_str(json_object_get(answer, "body"), "groupId", NULL);
	if (*id)
		return PROVIDER_DONE;
	if (!aws_is(answer, "InvalidGroup.Duplicate"))
		return aws_refused(t, answer, arena_printf(t->a, "making the security group %s in %s", name, region));
	AWS_TRY(find_group(t, arena_printf(t->a, "%s again", key), region, vpc, name, &group)); /* another one was quicker */
	*id = json_str(group, "groupId", NULL);
	return *id ? PROVIDER_DONE : aws_failed(t, ERR_NETWORK, ERR_SCOPE_PLACE, arena_printf(t->a, "the security group %s is there and is not listed", name));
}

static void add_rule(struct str *s, int n, const char *protocol, int64_t from, int64_t to, const char *group)
{
	char key[80], v[24];
	snprintf(key, sizeof key, "IpPermissions.%d.IpProtocol", n);
	sigv4_form(s, key, protocol);
	for (int i = 0; i < 2 && !group; i++) {
		snprintf(key, sizeof key, "IpPermissions.%d.%s", n, i ? "ToPort" : "FromPort");
		snprintf(v, sizeof v, "%lld", (long long)(i ? to : from));
		sigv4_form(s, key, v);
	}
	snprintf(key, sizeof key, group ? "IpPermissions.%d.Groups.1.GroupId" : "IpPermissions.%d.IpRanges.1.CidrIp", n);
	sigv4_form(s, key, group ? group : "0.0.0.0/0");
}

static bool has_rule(const json_t *group, const char *protocol, int64_t from, int64_t to)
{
	size_t i;
	json_t *r;
	json_array_foreach(json_arr(group, "ipPermissions"), i, r) {
		int64_t a = -1, b = -1;
		num_int(json_str(r, "fromPort", ""), -1, 65535, &a);
		num_int(json_str(r, "toPort", ""), -1, 65535, &b);
		if (str_eq(json_str(r, "ipProtocol", ""), protocol) && (from < 0 || (a == from && b == to)))
			return true;
	}
	return false;
}

/* "8080" or "8000-8010". */
static bool port_range(const char *text, int64_t *from, int64_t *to)
{
	size_t n = strcspn(text, "-");
	char first[8];
	if (n >= sizeof first)
		return false;
	memcpy(first, text, n);
	first[n] = '\0';
	return num_int(first, 1, 65535, from) && num_int(text[n] ? text + n + 1 : first, *from, 65535, to);
}

/* The rules that the group lacks: SSH and each other, or the ports. NULL: it lacks none. */
static const char *missing_rules(struct aws *t, const json_t *group, const char *id, const json_t *ports)
{
	struct str s = form_of("AuthorizeSecurityGroupIngress");
	int n = 0;
	int64_t from, to;
	size_t i;
	json_t *p;
	sigv4_form(&s, "GroupId", id);
	if (!ports && !has_rule(group, "tcp", 22, 22))
		add_rule(&s, ++n, "tcp", 22, 22, NULL);
	if (!ports && !has_rule(group, "-1", -1, -1))
		add_rule(&s, ++n, "-1", 0, 0, id);
	json_array_foreach(ports, i, p)
		if (port_range(json_string_value(p) ? json_string_value(p) : "", &from, &to) && !has_rule(group, "tcp", from, to))
			add_rule(&s, ++n, "tcp", from, to, NULL);
	const char *form = aws_form_done(t, &s);
	return n ? form : NULL;
}

static enum provider_step use_group(struct aws *t, const char *key, const char *region, const char *vpc, const char *name, const char *cluster, const char **id)
{
	const json_t *group, *answers, *ports = cluster ? json_arr(t->c->args, "ports") : NULL;
	AWS_TRY(find_group(t, key, region, vpc, name, &group));
	*id = json_str(group, "groupId", NULL);
	if (*id && str_eq(name, aws_config(t, "security_group_name"))) /* the user's own: as it is */
		return PROVIDER_DONE;
	if (!*id)
		AWS_TRY(make_group(t, key, region, vpc, name, cluster, id));
	const char *form = missing_rules(t, group, *id, ports);
	if (!form)
		return PROVIDER_DONE;
	struct aws_ask q = {.service = "ec2", .region = region, .body = form};
	AWS_TRY(aws_ask(t, arena_printf(t->a, "%s rules", key), &q, 1, &answers));
	const json_t *answer = json_array_get(answers, 0);
	if (aws_ok(answer) || aws_is(answer, "InvalidPermission.Duplicate"))
		return PROVIDER_DONE;
	return aws_refused(t, answer, arena_printf(t->a, "opening ports in the security group %s in %s", name, region));
}

static const char *group_of_cluster(struct aws *t, const char *cluster)
{
	char hash[SHA256_HEX];
	if (crypto_sha256_hex(cluster, strlen(cluster), hash, t->err))
		return NULL;
	return arena_printf(t->a, "skytop-ports-%.16s", hash);
}

enum provider_step aws_net(struct aws *t, const char *region, const char *zone, size_t nodes, struct aws_net *out)
{
	const json_t *named = aws_config_list(t, "vpc_name");
	const char *own = aws_config(t, "security_group_name"), *vpc, *cluster = json_str(t->c->args, "cluster", "");
	*out = (struct aws_net){0};
	AWS_TRY(find_vpc(t, region, named, &vpc));
	AWS_TRY(find_subnet(t, region, zone, vpc, named != NULL, nodes, out));
	const char *shared = own ? own : arena_printf(t->a, "skytop-%s", t->c->env->user ? t->c->env->user : "all");
	AWS_TRY(use_group(t, "group", region, vpc, shared, NULL, &out->groups[0]));
	if (!json_array_size(json_arr(t->c->args, "ports")))
		return PROVIDER_DONE;
	const char *ports = group_of_cluster(t, cluster);
	return ports ? use_group(t, "ports group", region, vpc, ports, cluster, &out->groups[1]) : PROVIDER_FAILED;
}

/* ---- machines that are there ------------------------------------------------------------------------------------------------ */

/* The groups of a machine's first card and one more: the whole list is replaced. NULL: it is among them. */
static const char *join_form(struct aws *t, const json_t *instance, const char *group)
{
	json_t *ids = json_array(), *card = NULL, *v;
	size_t i;
	bool has = false;
	json_array_foreach(json_arr(instance, "networkInterfaceSet"), i, v)
		if (!card || str_eq(json_str(json_obj(v, "attachment"), "deviceIndex", ""), "0"))
			card = v;
	json_array_foreach(json_arr(card, "groupSet"), i, v) {
		has = has || str_eq(json_str(v, "groupId", ""), group);
		json_array_append(ids, json_object_get(v, "groupId"));
	}
	json_array_append_new(ids, json_string(group));
	struct str s = form_of("ModifyNetworkInterfaceAttribute");
	sigv4_form(&s, "NetworkInterfaceId", json_str(card, "networkInterfaceId", ""));
	aws_list(&s, "SecurityGroupId", ids);
	json_decref(ids);
	const char *form = aws_form_done(t, &s);
	return has ? NULL : form;
}

enum provider_step aws_net_open(struct aws *t, const char *region, const json_t *instances)
{
	const char *cluster = json_str(t->c->args, "cluster", ""), *name = group_of_cluster(t, cluster), *id;
	const char *vpc = json_str(json_array_get(instances, 0), "vpcId", "");
	size_t n = json_array_size(instances), k = 0, i;
	json_t *instance;
	if (!name)
		return PROVIDER_FAILED;
	AWS_TRY(use_group(t, "ports group", region, vpc, name, cluster, &id));
	struct aws_ask *q = arena_alloc(t->a, (n + 1) * sizeof *q);
	const json_t *answers;
	json_array_foreach(instances, i, instance) {
		const char *form = join_form(t, instance, id);
		if (form)
			q[k++] = (struct aws_ask){.service = "ec2", .region = region, .body = form};
	}
	if (k)
		AWS_TRY(aws_ask(t, "join ports", q, k, &answers));
	for (i = 0; i < k; i++)
		if (!aws_ok(json_array_get(answers, i)))
			return aws_refused(t, json_array_get(answers, i), arena_printf(t->a, "opening ports of machines in %s", region));
	return PROVIDER_DONE;
}

enum provider_step aws_net_reserved(struct aws *t, const char *region, const char *zone, size_t nodes, const char **id)
{
	const json_t *names = aws_config_list(t, "specific_reservations"), *body;
	*id = NULL;
	if (!names)
		return PROVIDER_DONE;
	struct str s = form_of("DescribeCapacityReservations");
	aws_filter(&s, 1, "instance-type", json_str(t->c->args, "instance_type", ""));
	aws_filter(&s, 2, "state", "active");
	struct aws_ask q = ec2(t, region, &s);
	AWS_TRY(aws_ask_one(t, "reservations", &q, arena_printf(t->a, "looking for capacity reservations in %s", region), &body));
	size_t i;
	json_t *r;
	json_array_foreach(json_arr(body, "capacityReservationSet"), i, r) {
		int64_t room = 0;
		num_int(json_str(r, "availableInstanceCount", ""), 0, 1 << 20, &room);
		if (!*id && json_has(names, json_str(r, "capacityReservationId", "")) && str_eq(json_str(r, "availabilityZone", ""), zone) && room >= (int64_t)nodes)
			*id = json_str(r, "capacityReservationId", NULL);
	}
	return PROVIDER_DONE;
}

/* ---- the end ---------------------------------------------------------------------------------------------------------------- */

/* No answer, or one that says to come again: nothing is known of what is there. */
static bool may_be_left(const json_t *answer)
{
	return !aws_ok(answer) && (aws_code(answer) == ERR_CONFLICT || err_info(aws_code(answer))->retry);
}

enum provider_step aws_net_clear(struct aws *t, const json_t *regions, const json_t *clusters, size_t *left)
{
	size_t n = json_array_size(regions), i, k = 0, g;
	struct aws_ask *q = arena_alloc(t->a, (n + 1) * sizeof *q);
	const json_t *answers;
	json_t *v;
	json_array_foreach(regions, i, v) {
		struct str s = form_of("DescribeSecurityGroups");
		aws_filter_list(&s, 1, "tag:skytop-cluster", clusters);
		q[k++] = ec2(t, json_string_value(v), &s);
	}
	AWS_TRY(aws_ask(t, "groups", q, k, &answers));
	size_t n_delete = 0;
	for (i = 0; i < k; i++)
		n_delete += json_array_size(json_arr(json_object_get(json_array_get(answers, i), "body"), "securityGroupInfo"));
	struct aws_ask *d = arena_alloc(t->a, (n_delete + 1) * sizeof *d);
	*left = n_delete = 0;
	for (i = 0; i < k; i++) {
		*left += may_be_left(json_array_get(answers, i));
		json_array_foreach(json_arr(json_object_get(json_array_get(answers, i), "body"), "securityGroupInfo"), g, v) {
			struct str s = form_of("DeleteSecurityGroup");
			sigv4_form(&s, "GroupId", json_str(v, "groupId", ""));
			d[n_delete++] = ec2(t, q[i].region, &s);
		}
	}
	if (!n_delete)
		return PROVIDER_DONE;
	AWS_TRY(aws_ask(t, "delete groups", d, n_delete, &answers));
	for (i = 0; i < n_delete; i++)
		*left += may_be_left(json_array_get(answers, i));
	return PROVIDER_DONE;
}
