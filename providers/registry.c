/* Every provider there is, in the order in which people see them. A new one is its own files and one line here. */
#include "core/provider.h"

extern const struct provider provider_local, provider_ssh, provider_aws, provider_gcp, provider_azure, provider_sim;

const struct provider *const providers[] = {
    &provider_local,
    &provider_ssh,
    &provider_aws,
    &provider_gcp,
    &provider_azure,
    &provider_sim,
    NULL,
};
