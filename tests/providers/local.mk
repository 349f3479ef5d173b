if HAVE_CMOCKA
PROVIDER_RIG = tests/providers/rig.c tests/providers/rig.h tests/providers/rig_http.c tests/providers/rig_http.h tests/providers/conformance.c tests/providers/conformance.h

check_PROGRAMS += tests/providers/test_cloudside tests/providers/test_local tests/providers/test_sim tests/providers/test_ssh_pool
TESTS += tests/providers/test_cloudside tests/providers/test_local tests/providers/test_sim
tests_providers_test_cloudside_SOURCES = tests/providers/test_cloudside.c
tests_providers_test_cloudside_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_cloudside_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_providers_test_local_SOURCES = tests/providers/test_local.c $(PROVIDER_RIG)
tests_providers_test_local_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_local_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_providers_test_sim_SOURCES = tests/providers/test_sim.c $(PROVIDER_RIG)
tests_providers_test_sim_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_sim_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_providers_test_ssh_pool_SOURCES = tests/providers/test_ssh_pool.c $(PROVIDER_RIG)
tests_providers_test_ssh_pool_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_ssh_pool_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/providers/test_jwt
TESTS += tests/providers/test_jwt
tests_providers_test_jwt_SOURCES = tests/providers/test_jwt.c tests/providers/rfc7515.h
tests_providers_test_jwt_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_jwt_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/providers/test_objects_parts
TESTS += tests/providers/test_objects_parts
tests_providers_test_objects_parts_SOURCES = tests/providers/test_objects_parts.c
tests_providers_test_objects_parts_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_objects_parts_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/providers/test_aws_wire
TESTS += tests/providers/test_aws_wire
tests_providers_test_aws_wire_SOURCES = tests/providers/test_aws_wire.c
tests_providers_test_aws_wire_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_aws_wire_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/providers/test_gcp tests/providers/test_gcp_parts
TESTS += tests/providers/test_gcp tests/providers/test_gcp_parts
tests_providers_test_gcp_parts_SOURCES = tests/providers/test_gcp_parts.c $(PROVIDER_RIG)
tests_providers_test_gcp_parts_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_gcp_parts_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_providers_test_gcp_SOURCES = tests/providers/test_gcp.c tests/providers/stand_in.c tests/providers/stand_in.h $(PROVIDER_RIG)
tests_providers_test_gcp_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_gcp_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)

AWS_SIDE = tests/providers/aws_side.c tests/providers/aws_side.h
check_PROGRAMS += tests/providers/test_aws_unit tests/providers/test_aws_login tests/providers/test_aws_launch
TESTS += tests/providers/test_aws_unit tests/providers/test_aws_login tests/providers/test_aws_launch
tests_providers_test_aws_launch_SOURCES = tests/providers/test_aws_launch.c $(AWS_SIDE)
tests_providers_test_aws_launch_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_aws_launch_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_providers_test_aws_unit_SOURCES = tests/providers/test_aws_unit.c $(AWS_SIDE)
tests_providers_test_aws_unit_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_aws_unit_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_providers_test_aws_login_SOURCES = tests/providers/test_aws_login.c $(AWS_SIDE)
tests_providers_test_aws_login_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_aws_login_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/providers/test_azure tests/providers/test_azure_parts
TESTS += tests/providers/test_azure tests/providers/test_azure_parts
tests_providers_test_azure_parts_SOURCES = tests/providers/test_azure_parts.c $(PROVIDER_RIG)
tests_providers_test_azure_parts_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_azure_parts_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_providers_test_azure_SOURCES = tests/providers/test_azure.c tests/providers/rfc7515.h tests/providers/stand_in.c tests/providers/stand_in.h $(PROVIDER_RIG)
tests_providers_test_azure_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_azure_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/providers/test_aws_cloud
tests_providers_test_aws_cloud_SOURCES = tests/providers/test_aws_cloud.c $(PROVIDER_RIG)
tests_providers_test_aws_cloud_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_aws_cloud_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/providers/test_aws_torture
tests_providers_test_aws_torture_SOURCES = tests/providers/test_aws_torture.c $(PROVIDER_RIG)
tests_providers_test_aws_torture_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_aws_torture_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
endif
TESTS += tests/providers/test_aws_prices.py
EXTRA_DIST += tests/providers/test_aws.py tests/providers/test_aws_prices.py tests/providers/aws_cloud.py tests/providers/s3_store.py \
	tests/providers/blob_store.py tests/providers/gcs_store.py
EXTRA_DIST += tests/providers/test_azure_life.py tests/providers/test_gcp_life.py tests/providers/cloud_life.py \
	tests/providers/fake_azure.py tests/providers/fake_gcp.py tests/providers/fake_http.py tests/providers/openapi.py
TESTS += tests/providers/test_gpu_share.sh tests/providers/test_ssh_pool_life.py tests/providers/test_late.py
EXTRA_DIST += tests/providers/test_gpu_share.sh tests/providers/test_ssh_pool_life.py tests/providers/test_late.py tests/providers/test_torture.py
