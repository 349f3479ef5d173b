/* Migrations of state.db: state_migrations[v] leads from version v to v + 1. NULL-terminated. */
#ifndef CORE_STORE_STATE_SCHEMA_H
#define CORE_STORE_STATE_SCHEMA_H

extern const char *const state_migrations[];

#endif
