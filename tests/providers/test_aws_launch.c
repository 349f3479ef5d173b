/* What a launch on AWS asks for, and what stands in its way before EC2 is asked for machines: networks, subnets, regions that are off, settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tests/providers/aws_side.h"

#define SUBNET(id, zone, room, more) \
	"<item><subnetId>" id "</subnetId><availabilityZone>" zone "</availabilityZone><availableIpAddressCount>" room \
	"</availableIpAddressCount><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch>" more "</item>"
#define SUBNETS(items) "<DescribeSubnetsResponse><subnetSet>" items "</subnetSet></DescribeSubnetsResponse>"
#define VPCS(items) "<DescribeVpcsResponse><vpcSet>" items "</vpcSet></DescribeVpcsResponse>"
#define REGION(name, state) "<item><regionName>" name "</regionName><optInStatus>" state "</optInStatus></item>"
#define MADE \
	"<RunInstancesResponse><instancesSet><item><instanceId>i-01</instanceId><amiLaunchIndex>0</amiLaunchIndex><instanceState><name>pending</name>" \
	"</instanceState><tagSet><item><key>skytop-cluster</key><value>c</value></item><item><key>skytop-token</key><value>t</value></item></tagSet>" \
	"</item></instancesSet></RunInstancesResponse>"
#define ROUTES(gateway) \
	"<DescribeRouteTablesResponse><routeTableSet><item><routeSet><item><gatewayId>" gateway \
	"</gatewayId></item></routeSet></item></routeTableSet></DescribeRouteTablesResponse>"
#define WHO "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"

/* An account in which all is well. */
static const struct answer good[] = {
    {"Action=DescribeRegions",
	"<DescribeRegionsResponse><regionInfo>" REGION("us-east-1", "opt-in-not-required") REGION("ap-east-1", "not-opted-in")
	    REGION("eu-south-1", "opted-in") "</regionInfo></DescribeRegionsResponse>",
	NULL, 200, 0},
    {"Action=DescribeInstances&", NO_INSTANCES, NULL, 200, 0},
    {"Action=DescribeInstanceTypes&",
	"<R><instanceTypeSet><item><instanceType>g6.xlarge</instanceType><gpuInfo><gpus><item><name>L4</name><count>1</count></item></gpus>"
	"</gpuInfo></item></instanceTypeSet></R>",
	NULL, 200, 0},
    {"Action=DescribeInstanceTypeOfferings",
	"<R><instanceTypeOfferingSet><item><location>us-east-1b</location></item><item><location>us-east-1c</location></item>"
	"</instanceTypeOfferingSet></R>",
	NULL, 200, 0},
    {"AmazonSSM.GetParameter", "{\"Parameter\":{\"Value\":\"ami-1\"}}", NULL, 200, 0},
    {"Action=DescribeImages",
	"<R><imagesSet><item><imageId>ami-1</imageId><name>ubuntu</name><rootDeviceName>/dev/sda1</rootDeviceName></item></imagesSet></R>", NULL, 200, 0},
    {"Action=DescribeVpcs", VPCS("<item><vpcId>vpc-1</vpcId></item>"), NULL, 200, 0},
    {"Action=DescribeSubnets",
	SUBNETS(SUBNET("subnet-a", "us-east-1a", "200", "") SUBNET("subnet-b", "us-east-1b", "100", "") SUBNET("subnet-c", "us-east-1c", "150", "")
		SUBNET("subnet-d", "us-east-1d", "0", "")),
	NULL, 200, 0},
    {"Action=DescribeSecurityGroups", "<R><securityGroupInfo/></R>", NULL, 200, 0},
    {"Action=CreateSecurityGroup", "<R><groupId>sg-new</groupId></R>", NULL, 200, 0},
    {"Action=AuthorizeSecurityGroupIngress", "<R><return>true</return></R>", NULL, 200, 0},
    {"Action=RunInstances", MADE, NULL, 200, 0},
};

static const char *const vars[] = {"AWS_ACCESS_KEY_ID", "AKIA", "AWS_SECRET_ACCESS_KEY", "s3cr3t", "AWS_REGION", "us-east-1", NULL};

struct way {
	const char *name, *config, *args; /* JSON with ' for "; args over those of every launch */
	struct answer other[3];		  /* before the good ones */
	const char *has, *lacks;	  /* of the last request; NULL */
	enum err_code code;		  /* ERR_NONE: it succeeds */
	enum err_scope scope;
	const char *says;
};

static json_t *args_of(const struct way *w)
{
	static const char base[] =
	    "{'cluster':'c','name':'n','nodes':[{'token':'t','rank':0}],'instance_type':'g6.xlarge','region':'us-east-1','zone':'us-east-1a',"
	    "'use_spot':false,'accelerator':'L4','disk_size_gib':100,'ssh_public_key':'ssh-ed25519 KEY me'}";
	const char *const texts[] = {base, w->args};
	json_t *out = json_object();
	for (size_t i = 0; i < 2 && texts[i]; i++) {
		char *text = xstrdup(texts[i]);
		for (char *p = text; (p = strchr(p, '\'')); p++)
			*p = '"';
		json_t *j = json_parse(text, strlen(text), NULL);
		assert_non_null(j);
		json_object_update(out, j);
		json_decref(j);
		free(text);
	}
	return out;
}

static void goes(const struct way *w)
{
	struct answer a[ARRAY_LEN(good) + 3];
	size_t n = 0;
	for (size_t i = 0; i < 3 && w->other[i].has; i++)
		a[n++] = w->other[i];
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		a[n++] = good[i];
	struct side s = {.vars = vars, .answers = a, .n = n, .config = w->config};
	struct err err;
	json_t *r = side_call(&s, PROVIDER_CREATE, args_of(w), &err);
	if ((w->code == ERR_NONE) != (r != NULL) || (!r && (err.code != w->code || err.scope != w->scope || !side_has_all(err.text, w->says))))
		fail_msg("%s: %s, reaching %d: %s", w->name, r ? "it succeeds" : err_info(err.code)->name, r ? 0 : (int)err.scope, r ? "" : err.text);
	if ((w->has && !side_has_all(s.last, w->has)) || (w->lacks && strstr(s.last, w->lacks)))
		fail_msg("%s: '%s' without '%s' is not in %s", w->name, w->has ? w->has : "", w->lacks ? w->lacks : "", s.last);
	side_end(&s, r);
}

#define NO_VPC \
	{ \
		"Action=DescribeVpcs", VPCS(""), NULL, 200, 0 \
	}
#define RESERVATION(id, zone, room) \
	"<item><capacityReservationId>" id "</capacityReservationId><availabilityZone>" zone "</availabilityZone><availableInstanceCount>" room \
	"</availableInstanceCount></item>"
#define RESERVATIONS \
	{ \
		"Action=DescribeCapacityReservations", \
		    "<R><capacityReservationSet>" RESERVATION("cr-full", "us-east-1a", "0") RESERVATION("cr-mine", "us-east-1a", "2") \
			RESERVATION("cr-b", "us-east-1b", "9") "</capacityReservationSet></R>", \
		    NULL, 200, 0 \
	}

static const struct way ways[] = {
    {"as it is", NULL, NULL, {{0}}, "Action=RunInstances|SubnetId=subnet-a|SecurityGroupId.1=sg-new|AssociatePublicIpAddress=true|UserData=", "KeyName",
	ERR_NONE, 0, NULL},
    {"the zone's subnet", NULL, "{'zone':'us-east-1b'}", {{0}}, "SubnetId=subnet-b", NULL, ERR_NONE, 0, NULL},
    {"no zone: of those that have the type the one with most room", NULL, "{'zone':''}", {{0}}, "SubnetId=subnet-c", NULL, ERR_NONE, 0, NULL},
    {"the next zone when it is full", NULL, "{'zone':''}", {{"Action=RunInstances|subnet-c", EC2_ERROR("InsufficientInstanceCapacity", "none"), NULL, 500, 0}},
	"SubnetId=subnet-b", NULL, ERR_NONE, 0, NULL},
    {"full everywhere", NULL, "{'zone':''}", {{"Action=RunInstances", EC2_ERROR("InsufficientInstanceCapacity", "none"), NULL, 500, 0}}, NULL, NULL,
	ERR_CAPACITY, ERR_SCOPE_REGION, "InsufficientInstanceCapacity"},
    {"a subnet that the zone lacks is made", NULL, "{'zone':'us-east-1e'}",
	{{"Action=CreateDefaultSubnet|us-east-1e",
	    "<R><subnet><subnetId>subnet-e</subnetId><availabilityZone>"
	    "us-east-1e</availabilityZone></subnet></R>",
	    NULL, 200, 0}},
	"SubnetId=subnet-e", NULL, ERR_NONE, 0, NULL},
    {"or cannot be", NULL, "{'zone':'us-east-1d'}",
	{{"Action=CreateDefaultSubnet", EC2_ERROR("DefaultSubnetAlreadyExistsInAvailabilityZone", "x"), NULL, 400, 0}}, NULL, NULL, ERR_UNSUPPORTED,
	ERR_SCOPE_PLACE, "vpc-1 of us-east-1d has no subnet with 1 free addresses"},
    {"a default VPC is made", NULL, NULL,
	{NO_VPC, {"Action=CreateDefaultVpc", "<R><vpc><vpcId>vpc-new</vpcId></vpc></R>", NULL, 200, 0},
	    {"Action=DescribeSubnets|vpc-new", SUBNETS(SUBNET("subnet-n", "us-east-1a", "9", "")), NULL, 200, 0}},
	"SubnetId=subnet-n", NULL, ERR_NONE, 0, NULL},
    {"or cannot be", NULL, NULL, {NO_VPC, {"Action=CreateDefaultVpc", EC2_ERROR("OperationNotPermitted", "not supported"), NULL, 400, 0}}, NULL, NULL,
	ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, "us-east-1 has no default VPC|OperationNotPermitted"},
    {"or may not be", NULL, NULL, {NO_VPC, {"Action=CreateDefaultVpc", EC2_ERROR("UnauthorizedOperation", "no"), NULL, 403, 0}}, NULL, NULL, ERR_CREDENTIALS,
	ERR_SCOPE_CLOUD, "no default VPC|UnauthorizedOperation|IAM"},
    {"a region that is off", NULL, "{'region':'ap-east-1','zone':'ap-east-1a'}", {{0}}, NULL, NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL,
	"ap-east-1 is not on for this account|console"},
    {"one that is off in spite of what the list says", NULL, "{'region':'eu-south-1','zone':'eu-south-1a'}",
	{{"Action=DescribeInstances|eu-south-1", EC2_ERROR("AuthFailure", "AWS was not able to validate the provided access credentials"), NULL, 401, 0},
	    {"Action=GetCallerIdentity", WHO, NULL, 200, 0}},
	NULL, NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, "eu-south-1|the region is not on|console"},
    {"keys that are no good anywhere", NULL, NULL,
	{{"Action=DescribeInstances", EC2_ERROR("AuthFailure", "x"), NULL, 401, 0},
	    {"Action=GetCallerIdentity", "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>m</Message></Error></ErrorResponse>", NULL, 403, 0}},
	NULL, NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "AuthFailure"},
    {"no region", NULL, "{'region':'us-nowhere-1','zone':''}", {{0}}, NULL, NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, "AWS has no region us-nowhere-1"},
    {"an image whose terms are not accepted", NULL, NULL,
	{{"Action=RunInstances",
	    EC2_ERROR("OptInRequired", "In order to use this AWS Marketplace product you need to accept terms and "
				       "subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=1"),
	    NULL, 401, 0}},
	NULL, NULL, ERR_INVALID, ERR_SCOPE_TASK, "OptInRequired|marketplace|accept the image's terms"},
    {"an account that may not", NULL, NULL, {{"Action=RunInstances", EC2_ERROR("OptInRequired", "You are not subscribed to this service"), NULL, 401, 0}}, NULL,
	NULL, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, "OptInRequired|AWS console"},
    {"asked for already in other words", NULL, NULL, {{"Action=RunInstances", EC2_ERROR("IdempotentParameterMismatch", "x"), NULL, 400, 0}}, NULL, NULL,
	ERR_CONFLICT, ERR_SCOPE_PLACE, "an earlier launch"},
    /* settings */
    {"a VPC of a name, with a way out", "{'vpc_name':'prod'}", NULL,
	{{"Action=DescribeVpcs|tag%3AName|Value.1=prod", VPCS("<item><vpcId>vpc-p</vpcId></item>"), NULL, 200, 0},
	    {"Action=DescribeRouteTables", ROUTES("igw-1"), NULL, 200, 0}},
	"AssociatePublicIpAddress=true", NULL, ERR_NONE, 0, NULL},
    {"without one", "{'vpc_name':'vpc-7, vpc-8'}", NULL,
	{{"Action=DescribeVpcs|vpc-id|Value.1=vpc-7|Value.2=vpc-8", VPCS("<item><vpcId>vpc-8</vpcId></item>"), NULL, 200, 0},
	    {"Action=DescribeRouteTables", ROUTES("local"), NULL, 200, 0}},
	"AssociatePublicIpAddress=false", NULL, ERR_NONE, 0, NULL},
    {"none of the name", "{'vpc_name':'prod'}", NULL, {NO_VPC}, NULL, NULL, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, "us-east-1 has no VPC prod|aws.vpc_name"},
    {"subnets by name", "{'subnet_names':'train'}", NULL,
	{{"Action=DescribeSubnets|tag%3AName|Value.1=train", SUBNETS(SUBNET("subnet-t", "us-east-1a", "9", "")), NULL, 200, 0},
	    {"Action=DescribeRouteTables|subnet-t", ROUTES("igw-1"), NULL, 200, 0}},
	"SubnetId=subnet-t|AssociatePublicIpAddress=true", NULL, ERR_NONE, 0, NULL},
    {"none of them in the zone", "{'subnet_names':'subnet-1,subnet-2'}", NULL,
	{{"Action=DescribeSubnets|subnet-id|Value.2=subnet-2", SUBNETS(""), NULL, 200, 0}}, NULL, NULL, ERR_UNSUPPORTED, ERR_SCOPE_PLACE,
	"us-east-1a has no subnet|aws.subnet_names"},
    {"a security group of the user's, as it is", "{'security_group_name':'mine'}", NULL,
	{{"Action=DescribeSecurityGroups|group-name|mine", "<R><securityGroupInfo><item><groupId>sg-mine</groupId></item></securityGroupInfo></R>", NULL, 200,
	     0},
	    {"Action=AuthorizeSecurityGroupIngress", "none was to be asked for", NULL, 500, 0}},
	"SecurityGroupId.1=sg-mine", NULL, ERR_NONE, 0, NULL},
    {"no addresses on the internet", "{'use_internal_ips':true}", NULL, {{0}}, "AssociatePublicIpAddress=false", NULL, ERR_NONE, 0, NULL},
    {"encrypted disks", "{'disk_encrypted':true}", NULL, {{0}}, "BlockDeviceMapping.1.Ebs.Encrypted=true", NULL, ERR_NONE, 0, NULL},
    {"not unless asked for", NULL, NULL, {{0}}, NULL, "Encrypted", ERR_NONE, 0, NULL},
    {"a role by name", "{'instance_profile':'worker'}", NULL, {{0}}, "IamInstanceProfile.Name=worker", NULL, ERR_NONE, 0, NULL},
    {"or by its ARN", "{'instance_profile':'arn:aws:iam::1:instance-profile/w'}", NULL, {{0}}, "IamInstanceProfile.Arn=arn%3Aaws", NULL, ERR_NONE, 0, NULL},
    {"a reservation with room in the zone", "{'specific_reservations':'cr-full,cr-mine,cr-b'}", NULL, {RESERVATIONS},
	"CapacityReservationTarget.CapacityReservationId=cr-mine", NULL, ERR_NONE, 0, NULL},
    {"none that is named", "{'specific_reservations':'cr-full'}", NULL, {RESERVATIONS}, NULL, "CapacityReservation", ERR_NONE, 0, NULL},
    {"spot has none", "{'specific_reservations':'cr-mine'}", "{'use_spot':true}", {{0}}, "MarketType=spot", "CapacityReservation", ERR_NONE, 0, NULL},
    {"ports are the cluster's own group", NULL, "{'ports':['8080','9000-9010']}", {{0}}, "SecurityGroupId.2=sg-new", NULL, ERR_NONE, 0, NULL},
    {"ports of a cluster that is not there", NULL, "{'ports':['8080'],'open_ports':true}", {{0}}, NULL, NULL, ERR_NOT_FOUND, ERR_SCOPE_PLACE, "opening ports"},
};

static void launches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		goes(&ways[i]);
}

/* Ports of machines that are there: rules that are missing, and the group for machines that are not in it; nothing is made. */
static void ports_later(void **state)
{
	(void)state;
#define THERE(id, groups) \
	"<item><instanceId>" id "</instanceId><instanceState><name>running</name></instanceState><vpcId>vpc-1</vpcId><networkInterfaceSet><item>" \
	"<networkInterfaceId>eni-" id "</networkInterfaceId><groupSet>" groups \
	"</groupSet></item></networkInterfaceSet><tagSet><item><key>skytop-cluster</key>" \
	"<value>c</value></item></tagSet></item>"
#define GROUP(id) "<item><groupId>" id "</groupId></item>"
	struct answer a[] = {good[0],
	    {"Action=DescribeInstances&",
		"<R><reservationSet><item><instancesSet>" THERE("i-01", GROUP("sg-0") GROUP("sg-p"))
		    THERE("i-02", GROUP("sg-0")) "</instancesSet></item></reservationSet></R>",
		NULL, 200, 0},
	    {"Action=DescribeSecurityGroups|skytop-ports-",
		"<R><securityGroupInfo><item><groupId>sg-p</groupId><ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>8080</fromPort>"
		"<toPort>8080</toPort></item></ipPermissions></item></securityGroupInfo></R>",
		NULL, 200, 0},
	    {"Action=AuthorizeSecurityGroupIngress|GroupId=sg-p|IpPermissions.1.FromPort=9000|IpPermissions.1.ToPort=9010", "<R><return>true</return></R>",
		NULL, 200, 1},
	    {"Action=ModifyNetworkInterfaceAttribute|eni-i-02|SecurityGroupId.1=sg-0|SecurityGroupId.2=sg-p", "<R><return>true</return></R>", NULL, 200, 1}};
	struct side s = {.vars = vars, .answers = a, .n = ARRAY_LEN(a)};
	struct err err;
	struct way w = {.args = "{'ports':['8080','9000-9010'],'open_ports':true}"};
	json_t *r = side_call(&s, PROVIDER_CREATE, args_of(&w), &err);
	if (!r)
		fail_msg("%s", err.text);
	assert_int_equal(s.http, 5);
	side_end(&s, r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(launches), cmocka_unit_test(ports_later)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
